// What a key file's bytes mean: each condition, torn ends, and every changed byte.
import { describe, expect, it } from "vitest";
import { DiatremeError, isFailure } from "../../src/errors.ts";
import { decodeKeyLine, encodeKeyLine, type KeyLine, type NumberedLine, wiped } from "../../src/format/key-line.ts";
import { readKeyTable } from "../../src/keys/key-table.ts";
import { hashingCore } from "../../src/wasm/hashing-core.ts";

const LOG = "f6a8ef9c-1b40-4c33-95a4-7d5c4b6f3a10";
const OTHER_LOG = "00000000-1b40-4c33-95a4-7d5c4b6f3a10";
const crc32 = (bytes: Uint8Array) => hashingCore().crc32(bytes);
const wrapped = (digit: string) => digit.repeat(120);

const log: KeyLine = { type: "log", version: 1, id: LOG };
const kek = (number: string): KeyLine => ({ type: "kek", kek: number, from: { master: "key" }, wrapped: wrapped("a") });
const data = (key: string, purpose: "tags" | "stream" | "subject", of: string, under: string): KeyLine => ({
  type: "data",
  key,
  purpose,
  of,
  kek: under,
  fingerprint: "12".repeat(16),
  wrapped: wrapped("b"),
});
const tags = (under: string) => data("0000000a", "tags", "", under);
const epoch = (number: string): KeyLine => ({ type: "epoch", epoch: number, salt: "cd".repeat(32) });
const rotated = (number: string): KeyLine => ({ type: "rotated", kek: number });

const ONE = "00000001";
const TWO = "00000002";
const START = [log, kek(ONE), tags(ONE), rotated(ONE)];
const SUBJECT = data("0000000c", "subject", "ab".repeat(16), ONE);
const ERASE: KeyLine = { type: "erase", key: "0000000c", sealed: "ee".repeat(40) };

/** Each group was one append: its lines know those before the group to be durable. */
function numbered(groups: readonly (readonly KeyLine[])[]): NumberedLine[] {
  const lines: NumberedLine[] = [];
  for (const group of groups) {
    const durable = lines.length;
    for (const line of group) lines.push({ n: lines.length, durable, line });
  }
  return lines;
}

function bytesOf(lines: readonly NumberedLine[]): Uint8Array {
  return Uint8Array.from(lines.flatMap((line) => [...encodeKeyLine(line, crc32)]));
}

const file = (...groups: readonly (readonly KeyLine[])[]) => bytesOf(numbered(groups));
const read = (bytes: Uint8Array) => readKeyTable(bytes, "/log/keys.json", LOG, crc32);

function expectInvalid(bytes: Uint8Array, line: number, condition: string): void {
  let error: unknown;
  try {
    read(bytes);
  } catch (caught) {
    error = caught;
  }
  expect(isFailure(error, "KEY_FILE_INVALID"), String(error)).toBe(true);
  expect(error).toMatchObject({ line, condition });
}

describe("a key file", () => {
  it("says which keys and epochs there are", () => {
    const { table, doubtfulFrom } = read(
      file(START, [data("0000000b", "stream", "orders", ONE), epoch("000000e1")], [SUBJECT]),
    );
    expect(table.kek?.line.kek).toBe(ONE);
    expect(table.keyOf("stream", "orders")).toBe("0000000b");
    expect(table.keyOf("subject", "ab".repeat(16))).toBe("0000000c");
    expect([...table.epochs.keys()]).toEqual(["000000e1"]);
    expect([table.lines, table.dead.length]).toEqual([7, 0]);
    expect(doubtfulFrom).toBe(file(START, [data("0000000b", "stream", "orders", ONE), epoch("000000e1")]).length);
  });

  it("has nothing doubtful when its last line says so", () => {
    const bytes = file(START, [SUBJECT], [{ type: "durable" }]);
    const { table, doubtfulFrom } = read(bytes);
    expect([doubtfulFrom, table.end, table.wholeEnd]).toEqual([table.end, file(START, [SUBJECT]).length, bytes.length]);
    // That line may be lost; those before it may not.
    expect(read(bytes.subarray(0, bytes.length - 1)).table.lines).toBe(5);
    const changed = bytes.slice();
    const subject = file(START).length;
    changed[subject + 8] = (changed[subject + 8] as number) ^ 1;
    expectInvalid(changed, 4, "W2");
  });

  it("has only the newest keys after a rotation, and the old lines are dead", () => {
    const { table } = read(
      file(START, [SUBJECT], [kek(TWO), tags(TWO), { ...SUBJECT, kek: TWO } as KeyLine, rotated(TWO)]),
    );
    expect(table.kek?.line.kek).toBe(TWO);
    expect(table.keys.get("0000000c")?.place.n).toBe(7);
    expect(table.dead.map(({ n }) => n).sort()).toEqual([1, 2, 4]);
  });

  it("counts a rotation only when all of it is there", () => {
    const whole = numbered([
      START,
      [SUBJECT],
      [kek(TWO), tags(TWO), { ...SUBJECT, kek: TWO } as KeyLine, rotated(TWO)],
    ]);
    for (let lines = 5; lines < whole.length; lines++) {
      const { table } = read(bytesOf(whole.slice(0, lines)));
      expect([table.kek?.line.kek, table.lines, table.dead.length]).toEqual([ONE, 5, 0]);
    }
  });

  it("knows a key that is being erased, and one that is", () => {
    const states = [[ERASE], [{ type: "wiped" } as KeyLine], [{ type: "erased", key: "0000000c" } as KeyLine]];
    const tables = [1, 2, 3].map((count) => read(file(START, [SUBJECT], ...states.slice(0, count))).table);
    expect(tables.map((table) => table.keys.get("0000000c")?.state)).toEqual(["erasing", "erasing", "erased"]);
    expect(tables.map((table) => table.dead.map(({ n }) => n))).toEqual([[4], [], []]);
  });

  it("takes a wiping that was cut short for one that has to be done again", () => {
    const lines = numbered([START, [SUBJECT], [ERASE]]);
    const old = lines[4] as NumberedLine;
    const before = bytesOf(lines.slice(0, 4)).length;
    const [from, to] = [old, { ...old, line: wiped(old.line as never) }].map((line) => encodeKeyLine(line, crc32));
    const bytes = bytesOf(lines);
    for (let cut = 0; cut <= (from as Uint8Array).length; cut++) {
      const torn = bytes.slice();
      torn.set((to as Uint8Array).subarray(0, cut), before);
      expect(read(torn).table.dead.map(({ n }) => n)).toEqual([4]);
    }
  });

  it("refuses a line that is not as it was written when it was surely wiped", () => {
    const bytes = file(START, [SUBJECT], [ERASE], [{ type: "wiped" }]);
    const at = bytesOf(numbered([START, [SUBJECT]])).length - 40;
    bytes[at] = (bytes[at] as number) ^ 1;
    expectInvalid(bytes, 4, "W3");
  });

  it("forgets lines at its end that were torn, whatever became of their bytes", () => {
    const good = file(START, [SUBJECT]);
    const all = file(START, [SUBJECT], [epoch("000000e1"), epoch("000000e2"), epoch("000000e3")]);
    for (let length = good.length; length < all.length; length++) {
      const { table } = read(all.subarray(0, length));
      expect(table.epochs.size).toBe(Math.floor((length - good.length) / ((all.length - good.length) / 3)));
    }
    // A hole before lines that are there, of the same append.
    const hole = all.slice();
    hole.fill(0, good.length + 10, good.length + 60);
    expect(read(hole).table).toMatchObject({ lines: 5, end: good.length });
  });

  it("refuses a bad line that a later one knew to be on the disk", () => {
    const lines = numbered([START, [SUBJECT], [epoch("000000e1")]]);
    for (let n = 0; n < 5; n++) {
      const bytes = bytesOf(lines);
      const at = bytesOf(lines.slice(0, n)).length;
      bytes[at + 8] = (bytes[at + 8] as number) ^ 1;
      expect(() => read(bytes)).toThrowError(expect.objectContaining({ code: "KEY_FILE_INVALID", line: n }));
    }
  });

  it("refuses, or takes for torn, each change of one bit, and never reads another key or epoch out of it", () => {
    const bytes = file(START, [data("0000000b", "stream", "orders", ONE), epoch("000000e1")], [SUBJECT], [ERASE]);
    const { table: right } = read(bytes);
    for (let at = 0; at < bytes.length; at++) {
      for (const bit of [1 << (at % 7)]) {
        const changed = bytes.slice();
        changed[at] = (changed[at] as number) ^ bit;
        try {
          const { table } = read(changed);
          for (const [number, salt] of table.epochs) expect(right.epochs.get(number)).toBe(salt);
          // The line that is being wiped is not under its CRC meanwhile.
          for (const [number, { place, state }] of table.keys) {
            if (state === "live") expect(right.keys.get(number)?.place.line).toEqual(place.line);
          }
        } catch (error) {
          if (!(error instanceof DiatremeError)) throw error;
          expect(error.code).toMatch(/^(KEY_FILE_INVALID|LOG_VERSION_UNSUPPORTED)$/);
        }
      }
    }
  });
});

describe("the conditions", () => {
  const later = [epoch("000000e9")];

  it("W1: a line is JSON and ends", () => {
    const text = new TextEncoder();
    expect(decodeKeyLine(text.encode("x\n"), crc32)).toMatchObject({ condition: "W1" });
    expect(decodeKeyLine(text.encode("7\n"), crc32)).toMatchObject({ condition: "W1" });
    expect(decodeKeyLine(text.encode("{}"), crc32)).toMatchObject({ condition: "W1" });
  });

  it.each([
    ["a type that is not known", { type: "spell" }],
    ["a key number that is none", { ...SUBJECT, key: "00000000" }],
    ["digits that are none", { ...SUBJECT, wrapped: "XY" }],
    ["a fingerprint of another length", { ...SUBJECT, fingerprint: "12" }],
    ["a master that is not known", { ...kek(TWO), from: { master: "none" } }],
    [
      "a passphrase that would take all memory",
      { ...kek(TWO), from: { master: "passphrase", salt: "11".repeat(16), memoryKib: 2 ** 40, passes: 1, lanes: 1 } },
    ],
  ])("W2: %s is refused", (_, line) => {
    const bytes = encodeKeyLine({ n: 4, durable: 4, line: line as KeyLine }, crc32);
    expect(decodeKeyLine(bytes, crc32)).toMatchObject({ condition: "W2" });
  });

  it("W3: a line has one way to be written", () => {
    const [line] = numbered([[log]]) as [NumberedLine];
    const text = new TextDecoder().decode(encodeKeyLine(line, crc32));
    expect(decodeKeyLine(new TextEncoder().encode(text.replace(",", ", ")), crc32)).toMatchObject({ condition: "W3" });
  });

  it.each<[string, number, readonly (readonly KeyLine[])[]]>([
    ["W5", 0, [[kek(ONE)], later]],
    ["W5", 4, [START, [log], later]],
    ["W6", 0, [[{ type: "log", version: 1, id: OTHER_LOG }, ...START.slice(1)]]],
    ["W7", 2, [[log, kek(ONE), kek(TWO)]]],
    ["W7", 2, [[log, kek(ONE), tags(TWO)]]],
    ["W7", 4, [START, [rotated(ONE)], later]],
    ["W7", 4, [START, [kek(TWO)], later]],
    ["W7", 5, [START, [kek(TWO), rotated(TWO)]]],
    [
      "W8",
      5,
      [START, [SUBJECT], [data("0000000d", "subject", "ab".repeat(16), ONE)]].map((group, i) =>
        i === 1 ? [SUBJECT] : group,
      ),
    ],
    ["W8", 5, [START, [SUBJECT], [SUBJECT]]],
    ["W8", 5, [START, [epoch("000000e1")], [epoch("000000e1")]]],
    ["W8", 4, [START, [ERASE]]],
    ["W8", 4, [START, [{ type: "erase", key: "0000000a", sealed: "ee" }]]],
    ["W8", 5, [START, [SUBJECT], [{ type: "erased", key: "0000000c" }]]],
    ["W9", 4, [START, [wiped(SUBJECT as never)], later]],
  ])("%s is checked at line %i", (condition, line, groups) => {
    expectInvalid(file(...groups), line, condition);
  });

  it("W4: lines are numbered without gaps", () => {
    const lines = numbered([START, [SUBJECT], [epoch("000000e1")]]);
    expectInvalid(bytesOf([...lines.slice(0, 4), ...lines.slice(5)]), 4, "W4");
  });

  it("a version that is not known is not read", () => {
    const bytes = file([{ type: "log", version: 2, id: LOG }, ...START.slice(1)]);
    expect(() => read(bytes)).toThrowError(expect.objectContaining({ code: "LOG_VERSION_UNSUPPORTED" }));
  });
});
