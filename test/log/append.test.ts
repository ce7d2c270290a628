// When an append resolves, what it leaves behind when it fails, and how appends share syncs.
import { describe, expect, it } from "vitest";
import { keepAll, loseAll, memoryRuntime } from "../../adapters/memory.ts";
import { type OpenOptions, openLogOn } from "../../src/index.ts";

async function open(options: OpenOptions = {}) {
  const machine = memoryRuntime({ seed: 3 });
  const log = await openLogOn(machine.runtime, "/log", options);
  const stream = log.stream("orders");
  await stream.head();
  return { ...machine, log, stream };
}

const settle = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

describe("under everyBatch", () => {
  it("append() resolves only after a sync that began after its write", async () => {
    const { disk, stream, log } = await open();
    disk.holdSyncs();
    let first = false;
    let second = false;
    const one = stream.append("one").then(() => (first = true));
    await settle();
    expect(disk.syncsInFlight).toBe(1);
    const two = stream.append("two").then(() => (second = true));
    await settle();
    expect([first, second]).toEqual([false, false]);
    disk.releaseSync();
    await settle();
    // The sync that has ended began before "two" was written.
    expect([first, second]).toEqual([true, false]);
    disk.releaseSync();
    await Promise.all([one, two]);
    disk.releaseSyncs();
    await log.close();
  });

  it("all appends made during a sync share the next one, and at most one sync is in flight", async () => {
    const { disk, stream, log } = await open();
    let syncs = 0;
    disk.onOperation = ({ kind }) => {
      if (kind === "sync") syncs++;
      return undefined;
    };
    disk.holdSyncs();
    const first = stream.append("first");
    await settle();
    const others = Array.from({ length: 50 }, (_, i) => stream.append(`other ${i}`));
    await settle();
    expect(disk.syncsInFlight).toBe(1);
    disk.releaseSync();
    await first;
    await settle();
    expect(disk.syncsInFlight).toBe(1);
    disk.releaseSync();
    const results = await Promise.all(others);
    expect(syncs).toBe(2);
    expect(results.map(({ firstOffset }) => firstOffset)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    disk.releaseSyncs();
    await log.close();
  });

  it("readers of the writer's own process see an append when it is durable, not before", async () => {
    const { disk, stream, log } = await open();
    disk.holdSyncs();
    const append = stream.append("soon");
    await settle();
    expect([...stream.read()]).toHaveLength(0);
    expect(await stream.get(0)).toBeUndefined();
    disk.releaseSyncs();
    await append;
    expect((await stream.get(0))?.text()).toBe("soon");
    await log.close();
  });

  it("append() waits, and takes nothing more into memory, while maxPendingBytes are not durable", async () => {
    const { disk, stream, log } = await open({ maxPendingBytes: 1000, spaceAhead: false });
    disk.holdSyncs();
    const appends = Array.from({ length: 10 }, (_, i) => stream.append(`${i}${"x".repeat(400)}`));
    await settle();
    let written = disk.bytes("/log/orders/segment_000000.log").length;
    expect(written).toBeLessThan(2000);
    disk.releaseSyncs();
    const results = await Promise.all(appends);
    written = disk.bytes("/log/orders/segment_000000.log").length;
    expect(results.at(-1)?.nextOffset).toBe(10);
    expect((await stream.verify()).ok).toBe(true);
    await log.close();
  });

  it("a failed write is cut back, fails the appends that it carried, and the log goes on", async () => {
    const { disk, stream, log } = await open({ spaceAhead: false });
    await stream.append("before");
    const length = disk.bytes("/log/orders/segment_000000.log").length;
    let failed = false;
    disk.onOperation = ({ kind, path }) => {
      if (failed || kind !== "write" || !path.endsWith(".log")) return undefined;
      failed = true;
      return { failAfter: 50, code: "NO_SPACE" };
    };
    await expect(stream.append("lost")).rejects.toMatchObject({ code: "NO_SPACE" });
    expect(disk.bytes("/log/orders/segment_000000.log").length).toBe(length);
    expect(await stream.append("after", { expectedOffset: 1 })).toMatchObject({ firstOffset: 1 });
    expect([...stream.read()].map((record) => record.text())).toEqual(["before", "after"]);
    await log.close();
  });

  it("a full disk fails appends until there is space again; what was acknowledged stays", async () => {
    const { disk, stream, log } = await open({ spaceAhead: false });
    await stream.append("before");
    disk.capacityBytes = 0;
    await expect(stream.append("x".repeat(10_000))).rejects.toMatchObject({ code: "NO_SPACE" });
    expect(() => stream.appendSync("y".repeat(10_000))).toThrowError(expect.objectContaining({ code: "NO_SPACE" }));
    disk.capacityBytes = 1e9;
    await stream.append("after");
    expect([...stream.read()].map((record) => record.text())).toEqual(["before", "after"]);
    await log.close();
  });

  it("short writes are continued", async () => {
    const { disk, stream, log } = await open();
    disk.onOperation = ({ kind, bytes }) => (kind === "write" && (bytes ?? 0) > 7 ? { short: 7 } : undefined);
    await stream.append(["one", "two"]);
    disk.onOperation = null;
    await log.close();
    const again = await openLogOn(disk.runtime({ pid: 9 }), "/log");
    expect([...again.stream("orders").read()].map((record) => record.text())).toEqual(["one", "two"]);
    await again.close();
  });

  it("a failed sync fails every pending append, poisons the stream and is never tried again", async () => {
    const { disk, stream, log } = await open();
    let syncs = 0;
    disk.onOperation = ({ kind }) => {
      if (kind !== "sync") return undefined;
      syncs++;
      return { fail: "IO_FAILED" };
    };
    const pending = [stream.append("one"), stream.append("two")];
    for (const append of pending) await expect(append).rejects.toMatchObject({ code: "SYNC_FAILED" });
    expect(syncs).toBe(1);
    disk.onOperation = null;
    await expect(stream.append("three")).rejects.toMatchObject({ code: "LOG_POISONED", stream: "orders" });
    await expect(stream.flush()).rejects.toMatchObject({ code: "LOG_POISONED" });
    await log.close();
  });

  it("a cut-back that fails poisons the stream", async () => {
    const { disk, stream, log } = await open();
    disk.onOperation = ({ kind, path }) =>
      path.endsWith(".log") && (kind === "write" || kind === "truncate") ? { fail: "IO_FAILED" } : undefined;
    await expect(stream.append("one")).rejects.toMatchObject({ code: "IO_FAILED" });
    disk.onOperation = null;
    await expect(stream.append("two")).rejects.toMatchObject({ code: "LOG_POISONED" });
    await log.close();
  });
});

describe("under onFlush", () => {
  it("append() resolves at once, readers see it, and flush() makes it durable", async () => {
    const { disk, stream, log } = await open({ sync: "onFlush" });
    disk.holdSyncs();
    await stream.append(["one", "two"]);
    expect(disk.syncsInFlight).toBe(0);
    expect([...stream.read()].map((record) => record.text())).toEqual(["one", "two"]);
    const flush = stream.flush();
    await settle();
    expect(disk.syncsInFlight).toBe(1);
    disk.releaseSyncs();
    await flush;
    const survived = await openLogOn(disk.crashImage(loseAll).runtime({ pid: 5 }), "/log");
    expect([...survived.stream("orders").read()].map((record) => record.text())).toEqual(["one", "two"]);
    await log.close();
  });

  it("what cannot be written stays in memory: flush() fails, and succeeds when there is space again", async () => {
    const { disk, stream, log } = await open({ sync: "onFlush" });
    await stream.append("before");
    await stream.flush();
    disk.capacityBytes = 0;
    const { head } = await stream.append("x".repeat(5000));
    await settle();
    await expect(stream.flush()).rejects.toMatchObject({ code: "NO_SPACE" });
    expect([...stream.read()]).toHaveLength(1);
    disk.capacityBytes = 1e9;
    await stream.flush();
    expect(await stream.head()).toEqual({ nextOffset: 2, head });
    await log.close();
  });

  it("records reach the file with the next turn of the event loop, without a flush", async () => {
    const { disk, stream } = await open({ sync: "onFlush" });
    await stream.append("seen by others");
    await settle();
    const beside = await openLogOn(disk.runtime({ pid: 9 }), "/log", { readOnly: true });
    expect([...beside.stream("orders").read()].map((record) => record.text())).toEqual(["seen by others"]);
  });
});

describe("appendSync()", () => {
  it("refuses while appends made with append() are not durable", async () => {
    const { disk, stream, log } = await open();
    disk.holdSyncs();
    const append = stream.append("one");
    await settle();
    expect(() => stream.appendSync("two")).toThrowError(expect.objectContaining({ code: "APPEND_IN_FLIGHT" }));
    disk.releaseSyncs();
    await append;
    expect(stream.appendSync("two").firstOffset).toBe(1);
    await log.close();
  });

  it("is durable when it returns", async () => {
    const { disk, stream } = await open();
    const { head } = stream.appendSync(["one", "two"]);
    const survived = await openLogOn(disk.crashImage(loseAll).runtime({ pid: 5 }), "/log");
    expect(await survived.stream("orders").head()).toEqual({ nextOffset: 2, head });
  });
});

describe("an append", () => {
  it("of nothing writes nothing, tells the head, and honours expectedOffset", async () => {
    const { stream, log } = await open();
    const { head } = await stream.append("one");
    expect((await stream.append([])).toJSON()).toEqual({ firstOffset: 1, nextOffset: 1, head });
    await expect(stream.append([], { expectedOffset: 0 })).rejects.toMatchObject({ code: "OFFSET_MISMATCH" });
    await log.close();
  });

  it("larger than a segment gets one of its own", async () => {
    const { disk, stream, log } = await open({ segmentBytes: 500 });
    await stream.append("small");
    await stream.append(["x".repeat(600), "y".repeat(600)]);
    await stream.append("small again");
    expect((await stream.inspect()).segments.map(({ records }) => records)).toEqual([1, 2, 1]);
    expect(await stream.verify()).toMatchObject({ ok: true, records: 4, segments: 3 });
    await log.close();
    expect(disk.paths().filter((path) => path.endsWith(".log"))).toHaveLength(3);
  });

  it("keeps what the caller gave, whatever the caller does with it after it has resolved", async () => {
    const { stream, log } = await open();
    const bytes = new Uint8Array([1, 2, 3]);
    await stream.append(bytes);
    bytes.fill(9);
    expect((await stream.get(0))?.payload).toEqual(new Uint8Array([1, 2, 3]));
    await log.close();
  });

  it("takes timestamps from the clock, but never goes back with it", async () => {
    const { disk, stream, log } = await open();
    disk.clock.setMicros(5_000_000);
    await stream.append("five");
    disk.clock.setMicros(3_000_000);
    await stream.append("three");
    disk.clock.setMicros(7_000_000);
    await stream.append("seven");
    expect([...stream.read()].map((record) => record.timestamp)).toEqual([5_000_000, 5_000_000, 7_000_000]);
    await log.close();
    disk.clock.setMicros(1_000_000);
    const again = await openLogOn(disk.runtime({ pid: 4 }), "/log");
    await again.stream("orders").append("after a reboot with a wrong clock");
    expect((await again.stream("orders").get(3))?.timestamp).toBe(7_000_000);
    await again.close();
  });
});

describe("a torn tail", () => {
  it("is cut when the stream is opened for writing, and reported; a read-only open changes nothing", async () => {
    const { disk, stream } = await open({ spaceAhead: false });
    await stream.append(["whole", "append"]);
    const path = "/log/orders/segment_000000.log";
    const whole = disk.bytes(path).slice();
    // Half of the next append, as a power loss may leave it.
    await stream.append(["torn", "in two"]);
    const torn = disk.bytes(path).slice(0, whole.length + 90);
    const crashed = disk.crash(keepAll);
    crashed.put(path, torn);
    const beside = await openLogOn(crashed.runtime({ pid: 8 }), "/log", { readOnly: true });
    expect([...beside.stream("orders").read()]).toHaveLength(2);
    expect(crashed.bytes(path)).toEqual(torn);
    const reports: unknown[] = [];
    const log = await openLogOn(crashed.runtime({ pid: 9 }), "/log", { onTornTail: (report) => reports.push(report) });
    expect(await log.stream("orders").head()).toMatchObject({ nextOffset: 2 });
    const report = { stream: "orders", segment: 0, offset: 2, position: whole.length, bytes: 90 };
    expect(log.stream("orders").tornTail).toMatchObject(report);
    expect(reports).toMatchObject([report]);
    await log.close();
    expect(crashed.bytes(path)).toEqual(whole);
  });
});
