// Reading in order, every record verified, from a file that the system has in memory.
import { contest } from "../contest.mjs";
import { STREAM } from "../diatreme.mjs";
import { chainPath, readChain, readChainAwaited } from "../rivals/hand-chain.mjs";
import { store } from "../stored.mjs";

const EFFORTS = {
  full: { rounds: 7, turns: 4, warmups: 3, windows: 80 },
  quick: { rounds: 3, turns: 3, warmups: 2, windows: 32 },
  tiny: { rounds: 2, turns: 1, warmups: 0, windows: 1 },
};

const WORKLOADS = [
  { name: "256 B", bytes: 256 },
  { name: "4 KiB", bytes: 4096 },
];

// About the bytes that a reader holds at a time.
const WINDOW_BYTES = 128 << 10;

export const read = {
  name: "read",
  title: "Reading in order, verified",
  sync: "nothing is written. Each payload's length and one byte are looked at; a slice is the whole log",
  async run(env) {
    const effort = { ...EFFORTS[env.effort], ...env.rounds };
    const rows = [];
    for (const workload of WORKLOADS) {
      const records = (effort.windows * WINDOW_BYTES) / workload.bytes;
      const stored = await store(env, { ...workload, records });
      const logs = [];
      for (const [index, { name, openLog }] of env.libraries.entries()) {
        const log = await openLog(stored.logs[index], { readOnly: true });
        logs.push({ name, log, stream: log.stream(STREAM) });
      }
      for (const [name, entrants] of contests(logs, chainPath(stored.chain))) {
        const row = { name: `${workload.name}, ${name}`, unit: "records/s", units: records, digest: stored.digest };
        const seen = new Set();
        const watched = entrants.map(({ name, run }) => ({ name, run: async () => seen.add(await run()) }));
        rows.push(await contest(row, watched, effort));
        if (seen.size !== 1) throw new Error(`${row.name}: contenders have seen ${[...seen].join(", ")}`);
        env.progress(row.name);
      }
      for (const { log } of logs) await log.close();
      stored.remove();
    }
    return rows;
  },
};

// What is run returns what it has seen, which must be the same for all.
function contests(logs, path) {
  const ours = (run, variant = "") =>
    logs.map(({ name, stream }) => ({ name: name + variant, run: () => run(stream) }));
  const chain = { name: "hand-chain", run: () => sumOf(readChain(path)) };
  const chainAwaited = { name: "hand-chain", run: () => sumOfAwaited(readChainAwaited(path)) };
  const unverified = { name: "hand-chain, not verified", run: () => sumOf(readChain(path, { verified: false })) };
  const chainCounted = { name: "hand-chain", run: () => countOf(readChain(path)) };
  return [
    ["for await", [...ours((stream) => sumOfAwaited(stream.read())), chainAwaited]],
    ["for await, zeroCopy", [...ours((stream) => sumOfAwaited(stream.read({ zeroCopy: true }))), chainAwaited]],
    ["for … of", [...ours((stream) => sumOf(stream.read())), chain]],
    ["for … of, zeroCopy", [...ours((stream) => sumOf(stream.read({ zeroCopy: true }))), chain, unverified]],
    ["verify()", [...ours(countVerified), chainCounted]],
  ];
}

function sumOf(records) {
  let sum = 0;
  for (const { payload } of records) sum += payload.length + payload[payload.length >> 1];
  return sum;
}

async function sumOfAwaited(records) {
  let sum = 0;
  for await (const { payload } of records) sum += payload.length + payload[payload.length >> 1];
  return sum;
}

function countOf(records) {
  let count = 0;
  for (const _ of records) count++;
  return count;
}

async function countVerified(stream) {
  const report = await stream.verify();
  if (!report.ok) throw new Error(JSON.stringify(report));
  return report.records;
}
