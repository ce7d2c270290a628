// How fast the core's kernels are beside others on this runtime: node, deno run -A or bun bench/kernels.bench.mjs [--json]
// Rounds are interleaved and medians compared, so that a noisy machine disturbs all alike. Ratios: above 1 the core wins.
// CORE_WASM names another core.wasm; ROUNDS how often each is timed.
import * as crypto from "node:crypto";
import { readFileSync } from "node:fs";
import { crc32 as zlibCrc32 } from "node:zlib";
import { createCRC32, createSHA256 } from "hash-wasm";

const ROUNDS = Number(process.env.ROUNDS ?? 41);
const ROUND_MS = 2;
const BATCH = 100;
const BATCH_SIZES = [64, 128, 256, 512, 1024, 2048, 4096];

const path = process.env.CORE_WASM ?? new URL("../build/core.wasm", import.meta.url);
const core = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(path))).exports;
const free = core.memory.grow(64) * 65536;
const bytes = new Uint8Array(core.memory.buffer);
const [output, table, digests, hashes, data] = [free, free + 0x1000, free + 0x2000, free + 0x4000, free + 0x10000];
for (let at = data, state = 1; at < bytes.length; at++) {
  state = (Math.imul(state, 1664525) + 1013904223) | 0;
  bytes[at] = state >>> 24;
}

const hashWasm = await createSHA256();
const hashWasmCrc32 = await createCRC32();
const hashWasmDigest = (message) => hashWasm.init().update(message).digest("binary");
const createHashDigest = (message) => crypto.createHash("sha256").update(message).digest();
const oneShotDigest = crypto.hash && ((message) => crypto.hash("sha256", message, "buffer"));

/** One row: the core's function against each rival's, all doing the same `work` bytes. */
function measure(kernel, size, work, ours, rivals) {
  const runs = [["core", ours], ...Object.entries(rivals).filter(([, run]) => run)].map(([name, run]) => {
    let repeats = 0;
    for (const start = performance.now(); performance.now() - start < 5 * ROUND_MS; repeats++) run();
    return { name, run, repeats: Math.max(1, Math.round(repeats / 5)), nanos: [] };
  });
  for (let round = 0; round < ROUNDS; round++) {
    for (const { run, repeats, nanos } of runs) {
      const start = performance.now();
      for (let i = 0; i < repeats; i++) run();
      nanos.push(((performance.now() - start) * 1e6) / repeats);
    }
  }
  const [core, ...others] = runs.map(({ name, nanos }) => {
    const settled = nanos.slice(ROUNDS >> 2).sort((a, b) => a - b);
    return { name, nanos: settled[settled.length >> 1] };
  });
  const ratios = Object.fromEntries(others.map((other) => [other.name, round2(other.nanos / core.nanos)]));
  return {
    kernel,
    size,
    nanos: Math.round(core.nanos),
    megabytesPerSecond: Math.round((work / core.nanos) * 1e3),
    ratios,
  };
}

function round2(value) {
  return Math.round(value * 100) / 100;
}

function digestRivals(messages) {
  const all = (digest) =>
    digest &&
    (() => {
      for (const message of messages) digest(message);
    });
  return { "hash-wasm": all(hashWasmDigest), createHash: all(createHashDigest), "crypto.hash": all(oneShotDigest) };
}

const rows = [];

for (const size of BATCH_SIZES) {
  const messages = [bytes.subarray(data, data + size)];
  rows.push(measure("sha256", size, size, () => core.sha256(data, size, output), digestRivals(messages)));
}

for (const size of BATCH_SIZES) {
  const view = new DataView(bytes.buffer);
  const messages = Array.from({ length: BATCH }, (_, index) => {
    const at = data + index * (size + 72) + 64;
    view.setUint32(table + 8 * index, at, true);
    view.setUint32(table + 8 * index + 4, size, true);
    return bytes.subarray(at, at + size);
  });
  const ours = () => core.sha256Many(table, BATCH, digests);
  rows.push(measure(`sha256Many ×${BATCH}`, size, size * BATCH, ours, digestRivals(messages)));
}

const entry = bytes.subarray(data, data + 96);
if (core.sha256Entry) {
  const ours = () => core.sha256Entry(data, data + 64, output);
  rows.push(measure("sha256Entry", 96, 96, ours, digestRivals([entry])));
}
if (core.sha256Entries) {
  const ours = () => core.sha256Entries(table, BATCH, digests, hashes);
  rows.push(measure(`sha256Entries ×${BATCH}`, 96, 96 * BATCH, ours, digestRivals(Array(BATCH).fill(entry))));
}

for (const size of [64, 200, 328, 500, 1100, 4096, 65536]) {
  const input = bytes.subarray(data, data + size);
  const ours = () => core.crc32(0, data, size);
  const rivals = {
    "hash-wasm": () => hashWasmCrc32.init().update(input).digest("binary"),
    "zlib.crc32": () => zlibCrc32(input),
  };
  rows.push(measure("crc32", size, size, ours, rivals));
}

const runtime = globalThis.Deno
  ? `deno ${Deno.version.deno}`
  : process.versions.bun
    ? `bun ${process.versions.bun}`
    : `node ${process.version}`;
if (process.argv.includes("--json")) {
  console.log(JSON.stringify({ runtime, rounds: ROUNDS, rows }));
} else {
  console.log(`${runtime}, medians of ${ROUNDS} interleaved rounds; ratios: how many times as fast as`);
  for (const { kernel, size, nanos, megabytesPerSecond, ratios } of rows) {
    const columns = Object.entries(ratios).map(([name, ratio]) => `${name} ${ratio.toFixed(2)}`);
    console.log(
      `${kernel.padEnd(20)} ${String(size).padStart(6)} B ${String(nanos).padStart(8)} ns ${String(megabytesPerSecond).padStart(7)} MB/s   ${columns.join("  ")}`,
    );
  }
}
