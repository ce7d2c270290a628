import { describe, expect, it } from "vitest";
import { type BatchLimits, LineBatch, LineSplitter } from "../../src/cli/lines.ts";
import { seededBytes } from "./seeded-bytes.ts";

const MANY: BatchLimits = { lines: 1e9, bytes: 1e9 };

function split(chunks: readonly Uint8Array[], limits: BatchLimits = MANY, maxLineBytes = 1e9): string[][] {
  const splitter = new LineSplitter(maxLineBytes);
  const batches: LineBatch[] = [new LineBatch(limits)];
  for (const chunk of chunks) {
    splitter.feed(chunk);
    while (splitter.fill(batches.at(-1) as LineBatch)) batches.push(new LineBatch(limits));
  }
  splitter.end(batches.at(-1) as LineBatch);
  return batches.map(({ lines }) => lines.map((line) => Buffer.from(line).toString("latin1")));
}

describe("LineSplitter", () => {
  it("gives the same lines however the bytes are cut into chunks", () => {
    for (let seed = 1; seed <= 200; seed++) {
      // Few different bytes, so that \n is frequent.
      const bytes = seededBytes(seed, seed % 50).map((byte) => 9 + (byte % 4));
      const cuts = seededBytes(seed + 1000, 20);
      const chunks: Uint8Array[] = [];
      for (let at = 0, cut = 0; at < bytes.length; cut++) {
        const length = (cuts[cut % cuts.length] as number) % 7;
        chunks.push(bytes.subarray(at, at + length));
        at += length;
      }
      const expected = Buffer.from(bytes).toString("latin1").split("\n");
      if (expected.at(-1) === "") expected.pop();
      expect(split(chunks), `seed ${seed}`).toEqual([expected]);
    }
  });

  it("ends a batch at the limit of lines", () => {
    expect(split([Buffer.from("a\nb\nc\nd\ne")], { lines: 2, bytes: 1e9 })).toEqual([["a", "b"], ["c", "d"], ["e"]]);
  });

  it("ends a batch with the line that reaches the limit of bytes", () => {
    expect(split([Buffer.from("aaa\nb\ncccc\nd\n")], { lines: 1e9, bytes: 4 })).toEqual([
      ["aaa", "b"],
      ["cccc"],
      ["d"],
    ]);
  });

  it("refuses a line over the limit as soon as it is, with its number, and keeps those before", () => {
    const splitter = new LineSplitter(3);
    const batch = new LineBatch(MANY);
    splitter.feed(Buffer.from("abc\nab"));
    splitter.fill(batch);
    splitter.feed(Buffer.from("cd"));
    expect(() => splitter.fill(batch)).toThrow(/^Line 2 is longer than 3 bytes/);
    expect(batch.lines.map((line) => Buffer.from(line).toString())).toEqual(["abc"]);
  });
});
