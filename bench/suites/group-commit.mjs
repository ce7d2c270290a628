// Many writers at once, each waiting until its one record is durable before it appends the next: how many syncs they
// share, what rate that gives, and how long each waits.
import { mkdirSync, rmSync } from "node:fs";
import { commonDigest } from "../common-digest.mjs";
import { median, percentile, rowOf, takeTurns } from "../contest.mjs";
import { diatreme } from "../diatreme.mjs";
import { bareQueue } from "../rivals/bare-queue.mjs";
import { makeBatches } from "../workload.mjs";

const WRITERS = 64;
const EFFORTS = {
  full: { rounds: 7, turns: 8, warmups: 3 },
  quick: { rounds: 3, turns: 5, warmups: 2 },
  tiny: { rounds: 2, turns: 1, warmups: 0 },
};
const APPENDS_EACH = { full: 12, quick: 12, tiny: 2 };

export const groupCommit = {
  name: "group-commit",
  title: `${WRITERS} writers at once, each waiting for one durable record of 256 B at a time`,
  sync: "each record is durable before its writer goes on; rivals: fdatasync off the thread for all that wait, or for each",
  async run(env) {
    const each = APPENDS_EACH[env.effort];
    const batches = makeBatches({ count: 1, bytes: 256 });
    const ours = (variant, sync) => env.libraries.map((library) => diatreme(library, { sync }, { variant }));
    const contenders = [
      ...ours(" groupCommit", { groupCommit: { maxDelayMs: 5 } }),
      ...ours(" everyBatch", "everyBatch"),
      bareQueue("bare, a sync for all that wait", Number.MAX_SAFE_INTEGER),
      { ...bareQueue("bare, a sync for each", 1), oncePerRound: true },
    ];
    const entered = [];
    for (const [index, contender] of contenders.entries()) {
      const folder = `${env.directory}/group-${index}`;
      mkdirSync(folder);
      const session = await contender.open(folder);
      const events = batches.map((batch) => session.prepare(batch));
      entered.push({ ...contender, contender, folder, session, events, latencies: [] });
    }
    const effort = { ...EFFORTS[env.effort], ...env.rounds };
    const taken = await takeTurns(
      entered.map((one) => ({ ...one, slice: () => writeTogether(one, each) })),
      effort,
    );
    const rate = rowOf(
      { name: `${WRITERS} × 256 B`, unit: "records/s", units: WRITERS * each },
      entered,
      taken.map((rounds) => rounds.map((turns) => median(turns.map(({ ms }) => ms)))),
    );
    const rows = [rate, ...[50, 99].map((percent) => latencyRow(percent, entered, taken))];
    for (const { session } of entered) await session.close();
    // The slowest takes fewer turns, so only the others have stored the same.
    const digest = await commonDigest(entered.filter(({ oncePerRound }) => !oncePerRound));
    for (const row of rows) row.digest = digest;
    for (const { folder } of entered) rmSync(folder, { recursive: true });
    env.progress(rate.name);
    return rows;
  },
};

function latencyRow(percent, entered, taken) {
  const costs = taken.map((rounds) =>
    rounds.map((turns) =>
      percentile(
        turns.flatMap(({ latencies }) => latencies),
        percent,
      ),
    ),
  );
  return rowOf({ name: `one append, p${percent}`, unit: "ms" }, entered, costs);
}

async function writeTogether({ session, events }, each) {
  const latencies = [];
  const start = performance.now();
  const writer = async (first) => {
    for (let i = 0; i < each; i++) {
      const began = performance.now();
      await session.append(events[(first + i) % events.length]);
      latencies.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, i) => writer(i)));
  return { ms: performance.now() - start, latencies };
}
