// The crash model of the disk in memory: what may be lost, and what never is. The sentences are in adapters/memory.ts.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Choose, keepAll, loseAll, type MemoryDisk, memoryRuntime, seededChoose } from "../../adapters/memory.ts";
import type { RuntimeFile } from "../../src/runtime.ts";
import { expectBytes } from "./expect-bytes.ts";

const SECTOR = 512;

/** A machine with a durable folder and, in it, an open file whose name is durable and that has durable content. */
function machineWith(content: Uint8Array): { disk: MemoryDisk; file: RuntimeFile } {
  const { runtime, disk } = memoryRuntime({ seed: 1, sectorBytes: SECTOR });
  disk.put("/log/a", content);
  return { disk, file: runtime.files.open("/log/a", "write") };
}

/** What different crashes of the same disk leave of a file. */
function outcomes(disk: MemoryDisk, path: string, count = 300): Uint8Array[] {
  return Array.from({ length: count }, (_, seed) => disk.crashImage(seededChoose(seed)).bytes(path));
}

function filled(bytes: number, value: number): Uint8Array {
  return new Uint8Array(bytes).fill(value);
}

describe("content after a crash", () => {
  it("is all there when it was synced", () => {
    const { disk, file } = machineWith(new Uint8Array(0));
    file.write(filled(2_000, 7), 0);
    file.syncNow();
    for (const bytes of outcomes(disk, "/log/a")) expectBytes(bytes, filled(2_000, 7));
  });

  it("may be all gone, all there or anything between when it was not synced", () => {
    const { disk, file } = machineWith(filled(4 * SECTOR, 1));
    file.write(filled(4 * SECTOR, 2), 0);
    const counts = outcomes(disk, "/log/a").map((bytes) => bytes.filter((byte) => byte === 2).length);
    expect(Math.min(...counts)).toBe(0);
    expect(Math.max(...counts)).toBe(4 * SECTOR);
    expect(new Set(counts).size).toBeGreaterThan(20);
  });

  it("survives sector by sector: a later one may be there and an earlier one not", () => {
    const { disk, file } = machineWith(filled(2 * SECTOR, 1));
    file.write(filled(2 * SECTOR, 2), 0);
    const shapes = outcomes(disk, "/log/a").map((bytes) => `${bytes[0]}${bytes[SECTOR]}`);
    expect(new Set(shapes)).toEqual(new Set(["11", "12", "21", "22"]));
  });

  it("may tear a sector at any byte, either side being new", () => {
    const { disk, file } = machineWith(filled(SECTOR, 1));
    file.write(filled(SECTOR, 2), 0);
    const torn = outcomes(disk, "/log/a", 3_000).filter((bytes) => bytes.includes(1) && bytes.includes(2));
    const places = new Set(torn.map((bytes) => bytes.findIndex((byte) => byte !== bytes[0])));
    expect(places.size).toBeGreaterThan(SECTOR / 2);
    expect(new Set(torn.map((bytes) => bytes[0]))).toEqual(new Set([1, 2]));
  });

  it("may be any state that a sector went through since its last sync", () => {
    const { disk, file } = machineWith(Uint8Array.of(1));
    for (const value of [2, 3, 4]) file.write(Uint8Array.of(value), 0);
    const values = outcomes(disk, "/log/a").map((bytes) => bytes[0]);
    expect(new Set(values)).toEqual(new Set([1, 2, 3, 4]));
  });

  it("may be torn between any two states that followed each other", () => {
    const { disk, file } = machineWith(filled(SECTOR, 1));
    for (const value of [2, 3]) file.write(filled(SECTOR, value), 0);
    const mixtures = outcomes(disk, "/log/a", 1_000).map((bytes) => [...new Set(bytes)].sort().join());
    expect(new Set(mixtures)).toEqual(new Set(["1", "2", "3", "1,2", "2,3", "1,3"]));
  });

  it("may be longer than what was written of it, with zeros, noise or old sectors there", () => {
    const { disk, file } = machineWith(filled(SECTOR, 1));
    file.write(filled(SECTOR, 2), SECTOR);
    const tails = outcomes(disk, "/log/a", 2_000)
      .filter((bytes) => bytes.length === 2 * SECTOR)
      .map((bytes) => bytes.subarray(SECTOR));
    expect(tails.some((tail) => tail.every((byte) => byte === 0))).toBe(true);
    expect(tails.some((tail) => tail.every((byte) => byte === 1))).toBe(true);
    expect(tails.some((tail) => new Set(tail).size > 100)).toBe(true);
  });

  it("may be shorter than what was written: sizes settle by themselves", () => {
    const { disk, file } = machineWith(Uint8Array.of(1));
    file.write(Uint8Array.of(2), 1);
    file.write(Uint8Array.of(3), 2);
    const sizes = outcomes(disk, "/log/a").map((bytes) => bytes.length);
    expect(new Set(sizes)).toEqual(new Set([1, 2, 3]));
  });

  it("may show again what was cut off, until the cut is synced", () => {
    const { disk, file } = machineWith(Uint8Array.of(1, 2, 3));
    file.truncate(1);
    const sizes = outcomes(disk, "/log/a").map((bytes) => bytes.length);
    expect(new Set(sizes)).toEqual(new Set([1, 3]));
    file.syncNow();
    for (const bytes of outcomes(disk, "/log/a")) expectBytes(bytes, Uint8Array.of(1));
  });

  it("does not show what was cut off in a file that has grown again since, if it is as long as that", () => {
    const { disk, file } = machineWith(filled(2 * SECTOR, 1));
    file.truncate(0);
    file.write(Uint8Array.of(9), 2 * SECTOR);
    const grown = outcomes(disk, "/log/a").filter((bytes) => bytes.length === 2 * SECTOR + 1);
    expect(grown.length).toBeGreaterThan(0);
    for (const bytes of grown) expect(bytes.indexOf(1)).toBe(-1);
  });

  it("does not show what was cut off and synced when the file has grown again", () => {
    const { disk, file } = machineWith(new Uint8Array(0));
    file.write(filled(3 * SECTOR, 1), 0);
    file.truncate(10);
    file.write(Uint8Array.of(2), 3 * SECTOR);
    file.syncNow();
    const expected = new Uint8Array(3 * SECTOR + 1).fill(1, 0, 10).fill(2, 3 * SECTOR);
    for (const bytes of outcomes(disk, "/log/a")) expectBytes(bytes, expected);
  });

  it("follows from the seed", () => {
    const run = (): Uint8Array[] => {
      const { disk, file } = machineWith(filled(5 * SECTOR, 1));
      file.write(filled(5 * SECTOR, 2), 100);
      return [...outcomes(disk, "/log/a", 20), disk.crash().bytes("/log/a")];
    };
    expect(run()).toEqual(run());
  });
});

describe("a sync that failed", () => {
  it("throws SYNC_FAILED and leaves what it should have written uncertain for good", () => {
    const { disk, file } = machineWith(Uint8Array.of(1));
    file.write(Uint8Array.of(2), 0);
    disk.onOperation = ({ kind }) => (kind === "sync" ? { fail: "IO_FAILED" } : undefined);
    expect(() => file.syncNow()).toThrow(expect.objectContaining({ code: "SYNC_FAILED", path: "/log/a" }));
    disk.onOperation = null;
    file.syncNow();
    expect(file.size()).toBe(1);
    expectBytes(disk.bytes("/log/a"), Uint8Array.of(2));
    expect(new Set(outcomes(disk, "/log/a").map((bytes) => bytes[0]))).toEqual(new Set([1, 2]));
  });

  it("is made good by writing the same bytes again and syncing", () => {
    const { disk, file } = machineWith(Uint8Array.of(1));
    file.write(Uint8Array.of(2), 0);
    disk.onOperation = ({ kind }) => (kind === "sync" ? { fail: "IO_FAILED" } : undefined);
    expect(() => file.syncNow()).toThrow();
    disk.onOperation = null;
    file.write(Uint8Array.of(2), 0);
    file.syncNow();
    for (const bytes of outcomes(disk, "/log/a")) expectBytes(bytes, Uint8Array.of(2));
  });

  it("of a folder leaves names uncertain, though a later one ends well", () => {
    const { runtime, disk } = memoryRuntime({ seed: 1 });
    disk.put("/log/old", Uint8Array.of(1));
    runtime.files.publish("/log/new", Uint8Array.of(2), "synced");
    disk.onOperation = ({ kind }) => (kind === "syncFolder" ? { fail: "IO_FAILED" } : undefined);
    expect(() => runtime.files.folder("/log").syncNow()).toThrow(expect.objectContaining({ code: "SYNC_FAILED" }));
    disk.onOperation = null;
    runtime.files.folder("/log").syncNow();
    const listings = Array.from({ length: 50 }, (_, seed) => disk.crashImage(seededChoose(seed)).paths().join());
    expect(new Set(listings)).toEqual(new Set(["/log/old", "/log/new,/log/old"]));
  });
});

describe("a sync of a folder that failed", () => {
  it("brings nothing back that was removed and synced since", () => {
    const { runtime, disk } = memoryRuntime({ seed: 1 });
    disk.put("/log/old", Uint8Array.of(1));
    runtime.files.publish("/log/new", Uint8Array.of(2), "synced");
    disk.onOperation = ({ kind }) => (kind === "syncFolder" ? { fail: "IO_FAILED" } : undefined);
    expect(() => runtime.files.folder("/log").syncNow()).toThrow();
    disk.onOperation = null;
    runtime.files.remove("/log/new");
    runtime.files.folder("/log").syncNow();
    expect(disk.crashImage(keepAll).paths()).toEqual(["/log/old"]);
  });
});

describe("a sync in flight", () => {
  it("carries what was written before it began, and not what was written since", async () => {
    const { disk, file } = machineWith(filled(2 * SECTOR, 1));
    disk.holdSyncs();
    file.write(filled(SECTOR, 2), 0);
    const sync = file.sync();
    file.write(filled(SECTOR, 3), 0);
    file.write(filled(SECTOR, 3), SECTOR);
    disk.releaseSync();
    await sync;
    expectBytes(disk.durableBytes("/log/a"), Uint8Array.of(...filled(SECTOR, 2), ...filled(SECTOR, 1)));
    const states = outcomes(disk, "/log/a");
    expect(states.some((bytes) => bytes.includes(1, SECTOR))).toBe(true);
    for (const bytes of states) expect(bytes.subarray(0, SECTOR).includes(1)).toBe(false);
  });

  it("has made nothing durable for sure before it ends", async () => {
    const { disk, file } = machineWith(Uint8Array.of(1));
    disk.holdSyncs();
    file.write(Uint8Array.of(2), 0);
    const sync = file.sync();
    expect(disk.syncsInFlight).toBe(1);
    expect(new Set(outcomes(disk, "/log/a").map((bytes) => bytes[0]))).toEqual(new Set([1, 2]));
    disk.crash();
    await expect(sync).rejects.toThrow("crashed");
  });

  it("is overtaken by one that began later and ended first", async () => {
    const { disk, file } = machineWith(Uint8Array.of(1));
    disk.holdSyncs();
    file.write(Uint8Array.of(2), 0);
    const first = file.sync();
    file.write(Uint8Array.of(3), 0);
    file.syncNow();
    disk.releaseSyncs();
    await first;
    expectBytes(disk.durableBytes("/log/a"), Uint8Array.of(3));
  });
});

describe("names after a crash", () => {
  it("may be missing until their folder is synced, though the file was", () => {
    const { runtime, disk } = memoryRuntime({ seed: 1 });
    disk.put("/log/old", Uint8Array.of(1));
    const file = runtime.files.open("/log/new", "create");
    file.write(Uint8Array.of(2), 0);
    file.syncNow();
    expect(disk.crashImage(loseAll).paths()).toEqual(["/log/old"]);
    expect(disk.crashImage(keepAll).paths()).toEqual(["/log/new", "/log/old"]);
    runtime.files.folder("/log").syncNow();
    expect(disk.crashImage(loseAll).paths()).toEqual(["/log/new", "/log/old"]);
    expectBytes(disk.crashImage(loseAll).bytes("/log/new"), Uint8Array.of(2));
  });

  it("go with the folder that was not synced into its own folder", () => {
    const { runtime, disk } = memoryRuntime({ seed: 1 });
    runtime.files.makeFolder("/log");
    runtime.files.publish("/log/a", Uint8Array.of(1), "synced");
    runtime.files.folder("/log").syncNow();
    expect(disk.crashImage(loseAll).paths()).toEqual([]);
    runtime.files.folder("/").syncNow();
    expect(disk.crashImage(loseAll).paths()).toEqual(["/log/a"]);
  });

  it("come back when a removal was not synced", () => {
    const { runtime, disk } = memoryRuntime({ seed: 1 });
    disk.put("/log/a", Uint8Array.of(1));
    runtime.files.remove("/log/a");
    expectBytes(disk.crashImage(loseAll).bytes("/log/a"), Uint8Array.of(1));
    expect(disk.crashImage(keepAll).paths()).toEqual([]);
    runtime.files.folder("/log").syncNow();
    expect(disk.crashImage(loseAll).paths()).toEqual([]);
  });

  it("are both as before or both as after a rename", () => {
    const { runtime, disk } = memoryRuntime({ seed: 1 });
    disk.put("/log/a", Uint8Array.of(1));
    disk.put("/log/b", Uint8Array.of(2));
    runtime.files.rename("/log/a", "/log/b");
    const listings = Array.from({ length: 50 }, (_, seed) => {
      const after = disk.crashImage(seededChoose(seed));
      return after
        .paths()
        .map((path) => `${path}=${after.bytes(path)}`)
        .join();
    });
    expect(new Set(listings)).toEqual(new Set(["/log/a=1,/log/b=2", "/log/b=1"]));
  });

  it("may both be there after a move to another folder, and are one file then", () => {
    const { runtime, disk } = memoryRuntime({ seed: 1 });
    disk.put("/from/a", new Uint8Array(0));
    disk.put("/to/b", new Uint8Array(0));
    const file = runtime.files.open("/from/a", "write");
    file.write(filled(3_000, 1), 0);
    runtime.files.rename("/from/a", "/to/a");
    const images = Array.from({ length: 100 }, (_, seed) => disk.crashImage(seededChoose(seed)));
    const both = images.filter((image) => image.paths().join() === "/from/a,/to/a,/to/b");
    expect(both.length).toBeGreaterThan(0);
    for (const image of both) expectBytes(image.bytes("/from/a"), image.bytes("/to/a"));
    expect(new Set(images.map((image) => image.paths().join())).size).toBe(4);
  });

  it("published stand for whole files, if they stand at all", () => {
    const { runtime, disk } = memoryRuntime({ seed: 1 });
    disk.put("/log/old", new Uint8Array(0));
    runtime.files.publish("/log/new", filled(2_000, 3), "synced");
    for (let seed = 0; seed < 50; seed += 1) {
      const after = disk.crashImage(seededChoose(seed));
      if (after.paths().includes("/log/new")) expectBytes(after.bytes("/log/new"), filled(2_000, 3));
    }
    runtime.files.folder("/log").syncNow();
    expectBytes(disk.crashImage(loseAll).bytes("/log/new"), filled(2_000, 3));
  });
});

describe("the machine after a crash", () => {
  it("is another one: of the same moment several endings can be looked at, and the machine goes on", () => {
    const { disk, file } = machineWith(Uint8Array.of(1));
    file.write(Uint8Array.of(2), 0);
    const lost = disk.crashImage(loseAll);
    lost.runtime().files.remove("/log/a");
    expectBytes(disk.crashImage(keepAll).bytes("/log/a"), Uint8Array.of(2));
    expect(file.write(Uint8Array.of(3), 0)).toBe(1);
    expect(disk.paths()).toEqual(["/log/a"]);
  });

  it("has a new boot, and what was opened before answers IO_FAILED", async () => {
    const { disk, file } = machineWith(Uint8Array.of(1));
    const before = disk.runtime();
    const after = disk.crash(keepAll).runtime();
    expect(after.processes.self().boot).not.toBe(before.processes.self().boot);
    const dead = expect.objectContaining({ code: "IO_FAILED" });
    expect(() => file.read(new Uint8Array(1), 0)).toThrow(dead);
    expect(() => before.files.list("/log")).toThrow(dead);
    await expect(file.sync()).rejects.toEqual(dead);
    expect(after.files.list("/log")).toEqual([{ name: "a", kind: "file" }]);
  });

  it("loses nothing when only the process was killed", () => {
    const { runtime, disk } = memoryRuntime({ seed: 1 });
    runtime.files.makeFolder("/log");
    const file = runtime.files.open("/log/a", "create");
    file.write(Uint8Array.of(1, 2), 0);
    disk.kill(1);
    expect(() => file.size()).toThrow(expect.objectContaining({ code: "IO_FAILED" }));
    expect(disk.runtime({ pid: 2 }).files.readSmall("/log/a", 10)).toEqual(Uint8Array.of(1, 2));
  });
});

describe("whatever is written, cut and synced", () => {
  interface Step {
    readonly kind: "write" | "truncate" | "sync" | "failSync";
    readonly position: number;
    readonly count: number;
  }

  const steps: fc.Arbitrary<Step[]> = fc.array(
    fc.record({
      kind: fc.constantFrom("write", "write", "write", "truncate", "sync", "failSync"),
      position: fc.nat(2_000),
      count: fc.integer({ min: 1, max: 1_200 }),
    }),
    { maxLength: 25 },
  );

  /** Does the steps; answers the machine, what programs see and which bytes a crash may not change. */
  function perform(todo: readonly Step[]): { disk: MemoryDisk; seen: Uint8Array; settled: Map<number, number> } {
    const { disk, file } = machineWith(new Uint8Array(0));
    let touched = new Set<number>();
    let stranded = new Set<number>();
    let value = 0;
    for (const { kind, position, count } of todo) {
      if (kind === "write") {
        value = (value % 255) + 1;
        file.write(filled(count, value), position);
        for (let at = position; at < position + count; at += 1) touched.add(Math.floor(at / SECTOR));
      } else if (kind === "truncate") {
        const size = Math.min(position, file.size());
        for (let at = size; at < file.size(); at += 1) touched.add(Math.floor(at / SECTOR));
        file.truncate(size);
      } else if (kind === "failSync") {
        disk.onOperation = (operation) => (operation.kind === "sync" ? { fail: "IO_FAILED" } : undefined);
        expect(() => file.syncNow()).toThrow();
        disk.onOperation = null;
        stranded = new Set([...stranded, ...touched]);
        touched = new Set();
      } else {
        file.syncNow();
        for (const sector of touched) stranded.delete(sector);
        touched = new Set();
      }
    }
    const settled = new Map<number, number>();
    disk.durableBytes("/log/a").forEach((byte, at) => {
      const sector = Math.floor(at / SECTOR);
      if (!touched.has(sector) && !stranded.has(sector)) settled.set(at, byte);
    });
    return { disk, seen: disk.bytes("/log/a"), settled };
  }

  it("a crash that keeps all leaves what programs saw, and one that loses all what is durable", () => {
    fc.assert(
      fc.property(steps, (todo) => {
        const { disk, seen } = perform(todo);
        expectBytes(disk.crashImage(keepAll).bytes("/log/a"), seen);
        expectBytes(disk.crashImage(loseAll).bytes("/log/a"), disk.durableBytes("/log/a"));
      }),
    );
  });

  it("a sync that ends well after one that did, with no failure between, makes all durable", () => {
    fc.assert(
      fc.property(steps, fc.nat(), (todo, seed) => {
        const wellOnly = todo.filter(({ kind }) => kind !== "failSync");
        const { disk, seen } = perform([...wellOnly, { kind: "sync", position: 0, count: 1 }]);
        expectBytes(disk.durableBytes("/log/a"), seen);
        expectBytes(disk.crashImage(seededChoose(seed)).bytes("/log/a"), seen);
      }),
    );
  });

  it("a crash never changes sectors that were synced and not touched since", () => {
    fc.assert(
      fc.property(steps, fc.nat(), (todo, seed) => {
        const { disk, settled } = perform(todo);
        const after = disk.crashImage(seededChoose(seed)).bytes("/log/a");
        for (const [at, byte] of settled) if (at < after.length) expect(after[at]).toBe(byte);
      }),
    );
  });

  it("a crash of a crash changes nothing more", () => {
    fc.assert(
      fc.property(steps, fc.nat(), (todo, seed) => {
        const choose: Choose = seededChoose(seed);
        const after = perform(todo).disk.crash(choose);
        expectBytes(after.crash(choose).bytes("/log/a"), after.bytes("/log/a"));
      }),
    );
  });
});
