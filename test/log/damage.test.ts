// Every byte of every file of a small closed log is changed, every file is cut at every length, removed, swapped, replaced
// by an older copy of itself or by another log's: what comes of it is either noticed or makes no difference to what is
// returned. Never an altered record, never a shorter stream that passes for whole; and what stands before the damage can
// be read. DIATREME_LONG=1 takes the steps that are left out otherwise. Bounds of memory and time: bounds.test.ts.
import { beforeAll, describe, expect, it } from "vitest";
import { type MemoryDisk, memoryRuntime } from "../../adapters/memory.ts";
import { DiatremeError, openLogOn, type Runtime, repairLogOn } from "../../src/index.ts";
import { CASE_STRIDE, doesMost } from "../contract/current-runtime.ts";
import { crc32 } from "./crc32.ts";

const OPTIONS = { segmentBytes: 700, indexEveryRecords: 2, windowBytes: 4096 };
const STREAM = "/log/orders";
const isLong = process.env["DIATREME_LONG"] !== undefined;

// Cases that each runtime tries its share of.
let cases = 0;
const hasTurn = () => cases++ % CASE_STRIDE === 0;

type Snapshot = ReadonlyMap<string, Uint8Array>;

interface Place {
  readonly path: string;
  readonly position: number;
  readonly bytes: number;
}

let runtime: Runtime;
let disk: MemoryDisk;
let files: Snapshot;
let original: string[];
/** The log's files as they were, from the first append on. */
let older: Snapshot[];
/** The files of a log that was made in the same way. */
let others: Snapshot;
/** Where each record lies. */
let places: Place[];

beforeAll(async () => {
  older = [];
  const other = memoryRuntime({ seed: 6 });
  others = (await fillLog(other.runtime, other.disk, [])).files;
  ({ runtime, disk } = memoryRuntime({ seed: 5 }));
  ({ files } = await fillLog(runtime, disk, older));
  original = await everything();
  places = [...files].filter(([path]) => path.endsWith(".log")).flatMap(([path, bytes]) => placesIn(path, bytes));
  expect(places).toHaveLength(recordsOf(original).length);
});

// Three lives of a writer; after each step the files are kept.
async function fillLog(on: Runtime, at: MemoryDisk, history: Snapshot[]): Promise<{ files: Snapshot }> {
  const keep = () => {
    history.push(new Map(at.paths().map((path) => [path, at.bytes(path).slice()])));
  };
  for (const life of [0, 1, 2]) {
    const log = await openLogOn(on, "/log", OPTIONS);
    const stream = log.stream("orders");
    if (life === 0) {
      await stream.append(["one", "two", new Uint8Array([0, 255, 68, 84, 82, 49])]);
      keep();
      await stream.append([{ three: "drei" }]);
    }
    for (let i = 0; i < 3; i++) {
      await stream.append([`event ${life} ${i}`, ""]);
      keep();
    }
    await log.close();
    keep();
  }
  return { files: history.pop() ?? new Map(at.paths().map((path) => [path, at.bytes(path).slice()])) };
}

function placesIn(path: string, bytes: Uint8Array): Place[] {
  const found: Place[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let position = 128; position < bytes.length; ) {
    const length = 72 + view.getUint32(position + 4, true);
    found.push({ path, position, bytes: length });
    position += length;
  }
  return found;
}

// All that a caller can see of the log. What was seen when it fails is in `seen`.
let seen: string[] = [];
async function everything(): Promise<string[]> {
  seen = [];
  const log = await openLogOn(runtime, "/log", { ...OPTIONS, readOnly: true });
  try {
    const stream = log.stream("orders");
    seen.push(`${log.id} ${log.created}`);
    for (const record of stream.read({ verify: "genesis" })) seen.push(shown(record));
    const { nextOffset, head } = await stream.head();
    for (let offset = 0; offset < nextOffset; offset++) seen.push(shown(stream.getSync(offset)));
    seen.push(`${nextOffset} ${head}`);
    return seen;
  } finally {
    await log.close();
  }
}

const recordsOf = (all: string[]) => all.slice(1, 1 + (all.length - 2) / 2);

function shown(
  record: { offset: number; timestamp: number; kind: string; hash: string; text(): string } | undefined,
): string {
  if (record === undefined) return "nothing";
  return `${record.offset} ${record.timestamp} ${record.kind} ${record.hash} ${record.text()}`;
}

function restore(): void {
  for (const path of disk.paths()) if (!files.has(path)) disk.take(path);
  for (const [path, bytes] of files) disk.put(path, bytes);
}

/** How many records lie whole before a byte of a file, on which the reading of them depends. */
function recordsBefore(path: string, at: number): number {
  if (path.endsWith(".json")) return 0;
  if (!path.endsWith(".log")) return places.length;
  const first = places.findIndex(
    (place) => place.path > path || (place.path === path && place.position + place.bytes > at),
  );
  return first < 0 ? places.length : first;
}

/**
 * What became of a damaged log: nothing, or the code of the error that tells of it.
 *
 * @param before - how many records stand before the damage: they can be read, the last of them unless only the damaged
 *   part proves it
 */
async function outcome({ alsoWrite = true, before = 0 } = {}): Promise<string> {
  let verdict = "unchanged";
  try {
    expect(await everything()).toEqual(original);
  } catch (error) {
    if (!(error instanceof DiatremeError)) throw error;
    verdict = error.code;
    // Whatever was shown before the error is as it was written.
    expect(seen.slice(1)).toEqual(original.slice(1, seen.length));
    expect(seen.length - 1).toBeGreaterThanOrEqual(before - 1);
  }
  const report = await verified();
  if (verdict !== "unchanged") expect(report).not.toBe("ok");
  // A writer either sees the same or refuses; it never cuts what was acknowledged.
  const written = alsoWrite ? await openedForWriting() : null;
  if (written !== null) expect(written).toEqual(original);
  return verdict;
}

async function verified(): Promise<string> {
  try {
    const log = await openLogOn(runtime, "/log", { ...OPTIONS, readOnly: true });
    const report = await log.stream("orders").verify();
    await log.close();
    if (report.records < report.nextOffset) expect(report.ok).toBe(false);
    return report.ok ? "ok" : (report.problem?.code ?? "");
  } catch (error) {
    if (!(error instanceof DiatremeError)) throw error;
    return error.code;
  }
}

async function openedForWriting(): Promise<string[] | null> {
  try {
    const log = await openLogOn(runtime, "/log", OPTIONS);
    try {
      await log.stream("orders").head();
    } finally {
      await log.close();
    }
    return await everything();
  } catch (error) {
    if (!(error instanceof DiatremeError)) throw error;
    return null;
  }
}

// Segments and the log's identity are evidence: there every change counts. All else is derived.
function expectNoticed(path: string, verdict: string): void {
  if (/\.log$|\.json$/.test(path)) expect(verdict).not.toBe("unchanged");
  else expect(verdict).toBe("unchanged");
}

/** Runs a check on a log damaged by `damage`, and says of a failure what the damage was. */
async function damaged(label: string, damage: () => void, check: () => Promise<void>): Promise<void> {
  restore();
  damage();
  try {
    await check();
  } catch (error) {
    throw new Error(label, { cause: error });
  }
}

describe("a changed byte", () => {
  it("anywhere in any file is noticed, or makes no difference", async () => {
    const codes = new Map<string, number>();
    for (const [path, bytes] of files) {
      for (let at = 0; at < bytes.length; at += CASE_STRIDE) {
        // An index page is almost all zeros, under one CRC: a sample of its bytes will do.
        if (path.endsWith(".idx") && at > 64 && at % 101 !== 0 && !isLong) continue;
        for (const mask of masksAt(path, at)) {
          const change = () => {
            const changed = bytes.slice();
            changed[at] = (changed[at] as number) ^ mask;
            disk.put(path, changed);
          };
          await damaged(`byte ${at} of ${path} ^ ${mask}`, change, async () => {
            const verdict = await outcome({ alsoWrite: at % 5 === 0, before: recordsBefore(path, at) });
            expectNoticed(path, verdict);
            codes.set(verdict, (codes.get(verdict) ?? 0) + 1);
          });
        }
      }
    }
    expect([...codes.keys()]).toEqual(expect.arrayContaining(["RECORD_CRC_MISMATCH", "SEGMENT_HEADER_INVALID"]));
  });

  // Every bit of the first segment's header and of one record, whose fields all mean something; elsewhere one or two.
  function masksAt(path: string, at: number): number[] {
    const bits = Array.from({ length: 8 }, (_, bit) => 1 << bit);
    const isField = path === `${STREAM}/segment_000000.log` && at < 128 + 75;
    if (isField) return [...bits, 0xff];
    return [1 << (at % 8)];
  }
});

describe("a file", () => {
  it("cut at any length is noticed, or makes no difference", async () => {
    for (const [path, bytes] of files) {
      const step = isLong ? 1 : (doesMost ? 1 : 5) * (path.endsWith(".idx") ? 331 : 3);
      for (let length = 0; length < bytes.length; length += step) {
        const cut = () => disk.put(path, bytes.slice(0, length));
        await damaged(`${path} cut to ${length} bytes`, cut, async () => {
          const verdict = await outcome({ alsoWrite: length % 5 === 0, before: recordsBefore(path, length) });
          expectNoticed(path, verdict);
        });
      }
    }
  });

  it("cut right behind a record or an append is noticed, too", async () => {
    for (const { path, position } of places) {
      const cut = () => disk.put(path, (files.get(path) as Uint8Array).slice(0, position));
      await damaged(`${path} cut to ${position} bytes`, cut, async () => {
        expect(await outcome({ before: recordsBefore(path, position) })).not.toBe("unchanged");
      });
    }
  });

  it("that grows by zeros or by noise at its end is noticed, or makes no difference", async () => {
    for (const [path, bytes] of files) {
      for (const tail of [new Uint8Array(100), new Uint8Array(5000), new Uint8Array(77).fill(171)]) {
        const grow = () => disk.put(path, new Uint8Array([...bytes, ...tail]));
        await damaged(`${path} longer by ${tail.length}`, grow, async () => {
          await outcome();
        });
      }
    }
  });

  it("that is missing is noticed, or makes no difference", async () => {
    for (const path of files.keys()) {
      await damaged(
        `${path} missing`,
        () => disk.take(path),
        async () => {
          expectNoticed(path, await outcome({ before: recordsBefore(path, 0) }));
        },
      );
    }
  });

  it("that is missing with all that stands beside it is noticed, unless it is the newest segment", async () => {
    const segments = [...files.keys()].filter((path) => path.endsWith(".log"));
    for (const path of segments) {
      const take = () => {
        disk.take(path);
        disk.take(`${path}.idx`);
        disk.take(`${path}.ckpt`);
      };
      await damaged(`${path} and index missing`, take, async () => {
        // What is left then is a shorter log, and whole: only evidence kept elsewhere tells.
        if (path === segments.at(-1)) expect(await verified()).toBe("ok");
        else expect(await outcome()).not.toBe("unchanged");
      });
    }
  });

  it("in the place of any other is noticed, or makes no difference", async () => {
    for (const one of files.keys()) {
      for (const other of files.keys()) {
        if (one === other || !(doesMost || hasTurn())) continue;
        const put = () => disk.put(one, files.get(other) as Uint8Array);
        await damaged(`${other} in the place of ${one}`, put, async () => {
          const isHarmless = one.includes("/lock/")
            ? /unchanged/
            : /\.log$|\.json$/.test(one)
              ? /^(?!unchanged)/
              : /unchanged/;
          expect(await outcome({ before: recordsBefore(one, 0) })).toMatch(isHarmless);
        });
      }
    }
  });

  it("that has changed places with any other is noticed, or makes no difference", async () => {
    const paths = [...files.keys()];
    for (const [i, one] of paths.entries()) {
      for (const other of paths.slice(i + 1)) {
        if (!(doesMost || hasTurn())) continue;
        const swap = () => {
          disk.put(one, files.get(other) as Uint8Array);
          disk.put(other, files.get(one) as Uint8Array);
        };
        await damaged(`${one} and ${other} swapped`, swap, async () => {
          const verdict = await outcome({ before: Math.min(recordsBefore(one, 0), recordsBefore(other, 0)) });
          if ([one, other].some((path) => /\.log$|\.json$/.test(path))) expect(verdict).not.toBe("unchanged");
          else expect(verdict).toBe("unchanged");
        });
      }
    }
  });

  it("in the place of which is an older copy of it is noticed, or makes no difference", async () => {
    let checked = 0;
    for (const [age, snapshot] of older.entries()) {
      for (const [path, bytes] of snapshot) {
        const now = files.get(path);
        if (now === undefined || firstDifference(now, bytes) === Number.POSITIVE_INFINITY) continue;
        checked++;
        await damaged(
          `${path} as it was at ${age}`,
          () => disk.put(path, bytes),
          async () => {
            const verdict = await outcome({ before: recordsBefore(path, firstDifference(now, bytes)) });
            // One that differs by the space written ahead alone holds the same records.
            const holdsAll = bytes.every((byte, i) => byte === (now[i] ?? 0)) && bytes.length > now.length;
            if (!holdsAll) expectNoticed(path, verdict);
          },
        );
      }
    }
    expect(checked).toBeGreaterThan(10);
  });

  it("in the place of which is another log's is noticed, or makes no difference", async () => {
    for (const [path, bytes] of others) {
      if (!files.has(path)) continue;
      await damaged(
        `${path} of another log`,
        () => disk.put(path, bytes),
        async () => {
          expectNoticed(path, await outcome({ before: recordsBefore(path, 0) }));
        },
      );
    }
    // All but the identity.
    const segments = () => {
      for (const [path, bytes] of others) if (path.startsWith(STREAM)) disk.put(path, bytes);
    };
    await damaged("all segments of another log", segments, async () => {
      expect(await outcome()).toBe("SEGMENT_HEADER_INVALID");
    });
  });
});

describe("a length", () => {
  const EXTREMES = [0, 1, 71, 0x7fffffff, 0x80000000, 0xffffffff, 64 << 20, (64 << 20) + 1, (64 << 20) - 72];

  it("of any record that is not true is noticed, whatever it is", async () => {
    for (const [offset, { path, position, bytes: length }] of places.entries()) {
      const bytes = files.get(path) as Uint8Array;
      const rest = bytes.length - position;
      const wrong = new Set([...EXTREMES, rest - 73, rest - 72, rest - 71, rest, length - 73, length - 71]);
      wrong.delete(length - 72);
      for (const value of wrong) {
        const change = () =>
          disk.put(
            path,
            edited(bytes, (view) => view.setUint32(position + 4, value, true)),
          );
        if (!hasTurn()) continue;
        await damaged(`length ${value} of record ${offset}`, change, async () => {
          expect(await outcome({ before: offset })).not.toBe("unchanged");
        });
      }
    }
  });

  it("or position or offset in an index, under a right CRC, makes no difference", async () => {
    const values = [0, 1, 127, 128, 129, 0x7fffffff, 0x80000000, 0xffffffff];
    for (const [path, bytes] of files) {
      if (!path.endsWith(".idx") || (!isLong && /[12]\.log/.test(path))) continue;
      const salt = (files.get(path.slice(0, -4)) as Uint8Array).subarray(112, 116);
      for (const at of [4, 6, 8, 12, 16, 20, 24, 28, 32, 36, 40, 4092]) {
        for (const value of values) {
          if (!(doesMost || hasTurn())) continue;
          const forge = () => {
            const page = edited(bytes, (view) =>
              at < 8 ? view.setUint16(at, value, true) : view.setUint32(at, value, true),
            );
            new DataView(page.buffer).setUint32(0, crc32(new Uint8Array([...salt, ...page.subarray(4, 4096)])), true);
            disk.put(path, page);
          };
          await damaged(`${value} at ${at} of ${path}`, forge, async () => {
            // A page that says that the segment ends elsewhere is evidence, if a false one: then nothing may be written.
            const verdict = await outcome({ before: places.length });
            if (verdict !== "unchanged") expect(verdict).toBe("RECORD_TRUNCATED");
          });
        }
      }
    }
  });

  it("or number in a segment's header, under a right CRC, is noticed or makes no difference", async () => {
    for (const [path, bytes] of files) {
      if (!path.endsWith(".log")) continue;
      for (const at of [12, 16, 20, 24, 28]) {
        for (const value of EXTREMES) {
          const forge = () => {
            const header = edited(bytes, (view) => view.setUint32(at, value, true));
            new DataView(header.buffer).setUint32(124, crc32(header.subarray(0, 124)), true);
            disk.put(path, header);
          };
          if (!hasTurn()) continue;
          await damaged(`${value} at ${at} of ${path}`, forge, async () => {
            await outcome({ before: recordsBefore(path, 0) });
          });
        }
      }
    }
  });

  function edited(bytes: Uint8Array, edit: (view: DataView) => void): Uint8Array<ArrayBuffer> {
    const copy = bytes.slice();
    edit(new DataView(copy.buffer));
    return copy;
  }
});

describe("repair of any of this", () => {
  it("never alters a record, keeps all that stands before the damage, and leaves a log that verifies", async () => {
    for (const [path, bytes] of files) {
      const step = path.endsWith(".idx") ? 499 : path.includes("/lock/") ? 13 : 3;
      for (let at = 0; at < bytes.length; at += step) {
        for (const kind of ["changed", "cut"] as const) {
          const damage = () => {
            const copy = kind === "cut" ? bytes.slice(0, at) : bytes.slice();
            if (kind === "changed") copy[at] = (copy[at] as number) ^ 0x10;
            disk.put(path, copy);
          };
          if (!hasTurn()) continue;
          await damaged(`${path} ${kind} at ${at}`, damage, async () => {
            const { ok } = await repairLogOn(runtime, "/log", { apply: true });
            expect(ok).toBe(true);
            const left = recordsBefore(path.endsWith(".json") ? "" : path, at);
            const read = await everything().catch((error: unknown) => {
              // Nothing of the stream was good.
              expect(error).toMatchObject({ code: "STREAM_NOT_FOUND" });
              return [];
            });
            const records = read.length === 0 ? [] : recordsOf(read);
            expect(records).toEqual(recordsOf(original).slice(0, records.length));
            // Of the append that the damage is in, none.
            expect(records.length).toBeGreaterThanOrEqual(left - 2);
            if (records.length > 0) expect(await verified()).toBe("ok");
          });
        }
      }
    }
  });
});

function firstDifference(one: Uint8Array, other: Uint8Array): number {
  const at = one.findIndex((byte, i) => byte !== other[i]);
  return at < 0 && one.length === other.length ? Number.POSITIVE_INFINITY : at < 0 ? one.length : at;
}

describe("a link or a special file", () => {
  it("in the place of any file is refused, or makes no difference", async () => {
    for (const path of files.keys()) {
      for (const put of ["putLink", "putSpecial"] as const) {
        restore();
        disk.take(path);
        if (put === "putLink") disk.putLink(path, "/elsewhere");
        else disk.putSpecial(path);
        try {
          const verdict = await outcome();
          if (/\.log$|\.json$/.test(path)) expect(verdict).not.toBe("unchanged");
        } catch (error) {
          throw new Error(`${put} at ${path}`, { cause: error });
        }
      }
    }
  });
});
