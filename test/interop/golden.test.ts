// Files written by released versions: every runtime and every hash engine must write the same bytes today, and read them.
// DIATREME_REWRITE_GOLDEN=1 writes them anew; a change there is a change of the format.
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { memoryRuntime } from "../../adapters/memory.ts";
import { type HashEngineName, openLogOn, type Runtime } from "../../src/index.ts";
import { currentRuntime, runtimeName, type TemporaryFolder, temporaryFolder } from "../contract/current-runtime.ts";
import { writeGoldenLog } from "./golden-log.ts";

const golden = fileURLToPath(new URL("../golden/v1", import.meta.url)).replaceAll("\\", "/");
const goldenLog = `${golden}/log`;
const ENGINES: readonly HashEngineName[] = ["auto", "wasm", "native"];

interface ExpectedRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly kind: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly hash: string;
}

interface ExpectedStream {
  readonly nextOffset: number;
  readonly head: string;
  readonly segments: number;
  /** The head vouches for those that are left out. */
  readonly records: readonly ExpectedRecord[];
}

interface Expected {
  readonly id: string;
  readonly created: number;
  readonly streams: Readonly<Record<string, ExpectedStream>>;
}

const runtime = currentRuntime();
let work: TemporaryFolder;

beforeAll(async () => {
  work = temporaryFolder();
  if (process.env["DIATREME_REWRITE_GOLDEN"] !== "1") return;
  rmSync(golden, { recursive: true, force: true });
  mkdirSync(golden, { recursive: true });
  const fresh = `${work.path}/rewritten`;
  await writeGoldenLog(runtime, fresh, "auto");
  cpSync(fresh, goldenLog, { recursive: true });
  rmSync(`${goldenLog}/lock`, { recursive: true });
  writeFileSync(`${golden}/expected.json`, `${JSON.stringify(await whatIsRead(goldenLog), null, 1)}\n`);
});

afterAll(() => work.remove());

describe("the golden log", () => {
  it.each(ENGINES)(`is written byte for byte by ${runtimeName} with hashEngine %s`, async (engine) => {
    const folder = `${work.path}/${engine}`;
    await writeGoldenLog(runtime, folder, engine);
    expectSameFiles(filesOf(runtime, folder), filesOf(runtime, goldenLog));
  });

  it("is written byte for byte on a disk in memory", async () => {
    const memory = memoryRuntime({ seed: 1 }).runtime;
    await writeGoldenLog(memory, "/log", "wasm");
    expectSameFiles(filesOf(memory, "/log"), filesOf(runtime, goldenLog));
  });

  it.each(ENGINES)("is read as expected with hashEngine %s, and left as it is", async (engine) => {
    const before = snapshot(goldenLog);
    const expected = JSON.parse(readFileSync(`${golden}/expected.json`, "utf8")) as Expected;
    expect(await whatIsRead(goldenLog, engine)).toEqual(expected);
    expect(snapshot(goldenLog)).toEqual(before);
  });

  it.each([".idx", ".ckpt"])("is read as expected when it has no %s", async (ending) => {
    const folder = `${work.path}/without${ending}`;
    cpSync(goldenLog, folder, { recursive: true });
    for (const name of filesOf(runtime, folder).keys()) if (name.endsWith(ending)) rmSync(`${folder}/${name}`);
    expect(await whatIsRead(folder)).toEqual(JSON.parse(readFileSync(`${golden}/expected.json`, "utf8")));
  });

  it("goes on where it ended when it is opened for writing", async () => {
    const folder = `${work.path}/goes-on`;
    cpSync(goldenLog, folder, { recursive: true });
    const log = await openLogOn(runtime, folder);
    const torn: unknown[] = [];
    for (const name of await log.streams()) {
      const stream = log.stream(name);
      const { nextOffset } = await stream.head();
      expect((await stream.append("one more")).firstOffset, name).toBe(nextOffset);
      torn.push(stream.tornTail);
      expect(await stream.verify(), name).toMatchObject({ ok: true, records: nextOffset + 1, index: [] });
    }
    await log.close();
    expect(torn).toEqual(torn.map(() => null));
  });

  it("has what golden files are for", () => {
    const names = [...filesOf(runtime, goldenLog).keys()];
    const { streams } = JSON.parse(readFileSync(`${golden}/expected.json`, "utf8")) as Expected;
    expect(Object.keys(streams)).toEqual(["empty", "events", "ledger-2026.q1_a", "lengths", "many"]);
    expect(streams).toMatchObject({ empty: { nextOffset: 0, segments: 1 }, "ledger-2026.q1_a": { segments: 6 } });
    expect(statSync(`${goldenLog}/many/segment_000000.log.idx`).size).toBe(2 * 4096);
    expect(names.filter((name) => !/^(log\.json|[^/]+\/segment_\d{6}\.log(\.(idx|ckpt))?)$/.test(name))).toEqual([]);
  });
});

/** What a reader finds in a log, in the form of expected.json. */
async function whatIsRead(directory: string, hashEngine: HashEngineName = "auto"): Promise<Expected> {
  const log = await openLogOn(runtime, directory, { readOnly: true, hashEngine });
  const streams: Record<string, ExpectedStream> = {};
  for (const name of await log.streams()) {
    const stream = log.stream(name);
    const { nextOffset, head, segments } = await stream.inspect();
    const records: ExpectedRecord[] = [];
    for (const record of stream.read({ verify: "genesis" })) {
      if (records.length >= 50 && record.offset < nextOffset - 1) continue;
      const { offset, timestamp, kind, payloadBytes: bytes, hash } = record;
      const sha256 = createHash("sha256").update(record.payload).digest("hex");
      expect(await stream.get(offset), `${name} ${offset}`).toMatchObject({ timestamp, hash });
      records.push({ offset, timestamp, kind, bytes, sha256, hash });
    }
    expect(await stream.verify(), name).toMatchObject({ ok: true, records: nextOffset, head, problem: null });
    streams[name] = { nextOffset, head, segments: segments.length, records };
  }
  const { id, created } = log;
  await log.close();
  return { id, created, streams };
}

/** All files of a log by their path in it, without those of the lock. */
function filesOf({ files }: Runtime, directory: string): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  for (const { name, kind } of files.list(directory)) {
    const path = `${directory}/${name}`;
    if (kind === "file") found.set(name, files.readSmall(path, 2 ** 20));
    else if (name !== "lock")
      for (const [below, bytes] of filesOf({ files } as Runtime, path)) found.set(`${name}/${below}`, bytes);
  }
  return found;
}

function expectSameFiles(actual: Map<string, Uint8Array>, expected: Map<string, Uint8Array>): void {
  expect([...actual.keys()]).toEqual([...expected.keys()]);
  for (const [name, bytes] of expected) {
    const written = actual.get(name) as Uint8Array;
    const different = bytes.findIndex((byte, at) => written[at] !== byte);
    expect({ name, bytes: written.length, different }).toEqual({ name, bytes: bytes.length, different: -1 });
  }
}

/** Names, bytes and times of all that lies in a folder. */
function snapshot(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()) {
    const path = `${folder}/${entry}`;
    const status = statSync(path);
    const bytes = status.isFile() ? createHash("sha256").update(readFileSync(path)).digest("hex") : "folder";
    found[entry] = `${status.mtimeMs} ${bytes}`;
  }
  return found;
}
