import { ed25519 } from "@noble/curves/ed25519.js";
import { describe, expect, it } from "vitest";
import { seededChoose } from "../../adapters/memory.ts";
import { reasonAgainstKey } from "../../src/crypto/ed25519.ts";
import { nonCanonicalEncodings, SMALL_ORDER_POINTS, smallOrderEncodings } from "../contract/edge-signatures.ts";

describe("public keys", () => {
  it("of a real pair are accepted", () => {
    for (let seed = 0; seed < 20; seed++) {
      expect(reasonAgainstKey(ed25519.getPublicKey(new Uint8Array(32).fill(seed)))).toBeNull();
    }
  });

  it("of small order are refused, however they are written", () => {
    expect(new Set(SMALL_ORDER_POINTS.map((point) => point.toHex())).size).toBe(8);
    expect(SMALL_ORDER_POINTS.every((point) => point.isSmallOrder())).toBe(true);
    // 5 values of y, two of them with a second writing; each with either sign.
    expect(smallOrderEncodings()).toHaveLength(14);
    for (const encoding of smallOrderEncodings()) {
      expect(reasonAgainstKey(encoding)).toMatch(/small order|not canonical/);
    }
  });

  it("that are not canonical are refused", () => {
    for (const encoding of nonCanonicalEncodings()) expect(reasonAgainstKey(encoding)).toMatch(/not canonical/);
  });

  it("are points of the curve exactly when another implementation can decode them", () => {
    const choose = seededChoose(3);
    let points = 0;
    for (let i = 0; i < 200; i++) {
      const bytes = Uint8Array.from({ length: 32 }, () => choose(256));
      bytes[31] = (bytes[31] as number) & 0x7f;
      const isPoint = isDecodable(bytes);
      points += isPoint ? 1 : 0;
      expect(reasonAgainstKey(bytes)).toBe(isPoint ? null : "it is not a point of the curve");
    }
    expect(points).toBeGreaterThan(50);
    expect(points).toBeLessThan(150);
  });

  it.each([0, 31, 33])("of %d bytes are refused", (length) => {
    expect(reasonAgainstKey(new Uint8Array(length))).toBe(`it has ${length} bytes, not 32`);
  });
});

function isDecodable(bytes: Uint8Array): boolean {
  try {
    ed25519.Point.fromBytes(bytes);
    return true;
  } catch {
    return false;
  }
}
