import { describe, expect, it } from "vitest";
import { decodeNote, encodeNote, type SignedNote } from "../../src/format/signed-note.ts";

const keyId = Uint8Array.of(1, 2, 3, 4);
const signature = new Uint8Array(64).fill(7);
const NOTE: SignedNote = { text: "one\ntwo\n", signatures: [{ name: "example.org/log", keyId, signature }] };
const base64 = Buffer.from([...keyId, ...signature]).toString("base64");
const WRITTEN = `one\ntwo\n\n\u2014 example.org/log ${base64}\n`;

describe("a signed note", () => {
  it("is written as C2SP has it, and decodes to its parts", () => {
    expect(encodeNote(NOTE)).toBe(WRITTEN);
    expect(decodeNote(WRITTEN)).toEqual(NOTE);
  });

  it("may have many signatures, of any length, by names in any script", () => {
    const signatures = Array.from({ length: 20 }, (_, index) => ({
      name: `schlüssel/${index}/鍵`,
      keyId,
      signature: new Uint8Array(1 + index * 300).fill(index),
    }));
    const note = { text: "one\n", signatures };
    expect(decodeNote(encodeNote(note))).toEqual(note);
  });

  it("may have empty lines in its text: the last one ends it", () => {
    const note = { ...NOTE, text: "one\n\n\u2014 looks like a signature\n\ntwo\n" };
    expect(decodeNote(encodeNote(note))).toEqual(note);
  });

  it.each([
    ["control character", WRITTEN.replace("two", "t\two")],
    ["control character", WRITTEN.replaceAll("\n", "\r\n")],
    ["control character", WRITTEN.replace("two", "t\0wo")],
    ["no empty line", WRITTEN.replace("\n\n", "\n")],
    ["no empty line", ""],
    ["no signature", "one\n\n"],
    ["does not end", WRITTEN.slice(0, -1)],
    ["is not a signature", `${WRITTEN}more\n`],
    ["is not a signature", WRITTEN.replace("\u2014", "-")],
    ["is not a signature", WRITTEN.replace("\u2014 ", "\u2014  ")],
    ["is not a signature", WRITTEN.replace("example.org/log", "example.org/l+g")],
    ["is not a signature", WRITTEN.replace("example.org/log", "example.org\u00a0log")],
    ["is not a signature", WRITTEN.replace("example.org/log ", "")],
    ["is not a signature", WRITTEN.replace(base64, "AQIDBA==")],
    ["is not a signature", WRITTEN.replace(base64, base64.slice(0, -1))],
    ["is not a signature", WRITTEN.replace(base64, `${base64} `)],
    ["is not a signature", WRITTEN.replace(base64, base64.replace("AQID", "AQI-"))],
  ])("is refused (%s): %j", (reason, text) => {
    expect(decodeNote(text)).toMatchObject({ reason: expect.stringContaining(reason) });
  });
});
