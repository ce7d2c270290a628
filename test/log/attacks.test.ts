// Defects that were found by attacking the log, one test each, so that none comes back.
import { describe, expect, it } from "vitest";
import { loseAll, memoryRuntime, seededChoose } from "../../adapters/memory.ts";
import { openLogOn, type Runtime } from "../../src/index.ts";
import { doesMost } from "../contract/current-runtime.ts";
import { crc32 } from "./crc32.ts";
import { withHurry } from "./other-clock.ts";

const texts = (records: Iterable<{ text(): string }>) => [...records].map((record) => record.text());

async function open(options: object = {}) {
  const machine = memoryRuntime({ seed: 6 });
  const log = await openLogOn(machine.runtime, "/log", { spaceAhead: false, ...options });
  const stream = log.stream("orders");
  await stream.head();
  return { ...machine, log, stream };
}

describe("a reader that was begun before its log was closed", () => {
  it("is told so, and touches no memory that serves another log by now", async () => {
    const never = () => new Promise<void>(() => undefined);
    const { runtime } = memoryRuntime({ seed: 1, pause: never });
    const first = await openLogOn(runtime, "/l", { sync: "onFlush" });
    await first.stream("a").append(Array.from({ length: 20_000 }, (_, i) => `record ${i}`));
    await first.close();
    const log = await openLogOn(runtime, "/l", { readOnly: true });
    const readers = [15_000, 12_000, 9000].map((from) => log.stream("a").read({ from })[Symbol.iterator]());
    await log.close();
    const other = await openLogOn(runtime, "/m", { sync: "onFlush" });
    const payloads = ["x", "y", "z"].map((letter) => letter.repeat(80_000));
    await other.stream("v").append(payloads);
    for (const reader of readers) {
      expect(() => reader.next()).toThrowError(expect.objectContaining({ code: "LOG_CLOSED" }));
    }
    expect(texts(other.stream("v").read())).toEqual(payloads);
    await other.close();
  });
});

describe("a reader that verifies from the genesis first", () => {
  // Each pause lets more time pass than a reader may keep the event loop to itself, so that there is one for every window.
  async function filled(records: number, windowBytes: number) {
    const waiting: (() => void)[] = [];
    const { runtime, disk } = memoryRuntime({
      seed: 1,
      pause: () => new Promise<void>((resolve) => void waiting.push(resolve)),
    });
    const log = await openLogOn(withHurry(runtime), "/log", { sync: "onFlush", windowBytes });
    const stream = log.stream("orders");
    for (let i = 0; i < records; i += 500) {
      await stream.append(Array.from({ length: 500 }, (_, at) => `record ${i + at}`));
    }
    await stream.flush();
    return { log, stream, disk, runtime, goOn: () => waiting.splice(0).map((resolve) => resolve()).length };
  }

  const passed = () => new Promise((resolve) => setTimeout(resolve, 0));

  it("touches no memory that serves another one by now when it is ended in a pause", async () => {
    const { stream, runtime, goOn } = await filled(3000, 4096);
    const reading = stream.read({ from: 2999, verify: "genesis" })[Symbol.asyncIterator]();
    const first = reading.next();
    await passed();
    await reading.return?.();
    const other = await openLogOn(runtime, "/other", { sync: "onFlush" });
    const payloads = Array.from({ length: 50 }, (_, at) => `other ${at} `.repeat(20));
    await other.stream("v").append(payloads);
    const others = other.stream("v").read({ zeroCopy: true })[Symbol.iterator]();
    const seen = [(others.next().value as { text(): string }).text()];
    goOn();
    expect(await first).toEqual({ value: undefined, done: true });
    for (let next = others.next(); !next.done; next = others.next()) seen.push(next.value.text());
    expect(seen).toEqual(payloads);
    expect(await reading.next()).toEqual({ value: undefined, done: true });
  });

  it("gives each record once and in order to calls that overlap", async () => {
    const { stream, goOn } = await filled(3000, 64 << 10);
    const reading = stream.read({ from: 2500, verify: "genesis" })[Symbol.asyncIterator]();
    const offsets: number[] = [];
    for (;;) {
      const calls = [reading.next(), reading.next(), reading.next()];
      let isOver = false;
      const results = Promise.all(calls).finally(() => {
        isOver = true;
      });
      while (!isOver) {
        goOn();
        await passed();
      }
      for (const { value } of await results) if (value !== undefined) offsets.push(value.offset);
      if ((await calls[2])?.done) break;
    }
    expect(offsets).toEqual(Array.from({ length: 500 }, (_, at) => 2500 + at));
  });
});

describe("a rotation that fails", () => {
  it.each(["create", "open", "syncFolder", "rename", "kind"] as const)(
    "at %s leaves a log that can be opened and holds all that was acknowledged",
    async (kind) => {
      const { disk, log, stream } = await open({ segmentBytes: 1000 });
      await stream.append("x".repeat(600));
      disk.onOperation = (operation) => (operation.kind === kind ? { fail: "NO_SPACE" } : undefined);
      await stream.append("y".repeat(600)).catch(() => undefined);
      disk.onOperation = null;
      const small = await stream.append("small").then(
        () => ["small"],
        () => [],
      );
      await log.close();
      const again = await openLogOn(disk.runtime({ pid: 2 }), "/log");
      expect(texts(again.stream("orders").read())).toEqual(["x".repeat(600), ...small]);
      await again.stream("orders").append("goes on");
      await again.close();
    },
  );
});

describe("a stream that cannot be opened", () => {
  // Counts the files that are open.
  function countOpen({ files }: Runtime): () => number {
    let count = 0;
    const plain = files.open.bind(files);
    const open: Runtime["files"]["open"] = (path, access) => {
      const file = plain(path, access);
      const { close } = file;
      let isOpen = true;
      count++;
      return Object.assign(file, {
        close: () => {
          if (isOpen) count--;
          isOpen = false;
          close.call(file);
        },
      });
    };
    Object.assign(files, { open });
    return () => count;
  }

  it.each(["new", "closed", "of several segments", "torn"])("leaves no file open, whatever fails: %s", async (kind) => {
    let steps = Number.POSITIVE_INFINITY;
    for (let failing = 0; failing < steps; failing++) {
      const { runtime, disk } = memoryRuntime({ seed: 3 });
      if (kind !== "new") {
        const log = await openLogOn(runtime, "/log", { segmentBytes: kind === "closed" ? 100_000 : 300 });
        for (let i = 0; i < 4; i++) await log.stream("orders").append("x".repeat(100));
        await log.close();
        if (kind === "torn") {
          const path = disk.paths().findLast((name) => name.endsWith(".log")) as string;
          disk.put(path, disk.bytes(path).slice(0, -20));
          for (const name of disk.paths()) if (/(idx|ckpt)$/.test(name)) disk.take(name);
        }
      }
      const open = countOpen(runtime);
      const log = await openLogOn(runtime, "/log");
      const before = open();
      let step = 0;
      disk.onOperation = () => (step++ === failing ? { fail: "IO_FAILED" } : undefined);
      const opened = await log
        .stream("orders")
        .head()
        .then(
          () => true,
          () => false,
        );
      disk.onOperation = null;
      if (step <= failing) steps = step;
      if (!opened) expect(open(), `step ${failing}`).toBe(before);
      await log.close();
      expect(open(), `step ${failing}`).toBe(0);
    }
    expect(steps).toBeGreaterThan(8);
  });
});

describe("a cut after a failed write", () => {
  it("is durable before the next segment begins, so that no older segment has a tail after a power loss", async () => {
    for (let seed = 0; seed < (doesMost ? 40 : 8); seed++) {
      const { disk, stream } = await open({ segmentBytes: 1000 });
      await stream.append("x".repeat(600));
      let failed = false;
      disk.onOperation = ({ kind, path }) => {
        if (failed || kind !== "write" || !path.endsWith(".log")) return undefined;
        failed = true;
        return { failAfter: 171 };
      };
      await expect(stream.append("y".repeat(100))).rejects.toMatchObject({ code: "IO_FAILED" });
      await stream.append("z".repeat(400));
      const log = await openLogOn(disk.crash(seededChoose(seed)).runtime(), "/log");
      expect(await log.stream("orders").verify()).toMatchObject({ ok: true, records: 2 });
    }
  });
});

describe("names that a killed process had not made durable", () => {
  it("are made durable by the next one before it acknowledges anything", async () => {
    const calm = memoryRuntime({ seed: 1 });
    await life(calm.runtime);
    for (let step = 0; step < calm.disk.operations; step += doesMost ? 1 : 9) {
      const { disk, runtime } = memoryRuntime({ seed: 1 });
      disk.onOperation = ({ index }) => {
        if (index === step) disk.kill(1);
        return undefined;
      };
      await life(runtime).catch(() => undefined);
      disk.onOperation = null;
      const heir = await openLogOn(disk.runtime({ pid: 2 }), "/d/l", { segmentBytes: 400 });
      const { nextOffset } = await heir.stream("a").append("acknowledged");
      const after = await openLogOn(disk.crash(loseAll).runtime(), "/d/l");
      expect((await after.stream("a").get(nextOffset - 1))?.text()).toBe("acknowledged");
    }
  });

  async function life(runtime: Runtime): Promise<void> {
    const log = await openLogOn(runtime, "/d/l", { segmentBytes: 400 });
    await log.stream("a").append("x".repeat(200));
    await log.stream("a").append("y".repeat(200));
    await log.close();
  }
});

describe("the lock", () => {
  it("has one holder even when a process comes back to a generation that was released meanwhile", async () => {
    const { runtime, disk } = memoryRuntime({ seed: 1 });
    await (await openLogOn(runtime, "/log")).close();
    const late = disk.runtime({ pid: 2 });
    const other = disk.runtime({ pid: 3 });
    const stale = late.files.list("/log/lock");
    await (await openLogOn(runtime, "/log")).close();
    // Process 2 looked before generation 2 came and went; process 3 looks in the middle of what 2 does.
    let looks = 0;
    const lateFiles = {
      ...bound(late.files),
      list: (path: string) => (path.endsWith("/lock") && looks++ === 0 ? stale : late.files.list(path)),
    };
    let second: Promise<unknown> | undefined;
    const otherFiles = {
      ...bound(other.files),
      publish: (...call: Parameters<typeof other.files.publish>) => {
        second ??= openLogOn({ ...late, files: lateFiles }, "/log").then(
          () => "holds",
          () => "refused",
        );
        return other.files.publish(...call);
      },
    };
    const third = await openLogOn({ ...other, files: otherFiles }, "/log").then(
      () => "holds",
      () => "refused",
    );
    expect([third, await second].filter((one) => one === "holds")).toHaveLength(1);
  });

  it("that could not be released keeps others out, and not the process that has given it up", async () => {
    const { disk } = memoryRuntime({ seed: 1 });
    const runtime = disk.runtime({ pid: 1 });
    const log = await openLogOn(runtime, "/log");
    await log.stream("orders").append("one");
    disk.onOperation = ({ kind, path }) =>
      kind === "rename" && path.includes("/lock/") ? { fail: "IO_FAILED" } : undefined;
    await expect(log.close()).rejects.toMatchObject({ code: "IO_FAILED" });
    disk.onOperation = null;
    await expect(openLogOn(disk.runtime({ pid: 2 }), "/log")).rejects.toMatchObject({ code: "LOG_LOCKED", pid: 1 });
    const again = await openLogOn(runtime, "/log");
    await again.stream("orders").append("two");
    // It has it for itself again.
    await expect(openLogOn(runtime, "/log")).rejects.toMatchObject({ code: "LOG_LOCKED", pid: 1 });
    await again.close();
    const other = await openLogOn(disk.runtime({ pid: 2 }), "/log");
    expect((await other.stream("orders").head()).nextOffset).toBe(2);
    await other.close();
  });

  function bound(files: Runtime["files"]): Runtime["files"] {
    const names = [
      "resolve",
      "makeFolder",
      "list",
      "kind",
      "open",
      "publish",
      "readSmall",
      "rename",
      "remove",
      "folder",
      "watch",
    ];
    return Object.fromEntries(
      names.map((name) => [
        name,
        (...args: unknown[]) => (files as never as Record<string, (...a: unknown[]) => unknown>)[name]?.(...args),
      ]),
    ) as never;
  }
});

describe("a poisoned log", () => {
  it("does not close as if all were well while appends that had resolved are not durable", async () => {
    const { disk, log, stream } = await open({ sync: "onFlush", segmentBytes: 300 });
    await stream.append("one");
    disk.onOperation = ({ kind }) => (kind === "sync" ? { fail: "IO_FAILED" } : undefined);
    await expect(stream.append("x".repeat(200))).rejects.toMatchObject({ code: "SYNC_FAILED" });
    await expect(log.close()).rejects.toMatchObject({ code: "LOG_POISONED" });
  });

  it("is what a sync that fails while a segment is ended leaves: nothing is appended after it", async () => {
    const { disk, log, stream } = await open({ segmentBytes: 1000, spaceAhead: true });
    await stream.append("x".repeat(600));
    let syncs = 0;
    disk.onOperation = ({ kind, path }) => {
      if (kind !== "sync" || !path.endsWith(".log")) return undefined;
      syncs++;
      return { fail: "IO_FAILED" };
    };
    await expect(stream.append("y".repeat(600))).rejects.toMatchObject({ code: "SYNC_FAILED" });
    expect(syncs).toBe(1);
    disk.onOperation = null;
    await expect(stream.append("z")).rejects.toMatchObject({ code: "LOG_POISONED" });
    await log.close();
  });

  it("settles every append when something fails that is no failure of the disk", async () => {
    const { disk, stream } = await open({ maxPendingBytes: 100 });
    disk.onOperation = ({ kind, path }) => (kind === "write" && path.endsWith(".log") ? { crash: true } : undefined);
    const appends = [stream.append("x".repeat(200)), stream.append("y"), stream.append("z")];
    const results = await Promise.allSettled(appends);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  });

  it("refuses appends at once when it was full", async () => {
    const { disk, log, stream } = await open({ maxPendingBytes: 100 });
    disk.onOperation = ({ kind }) => (kind === "sync" ? { fail: "IO_FAILED" } : undefined);
    await expect(stream.append("y".repeat(200))).rejects.toMatchObject({ code: "SYNC_FAILED" });
    await expect(stream.append("z")).rejects.toMatchObject({ code: "LOG_POISONED" });
    await log.close();
  });
});

describe("verify()", () => {
  it("ends when an index lags behind or is empty", async () => {
    const { disk, log, stream } = await open({ sync: "onFlush", indexEveryRecords: 5000 });
    await stream.append(Array.from({ length: 3000 }, (_, i) => `${i}`));
    expect(await stream.verify()).toMatchObject({ ok: true, records: 3000 });
    await log.close();
    disk.put("/log/orders/segment_000000.log.idx", new Uint8Array());
    const readOnly = await openLogOn(disk.runtime({ pid: 2 }), "/log", { readOnly: true });
    expect(await readOnly.stream("orders").verify()).toMatchObject({ ok: true, records: 3000 });
  });

  it("does not pass a record whose successor is damaged too", async () => {
    const { disk, log, stream } = await open();
    for (let i = 0; i < 4; i++) await stream.append(`event ${i}`);
    await log.close();
    const path = "/log/orders/segment_000000.log";
    for (const at of [0, 40, 64]) {
      const bytes = disk.bytes(path).slice();
      const record = bytes.subarray(128 + 79, 128 + 2 * 79);
      record[64] = 65;
      const sum = crc32(new Uint8Array([...bytes.subarray(112, 116), ...record.subarray(0, 75)]));
      new DataView(bytes.buffer).setUint32(128 + 79 + 75, sum, true);
      const successor = 128 + 2 * 79 + at;
      bytes[successor] = (bytes[successor] as number) ^ 1;
      disk.put(path, bytes);
      const reader = (await openLogOn(disk.runtime({ pid: 2 }), "/log", { readOnly: true })).stream("orders");
      const seen: string[] = [];
      expect(() => {
        for (const one of reader.read()) seen.push(one.text());
      }).toThrow();
      expect(seen).toEqual(["event 0"]);
      expect(() => reader.getSync(1)).toThrow();
      expect(await reader.verify()).toMatchObject({ ok: false, records: 1 });
      bytes[successor] = (bytes[successor] as number) ^ 1;
    }
  });
});

describe("events whose own code calls the log", () => {
  it("append after the append that they belong to, which stays whole", async () => {
    const { log, stream } = await open();
    let inner: Promise<unknown> | undefined;
    const nosy = {
      toJSON() {
        inner = stream.append("inner");
        expect(() => stream.appendSync("never")).toThrowError(expect.objectContaining({ code: "APPEND_IN_FLIGHT" }));
        stream.getSync(0);
        return "two";
      },
    };
    const outer = await stream.append(["one", nosy, "three"]);
    expect(outer).toMatchObject({ firstOffset: 0, nextOffset: 3 });
    expect(await inner).toMatchObject({ firstOffset: 3 });
    expect(texts(stream.read())).toEqual(["one", '"two"', "three", "inner"]);
    await log.close();
  });

  it("fail their append with EVENT_INVALID when they throw, and nothing of it is written", async () => {
    const { log, stream } = await open();
    const bad = {
      get field(): never {
        throw new Error("no");
      },
    };
    const { proxy, revoke } = Proxy.revocable([], {});
    revoke();
    for (const event of [bad, new Proxy(new Uint8Array(2), {}), Object.create(Uint8Array.prototype), Number.NaN, /x/]) {
      await expect(stream.append(["fine", event])).rejects.toMatchObject({ code: "EVENT_INVALID", index: 1 });
    }
    await expect(stream.append(proxy)).rejects.toThrow();
    class Odd extends Uint8Array {
      override get length(): number {
        return -100;
      }
    }
    await stream.append(["fine", new Odd(3)]);
    expect((await stream.get(1))?.payload).toEqual(new Uint8Array(3));
    for (const expectedOffset of ["1", Number.NaN, null, -1, 1.5]) {
      await expect(stream.append("x", { expectedOffset } as never)).rejects.toMatchObject({ code: "OPTION_INVALID" });
    }
    await log.close();
  });
});

describe("options and lists whose own code calls the log", () => {
  it("append before the append that they belong to, which is told where it stands", async () => {
    const { log, stream } = await open({ encryption: { masterKey: new Uint8Array(32).fill(1) } });
    await stream.append("first");
    const inner: Promise<unknown>[] = [];
    const options = {
      get expectedOffset() {
        inner.push(stream.append("from an option"));
        return undefined as never;
      },
      get keyId() {
        inner.push(stream.append("from another option"));
        return "somebody";
      },
    };
    const list = new Proxy(["outer"], {
      get: (target, property, receiver) => {
        if (property === "length" && inner.length < 3) inner.push(stream.append("from a list"));
        return Reflect.get(target, property, receiver) as unknown;
      },
    });
    const outer = await stream.append(list, options);
    await Promise.all(inner);
    const last = await stream.append("last");
    const all = texts(stream.read());
    expect(all[outer.firstOffset]).toBe("outer");
    expect(all[last.firstOffset]).toBe("last");
    expect([...all].sort()).toEqual(["first", "from a list", "from an option", "from another option", "last", "outer"]);
    await log.close();
  });

  it("never make records of an encrypted stream plain", async () => {
    const { disk, log, stream } = await open({ encryption: { masterKey: new Uint8Array(32).fill(1) } });
    let looks = 0;
    const list = new Proxy(["secret"], {
      get: (target, property, receiver) =>
        property === "length" && looks++ === 0 ? 0 : (Reflect.get(target, property, receiver) as unknown),
    });
    await stream.append(list);
    await log.close();
    const bytes = disk.paths().map((path) => Buffer.from(disk.bytes(path)));
    expect(bytes.some((one) => one.includes("secret"))).toBe(false);
  });

  it("close the log behind the append that they belong to", async () => {
    const { runtime } = memoryRuntime({ seed: 6 });
    const log = await openLogOn(withSlowSyncs(runtime, "segment_000000.log"), "/log", { spaceAhead: false });
    const stream = log.stream("orders");
    await stream.append("first");
    let closed: Promise<void> | undefined;
    const closing = {
      toJSON: () => {
        closed ??= log.close();
        return "last";
      },
    };
    expect(await stream.append(closing)).toMatchObject({ firstOffset: 1 });
    await closed;
    const again = await openLogOn(runtime, "/log");
    expect(texts(again.stream("orders").read())).toEqual(["first", '"last"']);
  });
});

/** The syncs of one file begin late, when those of others that are asked for after them have ended. */
function withSlowSyncs(runtime: Runtime, name: string): Runtime {
  const open: Runtime["files"]["open"] = (path, access) => {
    const file = runtime.files.open(path, access);
    if (!path.endsWith(name)) return file;
    const sync = file.sync.bind(file);
    return Object.assign(file, {
      sync: async () => {
        for (let turn = 0; turn < 200; turn++) await null;
        return sync();
      },
    });
  };
  const files = new Proxy(runtime.files, {
    get: (target, property) => {
      const value = property === "open" ? open : (Reflect.get(target, property) as unknown);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
  return { ...runtime, files };
}

describe("a flush", () => {
  it("ends while others go on appending", async () => {
    const { log, stream } = await open({ sync: "everyRecord" });
    let appended = 0;
    let isOver = false;
    const produce = async () => {
      for (; !isOver && appended < 1000; appended++) await stream.append("x");
    };
    const producers = [produce(), produce(), produce()];
    await stream.flush();
    isOver = true;
    expect(appended).toBeLessThan(50);
    await Promise.all(producers);
    await log.close();
  });
});

describe("a lock whose taking fails half-way", () => {
  it("is free again", async () => {
    const { runtime, disk } = memoryRuntime({ seed: 4 });
    let isClaimed = false;
    disk.onOperation = ({ kind, path }) => {
      if (kind === "list" && isClaimed) {
        disk.onOperation = null;
        return { fail: "TOO_MANY_OPEN_FILES" };
      }
      isClaimed ||= kind === "publish" && path.includes("/lock/");
      return undefined;
    };
    await expect(openLogOn(runtime, "/log")).rejects.toMatchObject({ code: "TOO_MANY_OPEN_FILES" });
    const log = await openLogOn(runtime, "/log");
    await log.close();
  });
});

describe("a torn tail that is full of record magics", () => {
  it("is judged in bounded time", async () => {
    const { disk, log, stream } = await open();
    await stream.append("whole");
    await log.close();
    const path = "/log/orders/segment_000000.log";
    const whole = disk.bytes(path).slice();
    const bytes = new Uint8Array(whole.length + (1 << 20));
    bytes.set(whole);
    for (let at = whole.length + 8; at + 4 < bytes.length; at += 4) bytes.set([0x44, 0x54, 0x52, 0x31], at);
    disk.put(path, bytes);
    const again = await openLogOn(disk.runtime({ pid: 2 }), "/log");
    const started = performance.now();
    expect(await again.stream("orders").head()).toMatchObject({ nextOffset: 1 });
    // Not a measurement: it took minutes when each magic made the window be read anew.
    expect(performance.now() - started).toBeLessThan(20_000);
    await again.close();
  });
});

describe("reading with verify: genesis from far inside", () => {
  it("lets the program run while it verifies what comes before", async () => {
    let turns = 0;
    const { runtime } = memoryRuntime({ seed: 1, pause: async () => void turns++ });
    let now = 0;
    const clock = { ...clockOf(runtime), monotonicMs: () => (now += 4) };
    const log = await openLogOn({ ...runtime, clock }, "/log", { segmentBytes: 100_000 });
    await log.stream("a").append(Array.from({ length: 900 }, (_, i) => `${i} ${"x".repeat(700)}`));
    turns = 0;
    const seen: number[] = [];
    for await (const record of log.stream("a").read({ from: 890, verify: "genesis" })) seen.push(record.offset);
    expect(seen).toEqual(Array.from({ length: 10 }, (_, i) => 890 + i));
    expect(turns).toBeGreaterThan(1);
    await log.close();
  });

  function clockOf(runtime: Runtime): Runtime["clock"] {
    return {
      nowMicros: () => runtime.clock.nowMicros(),
      monotonicMs: () => 0,
      pause: () => runtime.clock.pause(),
      nextTurn: () => runtime.clock.nextTurn(),
      after: (delayMs, callback) => runtime.clock.after(delayMs, callback),
    };
  }
});

describe("a segment that somebody cuts while it is being recovered", () => {
  it("ends the opening with an error, not in an endless loop", async () => {
    const { disk, stream } = await open();
    await stream.append(["x".repeat(300), "y".repeat(300)]);
    disk.kill(1);
    const path = "/log/orders/segment_000000.log";
    const other = disk.runtime({ pid: 3 }).files.open(path, "write");
    const log = await openLogOn(disk.runtime({ pid: 2 }), "/log");
    let reads = 0;
    disk.onOperation = (operation) => {
      // The header, then the scan, then what is written again.
      if (operation.pid === 2 && operation.kind === "read" && operation.path === path && ++reads === 3)
        other.truncate(128);
      return undefined;
    };
    expect(() => log.stream("orders").getSync(0)).toThrowError(expect.objectContaining({ code: "IO_FAILED", path }));
    expect(reads).toBe(3);
  });
});
