import { describe, expect, it } from "vitest";
import { readU32 } from "../../src/format/u32.ts";
import { getU64, readU64, setU64 } from "../../src/format/u64.ts";

const VALUES = [
  0,
  1,
  255,
  256,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 32 + 1,
  1_790_000_000_000_000,
  Number.MAX_SAFE_INTEGER,
];

describe("64-bit fields", () => {
  it.each(VALUES)("hold %d in the bytes of a little-endian u64", (value) => {
    const view = new DataView(new ArrayBuffer(16));
    setU64(view, 4, value);
    expect(view.getBigUint64(4, true)).toBe(BigInt(value));
    expect(getU64(view, 4)).toBe(value);
    expect(readU64(new Uint8Array(view.buffer), 4)).toBe(value);
    expect(readU32(new Uint8Array(view.buffer), 4)).toBe(value % 2 ** 32);
    expect([view.getUint32(0), view.getUint32(12)]).toEqual([0, 0]);
  });

  it("are over 2^53 when their bytes are, never a smaller number", () => {
    const view = new DataView(new ArrayBuffer(8));
    for (const value of [2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n]) {
      view.setBigUint64(0, value, true);
      expect(Number.isSafeInteger(getU64(view, 0))).toBe(false);
      expect(getU64(view, 0)).toBeGreaterThan(Number.MAX_SAFE_INTEGER);
    }
  });
});
