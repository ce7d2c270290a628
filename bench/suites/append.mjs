// Appending: unsynced, where the work is the CPU's, and synced, where it is the disk's.
import { mkdirSync, rmSync } from "node:fs";
import { commonDigest } from "../common-digest.mjs";
import { contest } from "../contest.mjs";
import { diatreme } from "../diatreme.mjs";
import { bare } from "../rivals/bare.mjs";
import { handChain } from "../rivals/hand-chain.mjs";
import { makeBatches } from "../workload.mjs";

const EFFORTS = {
  full: { rounds: 7, turns: 6, warmups: 4 },
  quick: { rounds: 3, turns: 4, warmups: 3 },
  tiny: { rounds: 2, turns: 1, warmups: 0 },
};

// The time of a sync drifts by the second: shorter slices, and more of them.
const SYNCED_TURNS = { full: { turns: 14 }, quick: { turns: 8 }, tiny: {} };

// `appends`: how many make a slice.
const UNSYNCED = [
  { name: "1 × 256 B", count: 1, bytes: 256, appends: 5000 },
  { name: "100 × 1 KiB", count: 100, bytes: 1024, appends: 30 },
  { name: "1,000 × 128 B", count: 1000, bytes: 128, appends: 20 },
  { name: "100 × JSON, about 120 B", count: 100, bytes: 120, json: true, appends: 60 },
  { name: "1 × JSON, about 120 B", count: 1, bytes: 120, json: true, appends: 3000 },
  { name: "100 × 1 KiB, slice ends in a flush", count: 100, bytes: 1024, appends: 20, flushes: true },
];

const SYNCED = [
  { name: "1 × 256 B", count: 1, bytes: 256, appends: 10 },
  { name: "1 × 256 B, standing still", count: 1, bytes: 256, appends: 10, standStill: true },
  { name: "100 × 1 KiB", count: 100, bytes: 1024, appends: 4 },
  { name: "100 × 1 KiB, two in flight", count: 100, bytes: 1024, appends: 12, inFlight: 2 },
  { name: "1,000 × 128 B", count: 1000, bytes: 128, appends: 4 },
];

export const appendUnsynced = {
  name: "append",
  title: "Appends, not synced",
  sync: 'sync: "onFlush"; rivals write and do not sync. A slice ends with a turn of the event loop, so that all is written',
  async run(env) {
    const contenders = [
      ...env.libraries.map((library) => diatreme(library, { sync: "onFlush" })),
      handChain("none"),
      handChain("none", { name: "hand-chain, gathering", gathers: true }),
      bare("none"),
    ];
    const rows = [];
    for (const workload of UNSYNCED) rows.push(await appendContest(env, workload, contenders, {}));
    return rows;
  },
};

export const appendSynced = {
  name: "append-synced",
  title: "Appends, each durable before it resolves",
  sync: 'sync: "everyBatch"; rivals: fdatasync for each append, off the thread, or fdatasyncSync where it says sync loop',
  async run(env) {
    const rows = [];
    for (const workload of SYNCED) {
      const { standStill = false, inFlight = 1 } = workload;
      const ours = (variant, options) =>
        env.libraries.map((library) => diatreme(library, { sync: "everyBatch", ...options }, { variant, standStill }));
      const contenders = standStill
        ? [...ours(" appendSync", {}), handChain("standStill"), bare("standStill", "bare, sync loop")]
        : [
            ...ours("", {}),
            ...ours(", no space ahead", { spaceAhead: false }),
            handChain("async"),
            bare("async"),
            bare("standStill", "bare, sync loop"),
          ];
      if (inFlight > 1) contenders.push({ ...bare("async", "bare, one at a time"), inFlight: 1 });
      rows.push(await appendContest(env, workload, contenders, SYNCED_TURNS[env.effort]));
    }
    return rows;
  },
};

async function appendContest(env, workload, contenders, turns) {
  const effort = { ...EFFORTS[env.effort], ...turns, ...env.rounds };
  const appends = env.effort === "tiny" ? 3 : workload.appends;
  const batches = makeBatches(workload);
  const entered = [];
  for (const [index, contender] of contenders.entries()) {
    const folder = `${env.directory}/append-${index}`;
    mkdirSync(folder, { recursive: true });
    const session = await contender.open(folder);
    const { inFlight = workload.inFlight ?? 1 } = contender;
    const task = { session, batches: batches.map((events) => session.prepare(events)), appends, done: 0 };
    const run = PATTERNS[workload.flushes ? "flushing" : inFlight > 1 ? "twoInFlight" : "oneAtATime"];
    entered.push({ name: contender.name, contender, folder, session, run: () => run(task) });
  }
  const row = { name: workload.name, unit: "records/s", units: appends * workload.count };
  const result = await contest(row, entered, effort);
  for (const { session } of entered) await session.close();
  result.digest = await commonDigest(entered);
  for (const { folder } of entered) rmSync(folder, { recursive: true });
  env.progress(`${workload.name}`);
  return result;
}

const PATTERNS = {
  async oneAtATime(task) {
    for (let i = 0; i < task.appends; i++) await task.session.append(nextBatch(task));
    await turnOfTheLoop();
  },
  async twoInFlight(task) {
    let older = task.session.append(nextBatch(task));
    for (let i = 1; i < task.appends; i++) {
      const newer = task.session.append(nextBatch(task));
      await older;
      older = newer;
    }
    await older;
  },
  async flushing(task) {
    for (let i = 0; i < task.appends; i++) await task.session.append(nextBatch(task));
    await task.session.flush();
  },
};

function nextBatch(task) {
  return task.batches[task.done++ % task.batches.length];
}

function turnOfTheLoop() {
  return new Promise((resolve) => setImmediate(resolve));
}
