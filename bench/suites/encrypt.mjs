// What encryption costs: sealing payloads one after the other against the best use of the runtime's own cipher, and with
// half of them handed to another thread; and encrypted appends against plain ones.
import { createCipheriv, createSecretKey, hkdfSync } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { commonDigest } from "../common-digest.mjs";
import { contest } from "../contest.mjs";
import { diatreme } from "../diatreme.mjs";
import { KEY, sealingModules } from "../sealing-modules.mjs";
import { makeBatches } from "../workload.mjs";

const SIZES = [64, 256, 1024, 4096];
const COUNT = 100;
const EFFORTS = {
  full: { rounds: 9, turns: 20, warmups: 20 },
  quick: { rounds: 5, turns: 8, warmups: 6 },
  tiny: { rounds: 2, turns: 1, warmups: 0 },
};

const HEADER = 64;
const NUMBER = 4;
const TAG = 16;
const EXTRA = HEADER + NUMBER + TAG + 8;

export const encrypt = {
  name: "encrypt",
  title: `Encrypting ${COUNT} payloads, each with its own nonce and bound to its record`,
  sync: "nothing is written; cached: the key is ready; cold: it is derived and made ready for the batch",
  sameWork: false,
  importsModules: true,
  async run(env) {
    const { entry } = env.libraries[0];
    if (entry === null) return [];
    const modules = await sealingModules(entry);
    const helper = await SealingThread.start(entry);
    const effort = { ...EFFORTS[env.effort], ...env.rounds };
    const rows = [];
    for (const bytes of SIZES) {
      const records = makeRecords(bytes);
      for (const [temper, contenders] of [
        [
          "cached",
          [
            ours(modules, true),
            inTwoThreads(modules, helper),
            rival("node:crypto, key object", keyObject(), null),
            await webCrypto(),
          ],
        ],
        [
          "cold",
          [ours(modules, false), rival("node:crypto, key object", null, true), rival("node:crypto, raw", null, false)],
        ],
      ]) {
        const entrants = contenders.map(({ name, seal }) => ({ name, run: () => seal(records) }));
        rows.push(
          await contest(
            { name: `${COUNT} × ${bytes} B, ${temper}`, unit: "records/s", units: COUNT },
            entrants,
            effort,
          ),
        );
        env.progress(rows.at(-1).name);
      }
    }
    await helper.stop();
    return rows;
  },
};

export const appendEncrypted = {
  name: "append-encrypted",
  title: "Appending with encryption and without",
  sync: "one record: durable each; others: not synced",
  async run(env) {
    const rows = [];
    for (const [count, bytes, sync] of [[1, 256, "everyBatch"], ...SIZES.map((size) => [COUNT, size, "onFlush"])]) {
      const batches = makeBatches({ count, bytes });
      const contenders = [
        diatreme(env.libraries[0], { sync, encryption: { masterKey: KEY } }, { variant: " encrypted" }),
        diatreme(env.libraries[0], { sync }, { variant: " plain" }),
      ];
      const name = `${count} × ${bytes} B${sync === "onFlush" ? "" : ", durable"}`;
      rows.push(await appendRow(env, name, contenders, batches, count));
      env.progress(name);
    }
    return rows;
  },
};

async function appendRow(env, name, contenders, batches, count) {
  const entered = [];
  for (const [index, contender] of contenders.entries()) {
    const folder = `${env.directory}/${name.replaceAll(/[^a-z0-9]/gi, "-")}-${index}`;
    mkdirSync(folder);
    const session = await contender.open(folder);
    entered.push({ ...contender, contender, folder, session, events: batches.map((batch) => session.prepare(batch)) });
  }
  const entrants = entered.map(({ name: entrant, session, events }) => ({
    name: entrant,
    run: async () => {
      for (const event of events.slice(0, 64)) await session.append(event);
      await session.flush();
    },
  }));
  const units = count * Math.min(64, batches.length);
  const row = await contest({ name, unit: "records/s", units }, entrants, { ...EFFORTS[env.effort], ...env.rounds });
  for (const { session } of entered) await session.close();
  row.digest = await commonDigest(entered);
  for (const { folder } of entered) rmSync(folder, { recursive: true });
  return row;
}

// Records as they lie in a writer's memory, and the same plaintexts by themselves.
function makeRecords(bytes) {
  const [payloads] = makeBatches({ count: COUNT, bytes });
  const memory = new Uint8Array(new WebAssembly.Memory({ initial: 16 }).buffer);
  const view = new DataView(memory.buffer);
  const headers = payloads.map((_, i) => i * (bytes + EXTRA));
  for (const [i, payload] of payloads.entries()) {
    const at = headers[i];
    view.setUint32(at + 4, NUMBER + bytes + TAG, true);
    view.setUint32(at + 8, i, true);
    memory.set(payload, at + HEADER + NUMBER);
  }
  return { payloads, memory, view, headers };
}

function ours({ make }, isCached) {
  const ready = make();
  return {
    name: "diatreme",
    // Each turn encrypts what the one before has left there: how long a cipher takes does not depend on what it is given.
    seal({ memory, view, headers }) {
      const cipher = isCached ? ready : make();
      for (const header of headers) cipher.seal(memory, view, header);
    },
  };
}

// The second half of the records goes to another thread and comes back: copied, since the memory of a core is not shared.
function inTwoThreads({ make }, helper) {
  const cipher = make();
  return {
    name: "diatreme, two threads",
    async seal({ memory, view, headers }) {
      const middle = headers.length / 2;
      const [start, end] = [headers[middle], headers.at(-1) + headers[1] - headers[0]];
      const sealed = helper.seal(
        memory.slice(start, end),
        headers.slice(middle).map((header) => header - start),
      );
      for (const header of headers.slice(0, middle)) cipher.seal(memory, view, header);
      memory.set(await sealed, start);
    },
  };
}

class SealingThread {
  #worker;

  static async start(entry) {
    const thread = new SealingThread();
    thread.#worker = new Worker(new URL("../seal-thread.mjs", import.meta.url), { workerData: entry });
    await thread.#answer();
    return thread;
  }

  seal(bytes, headers) {
    const answer = this.#answer();
    this.#worker.postMessage({ bytes, headers }, [bytes.buffer]);
    return answer;
  }

  stop() {
    return this.#worker.terminate();
  }

  #answer() {
    // Nobody listens for errors: they end the benchmark.
    return new Promise((resolve) => this.#worker.once("message", resolve));
  }
}

function keyObject() {
  return createSecretKey(KEY);
}

// Copies what it gets to where the record lies, as whoever writes records has to.
function rival(name, ready, asObject) {
  const aad = new Uint8Array(116);
  const nonce = new Uint8Array(12);
  return {
    name,
    seal({ payloads, memory, headers }) {
      let key = ready;
      if (key === null) {
        key = new Uint8Array(hkdfSync("sha256", KEY, KEY, new Uint8Array(60), 32));
        if (asObject) key = createSecretKey(key);
      }
      for (const [i, payload] of payloads.entries()) {
        nonce[0] = i;
        const cipher = createCipheriv("aes-256-gcm", key, nonce);
        cipher.setAAD(aad);
        const at = headers[i] + HEADER + NUMBER;
        memory.set(cipher.update(payload), at);
        cipher.final();
        memory.set(cipher.getAuthTag(), at + payload.length);
      }
    },
  };
}

async function webCrypto() {
  const { subtle } = globalThis.crypto;
  const key = await subtle.importKey("raw", KEY, "AES-GCM", false, ["encrypt"]);
  const additionalData = new Uint8Array(116);
  return {
    name: "WebCrypto",
    async seal({ payloads, memory, headers }) {
      for (const [i, payload] of payloads.entries()) {
        const iv = new Uint8Array(12);
        iv[0] = i;
        const sealed = await subtle.encrypt({ name: "AES-GCM", iv, additionalData }, key, payload);
        memory.set(new Uint8Array(sealed), headers[i] + HEADER + NUMBER);
      }
    },
  };
}
