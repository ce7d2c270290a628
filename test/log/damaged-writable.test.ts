// A stream whose end is damaged, in a log that is open for writing: it takes nothing more, and shows what a read-only log
// shows.
import { describe, expect, it } from "vitest";
import { type MemoryDisk, memoryRuntime } from "../../adapters/memory.ts";
import { CorruptionError, type Log, openLogOn, type Runtime } from "../../src/index.ts";

const SEGMENT = "/log/orders/segment_000000.log";
const RECORDS = 6;

async function damaged(): Promise<{ runtime: Runtime; disk: MemoryDisk; healthy: Uint8Array }> {
  const { runtime, disk } = memoryRuntime({ seed: 5 });
  const log = await openLogOn(runtime, "/log", { spaceAhead: false });
  for (let i = 0; i < RECORDS; i++) await log.stream("orders").append(`r${i}`);
  await log.close();
  const healthy = disk.bytes(SEGMENT).slice();
  disk.flip(SEGMENT, healthy.length - 6, 0);
  return { runtime, disk, healthy };
}

async function shown(log: Log) {
  const stream = log.stream("orders");
  const read: string[] = [];
  const failed = await (async () => {
    for await (const record of stream.read()) read.push(record.text());
  })().catch((error: unknown) => error);
  const { elapsedMs: _, ...report } = await stream.verify();
  const { damage, nextOffset } = await stream.inspect();
  return { read, failed: (failed as CorruptionError).code, report, damage, nextOffset };
}

describe("a damaged stream in a log that is open for writing", () => {
  it("is read, verified and inspected as in a read-only one", async () => {
    const { runtime } = await damaged();
    const readOnly = await openLogOn(runtime, "/log", { readOnly: true });
    const expected = await shown(readOnly);
    await readOnly.close();
    expect(expected.read).toHaveLength(RECORDS - 1);
    expect(expected.report).toMatchObject({ ok: false, problem: { code: "RECORD_CRC_MISMATCH", offset: RECORDS - 1 } });
    const writable = await openLogOn(runtime, "/log");
    expect(await shown(writable)).toEqual(expected);
    await writable.close();
  });

  it.each(["before", "after"] as const)("takes no append %s it was read, and stays as it is", async (order) => {
    const { runtime, disk, healthy } = await damaged();
    runtime.files.remove(`${SEGMENT}.idx`);
    const log = await openLogOn(runtime, "/log");
    const files = () => disk.paths().filter((path) => !path.startsWith("/log/lock"));
    const before = new Map(files().map((path) => [path, disk.bytes(path).slice()]));
    const stream = log.stream("orders");
    if (order === "after") await shown(log);
    for (let i = 0; i < 2; i++) {
      await expect(stream.append("more")).rejects.toBeInstanceOf(CorruptionError);
      expect(() => stream.appendSync("more")).toThrow(CorruptionError);
      await expect(stream.checkpoint()).rejects.toBeInstanceOf(CorruptionError);
      await expect(stream.head()).rejects.toBeInstanceOf(CorruptionError);
    }
    expect(new Map(files().map((path) => [path, disk.bytes(path).slice()]))).toEqual(before);
    await log.stream("others").append("goes on");
    await log.close();
    disk.put(SEGMENT, healthy);
    const mended = await openLogOn(runtime, "/log");
    expect(await mended.stream("orders").append("more")).toMatchObject({ firstOffset: RECORDS });
    await mended.close();
  });
});
