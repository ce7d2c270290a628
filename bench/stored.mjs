// Stores the same records with each contender, for the suites that read, and says where.
import { mkdirSync, rmSync } from "node:fs";
import { commonDigest } from "./common-digest.mjs";
import { diatreme } from "./diatreme.mjs";
import { handChain } from "./rivals/hand-chain.mjs";
import { makeBatches } from "./workload.mjs";

const BATCH = 1000;

/** `records` payloads of `bytes` bytes, in appends of up to a thousand, closed cleanly: a log of each library and a chain. */
export async function store(env, { records, bytes }) {
  const contenders = [...env.libraries.map((library) => diatreme(library, { sync: "onFlush" })), handChain("none")];
  const entered = [];
  for (const [index, contender] of contenders.entries()) {
    const folder = `${env.directory}/stored-${index}`;
    mkdirSync(folder);
    const session = await contender.open(folder);
    await appendAll(session, { records, bytes });
    await session.flush();
    await session.close();
    entered.push({ name: contender.name, contender, folder });
  }
  const digest = await commonDigest(entered);
  const folders = entered.map(({ folder }) => folder);
  return {
    logs: folders.slice(0, -1),
    chain: folders.at(-1),
    digest,
    remove() {
      for (const folder of folders) rmSync(folder, { recursive: true });
    },
  };
}

/** Appends that many records through a session. */
export async function appendAll(session, { records, bytes }) {
  const batches = makeBatches({ count: BATCH, bytes }).map((events) => ({ events, prepared: session.prepare(events) }));
  for (let done = 0, i = 0; done < records; i++) {
    const { events, prepared } = batches[i % batches.length];
    const left = records - done;
    await session.append(left < BATCH ? session.prepare(events.slice(0, left)) : prepared);
    done += BATCH;
  }
}
