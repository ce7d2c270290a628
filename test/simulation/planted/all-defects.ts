// All planted defects, in the order in which a record goes through the code.
import { DEFECTS_IN_ACKNOWLEDGING } from "./acknowledging.ts";
import type { PlantedDefect } from "./defect.ts";
import { DEFECTS_IN_LOOKING } from "./looking.ts";
import { DEFECTS_IN_RECOVERING } from "./recovering.ts";
import { DEFECTS_IN_REMEMBERING } from "./remembering.ts";
import { DEFECTS_IN_ROTATING } from "./rotating.ts";
import { DEFECTS_IN_WRITING } from "./writing.ts";

export const PLANTED_DEFECTS: readonly PlantedDefect[] = [
  ...DEFECTS_IN_WRITING,
  ...DEFECTS_IN_ACKNOWLEDGING,
  ...DEFECTS_IN_ROTATING,
  ...DEFECTS_IN_REMEMBERING,
  ...DEFECTS_IN_RECOVERING,
  ...DEFECTS_IN_LOOKING,
];

/** @throws when there is none */
export function defectNamed(name: string): PlantedDefect {
  const defect = PLANTED_DEFECTS.find((one) => one.name === name);
  if (defect === undefined) throw new Error(`there is no planted defect "${name}"`);
  return defect;
}
