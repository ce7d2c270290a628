// Verification by several threads, of ranges, and of what is behind damage. That all of it is right whatever is changed is
// the business of mutation.test.ts; here is what is promised besides.
import { readdirSync, readlinkSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { memoryRuntime } from "../../adapters/memory.ts";
import { RECORD_MAGIC } from "../../assembly/layout.ts";
import { openLogOn, type Runtime, type RuntimeWorker, type VerifyOptions, type VerifyReport } from "../../src/index.ts";
import { currentRuntime, loadsTypeScript, type TemporaryFolder, temporaryFolder } from "../contract/current-runtime.ts";
import { flipBit, payloadPlace } from "./flip-bit.ts";
import { type Tamper, withThreads } from "./thread-in-process.ts";

const RECORDS = 6000;

// Three segments of a few index pages each.
async function fill(runtime: Runtime, directory: string): Promise<void> {
  const log = await openLogOn(runtime, directory, { segmentBytes: 300_000, sync: "onFlush" });
  const stream = log.stream("orders");
  for (let first = 0; first < RECORDS; first += 100) {
    await stream.append(Array.from({ length: 100 }, (_, index) => `record ${first + index} ${"x".repeat(40)}`));
  }
  await log.close();
}

async function verify(runtime: Runtime, directory: string, options: VerifyOptions): Promise<VerifyReport> {
  const log = await openLogOn(runtime, directory, { readOnly: true });
  try {
    return await log.stream("orders").verify(options);
  } finally {
    await log.close();
  }
}

function found({ elapsedMs: _, work: __, ...rest }: VerifyReport): unknown {
  return rest;
}

// Small enough that this log is worth several threads.
const SPREAD = { jobs: 2, rangeBytes: 50_000 };

describe("verification by threads of this runtime", () => {
  let folder: TemporaryFolder;
  let log: string;
  let started: RuntimeWorker[];
  let stopped: number;
  let runtime: Runtime;

  beforeEach(async () => {
    folder = temporaryFolder();
    log = `${folder.path}/log`;
    started = [];
    stopped = 0;
    const current = currentRuntime();
    const { workers } = current;
    if (workers === null) throw new Error("this runtime has threads");
    const start = (url: string): RuntimeWorker => {
      const worker = workers.start(url);
      started.push(worker);
      return {
        post: (message, transfer) => worker.post(message, transfer),
        receive: () => worker.receive(),
        stop: async () => {
          await worker.stop();
          stopped++;
        },
      };
    };
    runtime = { ...current, workers: { ...workers, start } };
    await fill(runtime, log);
  });
  afterEach(() => folder.remove());

  it.runIf(loadsTypeScript)("gives the report that one thread gives, and leaves no thread behind", async () => {
    const alone = await verify(runtime, log, { jobs: 1 });
    const together = await verify(runtime, log, SPREAD);
    expect(found(together)).toEqual(found(alone));
    expect(alone).toMatchObject({ ok: true, records: RECORDS, work: { threads: 1 } });
    expect(together.work).toEqual({ threads: 2, reading: "cached", notes: [] });
    expect({ started: started.length, stopped }).toEqual({ started: 1, stopped: 1 });
    expect(openFilesIn(log)).toEqual([]);
  });

  it.runIf(loadsTypeScript)("names the first bad record of several, as one thread does", async () => {
    for (const offset of [5500, 2000, 3100]) flipBit(payloadPlace(log, `record ${offset} `));
    const alone = await verify(runtime, log, { jobs: 1 });
    const together = await verify(runtime, log, SPREAD);
    expect(found(together)).toEqual(found(alone));
    expect(together.problem).toMatchObject({ code: "RECORD_CRC_MISMATCH", offset: 2000 });
    expect(together.goodAfter).toEqual([
      { from: 2001, to: 3100 },
      { from: 3101, to: 5500 },
      { from: 5501, to: RECORDS },
    ]);
    expect(together.work.threads).toBe(2);
    expect(stopped).toBe(1);
  });

  it.runIf(loadsTypeScript)("ends with the signal's reason, and its threads with it", async () => {
    const abort = new AbortController();
    const ending = verify(runtime, log, {
      ...SPREAD,
      rangeBytes: 1000,
      signal: abort.signal,
    });
    while (started.length < 1) await runtime.clock.pause();
    abort.abort(new Error("enough"));
    await expect(ending).rejects.toThrow("enough");
    expect(stopped).toBe(1);
  });

  it("goes on with one thread where no thread can be started, and says so", async () => {
    const { workers } = runtime;
    const elsewhere = { ...workers, program: new URL("./no-such-thread.mjs", import.meta.url).href } as typeof workers;
    const report = await verify({ ...runtime, workers: elsewhere }, log, SPREAD);
    expect(report).toMatchObject({ ok: true, records: RECORDS, work: { threads: 1 } });
    expect(report.work.notes).toEqual([
      expect.stringMatching(/^Threads could not be started \(.+\): one has done all/s),
    ]);
    expect(stopped).toBe(1);
  });

  it("starts no thread for what one has checked before another would have started", async () => {
    const report = await verify(runtime, log, { jobs: 2 });
    expect(report.work).toEqual({ threads: 1, reading: "cached", notes: [] });
    expect(started).toEqual([]);
  });

  it("reads past the system's cache when asked, where that can be done, and finds the same", async () => {
    flipBit(payloadPlace(log, "record 4000 "));
    const cached = await verify(runtime, log, { jobs: 1 });
    const direct = await verify(runtime, log, { jobs: 1, directIo: true });
    const refused = await verify({ ...runtime, files: { ...runtime.files, openDirect: () => null } }, log, {
      jobs: 1,
      directIo: true,
    });
    for (const report of [direct, refused]) expect(found(report)).toEqual(found(cached));
    expect(refused.work).toMatchObject({ reading: "cached", notes: [expect.stringContaining("cannot read past")] });
    const isDirect = direct.work.reading === "direct";
    expect(direct.work.notes).toHaveLength(isDirect ? 0 : 1);
  });
});

// Threads are of this process: their files too.
function openFilesIn(folder: string): string[] {
  if (process.platform !== "linux") return [];
  const targets = readdirSync("/proc/self/fd").map((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`);
    } catch {
      return "closed meanwhile";
    }
  });
  return targets.filter((target) => target.startsWith(`${folder}/`));
}

describe("verification by threads", () => {
  async function withFailing(tamper: Tamper): Promise<VerifyReport> {
    const { runtime } = memoryRuntime({ seed: 1 });
    await fill(runtime, "/log");
    return verify(withThreads(runtime, 2, tamper), "/log", SPREAD);
  }

  it("goes on with one thread when one dies, and says so", async () => {
    const report = await withFailing((answer, count) => {
      if (count === 2) throw new Error("out of memory");
      return answer;
    });
    expect(report).toMatchObject({ ok: true, records: RECORDS, work: { threads: 2 } });
    expect(report.work.notes).toEqual(["A thread has failed (out of memory): one has done the rest of the work."]);
  });

  it("goes on with one thread when one cannot check a range, and says why", async () => {
    const report = await withFailing((answer, count) => (count === 2 ? { failed: "no more files" } : answer));
    expect(report).toMatchObject({ ok: true, records: RECORDS });
    expect(report.work.notes).toEqual(["A thread has failed (no more files): one has done the rest of the work."]);
  });

  it("does not take something else's greeting for a thread's", async () => {
    const report = await withFailing((answer, count) => (count === 0 ? "hello" : answer));
    expect(report).toMatchObject({ ok: true, records: RECORDS, work: { threads: 1 } });
    expect(report.work.notes[0]).toContain("its program is another one");
  });

  it("gives up waiting for threads that never start", async () => {
    const { runtime, disk } = memoryRuntime({ seed: 1 });
    await fill(runtime, "/log");
    const silent = { post: () => undefined, receive: () => new Promise(() => undefined), stop: async () => undefined };
    const workers = { cores: 2, program: "thread:", start: () => silent };
    const ending = verify({ ...runtime, workers }, "/log", SPREAD);
    while (disk.clock.timers === 0) await runtime.clock.pause();
    disk.clock.stepMicros(11_000_000);
    expect((await ending).work).toMatchObject({
      threads: 1,
      notes: [expect.stringContaining("did not start in time")],
    });
  });

  it("does not believe a thread that leaves out what it was asked for", async () => {
    const report = await withFailing((answer, count) =>
      count === 1 ? { ...(answer as object), records: 7, firstLink: new Uint8Array(32) } : answer,
    );
    expect(report).toMatchObject({ ok: true, records: RECORDS });
  });
});

describe("a range", () => {
  async function damaged(...offsets: number[]): Promise<Runtime> {
    const { runtime, disk } = memoryRuntime({ seed: 1 });
    await fill(runtime, "/log");
    for (const offset of offsets) {
      const needle = `record ${offset} `;
      for (const path of disk.paths().filter((name) => name.endsWith(".log"))) {
        const bytes = disk.bytes(path);
        const at = Buffer.from(bytes).indexOf(needle);
        if (at < 0) continue;
        bytes[at] = (bytes[at] as number) ^ 1;
        disk.put(path, bytes);
      }
    }
    return runtime;
  }

  it("is checked up to its last record, by the link in the one behind it", async () => {
    const runtime = await damaged();
    const report = await verify(runtime, "/log", { from: 1500, to: 4321 });
    expect(report).toMatchObject({ ok: true, records: 2821, range: { from: 1500, to: 4321 }, nextOffset: RECORDS });
    const log = await openLogOn(runtime, "/log", { readOnly: true });
    expect(report.head).toBe((await log.stream("orders").get(4320))?.hash);
    await log.close();
  });

  it("knows nothing of bad records before and behind it, and everything of one within", async () => {
    const runtime = await damaged(10, 3000, 5990);
    const reports = {
      before: await verify(runtime, "/log", { from: 2500, to: 3000 }),
      within: await verify(runtime, "/log", { from: 2999, to: 3001 }),
      behind: await verify(runtime, "/log", { from: 3010, to: 5990 }),
    };
    expect(reports.before).toMatchObject({ ok: true, records: 500, goodAfter: [] });
    expect(reports.within).toMatchObject({ ok: false, records: 1, problem: { offset: 3000 }, goodAfter: [] });
    // To get there, the records from the segment's start on are followed.
    expect(reports.behind).toMatchObject({ ok: false, records: 0, problem: { offset: 3000 } });
    expect(reports.behind.goodAfter).toEqual([{ from: 3001, to: 5990 }]);
  });

  it("says what it cannot show: where it begins and what follows", async () => {
    const runtime = await damaged();
    const { basis, notProved } = await verify(runtime, "/log", { from: 10, to: 20 });
    expect(basis).toEqual(["crc", "chain"]);
    expect(notProved).toEqual([
      "that record 10 joins what stands before it, and that it is of this stream",
      "anything about record 20 and what follows it",
      expect.stringMatching(/^that nothing was cut off the end, and that the whole was not made anew: /),
    ]);
    expect((await verify(runtime, "/log", {})).basis).toEqual(["crc", "chain", "genesis"]);
  });

  it("may be empty, or reach beyond the end", async () => {
    const runtime = await damaged();
    expect(await verify(runtime, "/log", { from: RECORDS })).toMatchObject({ ok: true, records: 0 });
    const empty = await verify(runtime, "/log", { from: 30, to: 30 });
    expect(empty).toMatchObject({ ok: true, records: 0, basis: [], checked: [] });
    expect(empty.notProved[0]).toBe("anything about records: there was none to check");
    expect(await verify(runtime, "/log", { from: 5990, to: 9000 })).toMatchObject({ ok: true, records: 10 });
  });

  it.each([
    [{ from: -1 }, "from"],
    // Records that are not there are not good.
    [{ from: RECORDS + 1 }, "from"],
    [{ from: 30, to: 20 }, "from"],
    [{ to: 1.5 }, "to"],
    [{ jobs: 0 }, "jobs"],
    [{ rangeBytes: Number.NaN }, "rangeBytes"],
  ])("%j is refused", async (options, option) => {
    const runtime = await damaged();
    await expect(verify(runtime, "/log", options)).rejects.toMatchObject({ code: "OPTION_INVALID", option });
  });
});

describe("behind a bad record", () => {
  it("nothing is looked at when that is not wanted", async () => {
    const { runtime, disk } = memoryRuntime({ seed: 1 });
    await fill(runtime, "/log");
    const path = "/log/orders/segment_000000.log";
    const bytes = disk.bytes(path);
    bytes[5000] = (bytes[5000] as number) ^ 1;
    disk.put(path, bytes);
    const all = await verify(runtime, "/log", {});
    const first = await verify(runtime, "/log", { stopAtFirst: true });
    expect(all.goodAfter).toEqual([{ from: (all.problem?.offset as number) + 1, to: RECORDS }]);
    expect(first).toMatchObject({ problem: all.problem, records: all.records, goodAfter: [] });
  });

  it("is looked for in turns that leave the program its own, however much imitates records", async () => {
    const { runtime, disk } = memoryRuntime({ seed: 3 });
    const log = await openLogOn(runtime, "/log");
    // Headers, one behind the other, of records that would each have most of the file as their payload.
    const imitated = new Uint8Array(64 << 10);
    const view = new DataView(imitated.buffer);
    for (let at = 0; at + 64 <= imitated.length; at += 64) {
      view.setUint32(at, RECORD_MAGIC, true);
      view.setUint32(at + 4, imitated.length - at - 72 - 8, true);
      view.setUint32(at + 8, 7, true);
    }
    await log.stream("orders").append([imitated, "good"]);
    await log.close();
    disk.flip("/log/orders/segment_000000.log", 128 + 20, 1);
    let looks = 0;
    const controller = new AbortController();
    const clock = {
      nowMicros: () => 1,
      monotonicMs: () => 20 * ++looks,
      pause: () => {
        if (looks > 500) controller.abort("enough");
        return Promise.resolve();
      },
      nextTurn: () => Promise.resolve(),
      after: () => () => undefined,
    };
    const { signal } = controller;
    await expect(verify({ ...runtime, clock }, "/log", { signal })).rejects.toBe("enough");
    expect(await verify(runtime, "/log", {})).toMatchObject({ ok: false, goodAfter: [{ from: 1, to: 2 }] });
  });

  it("records that a payload imitates are not taken for records of the stream", async () => {
    const { runtime, disk } = memoryRuntime({ seed: 3 });
    let log = await openLogOn(runtime, "/log");
    await log.stream("orders").append(["a", "b", "c"]);
    await log.close();
    const path = "/log/orders/segment_000000.log";
    const salted = disk.bytes(path).slice();
    // Whole records of this very segment, salt and all, inside of a payload.
    log = await openLogOn(runtime, "/log");
    await log.stream("orders").append([salted.subarray(128 + 73), "d", "e"]);
    await log.close();
    const bytes = disk.bytes(path);
    const at = salted.length + 70;
    bytes[at] = (bytes[at] as number) ^ 1;
    disk.put(path, bytes);
    const report = await verify(runtime, "/log", {});
    expect(report.problem).toMatchObject({ offset: 3 });
    expect(report.goodAfter).toEqual([{ from: 4, to: 6 }]);
  });
});
