// Whether the cases of Wycheproof are here as they were published. A valid one proves itself where it is used: a wrong digit
// anywhere and it would not fit. An invalid one would be refused with any digits, so each is held here against what is wrong
// with it.

import { createHash } from "node:crypto";
import { ed25519 } from "@noble/curves/ed25519.js";
import { expect, it } from "vitest";
import { toHex } from "../../src/format/hex.ts";
import { hexBytes } from "../contract/hex-bytes.ts";
import { WYCHEPROOF_GCM, WYCHEPROOF_SIGNATURES, type WycheproofSignature } from "./wycheproof.ts";

const { Point } = ed25519;
const L = Point.Fn.ORDER;
const P = Point.Fp.ORDER;

it("are all there", () => {
  expect(WYCHEPROOF_GCM.map(({ id }) => id)).toEqual(fromTo(91, 156));
  expect(WYCHEPROOF_GCM.filter(({ isValid }) => !isValid).map(({ id }) => id)).toEqual(fromTo(130, 156));
  expect(WYCHEPROOF_SIGNATURES.map(({ id }) => id)).toEqual(fromTo(1, 151));
  const invalid = WYCHEPROOF_SIGNATURES.filter(({ isValid }) => !isValid).map(({ id }) => id);
  expect(invalid).toEqual([...fromTo(10, 70), 85, 151]);
});

it("the invalid ones of AES-GCM have one plaintext and ciphertext, and tags changed in the bits that are said", () => {
  const invalid = WYCHEPROOF_GCM.filter(({ isValid }) => !isValid);
  const tag = "9ce8fef6d8ab1bf1bf887232eab590dd";
  // By bit, where the lowest of the first byte is bit 0.
  const bits = [0, 1, 7, 8, 31, 32, 33, 63, 64, 71, 77, 80, 96, 97, 103, 120, 121, 126, 127];
  const pairs = [
    [0, 64],
    [31, 63],
    [63, 127],
  ];
  const expected = [
    ...[...bits.map((bit) => [bit]), ...pairs, fromTo(0, 127)].map((changed) => withBitsTurned(tag, changed)),
    "00".repeat(16),
    "ff".repeat(16),
    toHex(hexBytes(tag).map((byte) => byte ^ 0x80)),
    toHex(hexBytes(tag).map((byte) => byte ^ 0x01)),
  ];
  expect(invalid.map((one) => one.tag)).toEqual(expected);
  for (const one of invalid) {
    expect(one).toMatchObject({
      key: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
      nonce: "505152535455565758595a5b",
      aad: "",
      plaintext: "202122232425262728292a2b2c2d2e2f",
      ciphertext: "b2061457c0759fc1749f174ee1ccadfa",
    });
  }
});

it("10 to 29 of Ed25519 pair special values of R and S", () => {
  const rs = [0n, 1n, L, P];
  const ss = [0n, 1n, L - 1n, L, P];
  const expected = rs.flatMap((r) => ss.map((s) => littleEndian(r) + littleEndian(s)));
  expect(fromTo(10, 29).map((id) => signature(id).signature)).toEqual(expected);
  expect(fromTo(10, 29).every((id) => signature(id).message === "3f")).toBe(true);
});

it("30 to 41 of Ed25519 are valid ones cut, extended, or short of a byte", () => {
  const { publicKey, message, signature: whole } = signature(3);
  const [r, s] = [whole.slice(0, 64), whole.slice(64)];
  const expected = [
    "",
    r,
    whole.slice(0, -4),
    `${whole}2020`,
    whole + publicKey,
    `00${whole}`,
    `${r}00${s}`,
    `${whole}00`,
  ];
  expect(fromTo(30, 37).map((id) => signature(id).signature)).toEqual(expected);
  expect(fromTo(30, 37).every((id) => signature(id).message === message)).toBe(true);
  for (const { id, at, byte } of [
    { id: 38, at: 63, byte: "00" },
    { id: 39, at: 32, byte: "00" },
    { id: 40, at: 0, byte: "00" },
    { id: 41, at: 32, byte: "c3" },
  ]) {
    const short = signature(id);
    const mended = short.signature.slice(0, 2 * at) + byte + short.signature.slice(2 * at);
    expect(isAccepted({ ...short, signature: mended })).toBe(true);
  }
});

it("42 to 62 and 151 of Ed25519 have an R changed in the bits that are said, and an S that leads to the R before", () => {
  const { message, signature: whole } = signature(5);
  const r = whole.slice(0, 64);
  const bits = [0, 1, 2, 7, 8, 16, 31, 32, 63, 64, 97, 127, 240, 247, 248, 253, 254, 255];
  const changed = [
    ...bits.map((bit) => withBitsTurned(r, [bit])),
    "00".repeat(32),
    "ff".repeat(32),
    withBitsTurned(r, fromTo(0, 255)),
  ];
  expect(fromTo(42, 62).map((id) => signature(id).signature.slice(0, 64))).toEqual(changed);
  for (const id of fromTo(42, 62)) {
    expect(signature(id).message).toBe(message);
    expect(recomputedR(signature(id))).toBe(r);
  }
  const neutral = Point.ZERO.toHex();
  expect(signature(151).signature.slice(0, 64)).toBe(withBitsTurned(neutral, [255]));
  expect(recomputedR(signature(151))).toBe(neutral);
});

it("63 to 70 and 85 of Ed25519 have an S that is too large by what is said", () => {
  const { message, signature: whole } = signature(3);
  const added = [L, 2n * L, 4n * L, 8n * L, 2n ** 253n, 2n ** 254n, 2n ** 255n, P];
  const expected = added.map((more) => whole.slice(0, 64) + littleEndian(numberOf(whole.slice(64)) + more));
  expect(fromTo(63, 70).map((id) => signature(id).signature)).toEqual(expected);
  expect(fromTo(63, 70).every((id) => signature(id).message === message)).toBe(true);
  const above = signature(85);
  const reduced = numberOf(above.signature.slice(64)) - L;
  expect(reduced).toBeGreaterThan(0n);
  expect(isAccepted({ ...above, signature: above.signature.slice(0, 64) + littleEndian(reduced) })).toBe(true);
});

function signature(id: number): WycheproofSignature {
  return WYCHEPROOF_SIGNATURES[id - 1] as WycheproofSignature;
}

function isAccepted({ publicKey, message, signature: bytes }: WycheproofSignature): boolean {
  return ed25519.verify(hexBytes(bytes), hexBytes(message), hexBytes(publicKey));
}

/** [S]B − [k]A, where k is the hash over the R that the signature has. */
function recomputedR({ publicKey, message, signature: whole }: WycheproofSignature): string {
  const [r, s] = [whole.slice(0, 64), whole.slice(64)];
  const digest = createHash("sha512")
    .update(hexBytes(r + publicKey + message))
    .digest("hex");
  const k = Point.Fn.create(numberOf(digest));
  return Point.BASE.multiply(numberOf(s)).subtract(Point.fromHex(publicKey).multiply(k)).toHex();
}

function withBitsTurned(hex: string, bits: readonly number[]): string {
  const bytes = hexBytes(hex);
  for (const bit of bits) bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
  return toHex(bytes);
}

function numberOf(hex: string): bigint {
  return BigInt(`0x${toHex(hexBytes(hex).reverse())}`);
}

function littleEndian(value: bigint): string {
  return toHex(hexBytes(value.toString(16).padStart(64, "0")).reverse());
}

function fromTo(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
