// How long until a log of many records can be used: opened in a warm process after a clean and after an unclean end, and
// in a process that has just started.
import { spawnSync } from "node:child_process";
import { closeSync, cpSync, fsyncSync, mkdirSync, openSync, readdirSync, rmSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { median, rowOf, takeTurns, timed } from "../contest.mjs";
import { diatreme, STREAM } from "../diatreme.mjs";
import { ChainReader } from "../rivals/hand-chain.mjs";
import { appendAll, store } from "../stored.mjs";

const EFFORTS = {
  full: { rounds: 7, turns: 30, warmups: 60, records: 200_000, copies: 3, starts: 3 },
  quick: { rounds: 3, turns: 15, warmups: 30, records: 50_000, copies: 2, starts: 2 },
  tiny: { rounds: 2, turns: 1, warmups: 0, records: 300, copies: 1, starts: 1 },
};

const BYTES = 256;
const COLD_OPEN = fileURLToPath(new URL("../cold-open.mjs", import.meta.url));

export const open = {
  name: "open",
  title: "Opening a log",
  sync: 'sync: "everyBatch". openLog and head(); hand-chain: going through its file, as it must',
  async run(env) {
    const effort = { ...EFFORTS[env.effort], ...env.rounds };
    const stored = await store(env, { records: effort.records, bytes: BYTES });
    const found = [];
    for (const measure of [afterCleanEnd, afterUncleanEnd, inNewProcess]) {
      const one = await measure(env, effort, stored);
      if (one !== null) found.push(one);
      env.progress(one?.name ?? "no build to open in a new process");
    }
    // Last: it takes a second and leaves garbage behind, which others would collect in their turns.
    const chain = await goThroughChain(stored, effort);
    stored.remove();
    return found.map(({ name, entrants, costs, hasRival }) => {
      const all = hasRival ? [...entrants, { name: "hand-chain" }] : entrants;
      return rowOf({ name, unit: "ms", digest: hasRival ? stored.digest : null }, all, [...costs, chain]);
    });
  },
};

function afterCleanEnd(env, effort, stored) {
  const ours = (variant, options) =>
    env.libraries.map((library, index) => ({
      name: library.name + variant,
      slice: () => timeToOpen(library, stored.logs[index], effort.records, options),
    }));
  const entrants = [...ours("", {}), ...ours(", read-only", { readOnly: true })];
  return measured(`${showCount(effort)} after a clean close`, entrants, effort, { hasRival: true });
}

async function timeToOpen({ openLog }, folder, records, options) {
  const start = performance.now();
  const log = await openLog(folder, options);
  const { nextOffset } = await log.stream(STREAM).head();
  const milliseconds = performance.now() - start;
  if (nextOffset !== records) throw new Error(`opened a log of ${nextOffset} records`);
  await log.close();
  return milliseconds;
}

async function goThroughChain({ chain }, { rounds, records }) {
  const run = () => {
    const reader = new ChainReader(chain);
    if (reader.count !== records) throw new Error(`opened a chain of ${reader.count} records`);
    reader.close();
  };
  const costs = [];
  for (let round = 0; round < rounds; round++) costs.push(await timed(run));
  return costs;
}

// Each open is of a new copy of the folder of a log that nobody has closed, as a killed process leaves it. Copies are
// synced first: what was written long ago is on the disk by the time of a restart.
async function afterUncleanEnd(env, effort) {
  const entrants = [];
  const sessions = [];
  for (const [index, library] of env.libraries.entries()) {
    const folder = `${env.directory}/unclosed-${index}`;
    mkdirSync(folder);
    const session = await diatreme(library, { sync: "everyBatch" }).open(folder);
    sessions.push({ session, folder });
    await appendAll(session, { records: effort.records, bytes: BYTES });
    const copy = `${env.directory}/copy-${index}`;
    const slice = async () => {
      copySynced(folder, copy);
      const milliseconds = await timeToOpen(library, copy, effort.records, {});
      rmSync(copy, { recursive: true });
      return milliseconds;
    };
    entrants.push({ name: library.name, slice });
  }
  const found = await measured(
    `${showCount(effort)} after an unclean end`,
    entrants,
    { ...effort, turns: effort.copies, warmups: 1 },
    { hasRival: true },
  );
  for (const { session, folder } of sessions) {
    await session.close();
    rmSync(folder, { recursive: true });
  }
  return found;
}

// The lock stays behind: its holder is gone after an end like that, and here it is this very process.
function copySynced(folder, copy) {
  cpSync(folder, copy, { recursive: true, filter: (path) => basename(path) !== "lock" });
  for (const entry of readdirSync(copy, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const descriptor = openSync(`${entry.parentPath}/${entry.name}`, "r+");
    fsyncSync(descriptor);
    closeSync(descriptor);
  }
}

// From before the process is started until it has the log's head; beside it the same process without a log.
async function inNewProcess(env, effort, stored) {
  const entrants = [];
  for (const [index, { name, entry }] of env.libraries.entries()) {
    if (entry === null) return null;
    entrants.push({ name, slice: () => startProcess(env, [entry, stored.logs[index], STREAM]) });
  }
  entrants.push({ name: "process that opens nothing", slice: () => startProcess(env, []) });
  return measured(
    `${showCount(effort)} in a new process, from its start`,
    entrants,
    { ...effort, turns: effort.starts, warmups: 1 },
    { hasRival: false },
  );
}

function startProcess({ execute }, args) {
  const start = performance.timeOrigin + performance.now();
  const { stdout, stderr, status } = spawnSync(execute.path, [...execute.args, COLD_OPEN, ...args], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`opening in a new process failed: ${stderr}`);
  return Number(stdout) - start;
}

function showCount({ records }) {
  return `${records.toLocaleString("en")} records`;
}

async function measured(name, entrants, effort, { hasRival }) {
  const taken = await takeTurns(entrants, effort);
  return { name, entrants, hasRival, costs: taken.map((rounds) => rounds.map(median)) };
}
