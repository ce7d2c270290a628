import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkStreamName, isStreamName } from "../../src/format/stream-name.ts";
import { expectFailure } from "../contract/expect-failure.ts";

const GOOD = [
  "a",
  "0",
  "orders",
  "orders.v2",
  "2026-11-22",
  "a_b",
  "a..b",
  "x".repeat(64),
  "lock.",
  "locks",
  "log.json2",
];

const BAD: readonly [name: string, reason: string][] = [
  ["", "it is empty"],
  ["x".repeat(65), "it has 65 characters"],
  ["Orders", 'it has the character "O"'],
  [".", 'it starts with "."'],
  ["..", 'it starts with "."'],
  [".hidden", 'it starts with "."'],
  [".log.json.0123456789abcdef.tmp", 'it starts with "."'],
  ["-rf", 'it starts with "-"'],
  ["_a", 'it starts with "_"'],
  ["a/b", 'it has the character "/"'],
  ["../a", 'it has the character "/"'],
  ["/etc", 'it has the character "/"'],
  ["a\\b", 'it has the character "\\\\"'],
  ["c:", 'it has the character ":"'],
  ["a b", 'it has the character " "'],
  ["a\n", 'it has the character "\\n"'],
  ["a\0", 'it has the character "\\u0000"'],
  ["ä", 'it has the character "ä"'],
  ["a🌋", 'it has the character "🌋"'],
  ["a\u0301", 'it has the character "\u0301"'],
  ["%2e%2e", 'it has the character "%"'],
  ["lock", "the log needs it for itself"],
  ["log.json", "the log needs it for itself"],
  ["state_000000.snap", "the log needs it for itself"],
  ["state_999999.snap", "the log needs it for itself"],
];

describe("stream names", () => {
  it.each(GOOD)("allow %j", (name) => {
    expect(isStreamName(name)).toBe(true);
    expect(() => checkStreamName(name)).not.toThrow();
  });

  it.each(BAD)("refuse %j with STREAM_NAME_INVALID: %s", (name, reason) => {
    expect(isStreamName(name)).toBe(false);
    expectFailure("STREAM_NAME_INVALID", { stream: name, reason }, () => checkStreamName(name));
  });

  it.each([[undefined], [null], [42], [["a"]], [{}], [Object.create(null)]])(
    "refuse %j, which is no string",
    (name) => {
      const facts = {
        stream: name !== null && typeof name === "object" ? "an object" : String(name),
        reason: "it is no string",
      };
      expectFailure("STREAM_NAME_INVALID", facts, () => checkStreamName(name));
    },
  );

  it("never mean anything to a file system, whatever passes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 70 }), (name) => {
        if (!isStreamName(name)) return;
        expect(name).toMatch(/^[\da-z][\da-z._-]*$/);
        expect(new URL(`file:///log/${name}`).pathname).toBe(`/log/${name}`);
      }),
    );
  });

  it("agree between the check and the question, for any text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z0-9._/-]{0,66}$/)), (name) => {
        let passes = true;
        try {
          checkStreamName(name);
        } catch {
          passes = false;
        }
        expect(passes).toBe(isStreamName(name));
      }),
    );
  });
});
