// A defect that the simulation must find: a change to one place of the shipping code.
import type { Program } from "../step.ts";

export interface PlantedDefect {
  readonly name: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** Breaks a promise when the defect is there, and keeps all of them otherwise. */
  readonly caughtBy: Program;
}
