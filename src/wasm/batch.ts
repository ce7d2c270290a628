// Where a writer's records take shape: payloads are staged where they will lie in the file, with room for headers and
// trailers between them, then sealed by one call of the core. What is sealed goes to the file straight from here.
import { CONTROL_NEXT_OFFSET_AT, CONTROL_TIMESTAMP_AT, BATCH_RECORDS } from "../../assembly/control.ts";
import { RECORD_EXTRA_BYTES, RECORD_HEADER_BYTES, RECORD_LENGTH_AT } from "../../assembly/layout.ts";
import type { Core } from "./core.ts";
import type { HashEngine } from "./hash-engine.ts";

/** The state of a chain between two records. */
export interface ChainState {
  readonly nextOffset: number;
  /** Of the last record, µs. */
  readonly timestamp: number;
  /** Hash of the last record; of the stream's identity when there is none. */
  readonly head: Uint8Array;
}

// Up to here a loop over character codes beats encodeInto, which costs a view and a call (bench/append.bench.ts).
const SHORT_TEXT = 24;

const encoder = new TextEncoder();

export class Batch {
  readonly #core: Core;
  readonly #engine: HashEngine;
  readonly #start: number;
  // [start, sealedEnd) is sealed, [sealedEnd, tail) is staged.
  #sealedEnd: number;
  #sealedCount = 0;
  #tail: number;
  #stagedCount = 0;

  /** Uses the core's arena from `start` on. */
  constructor(core: Core, engine: HashEngine, start: number) {
    this.#core = core;
    this.#engine = engine;
    this.#start = start;
    this.#sealedEnd = start;
    this.#tail = start;
  }

  get stagedCount(): number {
    return this.#stagedCount;
  }
  get stagedBytes(): number {
    return this.#tail - this.#sealedEnd;
  }
  get sealedCount(): number {
    return this.#sealedCount;
  }
  get sealedBytes(): number {
    return this.#sealedEnd - this.#start;
  }
  /** Pointer to the first sealed record. */
  get sealedPointer(): number {
    return this.#start;
  }

  /** Stages a copy of a payload. */
  stageBytes(payload: Uint8Array): void {
    const at = this.#tail + RECORD_HEADER_BYTES;
    this.#core.reserve(at + payload.length + RECORD_EXTRA_BYTES);
    this.#core.bytes.set(payload, at);
    this.#endStaged(payload.length);
  }

  /** Stages a text as UTF-8; returns its length in bytes. The text must be well formed. */
  stageText(text: string): number {
    const at = this.#tail + RECORD_HEADER_BYTES;
    const most = text.length * 3;
    this.#core.reserve(at + most + RECORD_EXTRA_BYTES);
    let length = text.length <= SHORT_TEXT ? asciiInto(text, this.#core.bytes, at) : -1;
    if (length < 0) length = encoder.encodeInto(text, this.#core.bytes.subarray(at, at + most)).written;
    this.#endStaged(length);
    return length;
  }

  #endStaged(length: number): void {
    this.#core.view.setUint32(this.#tail + RECORD_LENGTH_AT, length, true);
    this.#tail += RECORD_EXTRA_BYTES + length;
    this.#stagedCount++;
  }

  /** Forgets what is staged. */
  unstage(): void {
    this.#tail = this.#sealedEnd;
    this.#stagedCount = 0;
  }

  /**
   * Makes records of what is staged, as one append, and advances the chain. `unsynced`: how many records before these
   * are not yet known to be synced.
   */
  seal(kind: number, timestamp: number, unsynced: number): void {
    const core = this.#core;
    let pointer = this.#sealedEnd;
    for (let done = 0; done < this.#stagedCount; ) {
      const count = Math.min(BATCH_RECORDS, this.#stagedCount - done);
      const threshold = this.#engine.threshold(count);
      const more = done + count < this.#stagedCount ? 1 : 0;
      this.#engine.digestStaged(core, pointer, count, threshold);
      pointer = core.run.encode(pointer, count, kind, timestamp, unsynced + done, more, threshold) >>> 0;
      done += count;
    }
    this.#sealedEnd = pointer;
    this.#sealedCount += this.#stagedCount;
    this.#stagedCount = 0;
  }

  /** The sealed records as they belong into the file, from byte `skip` on: a view, valid until the next stage. */
  sealed(skip: number): Uint8Array {
    return this.#core.bytes.subarray(this.#start + skip, this.#sealedEnd);
  }

  /** Forgets what is sealed: it is written, or given up. Nothing may be staged. */
  clear(): void {
    this.#sealedEnd = this.#start;
    this.#tail = this.#start;
    this.#sealedCount = 0;
    this.#stagedCount = 0;
  }

  chain(): ChainState {
    return {
      nextOffset: this.#core.getControlNumber(CONTROL_NEXT_OFFSET_AT),
      timestamp: this.#core.getControlNumber(CONTROL_TIMESTAMP_AT),
      head: this.#core.head(),
    };
  }

  setChain(chain: ChainState): void {
    this.#core.setControlNumber(CONTROL_NEXT_OFFSET_AT, chain.nextOffset);
    this.#core.setControlNumber(CONTROL_TIMESTAMP_AT, chain.timestamp);
    this.#core.setHead(chain.head);
  }
}

// Returns the length, or -1 at the first character that is not ASCII.
function asciiInto(text: string, target: Uint8Array, at: number): number {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) return -1;
    target[at + i] = code;
  }
  return text.length;
}
