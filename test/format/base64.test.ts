import { describe, expect, it } from "vitest";
import { seededChoose } from "../../adapters/memory.ts";
import { fromBase64, fromBase64Url, toBase64, toBase64Url } from "../../src/format/base64.ts";

const choose = seededChoose(5);
const SAMPLES = Array.from({ length: 100 }, (_, length) => Uint8Array.from({ length }, () => choose(256)));

describe("base64", () => {
  it("is what Node makes it, both ways, for every length up to 99", () => {
    for (const bytes of SAMPLES) {
      const text = Buffer.from(bytes).toString("base64");
      const url = Buffer.from(bytes).toString("base64url");
      expect([toBase64(bytes), toBase64Url(bytes)]).toEqual([text, url]);
      expect([fromBase64(text), fromBase64Url(url)]).toEqual([bytes, bytes]);
    }
  });

  it.each([
    "A",
    "AA",
    "AAA",
    "A===",
    "AA=",
    "AAA==",
    "AB==",
    "AAB=",
    "====",
    "AA==AA==",
    "AAAA=",
    "A A=",
    "AAAA\n",
    "AA-_",
  ])("has one writing for each value, and %j is none", (text) => {
    expect(fromBase64(text)).toBeNull();
  });

  it.each(["A", "AB", "AAB", "AA==", "AA+/", "AAAA=", "é"])("for URLs has one writing too, and %j is none", (text) => {
    expect(fromBase64Url(text)).toBeNull();
  });
});
