// Reading from a time, and finding the record that holds a byte.
import { describe, expect, it } from "vitest";
import { memoryRuntime } from "../../adapters/memory.ts";
import { openLogOn } from "../../src/index.ts";
import { crc32 } from "./crc32.ts";
import { randomFrom } from "./random.ts";

async function written(count: number, segmentBytes: number) {
  const { runtime, disk } = memoryRuntime({ seed: 2 });
  const random = randomFrom(count);
  const log = await openLogOn(runtime, "/log", { sync: "onFlush", segmentBytes, indexEveryRecords: 7 });
  const stream = log.stream("orders");
  const times: number[] = [];
  let now = 1_000_000;
  for (let i = 0; i < count; i++) {
    now += random(3) === 0 ? 0 : random(50);
    disk.clock.setMicros(now);
    times.push(now);
    await stream.append("x".repeat(random(30)));
  }
  await stream.flush();
  return { log, stream, times, runtime, disk };
}

describe("read({ from: { time } })", () => {
  it.each([
    [0, 1000],
    [1, 1000],
    [40, 600],
    [3000, 20_000],
    [5000, 1_000_000],
  ])("of %d records starts at the first that is not older, in segments of %d bytes", async (count, segmentBytes) => {
    const { stream, times, log } = await written(count, segmentBytes);
    const last = times.at(-1) ?? 0;
    for (const time of [0, 999_999, 1_000_000, last, last + 1, ...times.filter((_, i) => i % 97 === 0)]) {
      const expected = times.findIndex((one) => one >= time);
      const [first] = [...stream.read({ from: { time }, limit: 1 })];
      expect(first?.offset).toBe(expected < 0 ? undefined : expected);
    }
    await log.close();
  });
});

describe("an index that names wrong places under right CRCs", () => {
  // The position of a page, which in the first one must be that of the segment's first record; its distances but the first.
  const lies: [string, (page: DataView) => void][] = [
    ["some bytes off", (page) => page.setUint32(8, page.getUint32(8, true) + 3, true)],
    [
      "behind the end",
      (page) => {
        for (let entry = 1; entry < 1016; entry++) page.setUint32(32 + 4 * entry, 0x7f000000 + 200 * entry, true);
      },
    ],
  ];

  it.each(lies)("costs time and nothing else: %s", async (_name, lie) => {
    const { log, times, disk, runtime } = await written(5000, 1_000_000);
    await log.close();
    const path = "/log/orders/segment_000000.log";
    const index = disk.bytes(`${path}.idx`);
    for (let at = 4096; at + 4096 < index.length; at += 4096) {
      const page = index.subarray(at, at + 4096);
      const view = new DataView(page.buffer, page.byteOffset);
      lie(view);
      view.setUint32(0, crc32(Uint8Array.of(...disk.bytes(path).subarray(112, 116), ...page.subarray(4))), true);
    }
    disk.put(`${path}.idx`, index);
    const stream = (await openLogOn(runtime, "/log", { readOnly: true })).stream("orders");
    for (const time of times.filter((_, at) => at % 97 === 0)) {
      const [first] = [...stream.read({ from: { time }, limit: 1 })];
      expect(first?.offset).toBe(times.indexOf(time));
    }
    for (const from of [1500, 2500, 3333]) {
      expect((await stream.get(from))?.offset).toBe(from);
      for (const verify of ["crc", "chain", "checkpoint", "genesis"] as const) {
        expect([...stream.read({ from, verify })]).toHaveLength(5000 - from);
      }
      const following = stream.follow({ from });
      expect((await following.next()).value?.offset).toBe(from);
      await following.return();
    }
    expect(await stream.offsetAt({ segment: 0, position: 300_000 })).toBeGreaterThan(1016);
  });
});

describe("an index and checkpoints whose blocks the disk cannot read", () => {
  it("cost time and nothing else, and verify says so of the index", async () => {
    const { log, times, disk, runtime } = await written(3000, 20_000);
    await log.close();
    const readOnly = await openLogOn(runtime, "/log", { readOnly: true });
    const stream = readOnly.stream("orders");
    await stream.head();
    disk.onOperation = ({ kind, path }) =>
      kind === "read" && /_000000\.log\.(idx|ckpt)$/.test(path) ? { fail: "IO_FAILED" } : undefined;
    expect((await stream.get(150))?.offset).toBe(150);
    expect([...stream.read({ from: 100, to: 250, verify: "checkpoint" })]).toHaveLength(150);
    const time = times[170] as number;
    expect([...stream.read({ from: { time }, limit: 1 })][0]?.offset).toBe(times.indexOf(time));
    disk.onOperation = ({ kind, path }) =>
      kind === "read" && path.endsWith("_000000.log.idx") ? { fail: "IO_FAILED" } : undefined;
    const index = ["The index of segment 0 cannot be read on page 0."];
    expect(await stream.verify()).toMatchObject({ ok: true, records: 3000, index });
    disk.onOperation = null;
    await readOnly.close();
  });
});

describe("offsetAt()", () => {
  it("names the record that holds each byte of each segment", async () => {
    const { stream, log, runtime, disk } = await written(60, 900);
    await log.close();
    const readOnly = await openLogOn(runtime, "/log", { readOnly: true });
    const reader = readOnly.stream("orders");
    const { segments } = await reader.inspect();
    expect(segments.length).toBeGreaterThan(3);
    for (const { number, firstOffset, records, bytes } of segments) {
      const starts: number[] = [];
      let position = 128;
      for (let i = 0; i < records; i++) {
        starts.push(position);
        position += 72 + ((await reader.get(firstOffset + i))?.payloadBytes ?? 0);
      }
      expect(position).toBe(bytes);
      for (let at = 0; at < bytes; at += 11) {
        const index = starts.findLastIndex((start) => start <= at);
        const found = await reader.offsetAt({ segment: number, position: at });
        expect(found).toBe(index < 0 ? undefined : firstOffset + index);
      }
      expect(await reader.offsetAt({ segment: number, position: bytes })).toBeUndefined();
    }
    await expect(reader.offsetAt({ segment: 99, position: 0 })).rejects.toMatchObject({ code: "OPTION_INVALID" });
    // Without an index it only takes longer.
    disk.take("/log/orders/segment_000000.log.idx");
    expect(await reader.offsetAt({ segment: 0, position: 400 })).toBeTypeOf("number");
    void stream;
  });
});
