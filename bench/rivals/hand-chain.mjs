// The audit chain that one writes in an afternoon, done decently: binary, one buffer and one write for an append, no
// garbage but what node:crypto makes. It has no checksum, no index, no lock and no recovery, and it believes its tail.
//
//   length u32 · offset f64 · timestamp f64 · hash, 32 bytes · payload
//   hash = SHA-256(hash of the record before ‖ length, offset, timestamp ‖ payload); for the first, of 32 zeros
import { createHash } from "node:crypto";
import { closeSync, fdatasyncSync, openSync, readSync, writeSync } from "node:fs";
import { synced } from "./bare.mjs";

const OFFSET_AT = 4;
const TIMESTAMP_AT = 12;
const HASH_AT = 20;
const PAYLOAD_AT = 52;

const WINDOW_BYTES = 128 << 10;
const GATHERED_BYTES = 256 << 10;
const FILE = "chain.bin";

const encoder = new TextEncoder();

/**
 * @param sync - `"async"`: fdatasync off the thread; `"standStill"`: fdatasyncSync; `"none"`
 * @param gathers - append leaves its records in memory until they are many or the event loop turns, as our log does
 *   under `sync: "onFlush"`, instead of writing them at once
 */
export function handChain(sync, { name = "hand-chain", gathers = false } = {}) {
  return {
    name,
    open: (folder) => new Chain(folder, sync, gathers),
    *payloads(folder) {
      for (const { payload } of readChain(`${folder}/${FILE}`)) yield payload;
    },
  };
}

class Chain {
  #descriptor;
  #sync;
  #gathers;
  #buffer = Buffer.alloc(GATHERED_BYTES);
  #view = new DataView(this.#buffer.buffer, this.#buffer.byteOffset);
  #end = 0;
  #position = 0;
  #offset = 0;
  #head = new Uint8Array(32);
  #turn;

  constructor(folder, sync, gathers) {
    this.#descriptor = openSync(`${folder}/${FILE}`, "w+");
    this.#sync = sync;
    this.#gathers = gathers;
  }

  prepare(events) {
    return events;
  }

  append(events) {
    const timestamp = Date.now();
    for (const event of events)
      this.#add(event instanceof Uint8Array ? event : encoder.encode(JSON.stringify(event)), timestamp);
    if (this.#gathers) {
      this.#writeSoon();
      return undefined;
    }
    this.#write();
    if (this.#sync === "async") return synced(this.#descriptor);
    if (this.#sync === "standStill") fdatasyncSync(this.#descriptor);
    return undefined;
  }

  flush() {
    this.#write();
    return synced(this.#descriptor);
  }

  close() {
    this.#write();
    closeSync(this.#descriptor);
  }

  #add(payload, timestamp) {
    const at = this.#end;
    this.#reserve(at + PAYLOAD_AT + payload.length);
    const buffer = this.#buffer;
    this.#view.setUint32(at, payload.length, true);
    this.#view.setFloat64(at + OFFSET_AT, this.#offset, true);
    this.#view.setFloat64(at + TIMESTAMP_AT, timestamp, true);
    this.#head = createHash("sha256")
      .update(this.#head)
      .update(buffer.subarray(at, at + HASH_AT))
      .update(payload)
      .digest();
    buffer.set(this.#head, at + HASH_AT);
    buffer.set(payload, at + PAYLOAD_AT);
    this.#end = at + PAYLOAD_AT + payload.length;
    this.#offset++;
  }

  #reserve(bytes) {
    if (bytes <= this.#buffer.length) return;
    const longer = Buffer.alloc(bytes * 2);
    this.#buffer.copy(longer, 0, 0, this.#end);
    this.#buffer = longer;
    this.#view = new DataView(longer.buffer, longer.byteOffset);
  }

  #writeSoon() {
    if (this.#end >= GATHERED_BYTES) this.#write();
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      this.#write();
    });
  }

  #write() {
    for (let done = 0; done < this.#end; ) {
      done += writeSync(this.#descriptor, this.#buffer, done, this.#end - done, this.#position + done);
    }
    this.#position += this.#end;
    this.#end = 0;
  }
}

/**
 * Reads a chain from its start, hashing each record before it is shown, unless `verified` is false. Payloads are views,
 * valid until the next step.
 */
export function* readChain(path, { verified = true } = {}) {
  const descriptor = openSync(path, "r");
  try {
    let buffer = Buffer.alloc(WINDOW_BYTES);
    let [start, end, position, expected] = [0, 0, 0, 0];
    let previous = new Uint8Array(32);
    const fill = (needed) => {
      const longer = needed > buffer.length ? Buffer.alloc(needed) : buffer;
      buffer.copy(longer, 0, start, end);
      buffer = longer;
      end -= start;
      start = 0;
      const count = readSync(descriptor, buffer, end, buffer.length - end, position);
      position += count;
      end += count;
      return end >= needed;
    };
    for (;;) {
      if (end - start < PAYLOAD_AT && !fill(PAYLOAD_AT)) return;
      const length = buffer.readUInt32LE(start);
      if (end - start < PAYLOAD_AT + length && !fill(PAYLOAD_AT + length))
        throw new Error("the chain ends in a torn record");
      const offset = buffer.readDoubleLE(start + OFFSET_AT);
      const payload = buffer.subarray(start + PAYLOAD_AT, start + PAYLOAD_AT + length);
      if (offset !== expected) throw new Error(`record ${offset} stands where ${expected} should`);
      if (verified) previous = checkedHash(buffer, start, payload, previous);
      expected++;
      start += PAYLOAD_AT + length;
      yield { offset, payload };
    }
  } finally {
    closeSync(descriptor);
  }
}

// The hash of the record that begins at `at`. Callers may keep it: it is no part of the buffer.
function checkedHash(buffer, at, payload, previous) {
  const hash = createHash("sha256")
    .update(previous)
    .update(buffer.subarray(at, at + HASH_AT))
    .update(payload)
    .digest();
  if (hash.compare(buffer, at + HASH_AT, at + PAYLOAD_AT) !== 0) {
    throw new Error(`the chain is broken at record ${buffer.readDoubleLE(at + OFFSET_AT)}`);
  }
  return hash;
}

/** The same for `for await`. */
export async function* readChainAwaited(path) {
  yield* readChain(path);
}

/** A chain opened for looking up single records: it goes through all of them once to know where each lies. */
export class ChainReader {
  #descriptor;
  #ends = [0];
  #buffer = Buffer.alloc(64 << 10);

  constructor(folder) {
    const path = `${folder}/${FILE}`;
    let end = 0;
    for (const { payload } of readChain(path)) {
      end += PAYLOAD_AT + payload.length;
      this.#ends.push(end);
    }
    this.#descriptor = openSync(path, "r");
  }

  get count() {
    return this.#ends.length - 1;
  }

  /** One record, checked against the hash of the record before it; the payload is a copy. */
  get(offset) {
    const from = offset === 0 ? 0 : this.#ends[offset - 1] + HASH_AT;
    const start = this.#ends[offset];
    const to = this.#ends[offset + 1];
    if (to === undefined) return undefined;
    if (to - from > this.#buffer.length) this.#buffer = Buffer.alloc(to - from);
    const buffer = this.#buffer;
    if (readSync(this.#descriptor, buffer, 0, to - from, from) !== to - from) throw new Error("the chain is too short");
    const previous = offset === 0 ? new Uint8Array(32) : buffer.subarray(0, 32);
    const payload = buffer.subarray(start - from + PAYLOAD_AT, to - from);
    checkedHash(buffer, start - from, payload, previous);
    return { offset, payload: Uint8Array.from(payload) };
  }

  close() {
    closeSync(this.#descriptor);
  }
}

export function chainPath(folder) {
  return `${folder}/${FILE}`;
}
