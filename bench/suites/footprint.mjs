// What a log costs besides time: memory while a million records are appended, and bytes on disk besides the payloads.
import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { rowOf } from "../contest.mjs";
import { diatreme } from "../diatreme.mjs";
import { handChain } from "../rivals/hand-chain.mjs";
import { digestOf, makeBatches } from "../workload.mjs";

const RECORDS = { full: 1_000_000, quick: 200_000, tiny: 2_000 };
const BYTES = 128;
const BATCH = 100;
const SAMPLE_EVERY = 50;

export const footprint = {
  name: "footprint",
  title: "Memory and disk for appends of 100 × 128 B",
  sync: 'sync: "onFlush"; rivals write and do not sync. One round: memory is what the process has more than before',
  async run(env) {
    const records = RECORDS[env.effort];
    const contenders = [...env.libraries.map((library) => diatreme(library, { sync: "onFlush" })), handChain("none")];
    const measured = [];
    for (const contender of contenders) {
      measured.push({ name: contender.name, ...(await measure(contender, `${env.directory}/footprint`, records)) });
      env.progress(`${records} records with ${contender.name}`);
    }
    const [{ digest }] = measured;
    if (measured.some((one) => one.digest !== digest)) throw new Error("contenders have stored different bytes");
    const row = (name, unit, costOf) =>
      rowOf(
        { name, unit, digest },
        measured,
        measured.map((one) => [costOf(one)]),
      );
    return [
      row(
        `most memory while ${records.toLocaleString("en")} records are appended, more than before`,
        "MiB",
        (one) => one.mostMemory,
      ),
      row("disk per record besides the payload", "B", (one) => one.diskBytes / records - BYTES),
    ];
  },
};

async function measure(contender, folder, records) {
  mkdirSync(folder);
  const events = makeBatches({ count: BATCH, bytes: BYTES });
  const session = await contender.open(folder);
  const prepared = events.map((batch) => session.prepare(batch));
  collectGarbage();
  const before = memory();
  let most = before;
  for (let i = 0; i * BATCH < records; i++) {
    await session.append(prepared[i % prepared.length]);
    if (i % SAMPLE_EVERY === 0) {
      await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, memory());
    }
  }
  await session.flush();
  await session.close();
  const diskBytes = bytesIn(folder);
  const digest = await digestOf(contender.payloads(folder));
  rmSync(folder, { recursive: true });
  return { mostMemory: Math.max(most - before, 2 ** 16) / 2 ** 20, diskBytes, digest };
}

function memory() {
  return process.memoryUsage.rss();
}

// Each runtime has another way, or none: then what was there before counts less exactly.
function collectGarbage() {
  if (globalThis.Bun) Bun.gc(true);
  else globalThis.gc?.();
}

function bytesIn(folder) {
  let bytes = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += statSync(`${entry.parentPath}/${entry.name}`).size;
  }
  return bytes;
}
