// A record that says what was taken away. Its payload tells how the stream stood before it, so it is made when its turn comes.

/** How a stream stands before a record. */
export interface StandBefore {
  /** Offset that the record will have. */
  readonly nextOffset: number;
  /** Hash of the record before it, 64 hexadecimal digits. */
  readonly head: string;
}

/** Appended like an event, as a record of kind tombstone, never encrypted. */
export class Tombstone {
  readonly #payload: (before: StandBefore) => string;

  constructor(payload: (before: StandBefore) => string) {
    this.#payload = payload;
  }

  /** Whether it is one; unlike `instanceof`, without asking a caller's proxy. */
  static is(value: unknown): value is Tombstone {
    return typeof value === "object" && value !== null && #payload in value;
  }

  payloadAfter(before: StandBefore): string {
    return this.#payload(before);
  }
}
