// Random changes of small logs: one thread and several give the same report, and it is never wrong. What is right is said
// by an oracle that shares no code with the log (plain-chain.ts).
import { describe, expect, it } from "vitest";
import { type MemoryDisk, memoryRuntime } from "../../adapters/memory.ts";
import {
  DiatremeError,
  openLogOn,
  PrivateKey,
  publicKeyOn,
  type Runtime,
  type VerifyOptions,
  type VerifyReport,
} from "../../src/index.ts";
import { currentRuntime, doesMost } from "../contract/current-runtime.ts";
import { MUTATIONS, type Mutation, type StreamFiles } from "./mutations.ts";
import { judge, type PlainVerdict } from "./plain-chain.ts";
import { type Random, randomFrom } from "./random.ts";
import { withThreads } from "./thread-in-process.ts";

const COUNT = Number(process.env["DIATREME_MUTATIONS"] ?? (doesMost ? 120 : 60));
const FIRST_SEED = Number(process.env["DIATREME_MUTATION_SEED"] ?? Math.floor(Math.random() * 1e9));
const FOLDER = "/log/orders";

const signer = PrivateKey.fromBytes(new Uint8Array(32).fill(7));
const publicKeys = [publicKeyOn(currentRuntime(), signer)];

// Records.
const MOST_OF_AN_APPEND = 90;

interface Base {
  readonly disk: MemoryDisk;
  readonly runtime: Runtime;
  readonly files: StreamFiles;
  readonly verdict: PlainVerdict;
}

// Many segments of few records, where ranges are whole segments; and few of many, where indexes say where to cut.
async function makeBase(
  seed: number,
  shape: { segmentBytes: number; appends: number; most: number; checkpointEvery: number },
): Promise<Base> {
  const random = randomFrom(seed);
  const { runtime: machine, disk } = memoryRuntime({ seed });
  const { nativeHashing, signatures } = currentRuntime();
  const runtime = withThreads({ ...machine, nativeHashing, signatures }, 3);
  const { segmentBytes, checkpointEvery } = shape;
  const log = await openLogOn(runtime, "/log", { segmentBytes, checkpointEvery, indexEveryRecords: 5, signer });
  for (let append = 0; append < shape.appends; append++) {
    disk.clock.stepMicros(random(2000));
    const count = 1 + random(shape.most);
    const events = Array.from({ length: count }, () => new Uint8Array(random(40)).map(() => random(256)));
    await log.stream("orders").append(events);
  }
  await log.close();
  const files: StreamFiles = new Map();
  for (const path of disk.paths()) {
    if (path.startsWith(`${FOLDER}/`)) files.set(path.slice(FOLDER.length + 1), disk.bytes(path).slice());
  }
  return { disk, runtime, files, verdict: judge(segmentsIn(files)) };
}

function segmentsIn(files: StreamFiles): Uint8Array[] {
  const segments: Uint8Array[] = [];
  for (let number = 0; ; number++) {
    const bytes = files.get(`segment_${String(number).padStart(6, "0")}.log`);
    if (bytes === undefined) return segments;
    segments.push(bytes);
  }
}

describe("random mutations", () => {
  it(`get the same, right verdict from one thread and from several (${COUNT} from seed ${FIRST_SEED}; replay with DIATREME_MUTATION_SEED)`, {
    timeout: 60_000 + COUNT * 200,
  }, async () => {
    const bases = [
      await makeBase(1, { segmentBytes: 900, appends: 40, most: 4, checkpointEvery: 7 }),
      await makeBase(2, { segmentBytes: 5000, appends: 30, most: 30, checkpointEvery: 40 }),
      await makeBase(3, { segmentBytes: 270_000, appends: 100, most: MOST_OF_AN_APPEND, checkpointEvery: 700 }),
    ];
    for (const { verdict } of bases) expect(verdict.fault).toBeNull();
    const seen = new Set<string>();
    for (let seed = FIRST_SEED; seed < FIRST_SEED + COUNT; seed++) {
      const random = randomFrom(seed);
      const base = bases[[0, 0, 0, 1, 1, 1, 1, 2][random(8)] as number] as Base;
      const first = MUTATIONS[seed % MUTATIONS.length] as Mutation;
      const mutations = random(5) === 0 ? [first, MUTATIONS[random(MUTATIONS.length)] as Mutation] : [first];
      try {
        seen.add(await check(base, mutations, random));
      } catch (error) {
        const names = mutations.map(({ name }) => name).join(", then ");
        const replay = `DIATREME_MUTATION_SEED=${seed} DIATREME_MUTATIONS=1`;
        throw new Error(`mutation ${seed} (${names}) is judged wrongly; replay with ${replay}`, { cause: error });
      }
    }
    if (COUNT >= 60) {
      expect([...seen]).toEqual(expect.arrayContaining(["ok", "RECORD_CRC_MISMATCH", "RECORD_CHAIN_BROKEN"]));
    }
  });
});

async function check(base: Base, mutations: readonly Mutation[], random: Random): Promise<string> {
  const files: StreamFiles = new Map([...base.files].map(([name, bytes]) => [name, bytes.slice()]));
  for (const { apply } of mutations) {
    try {
      apply(files, random);
    } catch (error) {
      // The second of two may find nothing left that it could change.
      if (mutations.length === 1) throw error;
    }
  }
  const { disk, runtime } = base;
  for (const path of disk.paths()) if (path.startsWith(`${FOLDER}/`)) disk.take(path);
  for (const [name, bytes] of files) disk.put(`${FOLDER}/${name}`, bytes);

  const rangeBytes = 1 + random(random(2) === 0 ? 400 : 60_000);
  const trusted = random(2) === 0 ? publicKeys : [];
  const alone = await verify(runtime, { jobs: 1 }, trusted);
  const together = await verify(runtime, { jobs: 1 + random(4), rangeBytes }, trusted);
  expect(comparable(together)).toEqual(comparable(alone));
  if (typeof alone === "string") return expectRefused(alone, files);
  await expectSameRange(runtime, alone, random);
  expectRight(alone, base, files);
  return alone.problem?.code ?? "ok";
}

async function verify(
  runtime: Runtime,
  options: VerifyOptions,
  trusted: typeof publicKeys = [],
): Promise<VerifyReport | string> {
  const log = await openLogOn(runtime, "/log", { readOnly: true, publicKeys: trusted });
  try {
    return await log.stream("orders").verify(options);
  } catch (error) {
    if (!(error instanceof DiatremeError)) throw error;
    return error.message;
  } finally {
    await log.close();
  }
}

function comparable(report: VerifyReport | string): unknown {
  if (typeof report === "string") return report;
  const { elapsedMs: _, work: __, ...rest } = report;
  return rest;
}

// Not even a report: only when there is nothing that could be opened as a stream.
function expectRefused(message: string, files: StreamFiles): string {
  expect(segmentsIn(files), message).toEqual([]);
  return "refused";
}

async function expectSameRange(runtime: Runtime, whole: VerifyReport, random: Random): Promise<void> {
  const from = random(whole.nextOffset + 1);
  const to = from + random(whole.nextOffset + 2);
  const alone = await verify(runtime, { from, to, jobs: 1 });
  const together = await verify(runtime, { from, to, jobs: 3, rangeBytes: 1 + random(3000) });
  expect(comparable(together)).toEqual(comparable(alone));
  if (typeof alone === "string") throw new Error(alone);
  // What is good as a whole is good in each of its parts.
  if (whole.ok) expect(alone.problem).toBeNull();
  else if (alone.ok) expectSkipped(alone, whole);
}

// A range may be good where the whole is not: when the bad record is not in it. What is bad may also be bytes behind a
// segment's last record, in the place of a record that is there all the same, in the next segment.
function expectSkipped({ range }: VerifyReport, { problem, records, goodAfter }: VerifyReport): void {
  const bad = problem?.offset ?? records;
  const isOutside = range.to <= bad + 1 || range.from > records;
  const isAfter = goodAfter.some(({ from, to }) => from <= range.from && range.to <= to);
  expect(isOutside || isAfter || range.from === range.to, `range ${JSON.stringify(range)}, bad ${bad}`).toBe(true);
}

function expectRight(report: VerifyReport, base: Base, files: StreamFiles): void {
  const segments = segmentsIn(files);
  const oracle = judge(segments);
  const newest = `segment_${String(segments.length - 1).padStart(6, "0")}.log`;
  if (report.ok) {
    expect(report.goodAfter).toEqual([]);
    // A checkpoint of the very end is beside the newest segment: nothing can be missing or another unless it is, too.
    if (hasAllCheckpoints(files, base)) expect(report.head).toBe(base.verdict.head);
    if (oracle.fault === null) {
      expect({ records: report.records, head: report.head }).toEqual({ records: oracle.records, head: oracle.head });
      return;
    }
    // What looks like an append that never completed is no damage: only at the end of the newest segment, and only
    // when nothing says that it had been synced.
    expect(oracle.fault.segment).toBe(segments.length - 1);
    expect(report.records).toBeLessThanOrEqual(oracle.records);
    const index = files.get(`${newest}.idx`);
    const isKnownSynced = index !== undefined && isEqual(index, base.files.get(`${newest}.idx`)) && isSealed(index);
    const sealed = judge(segmentsIn(base.files).slice(0, segments.length)).records;
    if (isKnownSynced) expect(report.records).toBe(sealed);
    return;
  }
  expect(report.problem).not.toBeNull();
  const { problem } = report;
  if (problem?.code === "CHECKPOINT_CONTRADICTED") {
    // A checkpoint tells how it was.
    expect(problem["claimed"]).toBe(base.verdict.hashes[(problem["nextOffset"] as number) - 1]);
    expect(problem["found"]).toBe(oracle.hashes[(problem["nextOffset"] as number) - 1]);
    return;
  }
  if (oracle.fault === null) {
    // Good as far as it goes: then an index, a checkpoint, a gap or a later record knows of more. Where that should be there
    // is nothing, or zeros.
    expect(["RECORD_TRUNCATED", "RECORD_HEADER_INVALID", "SEGMENT_MISSING"]).toContain(problem?.code);
    // It names the append that is not whole by its first record.
    expect(problem?.offset ?? oracle.records).toBeLessThanOrEqual(oracle.records);
    expect(problem?.offset ?? oracle.records).toBeGreaterThan(oracle.records - MOST_OF_AN_APPEND);
    return;
  }
  if (problem?.offset !== undefined) {
    // A link that does not fit is the fault of one of two, and so is a timestamp.
    const likely = { header: [], record: [0], time: [-1, 0], link: [-1, 0], append: [-1] }[oracle.fault.why];
    expect(likely).toContain(problem.offset - oracle.records);
  }
  expect(report.records).toBeLessThanOrEqual(oracle.records);
  // Of an append at the stream's end that is not whole any more, nothing counts.
  const isAtEnd = oracle.fault.segment === segments.length - 1 || report.nextOffset <= oracle.records;
  expect(report.records).toBeGreaterThanOrEqual(oracle.records - (isAtEnd ? MOST_OF_AN_APPEND : 1));
  for (const [at, { from, to }] of report.goodAfter.entries()) {
    expect(from).toBeGreaterThanOrEqual(report.goodAfter[at - 1]?.to ?? report.records);
    expect(to).toBeGreaterThan(from);
  }
  expect(base.verdict.fault).toBeNull();
}

function hasAllCheckpoints(files: StreamFiles, base: Base): boolean {
  return [...base.files].every(([name, bytes]) => !name.endsWith(".ckpt") || isEqual(bytes, files.get(name)));
}

function isSealed(index: Uint8Array): boolean {
  return index[index.length - 4096 + 6] === 1;
}

function isEqual(one: Uint8Array, other: Uint8Array | undefined): boolean {
  return other !== undefined && Buffer.compare(one, other) === 0;
}
