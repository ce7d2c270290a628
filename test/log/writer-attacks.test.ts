// Defects of the writer that were found by attacking it, one test each, so that none comes back.
import { describe, expect, it } from "vitest";
import { loseAll, memoryRuntime } from "../../adapters/memory.ts";
import { type LogEvent, openLogOn } from "../../src/index.ts";
import { withClock } from "./other-clock.ts";

const MASTER = new Uint8Array(32).fill(1);
const OTHER = new Uint8Array(32).fill(2);
const settle = async (turns = 100) => {
  for (let i = 0; i < turns; i++) await Promise.resolve();
};
const codeOf = (called: Promise<unknown>) =>
  called.then(
    () => "resolved",
    (error: unknown) => (error as { code?: string }).code ?? error,
  );

describe("rotations of keys that overlap", () => {
  it("take effect in the order of their calls, however long one takes", async () => {
    for (let turns = 0; turns < 24; turns++) {
      const { runtime } = memoryRuntime({ seed: 2 });
      const log = await openLogOn(runtime, "/log", { encryption: { masterKey: MASTER } });
      await log.stream("orders").append("secret");
      const first = log.rotateKeys({ to: { masterKey: OTHER } });
      await settle(turns);
      await Promise.all([first, log.rotateKeys()]);
      await log.rotateKeys();
      await log.close();
      const open = (masterKey: Uint8Array) => openLogOn(runtime, "/log", { readOnly: true, encryption: { masterKey } });
      expect(await codeOf(open(MASTER)), `${turns} turns`).toBe("KEY_WRONG");
      const again = await open(OTHER);
      expect([...again.stream("orders").read()].map((record) => record.text())).toEqual(["secret"]);
    }
  });

  it("end with LOG_CLOSED when the log is closed first", async () => {
    const { runtime } = memoryRuntime({ seed: 2 });
    const log = await openLogOn(runtime, "/log", { encryption: { masterKey: MASTER } });
    const rotated = [log.rotateKeys(), log.rotateKeys()].map(codeOf);
    await log.close();
    for (const outcome of await Promise.all(rotated)) expect(["resolved", "LOG_CLOSED"]).toContain(outcome);
  });
});

describe("a checkpoint that is asked for while its segment ends", () => {
  it.each([false, true])("is on the disk when it is handed out; its sync fails: %s", async (fails) => {
    for (let turns = 0; turns < 6; turns++) {
      const { runtime, disk } = memoryRuntime({ seed: 2 });
      const options = { segmentBytes: 2000, spaceAhead: false, encryption: { masterKey: MASTER } };
      const log = await openLogOn(runtime, "/log", options);
      const stream = log.stream("orders");
      await stream.append("x".repeat(1200));
      disk.onOperation = ({ kind, path }) =>
        fails && kind === "sync" && path.endsWith(".ckpt") ? { fail: "IO_FAILED" } : undefined;
      const asked = codeOf(
        stream
          .checkpoint()
          .then(({ nextOffset }) => `covers ${nextOffset}`)
          .then((text) => Promise.reject({ code: text })),
      );
      await settle(turns);
      const appended = stream.append("y".repeat(1500), { keyId: "somebody new" }).catch(() => undefined);
      const outcome = await asked;
      const after = disk.crash(loseAll);
      await appended;
      if (outcome === "SYNC_FAILED" || outcome === "IO_FAILED") continue;
      const reader = await openLogOn(after.runtime({ pid: 9 }), "/log", { readOnly: true });
      const newest = await reader.stream("orders").latestCheckpoint();
      expect(`covers ${newest?.nextOffset}`, `${turns} turns`).toBe(outcome);
    }
  });
});

describe("a clock that says what no file can hold", () => {
  it.each([2 ** 53, 1e18, -5_000_000, Number.NaN])("is not believed: %d", async (wrong) => {
    const { runtime, disk } = memoryRuntime({ seed: 2 });
    let micros: number | null = null;
    const wrongAtTimes = withClock(runtime, { nowMicros: () => micros ?? runtime.clock.nowMicros() });
    for (const directory of ["/log", "/made-then"]) {
      micros = directory === "/log" ? null : wrong;
      const log = await openLogOn(wrongAtTimes, directory, { segmentBytes: 400, checkpointEvery: 1 });
      const stream = log.stream("orders");
      await stream.append("before".padEnd(100));
      micros = wrong;
      for (let i = 0; i < 4; i++) await stream.append(`then ${i}`.padEnd(100));
      micros = null;
      disk.clock.stepMicros(1000);
      await stream.append("after".padEnd(100));
      expect(await stream.verify()).toMatchObject({ ok: true, records: 6 });
      await log.close();
      const again = await openLogOn(runtime, directory);
      expect(await again.stream("orders").append("more")).toMatchObject({ firstOffset: 6 });
      expect(await again.stream("orders").verify()).toMatchObject({ ok: true, records: 7 });
      await again.close();
    }
  });
});

describe("a signal", () => {
  it("that code of the event's own aborts gives the append up, whether it waits or not", async () => {
    for (const waits of [false, true]) {
      const { runtime, disk } = memoryRuntime({ seed: 2 });
      const log = await openLogOn(runtime, "/log", { sync: "everyRecord" });
      const stream = log.stream("orders");
      await stream.append("first");
      if (waits) disk.holdSyncs();
      const before = waits ? stream.append("in flight") : null;
      const controller = new AbortController();
      const toJSON = () => {
        controller.abort("stop");
        return "given up";
      };
      const event = { toJSON } as unknown as LogEvent;
      const given = codeOf(stream.append(event, { signal: controller.signal }));
      await settle();
      while (disk.syncsInFlight > 0) disk.releaseSync();
      await before;
      expect(await given).toBe("stop");
      await stream.flush();
      expect([...stream.read()].map((record) => record.text())).toEqual(waits ? ["first", "in flight"] : ["first"]);
    }
  });

  it("that is none is refused, and disturbs no other append", async () => {
    const { runtime } = memoryRuntime({ seed: 2 });
    const log = await openLogOn(runtime, "/log", { sync: "everyRecord" });
    const stream = log.stream("orders");
    const signal = { throwIfAborted: () => undefined } as unknown as AbortSignal;
    const outcomes = [stream.append("one"), stream.append("two", { signal }), stream.append("three")].map(codeOf);
    expect(await Promise.all(outcomes)).toEqual(["resolved", "OPTION_INVALID", "resolved"]);
    await stream.append("four");
  });
});

describe("keys that cannot be made", () => {
  it("keep nobody from appending who needs none, and close() from making durable what resolved", async () => {
    const { runtime, disk } = memoryRuntime({ seed: 2 });
    const encryption = { masterKey: MASTER };
    const log = await openLogOn(runtime, "/log", { sync: "onFlush", encryption });
    const stream = log.stream("orders");
    await stream.append(["zero"]);
    await stream.append("first", { keyId: "known" });
    await stream.flush();
    disk.onOperation = ({ kind, path }) =>
      kind === "write" && path.endsWith("keys.json") ? { fail: "NO_SPACE" } : undefined;
    await stream.append("resolved");
    const outcomes = [
      stream.append("new", { keyId: "new" }),
      stream.append("plain"),
      stream.append("of one known", { keyId: "known" }),
    ].map(codeOf);
    expect(await Promise.all(outcomes)).toEqual(["NO_SPACE", "resolved", "resolved"]);
    expect(stream.tryAppend("not taken", { keyId: "new too" })).toBeNull();
    await stream.append("behind it");
    const last = codeOf(stream.append("new", { keyId: "another" }));
    await log.close().catch(() => undefined);
    expect(await last).toBe("NO_SPACE");
    disk.onOperation = null;
    const again = await openLogOn(runtime, "/log", { encryption, readOnly: true });
    expect([...again.stream("orders").read()].map((record) => record.text())).toEqual([
      "zero",
      "first",
      "resolved",
      "plain",
      "of one known",
      "behind it",
    ]);
  });

  it("are found by an erasure that is asked for while they are being made", async () => {
    const { runtime } = memoryRuntime({ seed: 2 });
    const log = await openLogOn(runtime, "/log", { encryption: { masterKey: MASTER } });
    const appended = codeOf(log.stream("orders").append("secret", { keyId: "somebody" }));
    const report = await log.eraseSubject("somebody", { by: "test" });
    expect(["resolved", "SUBJECT_ERASED"]).toContain(await appended);
    expect(report.fingerprint).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe("a log that encrypts", () => {
  it("has room for the receipt of an erasure, or is refused before there is one", async () => {
    const { runtime } = memoryRuntime({ seed: 2 });
    const encryption = { masterKey: MASTER };
    for (const options of [{ maxRecordBytes: 256 }, { maxAppendBytes: 256 }]) {
      expect(await codeOf(openLogOn(runtime, "/log", { ...options, encryption }))).toBe("OPTION_INVALID");
    }
    const options = { maxRecordBytes: 8192, maxAppendBytes: 8192 + 72, encryption };
    const log = await openLogOn(runtime, "/log", options);
    await log.stream("s".repeat(64)).append("secret", { keyId: "somebody" });
    await log.eraseSubject("somebody", { by: "\u0001".repeat(1000) });
    await log.close();
    await (await openLogOn(runtime, "/log", options)).close();
  });
});

describe("a flush behind appends that wait", () => {
  it.each(["flush", "close"] as const)("does not wait for company: %s", async (call) => {
    const { runtime, disk } = memoryRuntime({ seed: 2 });
    const log = await openLogOn(runtime, "/log", {
      sync: { groupCommit: { maxDelayMs: 60_000 } },
      maxPendingRecords: 2,
    });
    const stream = log.stream("orders");
    await stream.head();
    const appends = ["a", "b", "c"].map((text) => stream.append(text));
    await (call === "flush" ? stream.flush() : log.close());
    await Promise.all(appends);
    expect(disk.clock.timers).toBe(0);
  });
});

describe("what a writer leaves", () => {
  it("is no timer of a group that could not be written", async () => {
    const { runtime, disk } = memoryRuntime({ seed: 2 });
    const log = await openLogOn(runtime, "/log", { sync: { groupCommit: { maxDelayMs: 60_000, maxAppends: 2 } } });
    const stream = log.stream("orders");
    await stream.head();
    disk.onOperation = ({ kind, path }) =>
      kind === "write" && path.endsWith(".log") ? { fail: "NO_SPACE" } : undefined;
    expect(await Promise.all(["a", "b"].map((text) => codeOf(stream.append(text))))).toEqual(["NO_SPACE", "NO_SPACE"]);
    expect(disk.clock.timers).toBe(0);
    disk.onOperation = null;
    await log.close();
  });

  it("is not another byte once it is poisoned, also when it is read", async () => {
    const { runtime, disk } = memoryRuntime({ seed: 2 });
    const log = await openLogOn(runtime, "/log", { sync: "onFlush" });
    const stream = log.stream("orders");
    await stream.append("one");
    disk.onOperation = ({ kind }) => (kind === "sync" ? { fail: "IO_FAILED" } : undefined);
    const flushed = codeOf(stream.flush());
    await stream.append("two");
    expect(await flushed).toBe("SYNC_FAILED");
    const writes: string[] = [];
    disk.onOperation = ({ kind, path }) => void (kind === "write" && writes.push(path));
    expect([...stream.read()].length).toBeGreaterThanOrEqual(1);
    await settle();
    await log.close().catch(() => undefined);
    expect(writes).toEqual([]);
  });

  it("is told of at close() before a lock that cannot be released", async () => {
    const { runtime, disk } = memoryRuntime({ seed: 2 });
    const log = await openLogOn(runtime, "/log", { sync: "onFlush" });
    await log.stream("orders").append("one");
    disk.onOperation = ({ kind, path }) =>
      (kind === "sync" && path.endsWith(".log")) || (kind === "rename" && path.includes("/lock/"))
        ? { fail: "IO_FAILED" }
        : undefined;
    await expect(log.close()).rejects.toMatchObject({ code: "SYNC_FAILED" });
  });
});
