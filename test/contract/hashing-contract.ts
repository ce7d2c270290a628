// What every native hashing promises.

import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { NativeHashing } from "../../src/runtime.ts";

export function hashingContract(name: string, hashing: NativeHashing): void {
  describe(`hashing of ${name}`, () => {
    // FIPS 180-4, examples.
    it.each([
      ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
      ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    ])("gives the published digest of %j", (text, digest) => {
      expect(digestOf(hashing, new TextEncoder().encode(text))).toBe(digest);
    });

    it("agrees with node:crypto for every length across three blocks and some large ones", () => {
      const lengths = [...Array(193).keys(), 4096, 65_537, 1_000_003];
      const source = Uint8Array.from({ length: 1_000_003 }, (_, at) => (at * 31) & 255);
      for (const length of lengths) {
        const part = source.subarray(0, length);
        expect(digestOf(hashing, part)).toBe(createHash("sha256").update(part).digest("hex"));
      }
    });

    it("reads and writes views on WebAssembly memory, and exactly 32 bytes", () => {
      const memory = new WebAssembly.Memory({ initial: 1 });
      const all = new Uint8Array(memory.buffer);
      all.set(new TextEncoder().encode("abc"), 777);
      all.fill(0xaa, 1000, 1100);
      hashing.sha256(new Uint8Array(memory.buffer, 777, 3), new Uint8Array(memory.buffer, 1001, 32));
      const expected = createHash("sha256").update("abc").digest("hex");
      expect(Buffer.from(all.subarray(1001, 1033)).toString("hex")).toBe(expected);
      expect([all[1000], all[1033]]).toEqual([0xaa, 0xaa]);
    });

    it("may write its digest over its source", () => {
      const bytes = new Uint8Array(64).fill(3);
      const expected = createHash("sha256").update(bytes).digest("hex");
      hashing.sha256(bytes, bytes.subarray(16, 48));
      expect(Buffer.from(bytes.subarray(16, 48)).toString("hex")).toBe(expected);
    });

    it("says from which lengths it is worth its call", () => {
      expect(hashing.beatsSingleFrom).toBeGreaterThan(0);
      expect(hashing.beatsLanesFrom).toBeGreaterThanOrEqual(hashing.beatsSingleFrom);
    });
  });
}

function digestOf(hashing: NativeHashing, source: Uint8Array): string {
  const target = new Uint8Array(32);
  hashing.sha256(source, target);
  return Buffer.from(target).toString("hex");
}
