// The simulation is able to fail: each of these defects, planted into a copy of the shipping code, is caught.
import { afterAll, describe, expect, it } from "vitest";
import { CASE_STRIDE } from "../contract/current-runtime.ts";
import { plant, removePlanted } from "./planted-copy.ts";
import { PLANTED_DEFECTS } from "./planted-defects.ts";
import { programAt, search } from "./search.ts";
import { simulate } from "./simulation.ts";
import type { Program } from "./step.ts";
import { type System, shippingSystem } from "./system.ts";

// Programs follow from their seed for as long as nobody changes how they are made. Then others are tried, which takes
// longer, until `npm run simulate -- --planted ""` has told the new ones.
const PROGRAMS_AT_ONCE = 200;
const MOST_SEEDS = 20;

// What is planted is the same everywhere, and so is what programs do: one runtime tries all, the others some.
const defects = PLANTED_DEFECTS.filter((_, index) => index % CASE_STRIDE === 0);

afterAll(removePlanted);

async function failureOf(system: System, program: Program): Promise<unknown> {
  try {
    await simulate(system, program);
    return null;
  } catch (error) {
    return error;
  }
}

async function searchFor(system: System): Promise<{ replay: string; error: unknown } | null> {
  for (let seed = 1; seed <= MOST_SEEDS; seed++) {
    const found = await search(system, { seed, programs: PROGRAMS_AT_ONCE });
    if (found !== null) return found;
  }
  return null;
}

describe("a planted defect is caught:", () => {
  it("there are enough of them", () => {
    expect(PLANTED_DEFECTS.length).toBeGreaterThanOrEqual(12);
  });

  it.each(defects)("$name", { timeout: 300_000 }, async (defect) => {
    const system = await plant(defect);
    const program = programAt(defect.caughtBy);
    const caught = await failureOf(system, program);
    const error: unknown = caught ?? (await searchFor(system))?.error ?? null;
    expect(error, "no program breaks a promise").toBeInstanceOf(Error);
    // It must be the promise that breaks, not the copy.
    for (let cause = error; cause instanceof Error; cause = cause.cause) {
      expect(cause).not.toBeInstanceOf(ReferenceError);
      expect(cause).not.toBeInstanceOf(SyntaxError);
      expect(cause).not.toBeInstanceOf(TypeError);
    }
    // And it must be the defect that breaks it.
    if (caught !== null) expect(await failureOf(shippingSystem, program)).toBeNull();
  });
});
