// Stores the same records with each contender, for the suites that read, and says where.
import { mkdirSync, rmSync } from "node:fs";
import { diatreme } from "./diatreme.mjs";
import { handChain } from "./rivals/hand-chain.mjs";
import { digestOf, makeBatches } from "./workload.mjs";

const BATCH = 1000;

/**
 * `records` payloads of `bytes` bytes, in appends of up to a thousand, closed cleanly. Our first library's log is read
 * by all of ours.
 */
export async function store(env, { records, bytes }) {
  const [library] = env.libraries;
  const ours = await storeWith(diatreme(library, { sync: "onFlush" }), `${env.directory}/stored-log`, { records, bytes });
  const chain = await storeWith(handChain("none"), `${env.directory}/stored-chain`, { records, bytes });
  if (ours.digest !== chain.digest) throw new Error(`hand-chain stored ${chain.digest}, ${library.name} ${ours.digest}`);
  return {
    log: ours.folder,
    chain: chain.folder,
    digest: ours.digest,
    remove() {
      for (const { folder } of [ours, chain]) rmSync(folder, { recursive: true });
    },
  };
}

async function storeWith(contender, folder, { records, bytes }) {
  mkdirSync(folder, { recursive: true });
  const session = await contender.open(folder);
  await appendAll(session, { records, bytes });
  await session.flush();
  await session.close();
  return { folder, digest: await digestOf(contender.payloads(folder)) };
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
