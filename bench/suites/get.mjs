// Single records by their offsets, at random, verified, from a file that the system has in memory.
import { closeSync, openSync, readSync } from "node:fs";
import { percentile, rowOf, takeTurns } from "../contest.mjs";
import { STREAM } from "../diatreme.mjs";
import { ChainReader, chainPath } from "../rivals/hand-chain.mjs";
import { store } from "../stored.mjs";
import { randomFrom, SEED } from "../workload.mjs";

const EFFORTS = {
  full: { rounds: 7, turns: 8, warmups: 8, records: 200_000, gets: 1000, readOnlyGets: 250 },
  quick: { rounds: 3, turns: 4, warmups: 4, records: 50_000, gets: 1000, readOnlyGets: 100 },
  tiny: { rounds: 2, turns: 1, warmups: 0, records: 300, gets: 20, readOnlyGets: 20 },
};

const BYTES = 256;

export const get = {
  name: "get",
  title: "One record at random, verified",
  sync: "nothing is written. Latency of each call with the reading of the clock; a log of 200,000 × 256 B, or 50,000 in a quick run",
  async run(env) {
    const effort = { ...EFFORTS[env.effort], ...env.rounds };
    const { records, readOnlyGets } = effort;
    const stored = await store(env, { records, bytes: BYTES });
    const chain = new ChainReader(stored.chain);
    const descriptor = openSync(chainPath(stored.chain), "r");
    const bytes = Buffer.alloc(BYTES + 72);
    const rivals = [
      { name: "hand-chain", get: (offset) => chain.get(offset) },
      { name: "bare read", get: (offset) => readSync(descriptor, bytes, 0, bytes.length, offset * BYTES) },
    ];
    const rows = [];
    for (const readOnly of [false, true]) {
      const opened = [];
      for (const [index, { name, openLog }] of env.libraries.entries()) {
        const log = await openLog(stored.logs[index], { readOnly });
        opened.push({ name, log, stream: log.stream(STREAM) });
      }
      const where = readOnly ? ", log open read-only" : "";
      const gets = readOnly ? { ...effort, gets: readOnlyGets } : effort;
      const awaited = opened.map(({ name, stream }) => ({ name, get: (offset) => stream.get(offset) }));
      const direct = opened.map(({ name, stream }) => ({ name, get: (offset) => stream.getSync(offset) }));
      rows.push(...(await latencies(`await get${where}`, [...awaited, ...rivals], gets, stored.digest, true)));
      env.progress(`await get${where}`);
      rows.push(...(await latencies(`getSync${where}`, [...direct, ...rivals], gets, stored.digest, false)));
      env.progress(`getSync${where}`);
      for (const { log } of opened) await log.close();
    }
    closeSync(descriptor);
    chain.close();
    stored.remove();
    return rows;
  },
};

async function latencies(name, entrants, effort, digest, awaited) {
  const slices = entrants.map((entrant) => {
    const random = randomFrom(SEED);
    const run = awaited ? sliceAwaited : slice;
    return { name: entrant.name, slice: () => run(entrant.get, random, effort) };
  });
  const taken = await takeTurns(slices, effort);
  return [50, 99].map((percent) => {
    const micros = taken.map((rounds) =>
      rounds.map((turns) =>
        percentile(
          turns.flatMap((turn) => [...turn]),
          percent,
        ),
      ),
    );
    return rowOf({ name: `${name}, p${percent}`, unit: "µs", digest }, entrants, micros);
  });
}

function slice(get, random, { gets, records }) {
  const micros = new Float64Array(gets);
  for (let i = 0; i < gets; i++) {
    const offset = random() % records;
    const start = performance.now();
    get(offset);
    micros[i] = (performance.now() - start) * 1000;
  }
  return micros;
}

async function sliceAwaited(get, random, { gets, records }) {
  const micros = new Float64Array(gets);
  for (let i = 0; i < gets; i++) {
    const offset = random() % records;
    const start = performance.now();
    await get(offset);
    micros[i] = (performance.now() - start) * 1000;
  }
  return micros;
}
