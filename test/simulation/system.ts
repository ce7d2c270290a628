// What is simulated: the package on a disk in memory, as users get it. Planted defects sit in copies of it.
import * as shipping from "../../adapters/entry-memory.ts";

export type System = typeof shipping;

export const shippingSystem: System = shipping;
