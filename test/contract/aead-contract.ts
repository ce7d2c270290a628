// What every implementation of AES-256-GCM must do, whoever computes it.

import { describe, expect, it } from "vitest";
import { toHex } from "../../src/format/hex.ts";
import type { Aead } from "../../src/runtime.ts";
import { randomFrom } from "../log/random.ts";
import { type GcmCase, SUBMITTED_GCM } from "../vectors/aes-256-gcm.ts";
import { WYCHEPROOF_GCM } from "../vectors/wycheproof.ts";
import { opened, sealed, TAG_BYTES } from "./gcm-case.ts";
import { hexBytes } from "./hex-bytes.ts";

const VALID = WYCHEPROOF_GCM.filter(({ isValid }) => isValid);
const INVALID = WYCHEPROOF_GCM.filter(({ isValid }) => !isValid);
const KNOWN: readonly GcmCase[] = [...SUBMITTED_GCM, ...VALID];
/** Those short enough to be changed bit by bit. */
const SHORT = KNOWN.filter(({ aad, ciphertext }) => aad.length + ciphertext.length <= 160);

function flipped(hex: string, bit: number): string {
  const bytes = hexBytes(hex);
  bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
  return toHex(bytes);
}

/** `other` computes the same by other code. */
export function aeadContract(name: string, aead: Aead, other: Aead): void {
  describe(`AES-256-GCM of ${name}`, () => {
    it.each(KNOWN)("gives the known answer of $name, and opens it", (one) => {
      expect(sealed(aead, one)).toBe(one.ciphertext + one.tag);
      expect(opened(aead, one)).toBe(one.plaintext);
    });

    it.each(INVALID)("refuses $name", (one) => {
      expect(opened(aead, one)).toBeNull();
    });

    it("refuses each known answer with any bit of its tag changed", () => {
      for (const one of SHORT) {
        for (let bit = 0; bit < TAG_BYTES * 8; bit++) {
          expect(opened(aead, { ...one, tag: flipped(one.tag, bit) })).toBeNull();
        }
      }
    });

    it.each(["key", "nonce", "aad", "ciphertext"] as const)("refuses a changed %s", (part) => {
      for (const one of SHORT) {
        const bits = one[part].length * 4;
        for (let bit = 0; bit < bits; bit += 7)
          expect(opened(aead, { ...one, [part]: flipped(one[part], bit) })).toBeNull();
        expect(opened(aead, { ...one, aad: `${one.aad}00` })).toBeNull();
      }
    });

    it("seals and opens what other code opens and seals, at every length up to 80 and some longer ones", () => {
      const random = randomFrom(5);
      const bytes = (length: number) => Uint8Array.from({ length }, () => random(256));
      for (const length of [...Array(81).keys(), 255, 1000, 4096, 65_537]) {
        const [raw, nonce, aad, plaintext] = [bytes(32), bytes(12), bytes(random(130)), bytes(length)];
        const [mine, theirs] = [aead, other].map((one) => {
          const sealed = new Uint8Array(length + TAG_BYTES);
          sealed.set(plaintext);
          one.prepareKey(raw).seal(nonce, aad, sealed, 0, sealed.length);
          return sealed;
        }) as [Uint8Array, Uint8Array];
        expect(toHex(mine)).toBe(toHex(theirs));
        const target = new Uint8Array(length);
        expect(aead.prepareKey(raw).open(nonce, aad, theirs, target)).toBe(true);
        expect(toHex(target)).toBe(toHex(plaintext));
      }
    });

    it("seals in place in WebAssembly memory, at any address, and touches nothing around", () => {
      const memory = new Uint8Array(new WebAssembly.Memory({ initial: 1 }).buffer);
      const [one] = SUBMITTED_GCM.slice(2) as [GcmCase];
      const plaintext = hexBytes(one.plaintext);
      for (const at of [8, 9, 11, 1021]) {
        memory.fill(0x77);
        memory.set(plaintext, at);
        const end = at + plaintext.length;
        const key = aead.prepareKey(hexBytes(one.key));
        key.seal(hexBytes(one.nonce), hexBytes(one.aad), memory, at, end + TAG_BYTES);
        expect(toHex(memory.slice(at, end + TAG_BYTES))).toBe(one.ciphertext + one.tag);
        expect(memory.subarray(0, at).every((byte) => byte === 0x77)).toBe(true);
        expect(memory.subarray(end + TAG_BYTES, end + 500).every((byte) => byte === 0x77)).toBe(true);
        expect(
          key.open(hexBytes(one.nonce), hexBytes(one.aad), memory.slice(at, end + TAG_BYTES), memory.subarray(at, end)),
        ).toBe(true);
        expect(toHex(memory.slice(at, end))).toBe(one.plaintext);
      }
    });

    it("keeps a copy of the key, so that the caller can wipe its own", () => {
      const [one] = SUBMITTED_GCM.slice(3) as [GcmCase];
      const raw = hexBytes(one.key);
      const key = aead.prepareKey(raw);
      raw.fill(0);
      const bytes = hexBytes(one.plaintext + "00".repeat(TAG_BYTES));
      key.seal(hexBytes(one.nonce), hexBytes(one.aad), bytes, 0, bytes.length);
      expect(toHex(bytes)).toBe(one.ciphertext + one.tag);
    });

    it("does nothing with a key that was dropped", () => {
      const key = aead.prepareKey(new Uint8Array(32));
      key.drop();
      key.drop();
      expect(() => key.seal(new Uint8Array(12), new Uint8Array(0), new Uint8Array(17), 0, 17)).toThrow();
      expect(() => key.open(new Uint8Array(12), new Uint8Array(0), new Uint8Array(17), new Uint8Array(1))).toThrow();
    });

    it("refuses lengths that make no sense", () => {
      expect(() => aead.prepareKey(new Uint8Array(16))).toThrow(RangeError);
      const key = aead.prepareKey(new Uint8Array(32));
      const none = new Uint8Array(0);
      expect(() => key.seal(new Uint8Array(16), none, new Uint8Array(16), 0, 16)).toThrow(RangeError);
      for (const [start, end] of [
        [0, 15],
        [1, 16],
        [-1, 16],
        [0, 17],
        [1, 17],
      ] as const) {
        expect(() => key.seal(new Uint8Array(12), none, new Uint8Array(16), start, end)).toThrow(RangeError);
      }
      expect(() => key.open(new Uint8Array(12), none, new Uint8Array(15), none)).toThrow(RangeError);
    });
  });
}
