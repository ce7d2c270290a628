// The signatures of this runtime, and those that need none.

import { expect, it } from "vitest";
import { memoryRuntime } from "../../adapters/memory.ts";
import { currentRuntime, runtimeName } from "./current-runtime.ts";
import { signaturesContract } from "./signatures-contract.ts";

const native = currentRuntime().signatures;
const portable = memoryRuntime({ seed: 1 }).runtime.signatures;
if (native !== null) signaturesContract(runtimeName, native);
if (portable !== null) signaturesContract("memory", portable);

it("this runtime signs by itself, the one in memory by a package", () => {
  expect(native).not.toBeNull();
  expect(portable).not.toBeNull();
  expect(native).not.toBe(portable);
});
