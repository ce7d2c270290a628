// The simulation is able to fail: defects are planted into a copy of the shipping code, and known programs catch them.
import { afterAll, describe, expect, it } from "vitest";
import { loadsTypeScript, runtimeName } from "../contract/current-runtime.ts";
import { plant, removePlanted } from "./planted-copy.ts";
import { PLANTED_DEFECTS } from "./planted-defects.ts";
import { programAt } from "./search.ts";
import { simulate } from "./simulation.ts";
import type { Program } from "./step.ts";
import { type System, shippingSystem } from "./system.ts";

// A defect may make a program wait for ever, and then only another process can end it. So the suite tries those that
// are caught at once; `npm run simulate -- --planted ""` tries all of them.
const defects = runtimeName === "node" && loadsTypeScript ? PLANTED_DEFECTS.slice(0, 2) : [];

afterAll(removePlanted);

async function failureOf(system: System, program: Program): Promise<unknown> {
  try {
    await simulate(system, program);
    return null;
  } catch (error) {
    return error;
  }
}

describe("a planted defect is caught:", () => {
  it("there are enough of them", () => {
    expect(PLANTED_DEFECTS.length).toBeGreaterThanOrEqual(12);
  });

  it.each(defects)("$name", { timeout: 300_000 }, async (defect) => {
    const system = await plant(defect);
    const program = programAt(defect.caughtBy);
    const caught = await failureOf(system, program);
    // Programs follow from their seed for as long as nobody changes how they are made; then
    // `npm run simulate -- --planted ""` tells the new ones.
    expect(caught, "the program that caught it does not any more").toBeInstanceOf(Error);
    // It must be the promise that breaks, not the copy.
    for (let cause = caught; cause instanceof Error; cause = cause.cause) {
      expect(cause).not.toBeInstanceOf(ReferenceError);
      expect(cause).not.toBeInstanceOf(SyntaxError);
      expect(cause).not.toBeInstanceOf(TypeError);
    }
    // And it must be the defect that breaks it.
    expect(await failureOf(shippingSystem, program)).toBeNull();
  });
});
