// The machine goes down, or a call fails, at every single I/O step of a program that makes every kind of file; then the
// log is opened again on what the disk may have kept. What was acknowledged is there, each append is whole or absent,
// and nothing stands there that was not submitted.
import { describe, expect, it } from "vitest";
import {
  type Choose,
  CrashSignal,
  keepAll,
  loseAll,
  type MemoryDisk,
  memoryRuntime,
  seededChoose,
} from "../../adapters/memory.ts";
import { DiatremeError, type OpenOptions, openLogOn } from "../../src/index.ts";
import { CASE_STRIDE } from "../contract/current-runtime.ts";

const OPTIONS: OpenOptions = { segmentBytes: 1500, indexEveryRecords: 3, windowBytes: 4096 };

/** What a program submitted, append by append, and what it was told. */
interface History {
  readonly appends: { readonly payloads: string[]; acknowledged: boolean }[];
}

// One life of a process: opens the log, appends to it in several ways, closes it.
async function live(disk: MemoryDisk, history: History, sync: "everyBatch" | "onFlush", life: number): Promise<void> {
  const log = await openLogOn(disk.runtime(), "/data/log", { ...OPTIONS, sync });
  const stream = log.stream("orders");
  const submit = async (payloads: string[]) => {
    const append = { payloads, acknowledged: false };
    history.appends.push(append);
    await stream.append(payloads);
    if (sync === "everyBatch") append.acknowledged = true;
  };
  const flush = async () => {
    const before = [...history.appends];
    await stream.flush();
    for (const append of before) append.acknowledged = true;
  };
  await submit([`first of life ${life}`]);
  await Promise.all([submit(["a", "b"]), submit(["x".repeat(300)]), submit(["c"])]);
  await flush();
  for (let i = 0; i < 4; i++) await submit(Array.from({ length: 3 }, (_, j) => `${life}-${i}-${j}${"y".repeat(60)}`));
  await submit(["z".repeat(2000)]);
  await submit(["last"]);
  const before = [...history.appends];
  await log.close();
  for (const append of before) append.acknowledged = true;
}

async function twoLives(disk: MemoryDisk, history: History, sync: "everyBatch" | "onFlush"): Promise<void> {
  await live(disk, history, sync, 1);
  await live(disk, history, sync, 2);
}

// Appends that were never awaited by the program die with it.
const swallow = () => undefined;

async function recordsOf(disk: MemoryDisk): Promise<string[]> {
  const log = await openLogOn(disk.runtime({ pid: 77 }), "/data/log", OPTIONS);
  const texts: string[] = [];
  for (const record of log.stream("orders").read({ verify: "genesis" })) texts.push(record.text());
  await log.close();
  return texts;
}

/** How many whole appends, from the first on, make up exactly these records. */
function wholeAppends(history: History, texts: string[]): number {
  let at = 0;
  let count = 0;
  for (const { payloads } of history.appends) {
    if (at === texts.length) break;
    expect(texts.slice(at, at + payloads.length)).toEqual(payloads);
    at += payloads.length;
    count++;
  }
  expect(at).toBe(texts.length);
  return count;
}

async function expectPromiseKept(disk: MemoryDisk, history: History): Promise<void> {
  const texts = await recordsOf(disk);
  const present = wholeAppends(history, texts);
  const acknowledged = history.appends.findLastIndex((append) => append.acknowledged) + 1;
  expect(present).toBeGreaterThanOrEqual(acknowledged);
  // The log goes on, and verifies.
  const log = await openLogOn(disk.runtime({ pid: 78 }), "/data/log", OPTIONS);
  const stream = log.stream("orders");
  const { firstOffset } = await stream.append(["after", "the crash"]);
  expect(firstOffset).toBe(texts.length);
  expect(await stream.verify()).toMatchObject({ ok: true, records: texts.length + 2 });
  await log.close();
}

const ENDINGS: [string, (seed: number) => Choose][] = [
  ["everything unsynced lost", () => loseAll],
  ["everything unsynced kept", () => keepAll],
  ["some of it kept", (seed) => seededChoose(seed)],
  ["some of it kept, otherwise", (seed) => seededChoose(seed + 1_000_000)],
];

// The simulation crashes each step of a longer program.
const STRIDE = CASE_STRIDE === 1 ? 1 : 3 * CASE_STRIDE;

describe.each(["everyBatch", "onFlush"] as const)("under %s, a crash", (sync) => {
  it("at any I/O step leaves all that was acknowledged and only whole appends", async () => {
    const calm = memoryRuntime({ seed: 1 });
    await twoLives(calm.disk, { appends: [] }, sync);
    const steps = calm.disk.operations;
    expect(steps).toBeGreaterThan(100);
    for (let step = 0; step < steps; step += STRIDE) {
      for (const crash of [true, "after"] as const) {
        for (const [ending, choose] of ENDINGS) {
          const { disk } = memoryRuntime({ seed: step });
          const history: History = { appends: [] };
          disk.onOperation = ({ index }) => (index === step ? { crash } : undefined);
          await twoLives(disk, history, sync).catch((error: unknown) => {
            // A crash in the background poisons the stream, and the next call says so.
            const cause = error instanceof DiatremeError ? error.cause : error;
            if (!(cause instanceof CrashSignal)) throw error;
          });
          const survived = disk.crash(choose(step));
          try {
            await expectPromiseKept(survived, history);
          } catch (error) {
            throw new Error(`crash ${crash} step ${step} of ${steps}, ${ending}`, { cause: error });
          }
        }
      }
    }
  });

  it("during the recovery from a crash is recovered from", async () => {
    for (let seed = 0; seed < 8; seed++) {
      const { disk } = memoryRuntime({ seed });
      const history: History = { appends: [] };
      const first = 60 + seed * 7;
      disk.onOperation = ({ index }) => (index === first ? { crash: true } : undefined);
      await twoLives(disk, history, sync).catch(swallow);
      for (let step = 0; step < 40; step += STRIDE) {
        const again = disk.crashImage(seededChoose(seed));
        again.onOperation = ({ index }) => (index === step ? { crash: "after" } : undefined);
        await recordsOf(again).catch((error: unknown) => {
          if (!(error instanceof CrashSignal)) throw error;
        });
        await expectPromiseKept(again.crash(seededChoose(step)), history);
      }
    }
  });
});

describe.each(["IO_FAILED", "NO_SPACE", "ACCESS_DENIED"] as const)("a call that fails with %s", (fail) => {
  it.each([
    ["once", false],
    ["from then on", true],
  ])("%s, at any I/O step, loses nothing acknowledged", async (_, sticky) => {
    const calm = memoryRuntime({ seed: 1 });
    await twoLives(calm.disk, { appends: [] }, "everyBatch");
    const steps = calm.disk.operations;
    for (let step = 0; step < steps; step += STRIDE) {
      const { disk } = memoryRuntime({ seed: step });
      const history: History = { appends: [] };
      disk.onOperation = ({ index }) => (index === step || (sticky && index > step) ? { fail } : undefined);
      try {
        await twoLives(disk, history, "everyBatch").catch((error: unknown) => {
          if (!(error instanceof DiatremeError)) throw error;
        });
        disk.onOperation = null;
        // The process dies; the machine stays up or loses power.
        const survived = disk.crash(step % 2 === 0 ? keepAll : seededChoose(step));
        const texts = await recordsOf(survived);
        expectSubsequence(history, texts);
      } catch (error) {
        throw new Error(`${fail} at step ${step} of ${steps}`, { cause: error });
      }
    }
  });
});

// After failures some appends are missing in between; what was acknowledged is there, each append whole, in order.
function expectSubsequence(history: History, texts: string[]): void {
  let at = 0;
  for (const { payloads, acknowledged } of history.appends) {
    const here = texts.slice(at, at + payloads.length);
    const there = here.length === payloads.length && here.every((text, i) => text === payloads[i]);
    if (acknowledged) expect(here).toEqual(payloads);
    if (there) at += payloads.length;
  }
  expect(at).toBe(texts.length);
}
