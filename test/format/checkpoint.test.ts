import { describe, expect, it } from "vitest";
import {
  type CheckpointClaim,
  compareCheckpoints,
  decodeCheckpoint,
  encodeCheckpoint,
} from "../../src/format/checkpoint.ts";

const CLAIM: CheckpointClaim = {
  logId: "f6a8ef9c-1b40-4c33-95a4-7d5c4b6f3a10",
  stream: "orders",
  nextOffset: 8124,
  head: "9a0c77e1d3f5b2a4c6e8f0123456789abcdef0123456789abcdef0123456789a",
  timestamp: 1_790_000_000_000_000,
};

const TEXT = `diatreme.checkpoint/v1
f6a8ef9c-1b40-4c33-95a4-7d5c4b6f3a10
orders
8124
9a0c77e1d3f5b2a4c6e8f0123456789abcdef0123456789abcdef0123456789a
1790000000000000
`;

describe("the text of a checkpoint", () => {
  it("is the one of docs/format.md, and decodes to what it was made of", () => {
    expect(encodeCheckpoint(CLAIM)).toBe(TEXT);
    expect(decodeCheckpoint(TEXT)).toEqual(CLAIM);
  });

  it.each([0, 1, Number.MAX_SAFE_INTEGER])("holds offset and time %d", (number) => {
    const claim = { ...CLAIM, nextOffset: number, timestamp: number };
    expect(decodeCheckpoint(encodeCheckpoint(claim))).toEqual(claim);
  });

  it.each([
    ["T1", "", ""],
    ["T1", "v1", "v2"],
    ["T1", "diatreme", " diatreme"],
    ["T1", "diatreme", "\ufeffdiatreme"],
    ["T2", "0\n", "0"],
    ["T2", "0000000\n", "0000000\n\n"],
    ["T2", "orders\n", "orders\n\n"],
    ["T2", "0000000\n", "0000000\nmore\n"],
    ["T3", "f6a8", "F6a8"],
    ["T3", "f6a8ef9c-", "f6a8ef9c"],
    ["T4", "orders", "Orders"],
    ["T4", "orders", "../orders"],
    ["T4", "orders", "lock"],
    ["T4", "orders\n", "orders\r\n"],
    ["T5", "8124", "08124"],
    ["T5", "8124", "+8124"],
    ["T5", "8124", "8124.0"],
    ["T5", "8124", "9007199254740992"],
    ["T5", "8124", "99999999999999999"],
    ["T5", "8124", "-0"],
    ["T5", "8124", "8124 "],
    ["T6", "9a0c", "9A0c"],
    ["T6", "9a0c", "9a0"],
    ["T6", "9a0c", "9a0cc"],
    ["T7", "1790000000000000", "1.79e15"],
    ["T7", "1790000000000000", "9007199254740993"],
    ["T7", "1790000000000000", ""],
  ])("fails %s with %j changed to %j", (condition, from, to) => {
    expect(decodeCheckpoint(from === "" ? "" : TEXT.replace(from, to))).toMatchObject({ condition });
  });
});

describe("two checkpoints", () => {
  const other = "1f3a90c25b7d9e1f3a5c7e90b2d4f6a8c0e2143658a9bcdef0123456789abcde";
  it.each([
    ["same", {}],
    ["same", { timestamp: 5 }],
    ["forked", { head: other }],
    ["undecided", { nextOffset: 8125, head: other }],
    ["forked", { nextOffset: 3 }],
    ["otherStream", { stream: "orders2", head: other }],
    ["otherLog", { logId: "00000000-0000-4000-8000-000000000000", stream: "orders2" }],
  ] as const)("are %s where they differ in %j", (relation, change) => {
    expect(compareCheckpoints(CLAIM, { ...CLAIM, ...change })).toBe(relation);
    expect(compareCheckpoints({ ...CLAIM, ...change }, CLAIM)).toBe(relation);
  });
});
