// Following a stream as it grows: beside the writer of this process, and beside one in another.
import { describe, expect, it } from "vitest";
import { type MemoryDisk, memoryRuntime } from "../../adapters/memory.ts";
import { type LogRecord, type OpenOptions, openLogOn, type Stream } from "../../src/index.ts";
import { randomFrom } from "./random.ts";

const OPTIONS = { spaceAhead: false };

async function open(options: OpenOptions = {}) {
  const machine = memoryRuntime({ seed: 5 });
  const log = await openLogOn(machine.runtime, "/log", { ...OPTIONS, ...options });
  const stream = log.stream("orders");
  await stream.head();
  return { ...machine, log, stream };
}

const settle = async () => {
  for (let i = 0; i < 50; i++) await Promise.resolve();
};

// Collects what a follower is shown, and how it ended.
function collect(records: AsyncIterable<LogRecord>) {
  const texts: string[] = [];
  const offsets: number[] = [];
  const state: { ended: boolean; error: unknown } = { ended: false, error: undefined };
  const done = (async () => {
    try {
      for await (const record of records) {
        texts.push(record.text());
        offsets.push(record.offset);
      }
    } catch (error) {
      state.error = error;
    }
    state.ended = true;
  })();
  return { texts, offsets, state, done };
}

async function beside(disk: MemoryDisk, pid = 9): Promise<Stream> {
  return (await openLogOn(disk.runtime({ pid }), "/log", { readOnly: true })).stream("orders");
}

describe("follow() beside the writer of this process", () => {
  it("shows what is there, then what comes, when it is acknowledged and not before", async () => {
    const { disk, stream, log } = await open();
    await stream.append(["one", "two"]);
    const controller = new AbortController();
    const { texts, state, done } = collect(stream.follow({ signal: controller.signal }));
    await settle();
    expect(texts).toEqual(["one", "two"]);
    disk.holdSyncs();
    const append = stream.append("three");
    await settle();
    expect(texts).toEqual(["one", "two"]);
    disk.releaseSyncs();
    await append;
    await settle();
    expect(texts).toEqual(["one", "two", "three"]);
    controller.abort("enough");
    await done;
    expect(state.error).toBe("enough");
    await log.close();
  });

  it("reads nothing from the file while it keeps up", async () => {
    const { disk, stream, log } = await open({ segmentBytes: 2000 });
    const controller = new AbortController();
    const { texts, done } = collect(stream.follow({ signal: controller.signal }));
    await settle();
    let reads = 0;
    disk.onOperation = ({ kind, path }) => {
      if (kind === "read" && path.endsWith(".log")) reads++;
      return undefined;
    };
    for (let i = 0; i < 100; i++) {
      await stream.append(`record ${i}`);
      await settle();
    }
    expect(texts).toEqual(Array.from({ length: 100 }, (_, i) => `record ${i}`));
    expect(reads).toBe(0);
    controller.abort();
    await done;
    await log.close();
  });

  it("under onFlush shows records when they are written", async () => {
    const { stream, log } = await open({ sync: "onFlush" });
    const controller = new AbortController();
    const { texts, done } = collect(stream.follow({ signal: controller.signal }));
    await stream.append("soon");
    await settle();
    expect(texts).toEqual(["soon"]);
    controller.abort();
    await done;
    await log.close();
  });

  it("catches up with a writer that was far ahead, in order and without gaps, over many segments", async () => {
    const { stream, log } = await open({ segmentBytes: 3000, sync: "onFlush" });
    const total = 3000;
    const controller = new AbortController();
    const follower = collect(stream.follow({ signal: controller.signal }));
    for (let i = 0; i < total; i += 3) {
      await stream.append([`${i}`, `${i + 1}`, `${i + 2}`]);
      if (i % 300 === 0) await settle();
    }
    await stream.flush();
    while (follower.texts.length < total && !follower.state.ended) await settle();
    expect(follower.offsets).toEqual(Array.from({ length: total }, (_, i) => i));
    controller.abort();
    await follower.done;
    await log.close();
  });

  it("from an offset or a time that lies in the future begins there", async () => {
    const { disk, stream, log } = await open();
    disk.clock.setMicros(1_000_000);
    await stream.append("zero");
    const controller = new AbortController();
    const { signal } = controller;
    const byOffset = collect(stream.follow({ from: 2, signal }));
    const byTime = collect(stream.follow({ from: { time: 3_000_000 }, signal }));
    await settle();
    disk.clock.setMicros(2_000_000);
    await stream.append("one");
    disk.clock.setMicros(3_000_000);
    await stream.append("two");
    await settle();
    expect(byOffset.texts).toEqual(["two"]);
    expect(byTime.texts).toEqual(["two"]);
    controller.abort();
    await Promise.all([byOffset.done, byTime.done]);
    await log.close();
  });

  it("each of several followers gets payloads of its own, with the right hashes", async () => {
    const { stream, log } = await open();
    const controller = new AbortController();
    const { signal } = controller;
    const [first, second] = [stream.follow({ signal }), stream.follow({ signal })];
    const both = [first.next(), second.next()];
    await settle();
    const { head } = await stream.append("precious");
    const [one, other] = (await Promise.all(both)).map(({ value }) => value as LogRecord);
    one?.payload.fill(0);
    expect(other?.text()).toBe("precious");
    expect(other?.hash).toBe(head);
    controller.abort();
    await Promise.all([first.next().catch(() => undefined), second.next().catch(() => undefined)]);
    await log.close();
  });

  it("ends with LOG_CLOSED when the log is closed, and with LOG_POISONED when the writer has failed", async () => {
    const closing = await open();
    const closed = collect(closing.stream.follow());
    await settle();
    await closing.log.close();
    await closed.done;
    expect(closed.state.error).toMatchObject({ code: "LOG_CLOSED" });

    const failing = await open();
    await failing.stream.append("good");
    const poisoned = collect(failing.stream.follow());
    await settle();
    failing.disk.onOperation = ({ kind }) => (kind === "sync" ? { fail: "IO_FAILED" } : undefined);
    await expect(failing.stream.append("lost")).rejects.toMatchObject({ code: "SYNC_FAILED" });
    await poisoned.done;
    expect(poisoned.texts).toEqual(["good"]);
    expect(poisoned.state.error).toMatchObject({ code: "LOG_POISONED" });
    await failing.log.close();
  });

  it("lets go of everything when the loop is left", async () => {
    const { stream, log, disk } = await open();
    await stream.append(["one", "two"]);
    for await (const record of stream.follow()) if (record.offset === 1) break;
    const { signal } = new AbortController();
    const add = signal.addEventListener.bind(signal);
    let listeners = 0;
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    };
    const remove = signal.removeEventListener.bind(signal);
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--;
      remove(...args);
    };
    for await (const record of stream.follow({ signal })) if (record.offset === 1) break;
    expect([listeners, disk.clock.timers]).toEqual([0, 0]);
    await log.close();
  });

  it("refuses options that make no sense and streams that are not there", async () => {
    const { stream, log, runtime } = await open();
    await expect(stream.follow({ from: -1 }).next()).rejects.toMatchObject({ code: "OPTION_INVALID" });
    await expect(stream.follow({ signal: AbortSignal.abort("no") }).next()).rejects.toBe("no");
    const reader = await openLogOn({ ...runtime }, "/log", { readOnly: true });
    await expect(reader.stream("other").follow().next()).rejects.toMatchObject({ code: "STREAM_NOT_FOUND" });
    await log.close();
  });
});

describe("follow() beside a writer in another process", () => {
  it("shows whole appends only, as they come, over segments, without being asked to look", async () => {
    const { disk, stream, log } = await open({ segmentBytes: 1500 });
    await stream.append("zero");
    const controller = new AbortController();
    const { texts, done } = collect((await beside(disk)).follow({ signal: controller.signal }));
    await settle();
    for (let i = 0; i < 60; i++) {
      await stream.append([`${i} a`, `${i} b`]);
      await settle();
      expect(texts.length % 2).toBe(1);
    }
    expect(texts).toEqual(["zero", ...Array.from({ length: 60 }, (_, i) => [`${i} a`, `${i} b`]).flat()]);
    controller.abort();
    await done;
    expect(disk.clock.timers).toBe(0);
    await log.close();
  });

  it("looks now and then where the system tells of no changes", async () => {
    const { disk, stream, log } = await open();
    await stream.append("zero");
    const { files, ...runtime } = disk.runtime({ pid: 9 });
    const silent = { ...runtime, files: Object.assign(Object.create(files), bindAll(files), { watch: () => null }) };
    const reader = (await openLogOn(silent, "/log", { readOnly: true })).stream("orders");
    const controller = new AbortController();
    const { texts, done } = collect(reader.follow({ signal: controller.signal }));
    await settle();
    await stream.append("one");
    await settle();
    expect(texts).toEqual(["zero"]);
    disk.clock.stepMicros(250_000);
    await settle();
    expect(texts).toEqual(["zero", "one"]);
    controller.abort();
    await done;
    await log.close();
  });

  it("never shows part of an append while it is being written, wherever the write is cut", async () => {
    const random = randomFrom(7);
    const { disk, stream, log } = await open();
    await stream.append("zero");
    const controller = new AbortController();
    const { texts, done } = collect((await beside(disk)).follow({ signal: controller.signal }));
    await settle();
    const seen: number[] = [];
    for (let i = 0; i < 40; i++) {
      let shorts = 0;
      disk.onOperation = ({ kind, path, bytes }) => {
        if (kind === "kind" || kind === "read" || kind === "size") return undefined;
        if (kind !== "write" || !path.endsWith(".log") || bytes < 2 || shorts++ > 3) return undefined;
        return { short: 1 + random(bytes - 1) };
      };
      const append = stream.append(["x".repeat(random(300)), "y", "z".repeat(random(100))]);
      await append;
      await settle();
      seen.push(texts.length);
    }
    disk.onOperation = null;
    expect(seen).toEqual(Array.from({ length: 40 }, (_, i) => 1 + 3 * (i + 1)));
    controller.abort();
    await done;
    await log.close();
  });

  it("ends with FOLLOWED_RECORD_REPLACED when what was shown is taken back", async () => {
    const { disk, stream, log } = await open();
    await stream.append("kept");
    const path = "/log/orders/segment_000000.log";
    const before = disk.bytes(path);
    const { texts, state, done } = collect((await beside(disk)).follow());
    await settle();
    disk.holdSyncs();
    // Whole in the file, not durable yet: then the machine of the writer loses it, and other records take its place.
    const lost = stream.append("shown too early").catch(() => undefined);
    await settle();
    expect(texts).toEqual(["kept", "shown too early"]);
    disk.runtime({ pid: 7 }).files.open(path, "write").truncate(before.length);
    await done;
    expect(state.error).toMatchObject({
      code: "FOLLOWED_RECORD_REPLACED",
      stream: "orders",
      offset: 1,
      found: "nothing",
    });
    disk.releaseSyncs();
    await lost;
    await log.close();
  });

  it("ends with FOLLOWED_RECORD_REPLACED when another history goes on in the place of what was shown", async () => {
    const { disk, stream, log } = await open();
    await stream.append("kept");
    const image = disk.crashImage(() => 0);
    await stream.append("one way");
    const { texts, state, done } = collect((await beside(disk)).follow());
    await settle();
    const other = await openLogOn(image.runtime({ pid: 3 }), "/log", OPTIONS);
    await other.stream("orders").append(["another way", "and further"]);
    const path = "/log/orders/segment_000000.log";
    disk.runtime({ pid: 7 }).files.open(path, "write").write(image.bytes(path), 0);
    await done;
    expect(texts).toEqual(["kept", "one way"]);
    expect(state.error).toMatchObject({ code: "FOLLOWED_RECORD_REPLACED", offset: 1 });
    await other.close();
    await log.close();
  });
});

function bindAll<T extends object>(target: T): Partial<T> {
  const bound: Record<string, unknown> = {};
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(target))) {
    const value = (target as Record<string, unknown>)[name];
    if (typeof value === "function" && name !== "constructor") bound[name] = value.bind(target);
  }
  return bound as Partial<T>;
}
