import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expectedCrc32, loadKernels, pseudoRandom } from "./kernels.ts";

const { core, bytes, free } = loadKernels();
const CANARY = 0xa5;
const input = free + 4096;

/** The CRC of `data` at `alignment`; what lies around it must not matter and must not change. */
function crcOf(data: Uint8Array, alignment = 0, seed = 0): number {
  const at = input + alignment;
  bytes.fill(CANARY, at - 64, at + data.length + 64);
  bytes.set(data, at);
  const crc = core.crc32(seed, at, data.length) >>> 0;
  expect(bytes.subarray(at - 64, at).every((byte) => byte === CANARY)).toBe(true);
  expect(Buffer.compare(bytes.subarray(at, at + data.length), data)).toBe(0);
  expect(bytes.subarray(at + data.length, at + data.length + 64).every((byte) => byte === CANARY)).toBe(true);
  return crc;
}

describe("crc32", () => {
  it("gives the check value cbf43926 of 123456789", () => {
    expect(crcOf(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
  });

  it("leaves the seed as it is when there are no bytes", () => {
    for (const seed of [0, 1, 0x80000000, 0xffffffff]) expect(crcOf(new Uint8Array(0), 0, seed)).toBe(seed);
  });

  it("agrees with zlib and hash-wasm at every length from 0 to 1200", () => {
    const data = pseudoRandom(9, 1200);
    for (let length = 0; length <= 1200; length++) {
      expect(crcOf(data.subarray(0, length)), `length ${length}`).toBe(expectedCrc32(data.subarray(0, length)));
    }
  });

  it("agrees around each end of the pieces in which long inputs are folded", () => {
    const data = pseudoRandom(10, 3 * 4096 + 1000);
    for (const pieces of [1, 2, 3]) {
      for (let more = 290; more <= 340; more++) {
        const part = data.subarray(0, pieces * 4096 + more);
        expect(crcOf(part), `length ${part.length}`).toBe(expectedCrc32(part));
      }
    }
  });

  it("takes its input at every alignment", () => {
    for (let alignment = 0; alignment < 16; alignment++) {
      for (const length of [1, 7, 8, 39, 40, 41, 200, 328, 511, 512, 1100, 4096]) {
        const data = pseudoRandom(alignment + 20, length);
        expect(crcOf(data, alignment), `${length} at ${alignment}`).toBe(expectedCrc32(data));
      }
    }
  });

  it("agrees on a million bytes, on zeros and on ones", () => {
    for (const data of [pseudoRandom(3, 1_000_000), new Uint8Array(100_000), new Uint8Array(100_000).fill(255)]) {
      expect(crcOf(data)).toBe(expectedCrc32(data));
    }
  });

  it("is the same for bytes in one run as for the run split at any place", () => {
    const data = pseudoRandom(4, 700);
    const whole = expectedCrc32(data);
    for (let split = 0; split <= data.length; split++) {
      expect(crcOf(data.subarray(split), 0, crcOf(data.subarray(0, split))), `split at ${split}`).toBe(whole);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 9000 }), fc.nat(), fc.nat(15), (random, where, alignment) => {
        const at = where % (random.length + 1);
        const head = crcOf(random.subarray(0, at), alignment);
        expect(crcOf(random.subarray(at), alignment, head)).toBe(expectedCrc32(random));
      }),
    );
  });

  it("changes with every single bit of a record of 328 bytes and of one of 1100", () => {
    for (const length of [328, 1100]) {
      const data = pseudoRandom(5, length);
      const seen = new Set([crcOf(data)]);
      for (let bit = 0; bit < length * 8; bit++) {
        data[bit >> 3] = (data[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        seen.add(crcOf(data));
        data[bit >> 3] = (data[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      }
      expect(seen.size).toBe(length * 8 + 1);
    }
  });

  it("reads input that ends with memory, and traps on input that reaches beyond", () => {
    for (const length of [1, 8, 41, 328, 600, 5000]) {
      const data = pseudoRandom(length, length);
      bytes.set(data, bytes.length - length);
      expect(core.crc32(0, bytes.length - length, length) >>> 0).toBe(expectedCrc32(data));
    }
    for (const length of [9, 600]) {
      expect(() => core.crc32(0, bytes.length - length + 1, length)).toThrow(WebAssembly.RuntimeError);
    }
  });

  it("folds by a multiple of the polynomial", () => {
    // x^300 (1 + x^-145 + x^-183 + x^-211 + x^-300), with the polynomial's own bits, highest exponent first.
    const polynomial = 0x104c11db7n;
    let rest = (1n << 300n) | (1n << 155n) | (1n << 117n) | (1n << 89n) | 1n;
    for (let degree = 300n; degree >= 32n; degree--) {
      if ((rest >> degree) & 1n) rest ^= polynomial << (degree - 32n);
    }
    expect(rest).toBe(0n);
  });

  it("gives the digest of a thousand CRCs that it has always given", () => {
    const all = createHash("sha256");
    for (let seed = 0; seed < 1000; seed++) {
      all.update(crcOf(pseudoRandom(seed, (seed * 37) % 1500), seed % 16, seed * 0x9e3779).toString(16));
    }
    expect(all.digest("hex")).toBe("a909584c864e2efe76cbc9831be808e18743c3d2170d898acd71596ddaf7fa3c");
  });
});
