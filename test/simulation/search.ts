// Looks for a program that breaks a promise, and makes it small.
import fc from "fast-check";
import { programArbitrary } from "./program-arbitrary.ts";
import { simulate } from "./simulation.ts";
import type { Program } from "./step.ts";
import type { System } from "./system.ts";

/** How many steps a program has at most. */
const MOST_STEPS = 60;

export interface Search {
  readonly seed: number;
  readonly programs: number;
  /** How long a program that was found may be shrunk; 0: not at all. */
  readonly shrinkMs?: number;
  /** Told after each program that keeps its promises. */
  readonly onCourse?: (cycles: number) => void;
}

export interface Found {
  readonly program: Program;
  /** What finds this very program again: `npm run simulate -- --replay SEED:PATH`. */
  readonly replay: string;
  readonly error: unknown;
}

/** The first of the programs that follow from a seed which breaks a promise, shrunk; `null` when all keep them. */
export async function search(
  system: System,
  { seed, programs, shrinkMs = 0, onCourse }: Search,
): Promise<Found | null> {
  let shrinkUntil = Number.POSITIVE_INFINITY;
  const property = fc.asyncProperty(programArbitrary(MOST_STEPS), async (program) => {
    // What was not tried for want of time counts as good: the shrinking then ends with what it has.
    if (performance.now() > shrinkUntil) return;
    try {
      const { cycles } = await simulate(system, program);
      onCourse?.(cycles);
    } catch (error) {
      shrinkUntil = Math.min(shrinkUntil, performance.now() + shrinkMs);
      throw error;
    }
  });
  const result = await fc.check(property, { seed, numRuns: programs, endOnFailure: shrinkMs === 0 });
  if (result.counterexample === null) return null;
  const [program] = result.counterexample;
  return { program, replay: `${seed}:${result.counterexamplePath}`, error: result.errorInstance };
}

/** The program that a search found. */
export function programAt(replay: string): Program {
  const [seed, ...path] = replay.split(":");
  const [program] = fc.sample(programArbitrary(MOST_STEPS), {
    seed: Number(seed),
    path: path.join(":"),
    numRuns: 1,
  });
  return program as Program;
}

/** All that one needs to know of a program that was found. */
export function describeFound({ program, replay, error }: Found): string {
  const causes: string[] = [];
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
    causes.push(cause.stack ?? cause.message);
  return `${causes.join("\nbecause of ")}

${JSON.stringify(program)}

Replay it with: npm run simulate -- --replay ${replay}`;
}
