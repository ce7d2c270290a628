// The native hashing of this runtime.

import { expect, it } from "vitest";
import { memoryRuntime } from "../../adapters/memory.ts";
import { currentRuntime, runtimeName } from "./current-runtime.ts";
import { hashingContract } from "./hashing-contract.ts";

const hashing = currentRuntime().nativeHashing;
if (hashing !== null) hashingContract(runtimeName, hashing);

it("this runtime hashes natively", () => {
  expect(hashing).not.toBeNull();
});

it("the runtime in memory has no native hashing, so that all is hashed by the core", () => {
  expect(memoryRuntime({ seed: 1 }).runtime.nativeHashing).toBeNull();
});
