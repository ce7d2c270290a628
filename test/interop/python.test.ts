// An independent reader, written in Python from docs/format.md alone, on logs that this runtime wrote: it must find the
// same records and hashes, and on damaged copies the same first bad record as `verify`.
import { execFile, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as layout from "../../assembly/layout.ts";
import { DiatremeError, type LogEvent, openLogOn } from "../../src/index.ts";
import { currentRuntime, doesMost, type TemporaryFolder, temporaryFolder } from "../contract/current-runtime.ts";
import { SegmentBytes } from "./damage.ts";
import { patternBytes } from "./golden-log.ts";

const reader = fileURLToPath(new URL("./read_log.py", import.meta.url));
const golden = fileURLToPath(new URL("../golden/v1", import.meta.url));
const hasPython = spawnSync("python3", ["--version"]).status === 0;

interface ReadRecord {
  readonly log: string;
  readonly stream: string;
  readonly offset: number;
  readonly timestamp: number;
  readonly kind: number;
  readonly hash: string;
  readonly payload_sha256: string;
}

interface ReadStream {
  readonly log: string;
  readonly stream: string;
  readonly records: number;
  readonly head: string;
  /** Bytes behind the end: torn, or written ahead. */
  readonly behind: number;
  readonly bad: { code: string; condition: string | null; segment: number; offset?: number; position?: number } | null;
}

const runtime = currentRuntime();
let work: TemporaryFolder;
let copies = 0;

beforeAll(() => {
  work = temporaryFolder();
});
afterAll(() => work.remove());

describe.skipIf(!hasPython)(`the Python reader${hasPython ? "" : " (skipped: python3 is not installed)"}`, () => {
  it("has under 120 lines and imports nothing but the standard library", () => {
    const lines = readFileSync(reader, "utf8")
      .split("\n")
      .filter((line) => line.trim() !== "");
    expect(lines.length).toBeLessThan(120);
    expect(lines.filter((line) => /^\s*(import|from)\b/.test(line))).toEqual([
      "import hashlib, json, os, re, struct, sys, uuid, zlib",
      "from collections import namedtuple",
      "from derived_files import checkpoints, contradicted, sealed_offset",
    ]);
    const beside = readFileSync(fileURLToPath(new URL("./derived_files.py", import.meta.url)), "utf8");
    expect(beside.match(/^\s*(import|from)\b.*/gm)).toEqual(["import os, struct, zlib"]);
  });

  it("reads the golden log", async () => {
    const expected = JSON.parse(readFileSync(`${golden}/expected.json`, "utf8"));
    const { status, streams, records } = await readWithPython(`${golden}/log`);
    expect(status).toBe(0);
    expect(streams.map(({ stream }) => stream)).toEqual(Object.keys(expected.streams));
    for (const { stream, records: count, head, bad, behind } of streams) {
      const { nextOffset } = expected.streams[stream];
      expect({ count, head, bad, behind }).toEqual({
        count: nextOffset,
        head: expected.streams[stream].head,
        bad: null,
        behind: 0,
      });
      for (const { offset, timestamp, kind, sha256, hash } of expected.streams[stream].records) {
        const found = records.find((record) => record.stream === stream && record.offset === offset);
        expect(found).toMatchObject({
          offset,
          timestamp,
          kind: kind === "data" ? 0 : -1,
          hash,
          payload_sha256: sha256,
        });
      }
    }
  });

  it("reads varied payloads as they were appended, over reopenings", async () => {
    const folder = `${work.path}/varied`;
    const events: LogEvent[] = [
      "",
      patternBytes(0),
      patternBytes(100_000),
      "日本語 🌋",
      { a: [1, null] },
      patternBytes(65),
      7,
    ];
    const payloads = events.map((event) =>
      event instanceof Uint8Array ? event : Buffer.from(typeof event === "string" ? event : JSON.stringify(event)),
    );
    for (let times = 0; times < 3; times++) {
      const log = await openLogOn(runtime, folder, { segmentBytes: 50_000 });
      for (const event of events) await log.stream("one-by-one").append([event]);
      await log.stream("together").append(events);
      await Promise.all(events.map((event) => log.stream("at-once").append([event])));
      await log.close();
    }
    const { streams, records } = await readWithPython(folder);
    expect(streams.map(({ stream, records, bad }) => [stream, records, bad])).toEqual([
      ["at-once", 21, null],
      ["one-by-one", 21, null],
      ["together", 21, null],
    ]);
    for (const { stream, offset, payload_sha256 } of records) {
      const payload = payloads[offset % events.length] as Uint8Array;
      expect(payload_sha256, `${stream} ${offset}`).toBe(createHash("sha256").update(payload).digest("hex"));
    }
    await expectAgreement(folder);
  });

  it("needs no index", async () => {
    const folder = await ledger();
    for (const name of readdirSync(`${folder}/ledger`)) if (name.endsWith(".idx")) rmSync(`${folder}/ledger/${name}`);
    const [stream] = (await readWithPython(folder)).streams;
    expect(stream).toMatchObject({ records: LEDGER_RECORDS, bad: null, behind: 0 });
    await expectAgreement(folder);
  });

  it("finds the end in a copy of a log that is open, before space written ahead", async () => {
    const folder = `${work.path}/open`;
    const log = await openLogOn(runtime, folder);
    for (let i = 0; i < 10; i++) await log.stream("s").append(`record ${i}`);
    const { head } = await log.stream("s").head();
    cpSync(folder, `${folder}-copy`, { recursive: true });
    await log.close();
    const [stream] = (await readWithPython(`${folder}-copy`)).streams;
    expect(stream).toMatchObject({ records: 10, head, bad: null });
    expect(stream?.behind).toBeGreaterThan(1000);
    await expectAgreement(`${folder}-copy`);
  });

  it("finds the end before an append that never completed", async () => {
    const original = await ledger();
    const newest = new SegmentBytes(segmentPath(original, newestOf(original)));
    const last = newest.positions().at(-1) as number;
    const lengths = [last + 1, last + 63, last + 64, last + 71, newest.bytes.length - 1, last];
    const folders = lengths.map((bytes) => {
      const folder = copyOf(original);
      const segment = new SegmentBytes(segmentPath(folder, newestOf(folder)));
      segment.bytes = segment.bytes.subarray(0, bytes);
      segment.save();
      for (const beside of ["idx", "ckpt"]) rmSync(`${segment.path}.${beside}`);
      return folder;
    });
    // Records are appended in pairs: without its second record a pair is not there at all.
    const { streams } = await readWithPython(...folders);
    expect(streams.map(({ records, bad }) => [records, bad])).toEqual(lengths.map(() => [LEDGER_RECORDS - 2, null]));
    await expectAgreement(...folders);
  });

  // Much work for Python, which finds the same in each run.
  describe.runIf(doesMost)("names the same first bad record as verify()", () => {
    let original: string;
    beforeAll(async () => {
      original = await ledger();
    });

    const fields: readonly [string, string, number, number][] = [
      ["magic", "R1", layout.RECORD_MAGIC_AT, 0x01],
      ["kind", "R4", layout.RECORD_KIND_AT, 0x02],
      ["compression", "R5", layout.RECORD_COMPRESSION_AT, 0x01],
      ["flags", "R6", layout.RECORD_FLAGS_AT, 0x02],
      ["reserved byte", "R7", layout.RECORD_RESERVED_AT, 0x80],
      ["epoch", "R8", layout.RECORD_EPOCH_AT, 0x01],
      ["offset", "R9", layout.RECORD_OFFSET_AT, 0x01],
      ["link", "R11", layout.RECORD_PREVIOUS_AT, 0x01],
    ];
    it.each(fields)("when the %s of any record was changed and its CRC mended", async (_, condition, at, bits) => {
      const folders = damageRecords(original, (segment, record) => {
        segment.flip(record + at, bits);
        segment.mendRecord(record);
      });
      for (const bad of await expectAgreement(...folders)) expect(bad?.condition).toBe(condition);
    });

    it("when the payload of any record was changed and its CRC mended", async () => {
      const folders = damageRecords(original, (segment, record) => {
        segment.flip(record + layout.RECORD_HEADER_BYTES, 0x01);
        segment.mendRecord(record);
      });
      const found = (await expectAgreement(...folders)).map((bad) => bad?.code);
      // Nothing links to the last record, but a checkpoint names its hash.
      expect(found).toEqual([...found.slice(0, -1).map(() => "RECORD_CHAIN_BROKEN"), "CHECKPOINT_CONTRADICTED"]);
    });

    it("when the timestamp of any record was set back and its CRC mended", async () => {
      const folders = damageRecords(original, (segment, record) => {
        segment.bytes[record + layout.RECORD_TIMESTAMP_AT + 6] = 0;
        segment.mendRecord(record);
      });
      const [first, ...others] = await expectAgreement(...folders);
      expect(first?.condition).toBe("R11"); // nothing is before it
      for (const bad of others) expect(bad?.condition).toBe("R10");
    });

    it("when bit 30 of any commit word was set and the CRC mended", async () => {
      const folders = damageRecords(original, (segment, record) => {
        segment.flip(segment.endOf(record) - layout.TRAILER_BYTES + layout.TRAILER_COMMIT_AT + 3, 0x40);
        segment.mendRecord(record);
      });
      for (const bad of await expectAgreement(...folders)) expect(bad?.condition).toBe("R7");
    });

    it("when any bit of the length of a record has flipped", async () => {
      const folders = [0, 1, 6, 14, 23, 26, 31].flatMap((bit) =>
        damageRecords(original, (segment, record) => {
          segment.flip(record + layout.RECORD_LENGTH_AT + (bit >>> 3), 1 << (bit & 7));
        }),
      );
      for (const bad of await expectAgreement(...folders))
        expect(bad?.code).toMatch(/^RECORD_(CRC_MISMATCH|TRUNCATED)$/);
    });

    it("when a record was changed and the one behind it too", async () => {
      const folders = damageRecords(original, (segment, record) => {
        segment.flip(record + layout.RECORD_HEADER_BYTES, 0x01);
        segment.mendRecord(record);
        const next = segment.endOf(record);
        if (next < segment.bytes.length) segment.flip(next + layout.RECORD_HEADER_BYTES, 0x01);
      });
      expect((await expectAgreement(...folders)).slice(0, -1)).not.toContain(null);
    });

    it("when an append seems to go on over a segment's end", async () => {
      const folders = damageSegments(original, (segment) => {
        const record = segment.positions().at(-1) as number;
        segment.flip(segment.endOf(record) - layout.TRAILER_BYTES + layout.TRAILER_COMMIT_AT + 3, 0x80);
        segment.mendRecord(record);
      });
      // The newest segment's end is judged in another way.
      const found = (await expectAgreement(...folders)).map((bad) => bad?.code);
      expect(found.slice(0, -1)).toEqual(found.slice(0, -1).map(() => "APPEND_INCOMPLETE"));
    });

    const headerFields: readonly [string, string, number, boolean][] = [
      ["magic", "S2", layout.SEGMENT_MAGIC_AT, true],
      ["CRC", "S3", layout.SEGMENT_CRC_AT, false],
      ["version", "S4", layout.SEGMENT_VERSION_AT, true],
      ["first reserved field", "S5", layout.SEGMENT_RESERVED_A_AT, true],
      ["second reserved field", "S5", layout.SEGMENT_RESERVED_B_AT + 7, true],
      ["number", "S6", layout.SEGMENT_NUMBER_AT, true],
      ["log id", "S7", layout.SEGMENT_LOG_ID_AT, true],
      ["stream", "S8", layout.SEGMENT_STREAM_AT + 63, true],
      ["creation time", "S9", layout.SEGMENT_CREATED_AT + 7, true],
      ["first offset", "S9", layout.SEGMENT_FIRST_OFFSET_AT + 7, true],
    ];
    it.each(headerFields)("when the %s in a segment's header was changed", async (_, condition, at, mended) => {
      const folders = damageSegments(original, (segment) => {
        segment.flip(at, 0x40);
        if (mended) segment.mendHeader();
      });
      for (const bad of await expectAgreement(...folders)) expect(bad?.condition).toBe(condition);
    });

    it("when the first offset of a segment was changed and the CRC mended", async () => {
      const folders = damageSegments(original, (segment) => {
        segment.flip(layout.SEGMENT_FIRST_OFFSET_AT, 0x40);
        segment.mendHeader();
      });
      const found = (await expectAgreement(...folders)).map((bad) => bad?.code);
      expect(found.slice(0, 2)).toEqual(["SEGMENT_HEADER_INVALID", "SEGMENT_OFFSET_WRONG"]);
    });

    it("when the creation time of segment 0 was changed and the CRC mended, and takes that of others for what it is", async () => {
      const folders = damageSegments(original, (segment) => {
        segment.flip(layout.SEGMENT_CREATED_AT, 0x40);
        segment.mendHeader();
      });
      const found = (await expectAgreement(...folders)).map((bad) => bad?.code);
      expect(found).toEqual(["RECORD_LINK_WRONG", ...found.slice(1).map(() => undefined)]);
    });

    it("when the salt of a segment was changed and the CRC mended", async () => {
      const folders = damageSegments(original, (segment) => {
        segment.flip(layout.SEGMENT_SALT_AT, 0x40);
        segment.mendHeader();
      });
      // Without the salt nothing tells what was in the newest segment.
      const found = (await expectAgreement(...folders)).map((bad) => bad?.code);
      expect(found).toEqual([...found.slice(0, -1).map(() => "RECORD_CRC_MISMATCH"), undefined]);
    });

    it("when a segment is missing, short, or in another's place", async () => {
      const damages: ((folder: string) => void)[] = [
        (folder) => rmSync(segmentPath(folder, 0)),
        (folder) => rmSync(segmentPath(folder, 1)),
        (folder) => cutSegment(folder, 1, (bytes) => bytes.length - 1),
        (folder) => cutSegment(folder, 1, (bytes) => bytes.length - 100),
        (folder) => cutSegment(folder, 1, () => 128),
        (folder) => cutSegment(folder, 1, () => 100),
        (folder) => cutSegment(folder, 0, () => 0),
        (folder) => cutSegment(folder, newestOf(folder), (bytes) => bytes.length - 1),
        (folder) => cutSegment(folder, newestOf(folder), () => 128),
        (folder) => {
          renameSync(segmentPath(folder, 1), `${folder}/kept`);
          renameSync(segmentPath(folder, 2), segmentPath(folder, 1));
          renameSync(`${folder}/kept`, segmentPath(folder, 2));
        },
      ];
      const folders = damages.map((damage) => {
        const folder = copyOf(original);
        damage(folder);
        return folder;
      });
      expect(await expectAgreement(...folders)).not.toContain(null);
    });

    it("when any bit has flipped, with and without what stands beside the segment", async () => {
      for (const gone of [[], ["idx"], ["ckpt"], ["idx", "ckpt"]]) {
        const folders: string[] = [];
        for (let number = 0; number <= newestOf(original); number++) {
          const { length } = new SegmentBytes(segmentPath(original, number)).bytes;
          for (let at = number; at < length; at += 97) {
            const folder = damageSegment(original, number, (segment) => segment.flip(at, 1 << (at % 8)));
            for (const beside of gone) rmSync(`${segmentPath(folder, newestOf(folder))}.${beside}`);
            folders.push(folder);
          }
        }
        await expectAgreement(...folders);
      }
    });
  });
});

const LEDGER_RECORDS = 16;

/** A log whose stream "ledger" has pairs of records in several segments. */
async function ledger(): Promise<string> {
  const folder = `${work.path}/ledger-${copies++}`;
  const log = await openLogOn(runtime, folder, { segmentBytes: 500 });
  for (let entry = 0; entry < LEDGER_RECORDS / 2; entry++) {
    await log.stream("ledger").append([{ entry }, patternBytes(20 + entry)]);
  }
  await log.close();
  return folder;
}

function copyOf(folder: string): string {
  const copy = `${work.path}/copy-${copies++}`;
  cpSync(folder, copy, { recursive: true });
  return copy;
}

function segmentPath(folder: string, number: number): string {
  return `${folder}/ledger/segment_${String(number).padStart(6, "0")}.log`;
}

function newestOf(folder: string): number {
  let number = 0;
  while (existsSync(segmentPath(folder, number + 1))) number++;
  return number;
}

function cutSegment(folder: string, number: number, bytes: (of: Uint8Array) => number): void {
  const segment = new SegmentBytes(segmentPath(folder, number));
  segment.bytes = segment.bytes.subarray(0, bytes(segment.bytes));
  segment.save();
}

function damageSegment(original: string, number: number, damage: (segment: SegmentBytes) => void): string {
  const folder = copyOf(original);
  const segment = new SegmentBytes(segmentPath(folder, number));
  damage(segment);
  segment.save();
  return folder;
}

/** Copies of a log, each with another segment damaged. */
function damageSegments(original: string, damage: (segment: SegmentBytes) => void): string[] {
  return Array.from({ length: newestOf(original) + 1 }, (_, number) => damageSegment(original, number, damage));
}

/** Copies of a log, each with another record damaged. */
function damageRecords(original: string, damage: (segment: SegmentBytes, record: number) => void): string[] {
  return Array.from({ length: newestOf(original) + 1 }, (_, number) =>
    new SegmentBytes(segmentPath(original, number))
      .positions()
      .map((record) => damageSegment(original, number, (segment) => damage(segment, record))),
  ).flat();
}

async function readWithPython(
  ...folders: string[]
): Promise<{ status: number; streams: ReadStream[]; records: ReadRecord[] }> {
  const { status, output } = await new Promise<{ status: number; output: string }>((resolve, reject) => {
    execFile("python3", [reader, ...folders], { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (stderr === "") resolve({ status: error === null ? 0 : Number(error.code), output: stdout });
      else reject(new Error(stderr));
    });
  });
  const lines = output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as ReadRecord | ReadStream);
  return {
    status,
    streams: lines.filter((line): line is ReadStream => "bad" in line),
    records: lines.filter((line): line is ReadRecord => "offset" in line),
  };
}

/**
 * Holds what the Python reader finds in logs against what `verify` does. Returns what is bad in each stream of them.
 *
 * How many records are shown before the bad one may differ: a reader that finds it when it looks for the end leaves out
 * the records of the same append.
 */
async function expectAgreement(...folders: string[]): Promise<ReadStream["bad"][]> {
  const { status, streams } = await readWithPython(...folders);
  for (const { log: folder, stream, records, head, bad } of streams) {
    const expected = bad === null ? { records, head, bad: null } : { bad: placeOf(bad) };
    expect(await verified(folder, stream, bad === null), `${folder} ${JSON.stringify(bad)}`).toEqual(expected);
  }
  expect(streams.length).toBeGreaterThanOrEqual(folders.length);
  expect(status).toBe(streams.some(({ bad }) => bad !== null) ? 1 : 0);
  return streams.map(({ bad }) => bad);
}

async function verified(folder: string, stream: string, good: boolean): Promise<object> {
  const log = await openLogOn(runtime, folder, { readOnly: true });
  try {
    const { records, head, problem } = await log.stream(stream).verify();
    const bad = problem === null ? null : placeOf(problem);
    return good ? { records, head, bad } : { bad };
  } catch (error) {
    if (error instanceof DiatremeError) return { bad: placeOf(error) };
    throw error;
  } finally {
    await log.close();
  }
}

function placeOf(facts: { code: string; segment?: number; offset?: number; position?: number }): object {
  const { code, segment, offset, position } = facts;
  // Of a version that is too new only the path is told.
  if (code === "LOG_VERSION_UNSUPPORTED") return { code };
  return JSON.parse(JSON.stringify({ code, segment, offset, position }));
}
