// The AEAD of this runtime, and the one that needs none; passphrases likewise.

import { describe, expect, it } from "vitest";
import { memoryRuntime } from "../../adapters/memory.ts";
import { toHex } from "../../src/format/hex.ts";
import type { Aead, Passphrases } from "../../src/runtime.ts";
import { aeadContract } from "./aead-contract.ts";
import { currentRuntime, runtimeName } from "./current-runtime.ts";

const native = currentRuntime().aead as Aead;
const portable = memoryRuntime({ seed: 1 }).runtime.aead as Aead;
aeadContract(runtimeName, native, portable);
aeadContract("memory", portable, native);

it("this runtime encrypts by itself, the one in memory by a package", () => {
  expect(native).not.toBeNull();
  expect(portable).not.toBeNull();
  expect(native).not.toBe(portable);
});

describe("passphrases", () => {
  const { stretch } = currentRuntime().passphrases as Passphrases;

  // Made with the reference implementation (argon2 of the Password Hashing Competition, 20190702).
  it.each([
    [65_536, 2, 1, "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"],
    [256, 2, 1, "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"],
    [256, 2, 2, "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"],
    [65_536, 1, 1, "f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98"],
  ])("with %i KiB, %i passes and %i lanes are what Argon2id says", async (memoryKib, passes, lanes, expected) => {
    const text = new TextEncoder();
    const key = await stretch(text.encode("password"), text.encode("somesalt"), { memoryKib, passes, lanes });
    expect(toHex(key)).toBe(expected);
  });
});
