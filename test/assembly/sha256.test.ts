import { createHash } from "node:crypto";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { createSHA256 } from "hash-wasm";
import { describe, expect, it } from "vitest";
import { hex, loadKernels, pseudoRandom } from "./kernels.ts";

const { core, bytes, free } = loadKernels();
const CANARY = 0xa5;
const input = free + 4096;
const output = free + 1024;

/** Hashes `message` at `alignment`, with canaries around input and output that must be there afterwards. */
function digestOf(message: Uint8Array, alignment = 0): string {
  const at = input + alignment;
  bytes.fill(CANARY, at - 64, at + message.length + 64);
  bytes.fill(CANARY, output - 64, output + 96);
  bytes.set(message, at);
  core.sha256(at, message.length, output);
  expect(isCanary(at - 64, at) && isCanary(at + message.length, at + message.length + 64)).toBe(true);
  expect(Buffer.compare(bytes.subarray(at, at + message.length), message)).toBe(0);
  expect(isCanary(output - 64, output) && isCanary(output + 32, output + 96)).toBe(true);
  return hex(bytes.subarray(output, output + 32));
}

function isCanary(from: number, to: number): boolean {
  return bytes.subarray(from, to).every((byte) => byte === CANARY);
}

function nativeDigest(...parts: Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

describe("sha256", () => {
  // FIPS 180-4 examples and NIST CAVP SHA256ShortMsg/LongMsg.
  const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
  const fromHex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
  const vectors: [string, Uint8Array, string][] = [
    ["the empty message", ascii(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ["abc", ascii("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [
      "the 448-bit message",
      ascii("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ],
    [
      "the 896-bit message",
      ascii(
        "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
      ),
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
    ],
    [
      "a million a",
      new Uint8Array(1_000_000).fill(97),
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
    ],
    ["one byte of NIST", fromHex("d3"), "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1"],
    ["two bytes of NIST", fromHex("11af"), "5ca7133fa735326081558ac312c620eeca9970d1e70a4b95533d956f072d1f98"],
    ["four bytes of NIST", fromHex("74ba2521"), "b16aa56be3880d18cd41e68384cf1ec8c17680c45a02b1575dc1518923ae8b0e"],
  ];
  for (const [name, message, digest] of vectors) {
    it(`gives the published digest of ${name}`, () => {
      expect(digestOf(message)).toBe(digest);
    });
  }

  it("agrees with native, noble and hash-wasm at every length from 0 to 200", async () => {
    const hashWasm = await createSHA256();
    for (let length = 0; length <= 200; length++) {
      const message = pseudoRandom(length, length);
      const digest = digestOf(message);
      expect(digest, `length ${length}`).toBe(nativeDigest(message));
      expect(digest).toBe(hex(nobleSha256(message)));
      expect(digest).toBe(hashWasm.init().update(message).digest("hex"));
    }
  });

  it("takes its input at every alignment", () => {
    for (let alignment = 0; alignment < 16; alignment++) {
      for (const length of [1, 55, 56, 63, 64, 65, 119, 120, 128, 191]) {
        const message = pseudoRandom(alignment, length);
        expect(digestOf(message, alignment), `${length} at ${alignment}`).toBe(nativeDigest(message));
      }
    }
  });

  it("agrees with native on random messages", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), fc.nat(15), (message, alignment) => {
        expect(digestOf(message, alignment)).toBe(nativeDigest(message));
      }),
    );
  });

  it("may write the digest over its input", () => {
    const message = pseudoRandom(1, 100);
    bytes.set(message, input);
    core.sha256(input, 100, input);
    expect(hex(bytes.subarray(input, input + 32))).toBe(nativeDigest(message));
  });

  it("reads messages that end with memory", () => {
    for (let length = 0; length <= 130; length++) {
      const message = pseudoRandom(length, length);
      bytes.set(message, bytes.length - length);
      core.sha256(bytes.length - length, length, output);
      expect(hex(bytes.subarray(output, output + 32)), `length ${length}`).toBe(nativeDigest(message));
    }
  });

  it("traps on input that reaches beyond memory", () => {
    expect(() => core.sha256(bytes.length - 10, 11, output)).toThrow(WebAssembly.RuntimeError);
    expect(() => core.sha256(input, 0xffffffff, output)).toThrow(WebAssembly.RuntimeError);
  });

  it("gives the digest of a thousand digests that it has always given", () => {
    const all = createHash("sha256");
    for (let seed = 0; seed < 1000; seed++) all.update(digestOf(pseudoRandom(seed, (seed * 37) % 1500), seed % 16));
    expect(all.digest("hex")).toBe("1934f3d2f0f4c52dabefb809a1768794dca421f6f4c5b5159dfeac9434a0e38d");
  });
});

describe("sha256Entry", () => {
  it("hashes 64 bytes of header, then 32 of digest, at every alignment", () => {
    for (let alignment = 0; alignment < 16; alignment++) {
      const header = pseudoRandom(alignment, 64);
      const digest = pseudoRandom(alignment + 100, 32);
      bytes.set(header, input + alignment);
      bytes.set(digest, input + 500 - alignment);
      bytes.fill(CANARY, output - 64, output + 96);
      core.sha256Entry(input + alignment, input + 500 - alignment, output);
      expect(hex(bytes.subarray(output, output + 32))).toBe(nativeDigest(header, digest));
      expect(isCanary(output - 64, output) && isCanary(output + 32, output + 96)).toBe(true);
    }
  });

  it("may write the hash over the header or the digest", () => {
    const header = pseudoRandom(3, 64);
    const digest = pseudoRandom(4, 32);
    for (const over of [input + 32, input + 64]) {
      bytes.set(header, input);
      bytes.set(digest, input + 64);
      core.sha256Entry(input, input + 64, over);
      expect(hex(bytes.subarray(over, over + 32))).toBe(nativeDigest(header, digest));
    }
  });
});
