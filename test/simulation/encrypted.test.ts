// Simulated programs with encryption on: what holds for plain logs holds for encrypted ones, and no key and nonce ever
// encrypt two different things, over crashes, failed writes, reopenings, killed processes and copies of the disk.
import { describe, expect, it } from "vitest";
import { doesMost } from "../contract/current-runtime.ts";
import { encryptedSystem } from "./encrypted-system.ts";
import { NonceRegister } from "./nonce-register.ts";
import { describeFound, search } from "./search.ts";
import { shippingSystem } from "./system.ts";

const PROGRAMS = doesMost ? 60 : 20;

describe("encrypted logs", () => {
  it("keep their promises in random programs, and never use a key and nonce twice", async () => {
    const register = new NonceRegister();
    let cycles = 0;
    const found = await search(encryptedSystem(shippingSystem, register), {
      seed: 5,
      programs: PROGRAMS,
      onCourse: (count) => {
        cycles += count;
      },
    });
    expect(found === null ? null : describeFound(found, " --encrypted")).toBeNull();
    expect(register.violation).toBeNull();
    expect(register.seals).toBeGreaterThan(PROGRAMS * 10);
    expect(cycles).toBeGreaterThan(PROGRAMS);
  });
});
