// Repairs of every kind of damage, on a disk in memory: looking changes nothing, a repair keeps all that is good and loses
// nothing of the rest, and one that is cut short at any I/O step can be made again.
import { describe, expect, it } from "vitest";
import {
  type Choose,
  CrashSignal,
  keepAll,
  loseAll,
  type MemoryDisk,
  memoryRuntime,
  type Operation,
  seededChoose,
} from "../../adapters/memory.ts";
import { DiatremeError, openLogOn, type RepairReport, type Runtime, repairLogOn } from "../../src/index.ts";
import { doesMost } from "../contract/current-runtime.ts";
import { crc32 } from "./crc32.ts";

const OPTIONS = { segmentBytes: 700, indexEveryRecords: 2, spaceAhead: false };
const segment = (number: number) => `/log/orders/segment_00000${number}.log`;
const index = (number: number) => `${segment(number)}.idx`;

interface Written {
  readonly disk: MemoryDisk;
  readonly runtime: Runtime;
  /** Of each record, in order. */
  readonly texts: string[];
  /** Where each record lies. */
  readonly places: { readonly segment: number; readonly position: number; readonly bytes: number }[];
}

// 5 segments or so; appends of one and of two records.
async function written(end: "closed" | "killed" = "closed"): Promise<Written> {
  const { runtime, disk } = memoryRuntime({ seed: 3 });
  const log = await openLogOn(runtime, "/log", OPTIONS);
  const stream = log.stream("orders");
  for (let i = 0; i < 8; i++) await stream.append(i % 2 === 0 ? [`event ${i}`] : [`event ${i}`, `and ${i} again`]);
  for (let i = 0; i < 6; i++) await stream.append([`late ${i}`, "x".repeat(i * 7)]);
  const { nextOffset } = await stream.head();
  const texts: string[] = [];
  for (let offset = 0; offset < nextOffset; offset++) texts.push(stream.getSync(offset)?.text() as string);
  if (end === "closed") await log.close();
  else disk.kill(1);
  return { disk, runtime: disk.runtime({ pid: 9 }), texts, places: placesIn(disk) };
}

function placesIn(disk: MemoryDisk): Written["places"] {
  const places: { segment: number; position: number; bytes: number }[] = [];
  for (let number = 0; disk.paths().includes(segment(number)); number++) {
    const bytes = disk.bytes(segment(number));
    const view = new DataView(bytes.buffer);
    for (let at = 128; at + 72 <= bytes.length; ) {
      const length = 72 + view.getUint32(at + 4, true);
      places.push({ segment: number, position: at, bytes: length });
      at += length;
    }
  }
  return places;
}

function change(
  disk: MemoryDisk,
  path: string,
  edit: (bytes: Uint8Array<ArrayBuffer>, view: DataView) => unknown,
): void {
  const bytes = disk.bytes(path).slice();
  const edited = edit(bytes, new DataView(bytes.buffer));
  disk.put(path, edited instanceof Uint8Array ? edited : bytes);
}

/** As a forger makes a tombstone of a record: with a right CRC. */
function forge(disk: MemoryDisk, place: Written["places"][number]): void {
  const { position, bytes: length } = place;
  change(disk, segment(place.segment), (bytes, view) => {
    bytes[position + 24] = 1;
    const covered = [...bytes.subarray(112, 116), ...bytes.subarray(position, position + length - 4)];
    view.setUint32(position + length - 4, crc32(new Uint8Array(covered)), true);
  });
}

// A character for each byte.
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");
const snapshot = (disk: MemoryDisk) => new Map(disk.paths().map((path) => [path, textOf(disk.bytes(path))]));

async function textsIn(runtime: Runtime): Promise<string[]> {
  const log = await openLogOn(runtime, "/log", { readOnly: true });
  const texts: string[] = [];
  for (const record of log.stream("orders").read({ verify: "genesis" })) texts.push(record.text());
  await log.close();
  return texts;
}

/** Expects exactly these records, a log that verifies with its indexes, and that goes on. */
async function expectGood(runtime: Runtime, texts: readonly string[]): Promise<void> {
  if (texts.length > 0) {
    expect(await textsIn(runtime)).toEqual(texts);
    const readOnly = await openLogOn(runtime, "/log", { readOnly: true });
    expect(await readOnly.stream("orders").verify()).toMatchObject({ ok: true, records: texts.length, index: [] });
    await readOnly.close();
  }
  const log = await openLogOn(runtime, "/log", OPTIONS);
  const stream = log.stream("orders");
  expect(await stream.append("goes on")).toMatchObject({ firstOffset: texts.length });
  expect(stream.tornTail).toBeNull();
  expect(await stream.verify()).toMatchObject({ ok: true, records: texts.length + 1, index: [] });
  await log.close();
}

interface Case {
  readonly name: string;
  readonly end?: "closed" | "killed";
  /** Damages the log. Returns how many records are good. */
  readonly damage: (log: Written) => number;
  readonly kinds: readonly string[];
  /** Crashed and failed at every step by the current Node in every run; all are, everywhere, when DIATREME_LONG is set. */
  readonly thorough?: boolean;
  /** Files that the repair leaves beside the log's own. */
  readonly kept: (log: Written) => readonly string[];
}

const all = ({ texts }: Written) => texts.length;
const lastOf = ({ places }: Written, number: number) => places.findLastIndex((place) => place.segment === number);
const firstOf = ({ places }: Written, number: number) => places.findIndex((place) => place.segment === number);
// The last append's first record: it has one more.
const firstOfAppend = (log: Written) => log.texts.length - 2;
const newest = ({ places }: Written) => places.at(-1)?.segment as number;
const laterThan = (log: Written, number: number) =>
  Array.from({ length: newest(log) - number }, (_, i) => number + 1 + i).flatMap((later) => [
    `${segment(later)}.idx.removed-0-1`,
    `${segment(later)}.removed-0-1`,
  ]);
const identityOf = "/log/log.json";

const CASES: readonly Case[] = [
  {
    name: "a torn tail",
    thorough: true,
    end: "killed",
    damage: (log) => {
      const last = log.places.at(-1) as Written["places"][number];
      change(log.disk, segment(last.segment), (bytes) => bytes.slice(0, last.position + last.bytes - 3));
      // The last append has two records.
      return log.texts.length - 2;
    },
    kinds: ["tornTail"],
    kept: (log) => [`${segment(newest(log))}.removed-${log.places.at(-2)?.position}-1`],
  },
  {
    name: "a bad record in the middle of the newest segment",
    damage: (log) => {
      const at = log.places[firstOfAppend(log)] as Written["places"][number];
      change(log.disk, segment(at.segment), (bytes) => bytes.fill(7, at.position + 64, at.position + 66));
      return firstOfAppend(log);
    },
    kinds: ["damage"],
    kept: (log) => [
      `${index(newest(log))}.removed-0-1`,
      `${segment(newest(log))}.removed-${log.places[firstOfAppend(log)]?.position}-1`,
    ],
  },
  {
    name: "a bad second record of an append",
    damage: (log) => {
      const at = log.places[2] as Written["places"][number];
      change(log.disk, segment(0), (bytes) => bytes.fill(7, at.position + 20, at.position + 22));
      return 1;
    },
    kinds: ["damage"],
    kept: (log) => [
      `${index(0)}.removed-0-1`,
      `${segment(0)}.removed-${log.places[1]?.position}-1`,
      ...laterThan(log, 0),
    ],
  },
  {
    name: "a bad first record",
    damage: ({ disk }) => {
      change(disk, segment(0), (bytes) => bytes.fill(7, 128, 130));
      return 0;
    },
    kinds: ["damage"],
    kept: (log) => [`${index(0)}.removed-0-1`, `${segment(0)}.removed-128-1`, ...laterThan(log, 0)],
  },
  {
    name: "a forged record in an older segment",
    damage: (log) => {
      forge(log.disk, log.places[firstOf(log, 1)] as Written["places"][number]);
      return firstOf(log, 1);
    },
    kinds: ["damage"],
    kept: (log) => [`${index(1)}.removed-0-1`, `${segment(1)}.removed-128-1`, ...laterThan(log, 1)],
  },
  {
    name: "a forged last record of an older segment",
    thorough: true,
    damage: (log) => {
      forge(log.disk, log.places[lastOf(log, 1)] as Written["places"][number]);
      // It is the second of its append.
      return lastOf(log, 1) - 1;
    },
    kinds: ["damage"],
    kept: (log) => [
      `${index(1)}.removed-0-1`,
      `${segment(1)}.removed-${log.places[lastOf(log, 1) - 1]?.position}-1`,
      ...laterThan(log, 1),
    ],
  },
  {
    name: "a missing segment in between",
    thorough: true,
    damage: (log) => {
      log.disk.take(segment(2));
      log.disk.take(index(2));
      return firstOf(log, 2);
    },
    kinds: ["damage"],
    kept: (log) => laterThan(log, 2),
  },
  {
    name: "a missing first segment",
    damage: ({ disk }) => {
      disk.take(segment(0));
      return 0;
    },
    kinds: ["damage"],
    kept: (log) => [`${index(0)}.removed-0-1`, ...laterThan(log, 0)],
  },
  {
    name: "a closed log that is cut at the border of an append",
    damage: (log) => {
      const at = log.places.at(-2) as Written["places"][number];
      change(log.disk, segment(at.segment), (bytes) => bytes.slice(0, at.position));
      return log.texts.length - 2;
    },
    kinds: ["damage"],
    kept: (log) => [`${index(newest(log))}.removed-0-1`],
  },
  {
    name: "an older segment that is cut at the border of an append",
    damage: (log) => {
      const at = log.places[lastOf(log, 1) - 1] as Written["places"][number];
      change(log.disk, segment(1), (bytes) => bytes.slice(0, at.position));
      return lastOf(log, 1) - 1;
    },
    kinds: ["damage"],
    kept: (log) => [`${index(1)}.removed-0-1`, ...laterThan(log, 1)],
  },
  {
    name: "an older segment with bytes behind its end",
    damage: (log) => {
      change(log.disk, segment(1), (bytes) => new Uint8Array([...bytes, ...new Uint8Array(90).fill(9)]));
      return all(log);
    },
    kinds: ["surplus"],
    kept: (log) => {
      const last = log.places[lastOf(log, 1)] as Written["places"][number];
      return [`${segment(1)}.removed-${last.position + last.bytes}-1`];
    },
  },
  {
    name: "a header damaged where it can be proved",
    damage: (log) => {
      change(log.disk, segment(1), (bytes) => bytes.fill(255, 0, 24));
      change(log.disk, segment(0), (bytes) => bytes.fill(0, 32, 112));
      return all(log);
    },
    kinds: ["header", "header"],
    kept: () => [`${segment(0)}.removed-0-1`, `${segment(1)}.removed-0-1`],
  },
  {
    name: "a header damaged for good",
    damage: (log) => {
      change(log.disk, segment(1), (bytes) => bytes.fill(255, 112, 113));
      return firstOf(log, 1);
    },
    kinds: ["damage"],
    kept: (log) => laterThan(log, 0),
  },
  {
    name: "a segment that is another one's copy",
    damage: (log) => {
      log.disk.put(segment(2), log.disk.bytes(segment(1)));
      return firstOf(log, 2);
    },
    kinds: ["damage"],
    kept: (log) => laterThan(log, 1),
  },
  {
    name: "missing and damaged indexes",
    damage: (log) => {
      log.disk.take(index(0));
      change(log.disk, index(1), (bytes) => bytes.fill(1, 30, 40));
      change(log.disk, index(newest(log)), (bytes) => bytes.fill(1, 30, 40));
      return all(log);
    },
    kinds: ["index", "index", "index"],
    kept: (log) => [`${index(1)}.removed-0-1`, `${index(newest(log))}.removed-0-1`],
  },
  {
    name: "leftovers of files that were being made",
    damage: (log) => {
      log.disk.put("/log/.log.json.0123456789abcdef.tmp", new Uint8Array(3));
      log.disk.put("/log/orders/.segment_000009.log.0123456789abcdef.tmp", new Uint8Array(3));
      log.disk.put("/log/orders/.segment_000009.log.tmp", new Uint8Array(3));
      return all(log);
    },
    kinds: ["leftover", "leftover", "leftover"],
    kept: () => [],
  },
  {
    name: "a damaged log.json",
    damage: (log) => {
      change(log.disk, identityOf, (bytes) => bytes.fill(32, 2, 30));
      return all(log);
    },
    kinds: ["identity"],
    kept: () => [`${identityOf}.removed-0-1`],
  },
  {
    name: "a missing log.json",
    damage: (log) => {
      log.disk.take(identityOf);
      return all(log);
    },
    kinds: ["identity"],
    kept: () => [],
  },
  {
    name: "much at once",
    thorough: true,
    end: "killed",
    damage: (log) => {
      log.disk.put(identityOf, new Uint8Array(9000));
      change(log.disk, segment(0), (bytes) => bytes.fill(0, 0, 4));
      log.disk.take(index(1));
      const at = log.places[firstOf(log, 2) + 2] as Written["places"][number];
      change(log.disk, segment(2), (bytes) => bytes.fill(7, at.position + 5, at.position + 9));
      log.disk.put("/log/orders/.segment_000009.log.0123456789abcdef.tmp", new Uint8Array(3));
      return firstOf(log, 2) + 2;
    },
    kinds: ["identity", "header", "damage", "index", "leftover"],
    kept: (log) => [
      `${identityOf}.removed-0-1`,
      `${segment(0)}.removed-0-1`,
      `${index(2)}.removed-0-1`,
      `${segment(2)}.removed-${log.places[firstOf(log, 2) + 2]?.position}-1`,
      ...laterThan(log, 2),
    ],
  },
];

const kindsOf = (report: RepairReport) => report.findings.map(({ kind }) => kind).sort();

describe.each(CASES)("repair of $name", ({ damage, end, kinds, kept, thorough }) => {
  async function damaged() {
    const log = await written(end);
    const good = log.texts.slice(0, damage(log));
    return { ...log, good, before: snapshot(log.disk) };
  }

  it("changes nothing until it is told to, and says the same then", async () => {
    const { runtime, disk, before, good } = await damaged();
    const report = await repairLogOn(runtime, "/log");
    expect(kindsOf(report)).toEqual([...kinds].sort());
    expect(report).toMatchObject({ ok: false, applied: false, streams: [{ stream: "orders", records: good.length }] });
    expect(snapshot(disk)).toEqual(before);
    const applied = await repairLogOn(runtime, "/log", { apply: true });
    expect(applied.findings.slice(0, report.findings.length)).toEqual(report.findings);
    expect(applied).toMatchObject({ ok: true, applied: true });
  });

  it("leaves all that is good, sets aside the rest byte for byte, and finds nothing more afterwards", async () => {
    const log = await damaged();
    const { runtime, disk, before, good } = log;
    await repairLogOn(runtime, "/log", { apply: true });
    const aside = disk.paths().filter((path) => path.includes(".removed-"));
    // Checkpoints go aside with the records that they speak of.
    expect(aside.filter((path) => !path.includes(".log.ckpt.removed-")).sort()).toEqual([...kept(log)].sort());
    expectNothingLost(disk, before);
    const again = await repairLogOn(runtime, "/log");
    expect(again).toMatchObject({ ok: true, findings: [] });
    await expectGood(runtime, good);
    expect(await repairLogOn(runtime, "/log")).toMatchObject({ ok: true, findings: [] });
    expect(disk.paths().some((path) => path.endsWith(".tmp"))).toBe(false);
  });

  const isThorough = (thorough === true && doesMost) || process.env["DIATREME_LONG"] !== undefined;

  it.runIf(isThorough)("can be made again after a crash at any I/O step", async () => {
    const { disk, before, good } = await damaged();
    for (const { index: step } of await stepsOf(disk)) {
      for (const crash of [true, "after"] as const) {
        const machine = disk.crashImage(keepAll);
        machine.onOperation = ({ index: at }) => (at === step ? { crash } : undefined);
        await expect(repairLogOn(machine.runtime(), "/log", { apply: true })).rejects.toThrow(CrashSignal);
        for (const choose of endings(step, crash === true)) {
          const survived = machine.crashImage(choose);
          try {
            expectNothingLost(survived, before);
            await expectRepaired(survived, before, good);
          } catch (error) {
            throw new Error(`crash ${crash} step ${step}`, { cause: error });
          }
        }
      }
    }
  });

  it.runIf(isThorough)("can be made again after a failure at any I/O step, which loses nothing", async () => {
    const { disk, before, good } = await damaged();
    for (const { index: step } of await stepsOf(disk)) {
      for (const sticky of [false, true]) {
        const machine = disk.crashImage(keepAll);
        const fail = (["IO_FAILED", "NO_SPACE", "ACCESS_DENIED"] as const)[step % 3] as "IO_FAILED";
        machine.onOperation = ({ index: at }) => (at === step || (sticky && at > step) ? { fail } : undefined);
        // A failure to look above the log's folder, or to write an index, is no one's.
        await repairLogOn(machine.runtime(), "/log", { apply: true }).catch((error: unknown) => {
          if (!(error instanceof DiatremeError)) throw error;
        });
        machine.onOperation = null;
        const survived = machine.crash(step % 2 === 0 ? keepAll : seededChoose(step));
        try {
          expectNothingLost(survived, before);
          await expectRepaired(survived, before, good);
        } catch (error) {
          throw new Error(`${fail} at step ${step}${sticky ? " and from then on" : ""}`, { cause: error });
        }
      }
    }
  });
});

// The calls that a repair makes and that change something. A crash at any other is a crash at one of their borders.
async function stepsOf(disk: MemoryDisk): Promise<Operation[]> {
  const calm = disk.crashImage(keepAll);
  const steps: Operation[] = [];
  calm.onOperation = (operation) => {
    if (!/^(kind|list|open|read|size)$/.test(operation.kind)) steps.push(operation);
    return undefined;
  };
  await repairLogOn(calm.runtime(), "/log", { apply: true });
  expect(steps.length).toBeGreaterThan(5);
  return steps;
}

async function expectRepaired(
  disk: MemoryDisk,
  before: ReadonlyMap<string, string>,
  good: readonly string[],
): Promise<void> {
  const runtime = disk.runtime({ pid: 77 });
  expect(await repairLogOn(runtime, "/log", { apply: true })).toMatchObject({ ok: true });
  expectNothingLost(disk, before);
  expect(await repairLogOn(runtime, "/log")).toMatchObject({ ok: true, findings: [] });
  await expectGood(runtime, good);
}

// All, nothing, or some of what was not synced survives.
function endings(step: number, isBefore: boolean): Choose[] {
  const [these, those] = [
    [loseAll, seededChoose(step)],
    [keepAll, seededChoose(step + 1_000_000)],
  ] as const;
  if (process.env["DIATREME_LONG"] !== undefined) return [...these, ...those];
  return isBefore === (step % 2 === 0) ? [...these] : [...those];
}

// Every byte that segments and log.json had is where it was, or at its place in a copy beside it.
function expectNothingLost(disk: MemoryDisk, before: ReadonlyMap<string, string>): void {
  const paths = disk.paths();
  for (const [path, text] of before) {
    if (!/segment_\d+\.log$|log\.json$/.test(path)) continue;
    const original = Buffer.from(text, "latin1");
    const isThere = new Uint8Array(original.length);
    const mark = (bytes: Uint8Array, position: number) => {
      bytes.forEach((byte, i) => {
        if (original[position + i] === byte) isThere[position + i] = 1;
      });
    };
    if (paths.includes(path)) mark(disk.bytes(path), 0);
    for (const copy of paths.filter((one) => one.startsWith(`${path}.removed-`))) {
      mark(disk.bytes(copy), Number(/-(\d+)-\d+$/.exec(copy)?.[1]));
    }
    expect(isThere.indexOf(0), path).toBe(-1);
  }
}

describe("repair", () => {
  it("of a good log finds nothing and changes nothing, applied or not", async () => {
    const { runtime, disk } = await written();
    const before = snapshot(disk);
    expect(await repairLogOn(runtime, "/log")).toMatchObject({ ok: true, findings: [], steps: [] });
    expect(await repairLogOn(runtime, "/log", { apply: true })).toMatchObject({ ok: true, applied: true, steps: [] });
    const lockless = (map: Map<string, string>) => [...map].filter(([path]) => !path.startsWith("/log/lock/"));
    expect(lockless(snapshot(disk))).toEqual(lockless(before));
  });

  it("of a log that a writer is at work on takes nothing for torn, and is refused with --apply", async () => {
    const { disk } = await written();
    const log = await openLogOn(disk.runtime({ pid: 4 }), "/log", OPTIONS);
    const stream = log.stream("orders");
    await stream.append("more");
    const path = disk.paths().findLast((one) => one.endsWith(".log")) as string;
    const half = disk.bytes(path);
    disk.put(path, new Uint8Array([...half, ...half.slice(128, 170)]));
    const runtime = disk.runtime({ pid: 9 });
    const report = await repairLogOn(runtime, "/log");
    expect(report).toMatchObject({ ok: true, findings: [], lock: { state: "held", holder: { pid: 4 } } });
    const before = snapshot(disk);
    const refused = { code: "LOG_LOCKED", pid: 4 };
    await expect(repairLogOn(runtime, "/log", { apply: true })).rejects.toMatchObject(refused);
    expect(snapshot(disk)).toEqual(before);
  });

  it("shows a lock that a dead process has left, and takes it over", async () => {
    const { runtime, disk } = await written("killed");
    expect(await repairLogOn(runtime, "/log")).toMatchObject({ lock: { state: "left", holder: { pid: 1 } } });
    const applied = await repairLogOn(runtime, "/log", { apply: true });
    expect(applied).toMatchObject({ ok: true, lock: { state: "left", holder: { pid: 1 } } });
    expect(await repairLogOn(runtime, "/log")).toMatchObject({ lock: { state: "free", holder: null } });
    expect(disk.paths().filter((path) => path.startsWith("/log/lock/"))).toHaveLength(1);
  });

  it("tells which records behind the damage are whole, and that they lie where it says", async () => {
    const log = await written();
    const bad = log.places[2] as Written["places"][number];
    change(log.disk, segment(0), (bytes) => bytes.fill(7, bad.position + 64, bad.position + 65));
    const { streams } = await repairLogOn(log.runtime, "/log");
    const rows = streams[0]?.wholeBehind ?? [];
    // The other record of the bad one's append, the rest of its segment, and each later segment.
    expect(rows[0]).toEqual({ segment: 0, position: log.places[1]?.position, firstOffset: 1, records: 1 });
    expect(rows[1]).toMatchObject({ segment: 0, position: bad.position + bad.bytes, firstOffset: 3 });
    const offsets = rows.flatMap(({ firstOffset, records }) =>
      Array.from({ length: records }, (_, i) => firstOffset + i),
    );
    expect(offsets).toEqual(log.texts.map((_, i) => i).filter((i) => i !== 0 && i !== 2));
  });

  it("repairs the stream that is named and leaves the others", async () => {
    const { runtime, disk } = await written();
    const log = await openLogOn(runtime, "/log", OPTIONS);
    await log.stream("payments").append(["one", "two"]);
    await log.close();
    for (const stream of ["orders", "payments"]) {
      change(disk, `/log/${stream}/segment_000000.log`, (bytes) => bytes.fill(7, 128, 130));
    }
    const orders = disk.bytes(segment(0));
    const report = await repairLogOn(runtime, "/log", { stream: "payments", apply: true });
    expect(report.streams.map(({ stream }) => stream)).toEqual(["payments"]);
    expect(report.ok).toBe(true);
    expect(disk.bytes(segment(0))).toEqual(orders);
    await expect(repairLogOn(runtime, "/log", { stream: "none" })).rejects.toMatchObject({ code: "STREAM_NOT_FOUND" });
  });

  it("keeps what an earlier repair has kept", async () => {
    const log = await written();
    const cut = (text: string) => {
      change(log.disk, segment(0), (bytes) => {
        bytes.set(new TextEncoder().encode(text), 130);
      });
    };
    cut("first");
    await repairLogOn(log.runtime, "/log", { apply: true });
    const first = snapshot(log.disk);
    const again = await openLogOn(log.runtime, "/log", OPTIONS);
    await again.stream("orders").append("new");
    await again.close();
    cut("other");
    expect(await repairLogOn(log.runtime, "/log", { apply: true })).toMatchObject({ ok: true });
    for (const [path, bytes] of first) if (path.includes(".removed-")) expect(snapshot(log.disk).get(path)).toBe(bytes);
    expect(log.disk.paths()).toContain(`${segment(0)}.removed-128-2`);
  });

  it("restores the very log.json when its CRC proves it, and says from where it has the time when not", async () => {
    const log = await written();
    const original = log.disk.bytes(identityOf);
    for (const [from, to] of [
      [14, 16],
      [36, 40],
      [80, 83],
    ] as const) {
      log.disk.put(identityOf, original.slice().fill(33, from, to));
      const report = await repairLogOn(log.runtime, "/log", { apply: true });
      expect(report.ok).toBe(true);
      const isProved = report.findings[0]?.message.includes("fit the CRC") === true;
      expect(isProved).toBe(from !== 80);
      if (isProved) expect(log.disk.bytes(identityOf)).toEqual(original);
      else expect(report.findings[0]?.message).toContain("taken from the oldest of them (orders/segment 0)");
      expect(await textsIn(log.runtime)).toEqual(log.texts);
    }
  });

  it("can be undone: what was set aside, taken back, is the damaged log", async () => {
    const log = await written();
    change(log.disk, segment(1), (bytes) => bytes.fill(7, 140, 141));
    const before = snapshot(log.disk);
    const { streams } = await repairLogOn(log.runtime, "/log", { apply: true });
    for (const step of streams[0]?.steps ?? []) {
      if (step.kind === "cut") {
        const rest = log.disk.bytes(step.keptAs);
        change(log.disk, step.path, (bytes) => new Uint8Array([...bytes, ...rest]));
      } else if (step.kind === "setAside") log.disk.put(step.path, log.disk.bytes(step.keptAs));
      if (step.keptAs !== null) log.disk.take(step.keptAs);
    }
    const segments = (map: ReadonlyMap<string, string>) => [...map].filter(([path]) => path.startsWith("/log/orders/"));
    expect(segments(snapshot(log.disk))).toEqual(segments(before));
  });
});

describe("repair leaves alone, and says so,", () => {
  async function expectLeft(
    log: { runtime: Runtime; disk: MemoryDisk },
    message: RegExp,
    options: { maxRecordBytes?: number } = {},
  ): Promise<void> {
    const before = snapshot(log.disk);
    const report = await repairLogOn(log.runtime, "/log", { ...options, apply: true });
    expect(report.ok).toBe(false);
    expect(report.findings).toMatchObject([{ kind: "unexplained", message: expect.stringMatching(message) }]);
    const lockless = (map: Map<string, string>) => [...map].filter(([path]) => !path.startsWith("/log/lock/"));
    expect(lockless(snapshot(log.disk))).toEqual(lockless(before));
  }

  // The last checkpoint beside the first segment names another head, under a right CRC.
  function forgeHead(disk: MemoryDisk): void {
    const salt = disk.bytes(segment(0)).slice(112, 116);
    change(disk, `${segment(0)}.ckpt`, (bytes, view) => {
      const entry = bytes.length - 128;
      bytes[entry + 16] = (bytes[entry + 16] as number) ^ 1;
      view.setUint32(entry + 124, crc32(new Uint8Array([...salt, ...bytes.subarray(entry, entry + 124)])), true);
    });
  }

  it("records that are longer than the limit it was given", async () => {
    const log = await written();
    await expectLeft(log, /the limit is 5 \(maxRecordBytes\)\. .*larger maxRecordBytes/, { maxRecordBytes: 5 });
  });

  it("records of a kind that a newer version may have written", async () => {
    const log = await written();
    const { position, bytes: length } = log.places[1] as Written["places"][number];
    change(log.disk, segment(0), (bytes, view) => {
      bytes[position + 25] = 1;
      const covered = [...bytes.subarray(112, 116), ...bytes.subarray(position, position + length - 4)];
      view.setUint32(position + length - 4, crc32(new Uint8Array(covered)), true);
    });
    await expectLeft(log, /compression 1 is not known.*a newer version/);
  });

  it("a checkpoint that names another head than the records have", async () => {
    const log = await written();
    forgeHead(log.disk);
    await expectLeft(log, /^A checkpoint beside orders\/segment_000000\.log says .*It was left as it is\.$/);
  });

  it("the same with damage behind it, which it does not hide", async () => {
    const log = await written();
    forgeHead(log.disk);
    const { position } = log.places.find((place) => place.segment === 2) as Written["places"][number];
    log.disk.flip(segment(2), position + 66, 0);
    const { findings } = await repairLogOn(log.runtime, "/log");
    expect(findings.map(({ kind, code }) => [kind, code])).toEqual([
      ["damage", "RECORD_CRC_MISMATCH"],
      ["unexplained", "CHECKPOINT_CONTRADICTED"],
    ]);
  });

  it("a link where a stream was", async () => {
    const log = await written();
    log.disk.putLink("/log/payments", "/elsewhere");
    const findings = [{ kind: "unexplained", stream: "payments", code: "FILE_NOT_REGULAR" }];
    for (const options of [{}, { stream: "payments" }, { apply: true }])
      expect(await repairLogOn(log.runtime, "/log", options)).toMatchObject({ ok: false, findings });
    expect(log.runtime.files.kind("/log/payments")).toBe("link");
  });

  it("links and special files", async () => {
    for (const path of [segment(1), index(1)]) {
      const log = await written();
      log.disk.take(path);
      log.disk.putLink(path, "/elsewhere");
      const report = await repairLogOn(log.runtime, "/log", { apply: true });
      expect(report).toMatchObject({ ok: false, findings: [{ kind: "unexplained", code: "FILE_NOT_REGULAR" }] });
    }
  });

  it("a log whose log.json is another log's", async () => {
    const log = await written();
    const other = memoryRuntime({ seed: 8 });
    await (await openLogOn(other.runtime, "/log")).close();
    log.disk.put(identityOf, other.disk.bytes(identityOf));
    await expectLeft(log, /belongs to another log.*log\.json, may be in the wrong place/);
  });

  it("segments of another version", async () => {
    const log = await written();
    change(log.disk, segment(0), (bytes, view) => {
      view.setUint16(8, 2, true);
      view.setUint32(124, crc32(bytes.subarray(0, 124)), true);
    });
    await expect(repairLogOn(log.runtime, "/log", { apply: true })).rejects.toMatchObject({
      code: "LOG_VERSION_UNSUPPORTED",
    });
  });

  it("a log.json that nothing else explains", async () => {
    const empty = memoryRuntime({ seed: 1 });
    await (await openLogOn(empty.runtime, "/log")).close();
    empty.disk.put(identityOf, new Uint8Array(10));
    const damaged = { code: "LOG_IDENTITY_INVALID" };
    await expect(repairLogOn(empty.runtime, "/log", { apply: true })).rejects.toMatchObject(damaged);
    const log = await written();
    const other = memoryRuntime({ seed: 8 });
    const otherLog = await openLogOn(other.runtime, "/log");
    await otherLog.stream("payments").append("x");
    await otherLog.close();
    log.disk.put("/log/payments/segment_000000.log", other.disk.bytes("/log/payments/segment_000000.log"));
    log.disk.put(identityOf, new Uint8Array(10));
    await expect(repairLogOn(log.runtime, "/log", { apply: true })).rejects.toMatchObject({
      ...damaged,
      message: expect.stringContaining("name different logs"),
    });
  });

  it("folders that are no logs", async () => {
    const { runtime, disk } = memoryRuntime({ seed: 1 });
    disk.put("/photos/cats/cat.png", new Uint8Array(3));
    runtime.files.makeFolder("/empty");
    for (const apply of [false, true]) {
      const open = (path: string) => repairLogOn(runtime, path, { apply });
      await expect(open("/photos")).rejects.toMatchObject({ code: "NOT_A_LOG" });
      await expect(open("/photos/cats/cat.png")).rejects.toMatchObject({ code: "NOT_A_LOG" });
      await expect(open("/empty")).rejects.toMatchObject({ code: "LOG_NOT_FOUND" });
      await expect(open("/none")).rejects.toMatchObject({ code: "LOG_NOT_FOUND" });
    }
    expect(disk.paths()).toEqual(["/photos/cats/cat.png"]);
    const wrong = [{ applied: true }, { apply: 1 }, { stream: "../x" }, { maxRecordBytes: 0 }, "all"];
    for (const options of wrong) {
      await expect(repairLogOn(runtime, "/log", options as object)).rejects.toMatchObject({
        code: typeof options === "object" && "stream" in options ? "STREAM_NAME_INVALID" : "OPTION_INVALID",
      });
    }
  });
});
