// A process of its own for code that has a defect: it may wait for ever, and then it is ended from outside. It is sent
// names of defects, and tells of each what became of the program that is to catch it.
import { simulate } from "../simulation.ts";
import type { System } from "../system.ts";
import { Violation } from "../violation.ts";
import { defectNamed } from "./all-defects.ts";
import { plant } from "./copy.ts";

/** What became of a program under a defect. */
export interface Told {
  /** What was thrown, and because of what; nothing: all promises were kept. */
  readonly broken: readonly string[];
  /** Whether it was a promise that broke: whatever else is thrown shows that the copy does not run. */
  readonly isPromise: boolean;
}

process.on("message", (name: string) => {
  void run(name).then(async (told) => {
    // What spins behind a program that has ended keeps this from being told: the next defect is not to blame.
    await new Promise((resolve) => setImmediate(resolve));
    process.send?.(told);
  });
});

async function run(name: string): Promise<Told> {
  const defect = defectNamed(name);
  let system: System;
  try {
    system = await plant(defect);
  } catch (error) {
    return { broken: [String(error)], isPromise: false };
  }
  try {
    await simulate(system, defect.caughtBy);
    return { broken: [], isPromise: false };
  } catch (error) {
    const causes = [...causesOf(error)];
    return { broken: causes.map(String), isPromise: causes.every((one) => isBroken(one, system)) };
  }
}

function* causesOf(error: unknown): Generator<unknown> {
  for (let cause = error; cause !== undefined; cause = cause instanceof Error ? cause.cause : undefined) yield cause;
}

// What the shipping code throws on purpose breaks a promise where nothing was wrong with the disk. It says so because of
// a SyntaxError when what it reads is no JSON.
function isBroken(error: unknown, { DiatremeError }: System): boolean {
  if (error instanceof DiatremeError) return error.code !== "INTERNAL";
  return error instanceof Violation || error instanceof SyntaxError;
}
