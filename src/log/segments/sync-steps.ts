// Work whose steps must reach the disk one after the other. It is written once, as a generator that yields what has to be
// synced before it goes on; whoever runs it decides whether the calling thread stands still meanwhile.
import type { Syncable } from "../../runtime.ts";

export type SyncSteps<T = void> = Generator<Syncable, T, void>;

/** Runs the steps while the caller stands still. */
export function runNow<T>(steps: SyncSteps<T>): T {
  let step = steps.next();
  while (step.done !== true) {
    try {
      step.value.syncNow();
    } catch (error) {
      step = steps.throw(error);
      continue;
    }
    step = steps.next();
  }
  return step.value;
}

/** Runs the steps; syncs run away from the calling thread. */
export async function runBeside<T>(steps: SyncSteps<T>): Promise<T> {
  let step = steps.next();
  while (step.done !== true) {
    try {
      await step.value.sync();
    } catch (error) {
      step = steps.throw(error);
      continue;
    }
    step = steps.next();
  }
  return step.value;
}
