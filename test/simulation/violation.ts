/** A promise was broken: what the simulation is there to find. */
export class Violation extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "Violation";
  }
}
