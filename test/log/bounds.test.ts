// Whatever the lengths in a damaged log say, and however large its files have become: what handles it ends, and holds at most
// 64 MB more than it does with a good log.

import { execFile } from "node:child_process";
import { cpSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { openLogOn } from "../../src/index.ts";
import { currentRuntime, temporaryFolder } from "../contract/current-runtime.ts";
import { entryUrl, THIS_RUNTIME } from "../interop/installed-runtimes.ts";
import { crc32 } from "./crc32.ts";

const PROGRAM = fileURLToPath(new URL("bounded-reader.mjs", import.meta.url));
const MOST_BYTES = 64_000_000;
const HANGS_AFTER_MS = 90_000;

const SEGMENT = "orders/segment_000000.log";
const isLinux = process.platform === "linux";

interface Said {
  readonly baseline: number;
  readonly peak: number;
  readonly outcomes: { readonly [log: string]: readonly unknown[] };
}

/** Makes a good log and copies of it that are damaged, and has them all used by a program. */
async function use(damages: { readonly [name: string]: (log: string) => void }): Promise<Said> {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const good = `${folder.path}/good`;
  const log = await openLogOn(currentRuntime(), good, { segmentBytes: 3000 });
  for (let i = 0; i < 40; i++) await log.stream("orders").append(`event ${i} ${"x".repeat(i)}`);
  await log.close();
  const names = Object.keys(damages).map((name, i) => [name, `${folder.path}/${i}`] as const);
  for (const [name, path] of names) {
    cpSync(good, path, { recursive: true });
    damages[name]?.(path);
  }
  const { binary, before, entry } = THIS_RUNTIME;
  const args = [...before, PROGRAM, entryUrl(entry), good, ...names.map(([, path]) => path)];
  const run = promisify(execFile)(binary, args, { timeout: HANGS_AFTER_MS, killSignal: "SIGKILL" });
  const said = JSON.parse((await run).stdout) as Said;
  const outcomes = names.map(([name, path]) => [name, said.outcomes[path] ?? []] as const);
  return { ...said, outcomes: Object.fromEntries(outcomes) };
}

function edit(path: string, change: (view: DataView, bytes: Uint8Array<ArrayBuffer>) => void): void {
  const bytes = new Uint8Array(readFileSync(path));
  change(new DataView(bytes.buffer), bytes);
  writeFileSync(path, bytes);
}

describe.runIf(isLinux)("memory and time", () => {
  it("are bounded whatever the lengths of records say", async () => {
    const values = [64 << 20, (64 << 20) - 1, 0x7fffffff, 0xffffffff, 0x04000000, 0xfffffff0];
    const damages: { [name: string]: (log: string) => void } = {};
    for (const value of values) {
      for (const position of [128, 128 + 72 + 8, -1]) {
        damages[`length ${value} at ${position}`] = (log) =>
          edit(`${log}/${SEGMENT}`, (view) => {
            let at = 128;
            while (position < 0 && at + 72 + view.getUint32(at + 4, true) < view.byteLength) {
              at += 72 + view.getUint32(at + 4, true);
            }
            view.setUint32((position < 0 ? at : position) + 4, value, true);
          });
      }
    }
    const { baseline, peak, outcomes } = await use(damages);
    expect(peak - baseline).toBeLessThanOrEqual(MOST_BYTES);
    for (const [name, outcome] of Object.entries(outcomes)) expect(outcome, name).toContain("damage");
  });

  it("are bounded whatever an index says under a right CRC", async () => {
    const damages: { [name: string]: (log: string) => void } = {};
    for (const [at, value] of [
      [4, 1016],
      [8, 0x7fffffff],
      [12, 0x1fffff],
      [16, 0xffffffff],
      [20, 0x1fffff],
      [36, 0xffffffff],
      [40, 0x7fffffff],
    ] as const) {
      damages[`${value} at ${at}`] = (log) =>
        edit(`${log}/${SEGMENT}.idx`, (view, page) => {
          if (at === 4) view.setUint16(at, value, true);
          else view.setUint32(at, value, true);
          const salt = readFileSync(`${log}/${SEGMENT}`).subarray(112, 116);
          view.setUint32(0, crc32(new Uint8Array([...salt, ...page.subarray(4, 4096)])), true);
        });
    }
    const { baseline, peak } = await use(damages);
    expect(peak - baseline).toBeLessThanOrEqual(MOST_BYTES);
  });

  it("are bounded however large files have become, by zeros that take no space", async () => {
    const newest = (log: string) => {
      const names = [0, 1, 2, 3, 4, 5, 6, 7].map((number) => `${log}/orders/segment_00000${number}.log`);
      return names.findLast((name) => exists(name)) as string;
    };
    const { baseline, peak, outcomes } = await use({
      "log.json of 4 GiB": (log) => truncateSync(`${log}/log.json`, 2 ** 32),
      "an older segment of 1 GiB": (log) => truncateSync(`${log}/${SEGMENT}`, 2 ** 30),
      "a segment of 8 GiB": (log) => truncateSync(`${log}/${SEGMENT}`, 2 ** 33),
      "the newest segment of 128 MiB": (log) => truncateSync(newest(log), 2 ** 27),
      "an index of 8 GiB": (log) => truncateSync(`${newest(log)}.idx`, 2 ** 33),
      "a claim of 4 GiB": (log) => {
        writeFileSync(`${log}/lock/00000099`, "");
        truncateSync(`${log}/lock/00000099`, 2 ** 32);
      },
    });
    expect(peak - baseline).toBeLessThanOrEqual(MOST_BYTES);
    expect(outcomes["log.json of 4 GiB"]).toContain("FILE_TOO_LARGE");
    expect(outcomes["a segment of 8 GiB"]).toContain("SEGMENT_HEADER_INVALID");
    expect(outcomes["a claim of 4 GiB"]).toContain("FILE_TOO_LARGE");
    // Zeros behind the newest segment's records are space written ahead.
    expect(outcomes["the newest segment of 128 MiB"]?.slice(0, 3)).toEqual(["opened", "read", 40]);
    expect(outcomes["an index of 8 GiB"]?.slice(0, 3)).toEqual(["opened", "read", 40]);
  });
});

function exists(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}
