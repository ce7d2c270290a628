// The simulation is able to fail: defects are planted into a copy of the shipping code, and each is caught by a program
// that the shipping code passes.
import { afterAll, describe, expect, it } from "vitest";
import { doesMost } from "../../contract/current-runtime.ts";
import { simulate } from "../simulation.ts";
import { shippingSystem } from "../system.ts";
import { PLANTED_DEFECTS } from "./all-defects.ts";
import { PlantedProber } from "./prober.ts";

// The copies are loaded as they are, and once is enough: what runs is the same everywhere.
const plants = doesMost;
// Many times what the slowest takes.
const HANGS_AFTER_MS = 20_000;

describe.runIf(plants)("a planted defect is caught:", () => {
  const prober = new PlantedProber(HANGS_AFTER_MS);
  afterAll(() => prober.end());

  it.each(PLANTED_DEFECTS.map(({ name }) => name))("%s", async (name) => {
    expect(await prober.probe(name)).toEqual({ broken: expect.arrayContaining([expect.any(String)]), isPromise: true });
  });
});

describe("the shipping code passes what catches a planted defect:", () => {
  it.each(PLANTED_DEFECTS.map(({ name, caughtBy }) => [name, caughtBy] as const))("%s", async (_, caughtBy) => {
    await simulate(shippingSystem, caughtBy);
  });
});
