// What each sync policy promises, and what happens to appends when there is no room.
import { describe, expect, it } from "vitest";
import { loseAll, memoryRuntime } from "../../adapters/memory.ts";
import { type OpenOptions, openLogOn, type SyncPolicy } from "../../src/index.ts";

async function open(options: OpenOptions) {
  const machine = memoryRuntime({ seed: 8 });
  const log = await openLogOn(machine.runtime, "/log", { spaceAhead: false, ...options });
  const stream = log.stream("orders");
  await stream.head();
  let syncs = 0;
  let writes = 0;
  machine.disk.onOperation = ({ kind, path }) => {
    if (kind === "sync" && path.endsWith(".log")) syncs++;
    if (kind === "write" && path.endsWith(".log")) writes++;
    return undefined;
  };
  return { ...machine, log, stream, syncs: () => syncs, writes: () => writes };
}

const settle = async () => {
  for (let i = 0; i < 30; i++) await Promise.resolve();
};

// Which of some promises have resolved by now.
function watch(promises: readonly Promise<unknown>[]): boolean[] {
  const done = promises.map(() => false);
  promises.forEach((promise, i) => {
    promise.then(
      () => {
        done[i] = true;
      },
      () => undefined,
    );
  });
  return done;
}

describe("under everyRecord", () => {
  it("each append has a sync of its own, and the next is written only after it", async () => {
    const { disk, stream, log, syncs, writes } = await open({ sync: "everyRecord" });
    disk.holdSyncs();
    const appends = [stream.append("one"), stream.append(["two", "too"]), stream.append("three")];
    const done = watch(appends);
    await settle();
    expect([syncs(), writes(), done]).toEqual([1, 1, [false, false, false]]);
    disk.releaseSync();
    await settle();
    expect([syncs(), writes(), done]).toEqual([2, 2, [true, false, false]]);
    disk.releaseSyncs();
    await Promise.all(appends);
    expect([syncs(), writes()]).toEqual([3, 3]);
    expect([...stream.read()].map((record) => record.text())).toEqual(["one", "two", "too", "three"]);
    await log.close();
  });
});

describe("under groupCommit", () => {
  const group = (maxDelayMs: number, maxAppends?: number): SyncPolicy => ({
    groupCommit: maxAppends === undefined ? { maxDelayMs } : { maxDelayMs, maxAppends },
  });

  it("an append waits for company up to maxDelayMs, then all that came share one sync", async () => {
    const { disk, stream, log, syncs } = await open({ sync: group(5) });
    const first = stream.append("first");
    disk.clock.stepMicros(3000);
    const second = stream.append("second");
    const done = watch([first, second]);
    await settle();
    expect([syncs(), done]).toEqual([0, [false, false]]);
    disk.clock.stepMicros(1999);
    await settle();
    expect(syncs()).toBe(0);
    disk.clock.stepMicros(1);
    await Promise.all([first, second]);
    expect(syncs()).toBe(1);
    await log.close();
  });

  it("does not wait any longer when maxAppends wait", async () => {
    const { disk, stream, log, syncs } = await open({ sync: group(1000, 3) });
    const appends = [stream.append("one"), stream.append("two")];
    await settle();
    expect(syncs()).toBe(0);
    appends.push(stream.append("three"));
    await Promise.all(appends);
    expect([syncs(), disk.clock.timers]).toEqual([1, 0]);
    await log.close();
  });

  it("an append resolves by no sync that began before it was written, and begins a group of its own", async () => {
    const { disk, stream, log, syncs } = await open({ sync: group(5) });
    disk.holdSyncs();
    const early = stream.append("early");
    disk.clock.stepMicros(5000);
    await settle();
    expect(syncs()).toBe(1);
    const late = stream.append("late");
    const done = watch([early, late]);
    disk.releaseSync();
    await settle();
    expect([syncs(), done]).toEqual([1, [true, false]]);
    disk.clock.stepMicros(5000);
    await settle();
    expect(syncs()).toBe(2);
    disk.releaseSyncs();
    await late;
    await log.close();
  });

  it("a group whose time is up during a sync is synced right after it", async () => {
    const { disk, stream, log, syncs } = await open({ sync: group(5) });
    disk.holdSyncs();
    const early = stream.append("early");
    disk.clock.stepMicros(5000);
    await settle();
    const late = stream.append("late");
    disk.clock.stepMicros(6000);
    await settle();
    expect(syncs()).toBe(1);
    disk.releaseSync();
    await early;
    await settle();
    expect(syncs()).toBe(2);
    disk.releaseSyncs();
    await late;
    await log.close();
  });

  it("flush() and close() wait for no company", async () => {
    const { disk, stream, log, syncs } = await open({ sync: group(60_000) });
    const one = stream.append("one");
    await stream.flush();
    await one;
    expect([syncs(), disk.clock.timers]).toEqual([1, 0]);
    const two = stream.append("two");
    await log.close();
    await two;
    expect(disk.clock.timers).toBe(0);
    const survived = await openLogOn(disk.crash(loseAll).runtime(), "/log");
    expect(await survived.stream("orders").head()).toMatchObject({ nextOffset: 2 });
  });

  it("an append that has to wait for room ends the waiting of those before it", async () => {
    const { stream, log, syncs } = await open({ sync: group(60_000), maxPendingRecords: 2 });
    const appends = ["one", "two", "three"].map((text) => stream.append(text));
    await Promise.all(appends.slice(0, 2));
    expect(syncs()).toBe(1);
    await stream.flush();
    await Promise.all(appends);
    await log.close();
  });

  it("records are in the file before their sync is due when they are many", async () => {
    const { disk, stream, log } = await open({ sync: group(60_000), maxPendingBytes: 1e6 });
    const append = stream.append("x".repeat(100_000));
    expect(disk.bytes("/log/orders/segment_000000.log").length).toBeGreaterThan(100_000);
    await log.close();
    await append;
  });

  it("flush() called while an event is being staged is answered", async () => {
    const { stream, log } = await open({ sync: group(60_000) });
    const before = stream.append("before");
    let flushed: Promise<void> | undefined;
    const append = stream.append({
      toJSON() {
        flushed = stream.flush();
        return "staged";
      },
    });
    await before;
    await flushed;
    await stream.flush();
    await append;
    await log.close();
  });

  it.each([
    [{ groupCommit: {} }],
    [{ groupCommit: { maxDelayMs: -1 } }],
    [{ groupCommit: { maxDelayMs: Number.NaN } }],
    [{ groupCommit: { maxDelayMs: "5" } }],
    [{ groupCommit: { maxDelayMs: 5, maxAppends: 0 } }],
    [{ groupCommit: { maxDelayMs: 5, maxApends: 3 } }],
    [{ groupCommit: { maxDelayMs: 70_000 } }],
    [{ groupCommit: null }],
    ["toString"],
    [7],
  ])("%j is OPTION_INVALID", async (sync) => {
    const { runtime } = memoryRuntime({ seed: 1 });
    await expect(openLogOn(runtime, "/log", { sync: sync as SyncPolicy })).rejects.toMatchObject({
      code: "OPTION_INVALID",
      option: "sync",
    });
  });
});

describe("a failed sync", () => {
  it.each([["everyRecord" as const], ["everyBatch" as const], [{ groupCommit: { maxDelayMs: 0 } }]])(
    "under %j rejects every append that waits with its cause, those without room too, and is not tried again",
    async (sync) => {
      const { disk, stream, log } = await open({ sync, maxPendingRecords: 2 });
      let syncs = 0;
      disk.onOperation = ({ kind }) => {
        if (kind !== "sync") return undefined;
        syncs++;
        return { fail: "IO_FAILED" };
      };
      const appends = Array.from({ length: 5 }, (_, i) => stream.append(`${i}`));
      for (const append of appends) await expect(append).rejects.toMatchObject({ code: "SYNC_FAILED" });
      expect(syncs).toBe(1);
      disk.onOperation = null;
      await expect(stream.append("more")).rejects.toMatchObject({
        code: "LOG_POISONED",
        cause: expect.objectContaining({ code: "SYNC_FAILED" }),
      });
      await log.close();
    },
  );
});

describe("backpressure", () => {
  it("append() waits while maxPendingRecords are not durable", async () => {
    const { disk, stream, log, writes } = await open({ maxPendingRecords: 3 });
    disk.holdSyncs();
    const appends = Array.from({ length: 8 }, (_, i) => stream.append(`${i}`));
    await settle();
    expect(writes()).toBe(1);
    disk.releaseSyncs();
    const results = await Promise.all(appends);
    expect(results.map(({ firstOffset }) => firstOffset)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    await log.close();
  });

  it("tryAppend() says no instead of waiting, takes nothing then, and works again when there is room", async () => {
    const { disk, stream, log } = await open({ maxPendingRecords: 2 });
    disk.holdSyncs();
    const first = stream.tryAppend(["one", "two"]);
    expect(first).not.toBeNull();
    expect(stream.tryAppend("no room")).toBeNull();
    disk.releaseSyncs();
    await first;
    await stream.tryAppend("three");
    expect([...stream.read()].map((record) => record.text())).toEqual(["one", "two", "three"]);
    await log.close();
  });

  it("tryAppend() says no while a segment is being made, and that one is made", async () => {
    const { stream, log } = await open({ segmentBytes: 500 });
    await stream.append("x".repeat(300));
    expect(stream.tryAppend("y".repeat(300))).toBeNull();
    await stream.flush();
    for (let tries = 0; tries < 100 && stream.tryAppend("z".repeat(300)) === null; tries++) await settle();
    await log.close();
  });

  it("tryAppend() rejects like append() when the append will never do", async () => {
    const { stream, log } = await open({});
    await expect(stream.tryAppend(undefined as unknown as string)).rejects.toMatchObject({ code: "EVENT_INVALID" });
    await expect(stream.tryAppend("x", { expectedOffset: 3 })).rejects.toMatchObject({ code: "OFFSET_MISMATCH" });
    await log.close();
  });

  it("a signal gives up an append that waits for room: its reason comes back and nothing of it is written", async () => {
    const { disk, stream, log } = await open({ maxPendingRecords: 1 });
    disk.holdSyncs();
    const first = stream.append("first");
    const controller = new AbortController();
    const waiting = [
      stream.append("second", { signal: controller.signal }),
      stream.append("third"),
      stream.append("fourth", { signal: controller.signal }),
    ];
    const reason = new Error("the client went away");
    controller.abort(reason);
    await expect(waiting[0]).rejects.toBe(reason);
    await expect(waiting[2]).rejects.toBe(reason);
    disk.releaseSyncs();
    expect(await first).toMatchObject({ firstOffset: 0 });
    expect(await waiting[1]).toMatchObject({ firstOffset: 1 });
    expect([...stream.read()].map((record) => record.text())).toEqual(["first", "third"]);
    await log.close();
  });

  it("a signal that was aborted before takes nothing; one that is aborted after the records were taken changes nothing", async () => {
    const { disk, stream, log } = await open({});
    await expect(stream.append("never", { signal: AbortSignal.abort("no") })).rejects.toBe("no");
    await expect(stream.tryAppend("never", { signal: AbortSignal.abort("no") })).rejects.toBe("no");
    expect(() => stream.appendSync("never", { signal: AbortSignal.abort(new Error("no")) })).toThrow("no");
    const controller = new AbortController();
    disk.holdSyncs();
    const taken = stream.append("taken", { signal: controller.signal });
    controller.abort();
    disk.releaseSyncs();
    expect(await taken).toMatchObject({ firstOffset: 0 });
    expect(await stream.head()).toMatchObject({ nextOffset: 1 });
    await log.close();
  });

  it("what is no signal is OPTION_INVALID", async () => {
    const { stream, log } = await open({});
    const signal = "stop" as unknown as AbortSignal;
    await expect(stream.append("x", { signal })).rejects.toMatchObject({ code: "OPTION_INVALID", option: "signal" });
    await log.close();
  });

  it("thousands of appends that wait are given up at once and in no time", async () => {
    const { disk, stream, log } = await open({ maxPendingRecords: 1 });
    disk.holdSyncs();
    const first = stream.append("first");
    const controller = new AbortController();
    const waiting = Array.from({ length: 20_000 }, (_, i) => stream.append(`${i}`, { signal: controller.signal }));
    controller.abort();
    const ends = await Promise.allSettled(waiting);
    expect(ends.every(({ status }) => status === "rejected")).toBe(true);
    disk.releaseSyncs();
    await first;
    await log.close();
  });
});
