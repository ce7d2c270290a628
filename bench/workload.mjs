// What every contender is fed: events made from a seed, so that all runs and all runtimes do the same work, and a digest
// over what was stored, so that it shows.
import { createHash } from "node:crypto";

export const SEED = 1;

/** Whole numbers from 0 to 2^32 - 1, always the same for a seed (xorshift32). */
export function randomFrom(seed) {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/**
 * Batches of events, each as one append takes them: `count` payloads of `bytes` bytes, or JSON values of about 120 bytes.
 * As many batches as make the payloads outgrow the first caches, for nobody logs the same bytes again and again.
 */
export function makeBatches({ count, bytes, json = false }, seed = SEED) {
  const random = randomFrom(seed);
  const batches = Math.max(4, Math.ceil((512 << 10) / (count * bytes)));
  return Array.from({ length: batches }, () =>
    Array.from({ length: count }, () => (json ? makeObject(random) : makePayload(random, bytes))),
  );
}

function makePayload(random, bytes) {
  const payload = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at++) payload[at] = random();
  return payload;
}

function makeObject(random) {
  return {
    type: "order.placed",
    id: random(),
    customer: `customer-${random() % 100_000}`,
    items: [random() % 1000, random() % 1000],
    amount: (random() % 1_000_000) / 100,
    note: random() % 4 === 0 ? "gift wrapping, größte Schachtel" : null,
  };
}

const encoder = new TextEncoder();

/** The bytes that an event is stored as. */
export function payloadOf(event) {
  return event instanceof Uint8Array ? event : encoder.encode(JSON.stringify(event));
}

const GATHERED_BYTES = 64 << 10;

/** SHA-256 over payloads, each behind its length. */
export class WorkDigest {
  #hash = createHash("sha256");
  #gathered = new Uint8Array(GATHERED_BYTES);
  #view = new DataView(this.#gathered.buffer);
  #end = 0;

  add(payload) {
    if (this.#end + 4 + payload.length > GATHERED_BYTES) this.#take();
    this.#view.setUint32(this.#end, payload.length, true);
    this.#end += 4;
    if (payload.length > GATHERED_BYTES - this.#end) {
      this.#take();
      this.#hash.update(payload);
      return;
    }
    this.#gathered.set(payload, this.#end);
    this.#end += payload.length;
  }

  hex() {
    this.#take();
    return this.#hash.digest("hex");
  }

  #take() {
    this.#hash.update(this.#gathered.subarray(0, this.#end));
    this.#end = 0;
  }
}

/** How many payloads there are, and their digest. Payloads need to be valid only until the next one is asked for. */
export async function digestOf(payloads) {
  const digest = new WorkDigest();
  let records = 0;
  for await (const payload of payloads) {
    digest.add(payload);
    records++;
  }
  return `${records} records ${digest.hex()}`;
}
