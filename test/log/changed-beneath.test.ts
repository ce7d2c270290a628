// A reader that stays while the log is changed beneath it: a failed append is cut back, the log is repaired and goes on. It
// may be behind for a moment; it never calls a good log bad, or shows what is not there.
import { describe, expect, it } from "vitest";
import { type MemoryDisk, memoryRuntime } from "../../adapters/memory.ts";
import { openLogOn, repairLogOn, type Stream } from "../../src/index.ts";

const SEGMENT = "/log/orders/segment_000000.log";

async function beside(disk: MemoryDisk, pid: number): Promise<Stream> {
  const log = await openLogOn(disk.runtime({ pid }), "/log", { readOnly: true });
  return log.stream("orders");
}

const text = (kind: string, offset: number) => `${kind} ${String(offset).padStart(3, "0")}`;

async function damageAndRepair(disk: MemoryDisk, offset: number): Promise<void> {
  const path = disk
    .paths()
    .find((name) => name.endsWith(".log") && Buffer.from(disk.bytes(name)).includes(text("old", offset)));
  disk.flip(path as string, Buffer.from(disk.bytes(path as string)).indexOf(text("old", offset)), 1);
  expect(await repairLogOn(disk.runtime({ pid: 4 }), "/log", { apply: true })).toMatchObject({ ok: true });
}

/** What a reader finds is what one finds who is opened now. */
async function expectLikeNew(disk: MemoryDisk, readers: readonly Stream[]): Promise<void> {
  const fresh = await beside(disk, 99);
  const records = [...fresh.read()].map((record) => record.text());
  expect(await fresh.verify()).toMatchObject({ ok: true, records: records.length });
  for (const reader of readers) {
    expect(await reader.head()).toEqual(await fresh.head());
    expect(await reader.verify()).toMatchObject({ ok: true, records: records.length });
    for (const verify of [undefined, "crc", "chain", "checkpoint", "genesis"] as const) {
      const found = [...reader.read(verify === undefined ? {} : { verify })].map((record) => record.text());
      expect(found).toEqual(records);
    }
    for (let offset = 0; offset < records.length + 2; offset++) {
      expect(reader.getSync(offset)?.text()).toBe(records[offset]);
    }
  }
}

describe("a reader beside a log that was repaired and goes on", () => {
  it.each([
    [true, 9],
    [true, 7],
    [false, 9],
    [false, 7],
  ])("space written ahead %s, from record %d on", async (spaceAhead, bad) => {
    const { runtime, disk } = memoryRuntime({ seed: 1 });
    const log = await openLogOn(runtime, "/log", { spaceAhead });
    for (let i = 0; i < 10; i++) await log.stream("orders").append(text("old", i));
    await log.close();
    const readers = [await beside(disk, 9), await beside(disk, 10)];
    for (const reader of readers) expect([...reader.read({ verify: "genesis" })]).toHaveLength(10);
    await damageAndRepair(disk, bad);
    const again = await openLogOn(runtime, "/log", { spaceAhead });
    const writer = again.stream("orders");
    await writer.head();
    // The first thing that one of them does is to look up what is there no more.
    expect(readers[0]?.getSync(9)?.text()).not.toBe(text("new", 9));
    await expectLikeNew(disk, readers);
    await writer.append(text("new", bad));
    await expectLikeNew(disk, readers);
    for (let i = bad + 1; i < 30; i++) await writer.append(`shorter ${i}`.slice(-3));
    await expectLikeNew(disk, readers);
    await again.close();
    await expectLikeNew(disk, readers);
  });

  it("with segments fewer than before, as many, and more", async () => {
    const { runtime, disk } = memoryRuntime({ seed: 1 });
    const options = { segmentBytes: 1500 };
    const log = await openLogOn(runtime, "/log", options);
    for (let i = 0; i < 60; i++) await log.stream("orders").append(text("old", i));
    await log.close();
    const [holding, other] = [await beside(disk, 9), await beside(disk, 10)];
    for (let i = 0; i < 60; i++) holding.getSync(i);
    await other.head();
    await damageAndRepair(disk, 20);
    await expectLikeNew(disk, [holding, other]);
    const again = await openLogOn(runtime, "/log", options);
    const writer = again.stream("orders");
    for (const count of [24, 60, 90]) {
      for (let i = (await writer.head()).nextOffset; i < count; i++) await writer.append(text("new", i));
      await expectLikeNew(disk, [holding, other]);
    }
    await again.close();
  });
});

describe("a reader that has seen an append which failed then", () => {
  it.each([true, false])(
    "finds the next one of the same length in its place, space written ahead: %s",
    async (spaceAhead) => {
      const { runtime, disk } = memoryRuntime({ seed: 1 });
      const log = await openLogOn(runtime, "/log", { spaceAhead });
      const writer = log.stream("orders");
      for (let i = 0; i < 5; i++) await writer.append(text("old", i));
      const reader = await beside(disk, 9);
      await reader.head();
      let seen: string | undefined;
      disk.onOperation = ({ kind, path, pid, bytes = 0 }) => {
        if (pid !== 1 || seen !== undefined) return undefined;
        if (kind === "write" && path === SEGMENT) return { failAfter: bytes - 20 };
        if (kind === "truncate") seen = reader.getSync(5)?.text();
        return undefined;
      };
      const failed = await Promise.allSettled([writer.append(text("bad", 5)), writer.append(text("bad", 6))]);
      disk.onOperation = null;
      expect(failed.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
      expect(seen).toBe(text("bad", 5));
      await writer.append(text("new", 5));
      await expectLikeNew(disk, [reader]);
      await writer.append(text("new", 6));
      await expectLikeNew(disk, [reader]);
      await log.close();
    },
  );
});
