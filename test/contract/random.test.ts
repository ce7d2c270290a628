// The random bytes: this runtime's and those in memory.

import { expect, it } from "vitest";
import { memoryRuntime } from "../../adapters/memory.ts";
import { currentRuntime, runtimeName } from "./current-runtime.ts";
import { randomContract } from "./random-contract.ts";

randomContract(runtimeName, currentRuntime().random);
randomContract("memory", memoryRuntime({ seed: 1 }).runtime.random);

it("random bytes of memory follow from the seed", () => {
  expect(bytesFrom(7)).toEqual(bytesFrom(7));
  expect(bytesFrom(7)).not.toEqual(bytesFrom(8));
});

function bytesFrom(seed: number): Uint8Array {
  const bytes = new Uint8Array(32);
  memoryRuntime({ seed }).runtime.random(bytes);
  return bytes;
}
