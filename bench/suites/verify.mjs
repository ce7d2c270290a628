// Verifying a whole log, reading included, beside hashing the same files with the tools that everybody has; and how soon
// one verified record of a large log is there.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { contest, median, rowOf, takeTurns } from "../contest.mjs";
import { diatreme, STREAM } from "../diatreme.mjs";
import { digestOf, randomFrom, SEED } from "../workload.mjs";

const MIB = 2 ** 20;

const EFFORTS = {
  full: { rounds: 5, turns: 1, warmups: 1, bytes: 1024 * MIB },
  quick: { rounds: 3, turns: 1, warmups: 1, bytes: 256 * MIB },
  tiny: { rounds: 2, turns: 1, warmups: 0, bytes: MIB / 4 },
};

const WORKLOADS = [
  { name: "256 B", sizes: [256] },
  { name: "1 KiB", sizes: [1024] },
  { name: "4 KiB", sizes: [4096] },
  { name: "mixed", sizes: [64, 128, 256, 256, 512, 1024, 4096] },
];

const COLD_GET = fileURLToPath(new URL("../cold-get.mjs", import.meta.url));
const RECORD_EXTRA_BYTES = 72;
const BATCH = 500;

export const verify = {
  name: "verify",
  title: "Verifying a whole log, reading included, from files that the system has in memory",
  sync: "nothing is written. sha256sum and openssl hash the same segment files, one after the other",
  async run(env) {
    const effort = { ...EFFORTS[env.effort], ...env.rounds };
    const rows = [];
    for (const workload of WORKLOADS) {
      const folders = env.libraries.map((_, index) => `${env.directory}/verify-${index}`);
      for (const [index, library] of env.libraries.entries())
        await fill(library, folders[index], workload, effort.bytes);
      const digest = await digestOf(diatreme(env.libraries[0]).payloads(folders[0]));
      rows.push(...(await verifying(env, effort, workload, folders, digest)));
      if (workload === WORKLOADS[0]) rows.push(...(await getting(env, effort, folders)));
      for (const folder of folders) rmSync(folder, { recursive: true });
    }
    return rows;
  },
};

async function verifying(env, effort, { name }, folders, digest) {
  const { files, bytes } = segmentsOf(folders[0]);
  const tools = TOOLS.map((tool) => tool(files)).filter((tool) => tool !== null);
  const rows = [];
  for (const [how, options] of [
    ["one thread", { jobs: 1 }],
    ["all cores", {}],
  ]) {
    const ours = env.libraries.map((library, index) => ({
      name: library.name,
      run: () => verifyOnce(library, folders[index], options),
    }));
    const row = { name: `${name}, ${how}`, unit: "MiB/s", units: bytes / MIB, digest };
    rows.push(await contest(row, [...ours, ...tools], effort));
    env.progress(row.name);
  }
  return rows;
}

async function verifyOnce({ openLog }, folder, options) {
  const log = await openLog(folder, { readOnly: true });
  const report = await log.stream(STREAM).verify(options);
  await log.close();
  if (!report.ok) throw new Error(JSON.stringify(report));
}

const TOOLS = [
  (files) => toolOf("sha256sum", ["--version"], files),
  (files) => toolOf("openssl", ["version"], ["dgst", "-sha256", ...files]),
];

// A tool with its version in its name; `null` where it is not installed.
function toolOf(command, versionArgs, args) {
  const version = spawnSync(command, versionArgs, { encoding: "utf8" });
  if (version.status !== 0) return null;
  const [, number] = /(\d+\.\d+(?:\.\d+)?)/.exec(version.stdout) ?? [];
  const run = () => {
    const { status } = spawnSync(command, args, { stdio: "ignore" });
    if (status !== 0) throw new Error(`${command} has failed`);
  };
  return { name: `${command} ${number}`, run };
}

function segmentsOf(folder) {
  const path = `${folder}/${STREAM}`;
  const files = readdirSync(path)
    .filter((name) => name.endsWith(".log"))
    .map((name) => `${path}/${name}`);
  return { files, bytes: files.reduce((sum, file) => sum + statSync(file).size, 0) };
}

async function fill(library, folder, { sizes }, wanted) {
  mkdirSync(folder);
  const session = await diatreme(library, { sync: "onFlush" }).open(folder);
  const random = randomFrom(SEED);
  const payloads = Array.from({ length: 4 * BATCH }, (_, index) => {
    const payload = new Uint8Array(sizes[index % sizes.length]);
    for (let at = 0; at < payload.length; at++) payload[at] = random();
    return payload;
  });
  const batches = Array.from({ length: 4 }, (_, index) => payloads.slice(index * BATCH, (index + 1) * BATCH));
  for (let bytes = 0, turn = 0; bytes < wanted; turn++) {
    const batch = batches[turn % batches.length];
    await session.append(session.prepare(batch));
    bytes += batch.reduce((sum, { length }) => sum + length + RECORD_EXTRA_BYTES, 0);
  }
  await session.flush();
  await session.close();
}

// From openLog to the record, in a process that has just loaded the package.
async function getting(env, effort, folders) {
  if (env.libraries.some(({ entry }) => entry === null)) return [];
  const log = await env.libraries[0].openLog(folders[0], { readOnly: true });
  const { nextOffset } = await log.stream(STREAM).head();
  await log.close();
  const random = randomFrom(SEED);
  const entrants = env.libraries.map(({ name, entry }, index) => ({
    name,
    slice: () => getOnce(env, [entry, folders[index], STREAM, String(random() % nextOffset)]),
  }));
  const taken = await takeTurns(entrants, { ...effort, turns: 3 });
  const costs = taken.map((rounds) => rounds.map(median));
  const mib = Math.round(effort.bytes / MIB);
  const name = `open and get one of ${mib} MiB, in a new process`;
  env.progress(name);
  return [rowOf({ name, unit: "ms" }, entrants, costs)];
}

function getOnce({ execute }, args) {
  const { stdout, stderr, status } = spawnSync(execute.path, [...execute.args, COLD_GET, ...args], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`getting a record in a new process failed: ${stderr}`);
  return Number(stdout);
}
