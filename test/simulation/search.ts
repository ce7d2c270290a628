// Looks for a program that breaks a promise, and makes it small.
import fc from "fast-check";
import { programArbitrary } from "./program-arbitrary.ts";
import { simplify } from "./simplify.ts";
import { simulate } from "./simulation.ts";
import type { Program } from "./step.ts";
import type { System } from "./system.ts";

/** How many steps a program has at most. */
const MOST_STEPS = 60;

export interface Search {
  readonly seed: number;
  readonly programs: number;
  /** How long a program that was found may be made smaller; 0: not at all. */
  readonly shrinkMs?: number;
  /** Told after each program that keeps its promises. */
  readonly onCourse?: (cycles: number) => void;
}

export interface Found {
  readonly program: Program;
  /** What finds it again as it was before it was made smaller: `npm run simulate -- --replay SEED:INDEX`. */
  readonly replay: string;
  readonly error: unknown;
}

/** The first of the programs that follow from a seed which breaks a promise, made small; `null` when all keep them. */
export async function search(
  system: System,
  { seed, programs, shrinkMs = 0, onCourse }: Search,
): Promise<Found | null> {
  const property = fc.asyncProperty(programArbitrary(MOST_STEPS), async (program) => {
    const { cycles } = await simulate(system, program);
    onCourse?.(cycles);
  });
  const result = await fc.check(property, { seed, numRuns: programs, endOnFailure: true });
  if (result.counterexample === null) return null;
  const [found] = result.counterexample;
  let error: unknown = result.errorInstance;
  const breaks = async (program: Program): Promise<boolean> => {
    try {
      await simulate(system, program);
      return false;
    } catch (thrown) {
      error = thrown;
      return true;
    }
  };
  const program = shrinkMs === 0 ? found : await simplify(found, breaks, shrinkMs);
  return { program, replay: `${seed}:${result.counterexamplePath}`, error };
}

/** The program that a search found first. */
export function programAt(replay: string): Program {
  const [seed, ...path] = replay.split(":");
  const [program] = fc.sample(programArbitrary(MOST_STEPS), {
    seed: Number(seed),
    path: path.join(":"),
    numRuns: 1,
  });
  return program as Program;
}

/** All that one needs to know of a program that was found. `how`: what else the command needs that replays it. */
export function describeFound({ program, replay, error }: Found, how = ""): string {
  const causes: string[] = [];
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
    causes.push(cause.stack ?? cause.message);
  return `${causes.join("\nbecause of ")}

${JSON.stringify(program)}

Replay it with: npm run simulate -- --replay ${replay}${how}`;
}
