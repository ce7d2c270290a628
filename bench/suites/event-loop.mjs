// A server that logs 1,000 durable records a second: how long everything else in it waits for its turn, and how long
// each record takes from the moment at which it was meant to be appended (a late turn counts as waiting).
import { mkdirSync, rmSync } from "node:fs";
import { percentile, rowOf } from "../contest.mjs";
import { diatreme } from "../diatreme.mjs";
import { bare } from "../rivals/bare.mjs";
import { makeBatches } from "../workload.mjs";

const PER_SECOND = 1000;
const EFFORTS = {
  full: { rounds: 5, seconds: 2 },
  quick: { rounds: 3, seconds: 1 },
  tiny: { rounds: 1, seconds: 0.05 },
};

export const eventLoop = {
  name: "event-loop",
  title: `The event loop while ${PER_SECOND} durable records of 256 B a second are appended`,
  // How many records each stores follows from the clock.
  sameWork: false,
  sync: "each record is durable before its append resolves; records are due by the clock, whatever the answers take",
  async run(env) {
    const { rounds, seconds } = { ...EFFORTS[env.effort], ...env.rounds };
    const batches = makeBatches({ count: 1, bytes: 256 });
    const ours = (variant, sync) => env.libraries.map((library) => diatreme(library, { sync }, { variant }));
    const contenders = [
      ...ours(" everyBatch", "everyBatch"),
      ...ours(" groupCommit", { groupCommit: { maxDelayMs: 5 } }),
      bare("async"),
      bare("standStill", "bare, fdatasyncSync"),
      {
        name: "no appends",
        open: () => ({ prepare: (events) => events, append: () => undefined, close: () => undefined }),
      },
    ];
    const taken = contenders.map(() => []);
    for (let round = 0; round < rounds; round++) {
      for (let place = 0; place < contenders.length; place++) {
        const index = (place + round) % contenders.length;
        const folder = `${env.directory}/loop-${index}-${round}`;
        mkdirSync(folder);
        const session = await contenders[index].open(folder);
        const events = batches.map((batch) => session.prepare(batch));
        // The first appends open files and compile code.
        for (let i = 0; i < 200; i++) await session.append(events[i % events.length]);
        taken[index].push(await appendByTheClock(session, events, seconds * 1000));
        await session.close();
        rmSync(folder, { recursive: true });
      }
      env.progress(`round ${round + 1} of ${rounds}`);
    }
    const row = (name, pick) =>
      rowOf(
        { name, unit: "ms" },
        contenders,
        taken.map((measured) => measured.map(pick)),
      );
    // A delay of nothing would make a ratio of nothing.
    const least = (value) => Math.max(value, 0.001);
    return [
      row("a timer's delay, p50", ({ delays }) => least(percentile(delays, 50))),
      row("a timer's delay, p99", ({ delays }) => least(percentile(delays, 99))),
      row("one append, from when it was due, p50", ({ latencies }) => least(percentile(latencies, 50))),
      row("one append, from when it was due, p99", ({ latencies }) => least(percentile(latencies, 99))),
    ];
  },
};

function appendByTheClock(session, events, durationMs) {
  const delays = [];
  const latencies = [];
  const pending = [];
  const start = performance.now();
  return new Promise((resolve, reject) => {
    let appended = 0;
    let due = start + 1;
    const turn = () => {
      const now = performance.now();
      // Timers count whole milliseconds: one that is a fraction early or late is on time.
      delays.push(Math.max(0, now - due));
      const wanted = Math.floor(((now - start) * PER_SECOND) / 1000);
      for (; appended < wanted; appended++) {
        const intended = start + (appended * 1000) / PER_SECOND;
        const answer = session.append(events[appended % events.length]);
        pending.push(Promise.resolve(answer).then(() => latencies.push(performance.now() - intended)));
      }
      if (now - start >= durationMs) {
        Promise.all(pending).then(() => resolve({ delays, latencies }), reject);
        return;
      }
      due = performance.now() + 1;
      setTimeout(turn, 1);
    };
    setTimeout(turn, 1);
  });
}
