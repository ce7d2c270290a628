// Records that nothing proves any more, because what should link to them is altered or gone: they are not called good, and
// not handed out. docs/format.md, R11.
import { describe, expect, it } from "vitest";
import { type MemoryDisk, memoryRuntime } from "../../adapters/memory.ts";
import { openLogOn, type Runtime, type VerifyOptions } from "../../src/index.ts";
import { crc32 } from "./crc32.ts";
import { type PlainRecord, putTogether, relink, takeApart } from "./plain-chain.ts";
import { withThreads } from "./thread-in-process.ts";

const segment = (number: number) => `/log/orders/segment_00000${number}.log`;

/** A closed log of records "r0 …", "r1 …", so many in each segment. */
async function written(records: number, inSegment: number): Promise<{ runtime: Runtime; disk: MemoryDisk }> {
  const { runtime, disk } = memoryRuntime({ seed: 8 });
  const segmentBytes = 128 + inSegment * (72 + 40);
  const log = await openLogOn(runtime, "/log", { segmentBytes, spaceAhead: false });
  for (let i = 0; i < records; i++) await log.stream("orders").append(`r${i} `.padEnd(40, "x"));
  await log.close();
  return { runtime, disk };
}

/** Changes a segment's records; their CRCs are made anew. */
function edit(disk: MemoryDisk, number: number, change: (records: PlainRecord[]) => void): void {
  const parts = takeApart(disk.bytes(segment(number)));
  change(parts.records);
  disk.put(segment(number), putTogether(parts));
}

function alter(records: PlainRecord[], index: number): void {
  const changed = (records[index] as PlainRecord).slice();
  changed[64] = 0x73;
  records[index] = changed;
}

function alterLink(records: PlainRecord[], index: number): void {
  records[index] = relink(records[index] as PlainRecord, new Uint8Array(32).fill(7));
}

/** One bit of a record's payload, its CRC left. */
function flip(disk: MemoryDisk, text: string): void {
  const path = disk.paths().find((name) => name.endsWith(".log") && Buffer.from(disk.bytes(name)).includes(text));
  disk.flip(path as string, Buffer.from(disk.bytes(path as string)).indexOf(text) + 10, 1);
}

async function found(runtime: Runtime, to?: number) {
  const range = to === undefined ? {} : { to };
  const verify = async (from: Runtime, options: VerifyOptions) => {
    const log = await openLogOn(from, "/log", { readOnly: true });
    const { ok, records, problem, notProved } = await log.stream("orders").verify({ ...range, ...options });
    await log.close();
    return { ok, records, bad: problem === null ? null : [problem.code, problem.offset], notProved };
  };
  const alone = await verify(runtime, { jobs: 1 });
  expect(await verify(withThreads(runtime, 2), { jobs: 2, rangeBytes: 60 })).toEqual(alone);
  const log = await openLogOn(runtime, "/log", { readOnly: true });
  const read: string[] = [];
  try {
    for (const record of log.stream("orders").read(range)) read.push(record.text().slice(0, 2));
  } catch {
    // What was shown before counts.
  }
  const entries: number[] = [];
  try {
    for await (const { offset } of log.stream("orders").entries(range)) entries.push(offset);
  } catch {
    // The same.
  }
  expect(read).toHaveLength(alone.records);
  expect(entries).toHaveLength(alone.records);
  expect(read.every((text) => text.startsWith("r"))).toBe(true);
  return alone;
}

describe("a record that was altered, under a right CRC,", () => {
  it("is left out when its successor is damaged, for a range that ends with it too", async () => {
    const { runtime, disk } = await written(10, 20);
    edit(disk, 0, (records) => alter(records, 5));
    flip(disk, "r6 ");
    const bad = ["RECORD_CRC_MISMATCH", 6];
    expect(await found(runtime)).toMatchObject({ ok: false, records: 5, bad });
    expect(await found(runtime, 6)).toMatchObject({ ok: false, records: 5, bad });
    expect(await found(runtime, 5)).toMatchObject({ ok: true, records: 5, bad: null });
  });

  it("is left out when its successor was altered too", async () => {
    const { runtime, disk } = await written(10, 20);
    edit(disk, 0, (records) => {
      alter(records, 5);
      alter(records, 6);
    });
    const bad = ["RECORD_LINK_WRONG", 6];
    expect(await found(runtime)).toMatchObject({ ok: false, records: 5, bad });
    expect(await found(runtime, 6)).toMatchObject({ ok: false, records: 5, bad });
  });

  it.each([4, 2, 1])("is left out in the same way before another segment, with %d in each", async (inSegment) => {
    for (const successor of ["damaged", "altered"] as const) {
      const { runtime, disk } = await written(12, inSegment);
      const border = 4;
      const number = border / inSegment;
      edit(disk, number - 1, (records) => alter(records, inSegment - 1));
      if (successor === "damaged") flip(disk, `r${border} `);
      else edit(disk, number, (records) => alter(records, 0));
      const bad = successor === "damaged" ? ["RECORD_CRC_MISMATCH", border] : ["RECORD_LINK_WRONG", border];
      expect(await found(runtime), successor).toMatchObject({ ok: false, records: border - 1, bad });
      expect(await found(runtime, border), successor).toMatchObject({ ok: false, records: border - 1, bad });
    }
  });

  it("is left out before the damaged end of the newest segment", async () => {
    const { runtime, disk } = await written(10, 20);
    edit(disk, 0, (records) => alter(records, 8));
    flip(disk, "r9 ");
    expect(await found(runtime)).toMatchObject({ ok: false, records: 8, bad: ["RECORD_CRC_MISMATCH", 9] });
  });

  it("is named across a segment without records that was put in between", async () => {
    const { runtime, disk } = await written(12, 4);
    const last = disk.paths().filter((path) => path.endsWith(".log")).length;
    for (let number = last; number > 1; number--) {
      const { header, records } = takeApart(disk.bytes(segment(number - 1)));
      disk.put(segment(number), renumbered(putTogether({ header, records }), number));
      disk.take(`${segment(number - 1)}.idx`);
    }
    const empty = disk.bytes(segment(1)).slice(0, 128);
    disk.put(segment(1), renumbered(empty, 1));
    for (const path of disk.paths().filter((name) => name.endsWith(".ckpt"))) disk.take(path);
    expect(await found(runtime)).toMatchObject({ ok: false, records: 4, bad: ["RECORD_TRUNCATED", 4] });
    expect(await found(runtime, 4)).toMatchObject({ ok: true, records: 4 });
    edit(disk, 0, (records) => alter(records, 3));
    for (const to of [undefined, 4]) {
      expect(await found(runtime, to)).toMatchObject({ ok: false, records: 3, bad: ["RECORD_CHAIN_BROKEN", 3] });
    }
  });
});

// A segment's header with another number, and the CRC that belongs to it.
function renumbered(bytes: Uint8Array<ArrayBuffer>, number: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setUint32(12, number, true);
  view.setUint32(124, crc32(bytes.subarray(0, 124)), true);
  return bytes;
}

describe("a record whose successor's link alone was changed", () => {
  it.each([20, 4, 2, 1])("is good, and the successor named, with %d records in each segment", async (inSegment) => {
    const { runtime, disk } = await written(12, inSegment);
    const number = Math.floor(4 / inSegment);
    edit(disk, number, (records) => alterLink(records, 4 - number * inSegment));
    expect(await found(runtime)).toMatchObject({ ok: false, records: 4, bad: ["RECORD_LINK_WRONG", 4] });
    expect(await found(runtime, 4)).toMatchObject({ ok: true, records: 4 });
  });
});

describe("a range", () => {
  it("has nothing to do with a segment whose header is bad, unless it is in it", async () => {
    for (let bad = 0; bad < 6; bad++) {
      const { runtime, disk } = await written(12, 2);
      disk.flip(segment(bad), 40, 1);
      const log = await openLogOn(runtime, "/log", { readOnly: true });
      const stream = log.stream("orders");
      for (let from = 0; from < 12; from++) {
        const range = { from, to: from + 1 };
        const isIn = from === 2 * bad || from === 2 * bad + 1;
        const isLost = isIn || (bad === 5 && from > 9);
        if (isLost && bad === 5) continue;
        const { ok, problem } = await stream.verify(range);
        expect({ ok, code: problem?.code }, `${from} of ${bad}`).toEqual(
          isIn ? { ok: false, code: "SEGMENT_HEADER_INVALID" } : { ok: true, code: undefined },
        );
        const read = () => [...stream.read(range)].map(({ offset }) => offset);
        if (isIn) expect(read).toThrow(expect.objectContaining({ code: "SEGMENT_HEADER_INVALID" }));
        else expect(read()).toEqual([from]);
      }
      await log.close();
    }
  });

  it("says so when nothing is left that links to its last record", async () => {
    const { runtime, disk } = await written(12, 4);
    const sentence = "that record 3 is as it was written: nothing is left of the one behind it that links to it";
    expect((await found(runtime, 4)).notProved).not.toContain(sentence);
    disk.put(segment(1), disk.bytes(segment(1)).slice(0, 100));
    const report = await found(runtime, 4);
    expect(report).toMatchObject({ ok: true, records: 4 });
    expect(report.notProved).toContain(sentence);
  });
});
