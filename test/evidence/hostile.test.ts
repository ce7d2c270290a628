// Checkpoint files and folders made to trouble whoever reads them.
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { memoryRuntime } from "../../adapters/memory.ts";
import { openLogOn, type VerifyReport } from "../../src/index.ts";
import { currentRuntime, makePipe, type TemporaryFolder, temporaryFolder } from "../contract/current-runtime.ts";

const RECORDS = 10;
const runtime = currentRuntime();
let folder: TemporaryFolder;
let directory: string;
let file: string;

beforeEach(async () => {
  folder = temporaryFolder();
  directory = `${folder.path}/log`;
  file = `${directory}/orders/segment_000000.log.ckpt`;
  const log = await openLogOn(runtime, directory, { checkpointEvery: 3 });
  for (let i = 0; i < RECORDS; i++) await log.stream("orders").append(`event ${i}`);
  await log.close();
});
afterEach(() => folder.remove());

/** Everything that a reader can ask that looks at checkpoints. */
async function look(): Promise<{ texts: string[]; latest: number | null; report: VerifyReport }> {
  const log = await openLogOn(runtime, directory, { readOnly: true });
  const stream = log.stream("orders");
  const texts = [...stream.read({ from: 5, verify: "checkpoint" })].map((record) => record.text());
  const latest = await stream.latestCheckpoint();
  const report = await stream.verify();
  await log.close();
  return { texts, latest: latest?.nextOffset ?? null, report };
}

const EXPECTED = Array.from({ length: RECORDS - 5 }, (_, index) => `event ${index + 5}`);

async function expectUntroubled(latest: number | null): Promise<void> {
  const found = await look();
  expect(found.texts).toEqual(EXPECTED);
  expect(found.latest).toBe(latest);
  expect(found.report).toMatchObject({ ok: true, records: RECORDS });
}

describe("in the place of a checkpoint file", () => {
  it.each<[string, () => void]>([
    ["a folder", () => mkdirSync(file)],
    ["a link to the file itself", () => symlinkSync(file, file)],
    ["a link to an endless device", () => symlinkSync("/dev/zero", file)],
    ["a pipe", () => makePipe(file)],
  ])("%s is not touched by readers, and refused by writers", async (_, make) => {
    rmSync(file);
    make();
    await expectUntroubled(null);
    const log = await openLogOn(runtime, directory);
    await expect(log.stream("orders").append("more")).rejects.toMatchObject({ code: "FILE_NOT_REGULAR", path: file });
    await log.close();
    await expectUntroubled(null);
  });

  it("a file of 8 GiB of nothing is looked at in few places", async () => {
    const handle = openSync(file, "r+");
    ftruncateSync(handle, 2 ** 33);
    closeSync(handle);
    const log = await openLogOn(runtime, directory, { readOnly: true });
    const stream = log.stream("orders");
    expect([...stream.read({ from: 5, verify: "checkpoint" })]).toHaveLength(RECORDS - 5);
    expect(await stream.latestCheckpoint()).toBeNull();
    expect(await stream.verify()).toMatchObject({ ok: true, checkpoints: { agreed: 4 } });
    await log.close();
  });

  it("ten thousand copies of one entry are good for what the one is good for", async () => {
    const bytes = readFileSync(file);
    const last = bytes.subarray(bytes.length - 128);
    const handle = openSync(file, "r+");
    writeSync(handle, Buffer.concat(Array.from({ length: 10_000 }, () => last)), 0, 1_280_000, bytes.length);
    closeSync(handle);
    await expectUntroubled(RECORDS);
  });

  it("entries in the wrong order cost places to start from, nothing else", async () => {
    const bytes = readFileSync(file);
    const entries = [3, 1, 2, 0].map((index) => bytes.subarray(16 + index * 128, 144 + index * 128));
    writeFileSync(file, Buffer.concat([bytes.subarray(0, 16), ...entries]));
    const { texts, report } = await look();
    expect(texts).toEqual(EXPECTED);
    expect(report).toMatchObject({ ok: true, checkpoints: { agreed: 1, passedOver: 3 } });
  });
});

it("a folder with a hundred thousand other names is verified all the same", async () => {
  const { runtime: memory, disk } = memoryRuntime({ seed: 1 });
  const log = await openLogOn(memory, "/log");
  await log.stream("orders").append("pen");
  await log.close();
  for (let i = 0; i < 100_000; i++) disk.put(`/log/orders/segment_${i}.ckpt`, new Uint8Array(0));
  const reader = await openLogOn(memory, "/log", { readOnly: true });
  expect(await reader.stream("orders").verify()).toMatchObject({ ok: true, records: 1 });
  await reader.close();
});
