// What every source of random bytes promises.

import { describe, expect, it } from "vitest";
import type { Runtime } from "../../src/runtime.ts";

export function randomContract(name: string, random: Runtime["random"]): void {
  describe(`random bytes of ${name}`, () => {
    it("fill all of the target and nothing beside it", () => {
      const bytes = new Uint8Array(4_098);
      random(bytes.subarray(1, 4_097));
      expect([bytes[0], bytes[4_097]]).toEqual([0, 0]);
      // That all of 32 bytes in a row stay zero has a chance of 2^-256.
      for (let at = 1; at < 4_097; at += 32) expect(bytes.subarray(at, at + 32).some((byte) => byte !== 0)).toBe(true);
    });

    it("fill views on WebAssembly memory, more than 65,536 bytes at once too", () => {
      const memory = new WebAssembly.Memory({ initial: 2 });
      random(new Uint8Array(memory.buffer, 0, 131_072));
      expect(new Uint8Array(memory.buffer, 131_040, 32).some((byte) => byte !== 0)).toBe(true);
    });

    it("take every value and differ from call to call", () => {
      const first = new Uint8Array(65_536);
      const second = new Uint8Array(65_536);
      random(first);
      random(second);
      expect(new Set(first).size).toBe(256);
      expect(first).not.toEqual(second);
    });

    it("accept an empty target", () => {
      expect(() => random(new Uint8Array(0))).not.toThrow();
    });
  });
}
