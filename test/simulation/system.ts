// What is simulated: the package on a disk in memory, as users get it. Planted defects sit in copies of it.
import * as shipping from "../../adapters/entry-memory.ts";
import type { Log } from "../../src/index.ts";
import type { Runtime } from "../../src/runtime.ts";
import type { Survival } from "./step.ts";

export type System = typeof shipping & {
  /**
   * Where logs are encrypted: replaces their keys, and then sees that these are the ones in force on the disk, whatever
   * happens. `durable` makes a machine on which nothing is but what has been synced.
   */
  readonly rotateKeys?: (log: Log, to: number, durable: () => Runtime) => Promise<void>;
};

export const shippingSystem: System = shipping;

/** What a disk keeps of what was not synced. */
export function choiceOf({ keepAll, loseAll, seededChoose }: System, survival: Survival): shipping.Choose {
  return survival === "nothing" ? loseAll : survival === "all" ? keepAll : seededChoose(survival);
}
