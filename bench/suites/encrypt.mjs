// What encryption costs: sealing payloads one after the other against the best use of the runtime's own cipher, and
// encrypted appends against plain ones. One thread: a batch of 100 records of 4 KiB takes a millisecond or two, and handing
// it to another thread and back costs as much as it could save.
import { createCipheriv, createSecretKey, hkdfSync } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { commonDigest } from "../common-digest.mjs";
import { contest } from "../contest.mjs";
import { diatreme } from "../diatreme.mjs";
import { makeBatches } from "../workload.mjs";

const SIZES = [64, 256, 1024, 4096];
const COUNT = 100;
const EFFORTS = {
  full: { rounds: 9, turns: 20, warmups: 20 },
  quick: { rounds: 5, turns: 8, warmups: 6 },
  tiny: { rounds: 2, turns: 1, warmups: 0 },
};

const KEY = new Uint8Array(32).fill(0x42);
const LOG_ID = "00000000-0000-4000-8000-000000000000";
const STREAM = "bench";
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
    const modules = await ourModules(env.libraries[0].entry);
    if (modules === null) return [];
    const effort = { ...EFFORTS[env.effort], ...env.rounds };
    const rows = [];
    for (const bytes of SIZES) {
      const records = makeRecords(bytes);
      for (const [temper, contenders] of [
        ["cached", [ours(modules, true), rival("node:crypto, key object", keyObject(), null), await webCrypto()]],
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

// The parts of the package that encrypt, from the build that is measured.
async function ourModules(entry) {
  if (entry === null) return null;
  const extension = entry.slice(entry.lastIndexOf("."));
  const part = (path) => import(new URL(`${path}${extension}`, entry).href);
  const [{ nodeAead }, { PayloadCipher }, { hkdf }, { sha256Of }, runtime] = [
    await part("./node-aead"),
    await part("../src/crypto/payload-cipher"),
    await part("../src/crypto/hkdf"),
    await part("../src/crypto/sha256"),
    await runtimeOf(part),
  ];
  const sha256 = sha256Of(runtime);
  const derive = () => hkdf(sha256, { secret: KEY, salt: KEY, info: new Uint8Array(60), bytes: 32 });
  const make = () =>
    new PayloadCipher({ logId: LOG_ID, stream: STREAM }, { key: 1, epoch: 1 }, nodeAead.prepareKey(derive()));
  return { make };
}

async function runtimeOf(part) {
  if (globalThis.Deno) return (await part("./deno")).denoRuntime();
  if (globalThis.Bun) return (await part("./bun")).bunRuntime();
  return (await part("./node")).nodeRuntime();
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
