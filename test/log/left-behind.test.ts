// What a process leaves behind that dies, or whose sync fails, can be read by the next one, and may not be on the disk. Nothing
// that is durable, and nobody who is told so, may rest on it. One test for each defect of this kind that was found.
import { describe, expect, it } from "vitest";
import { loseAll, type MemoryDisk, memoryRuntime, seededChoose } from "../../adapters/memory.ts";
import { type Log, openLogOn, repairLogOn } from "../../src/index.ts";

const SEGMENT = "/logs/log/orders/segment_000000.log";
const ENCRYPTION = { encryption: { masterKey: new Uint8Array(32).fill(7) } };

/** Opens the log as a process. */
function openAs(disk: MemoryDisk, pid: number, options: object = {}): Promise<Log> {
  return openLogOn(disk.runtime({ pid }), "/logs/log", options);
}

/** A closed log of a process that has ended, with records of 300 bytes. */
async function closedLog(seed: number, records: number, options: object = {}): Promise<MemoryDisk> {
  const { disk } = memoryRuntime({ seed });
  const log = await openAs(disk, 1, options);
  for (let i = 0; i < records; i++) await log.stream("orders").append(`${i}`.padEnd(300, "x"));
  await log.close();
  disk.kill(1);
  return disk;
}

/** Appends one record as a process, which is told where. */
async function appendAs(disk: MemoryDisk, pid: number, options: object = {}): Promise<number> {
  const log = await openAs(disk, pid, options);
  const { firstOffset } = await log.stream("orders").append("acknowledged");
  return firstOffset;
}

async function textAfterPowerLoss(disk: MemoryDisk, offset: number, options: object = {}): Promise<string | undefined> {
  const log = await openAs(disk.crash(loseAll), 9, options);
  return (await log.stream("orders").get(offset))?.text();
}

describe("a process that is killed", () => {
  it("before the name of the key file is durable takes no record of the next one with it", async () => {
    const disk = await closedLog(1, 1);
    let isPublished = false;
    disk.onOperation = ({ pid, kind, path }) => {
      if (pid !== 2) return undefined;
      if (isPublished && kind === "syncFolder") disk.kill(2);
      isPublished ||= kind === "publish" && path.endsWith("keys.json");
      return undefined;
    };
    await expect(openAs(disk, 2, { encryption: { ...ENCRYPTION.encryption, create: true } })).rejects.toThrow();
    disk.onOperation = null;
    const offset = await appendAs(disk, 3, ENCRYPTION);
    expect(await textAfterPowerLoss(disk, offset, ENCRYPTION)).toBe("acknowledged");
  });

  it("before the name of a checkpoint file is durable takes no checkpoint of the next one with it", async () => {
    const disk = await closedLog(3, 2);
    disk.take(`${SEGMENT}.ckpt`);
    disk.onOperation = ({ pid, kind }) => {
      if (pid === 2 && kind === "syncFolder" && disk.paths().includes(`${SEGMENT}.ckpt`)) disk.kill(2);
      return undefined;
    };
    const log = await openAs(disk, 2);
    await expect(log.stream("orders").head()).rejects.toThrow();
    disk.onOperation = null;
    const { text } = await (await openAs(disk, 3)).stream("orders").checkpoint();
    const after = disk.crash(loseAll);
    expect(after.paths()).toContain(`${SEGMENT}.ckpt`);
    expect((await (await openAs(after, 4)).stream("orders").latestCheckpoint())?.text).toBe(text);
  });

  it.each(["is killed", "sees its sync fail"])(
    "while it repairs a header, or %s, leaves nothing that the next repair calls good and a power loss takes",
    async (how) => {
      const disk = await closedLog(1, 2);
      disk.flip(SEGMENT, 1, 0);
      let isWritten = false;
      disk.onOperation = ({ pid, kind, path }) => {
        if (pid !== 2 || path !== SEGMENT) return undefined;
        if (kind === "write") isWritten = true;
        if (kind !== "sync" || !isWritten) return undefined;
        isWritten = false;
        if (how === "is killed") disk.kill(2);
        return { fail: "IO_FAILED" };
      };
      await expect(repairLogOn(disk.runtime({ pid: 2 }), "/logs/log", { apply: true })).rejects.toThrow();
      disk.onOperation = null;
      disk.kill(2);
      expect(await repairLogOn(disk.runtime({ pid: 3 }), "/logs/log", { apply: true })).toMatchObject({ ok: true });
      const offset = await appendAs(disk, 4);
      expect(await textAfterPowerLoss(disk, offset)).toBe("acknowledged");
    },
  );

  it("while it sets segments aside leaves nothing that the next repair calls good and a power loss takes", async () => {
    const disk = await closedLog(2, 4, { segmentBytes: 700 });
    const third = disk.paths().filter((path) => path.endsWith(".log"))[2] as string;
    for (const at of [2, 113, 125, 130]) disk.flip(third, at, 0);
    let isRenamed = false;
    disk.onOperation = ({ pid, kind, path }) => {
      if (pid !== 2) return undefined;
      isRenamed ||= kind === "rename" && path.includes("/orders/segment");
      if (isRenamed && kind === "syncFolder") disk.kill(2);
      return undefined;
    };
    await expect(repairLogOn(disk.runtime({ pid: 2 }), "/logs/log", { apply: true })).rejects.toThrow();
    disk.onOperation = null;
    expect(await repairLogOn(disk.runtime({ pid: 3 }), "/logs/log", { apply: true })).toMatchObject({ ok: true });
    const offset = await appendAs(disk, 4);
    expect(await textAfterPowerLoss(disk, offset)).toBe("acknowledged");
  });
});

describe("an erasure that fails", () => {
  it("takes no record that was acknowledged afterwards: there is none", async () => {
    const { disk } = memoryRuntime({ seed: 1 });
    const log = await openAs(disk, 1, ENCRYPTION);
    const orders = log.stream("orders");
    await orders.append("of before", { keyId: "customer" });
    disk.onOperation = ({ kind, path }) =>
      kind === "sync" && path.endsWith("keys.json") ? { fail: "IO_FAILED" } : undefined;
    await expect(log.eraseSubject("customer", { by: "tests" })).rejects.toMatchObject({ code: "SYNC_FAILED" });
    disk.onOperation = null;
    await expect(orders.append("of after", { keyId: "customer" })).rejects.toMatchObject({ code: "SUBJECT_ERASED" });
    expect((await orders.get(0))?.text()).toBe("of before");
  });
});

describe("a page of an index", () => {
  it("of records that a crash took never stands beside pages of those that came in their place", async () => {
    const index = `${SEGMENT}.idx`;
    const page = (disk: MemoryDisk, number: number) => `${disk.bytes(index).slice(number * 4096, (number + 1) * 4096)}`;
    const { disk } = memoryRuntime({ seed: 1, sectorBytes: 4096 });
    const orders = (await openAs(disk, 1, { sync: "onFlush" })).stream("orders");
    await orders.append(Array(501).fill("a"));
    await orders.flush();
    for (let i = 0; i < 7; i++) await orders.append(Array(100).fill("bbbb"));
    await orders.head();
    const taken = page(disk, 0);

    // The full page reached the disk, many of its records did not.
    const first = images(disk, 0).find(
      (one) => has(one, index) && page(one, 0) === taken && one.bytes(SEGMENT).length < 60_000,
    );
    const again = (await openAs(first as MemoryDisk, 2, { sync: "onFlush" })).stream("orders");
    for (let i = 0; i < 8; i++) {
      await again.append(Array(100).fill(`ccccccccc${i}`));
      await again.flush();
    }
    const newer = page(first as MemoryDisk, 1);

    const mixed = images(first as MemoryDisk, 800).filter((one) => has(one, index) && page(one, 1) === newer);
    expect(mixed.length).toBeGreaterThan(0);
    for (const second of mixed) {
      expect(page(second, 0)).not.toBe(taken);
      const log = await openAs(second, 3);
      await log.stream("orders").append("x");
      expect(await log.stream("orders").verify()).toMatchObject({ ok: true, index: [] });
    }
  });
});

function has(disk: MemoryDisk, path: string): boolean {
  return disk.paths().includes(path) && disk.paths().includes(SEGMENT);
}

/** Disks that a crash now could leave. */
function images(disk: MemoryDisk, fromSeed: number): MemoryDisk[] {
  return Array.from({ length: 50 }, (_, i) => disk.crashImage(seededChoose(fromSeed + i)));
}
