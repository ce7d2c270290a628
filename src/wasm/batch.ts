// Where a writer's records take shape: payloads are staged where they will lie in the file, with room for headers and
// trailers between them. Sealing makes records of all that is staged, many appends at a time, so that the core's four
// lanes are full; what is sealed goes to the file straight from here.
import { BATCH_RECORDS, CONTROL_NEXT_OFFSET_AT } from "../../assembly/control.ts";
import {
  COMMIT_MORE_SHIFT,
  DIGEST_BYTES,
  FLAG_ENCRYPTED,
  PAYLOAD_KEY_BYTES,
  PAYLOAD_TAG_BYTES,
  RECORD_EPOCH_AT,
  RECORD_EXTRA_BYTES,
  RECORD_FLAGS_AT,
  RECORD_HEADER_BYTES,
  RECORD_KIND_AT,
  RECORD_LENGTH_AT,
  RECORD_MAGIC,
  RECORD_MAGIC_AT,
  RECORD_OFFSET_AT,
  RECORD_TIMESTAMP_AT,
  TRAILER_BYTES,
} from "../../assembly/layout.ts";
import { setU64 } from "../format/u64.ts";
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

/** Wants to know the hash of the last record of its append. */
export interface HeadReceiver {
  readonly nextOffset: number;
  /** The hash lies `at` bytes into `hashes`, which nobody will change. */
  setHead(hashes: Uint8Array, at: number): void;
}

/** Encrypts the payloads of an append, each where it lies. */
export interface PayloadSealing {
  /** Offset of the append's first record. */
  readonly firstOffset: number;
  readonly cipher: {
    readonly epoch: number;
    /** The record's header is complete up to its link. */
    seal(bytes: Uint8Array, view: DataView, header: number): void;
  };
}

// Up to here a loop over character codes beats encodeInto, which costs a view and a call.
const SHORT_TEXT = 24;
const MORE_FOLLOW = 2 ** COMMIT_MORE_SHIFT;

const encoder = new TextEncoder();

export class Batch {
  readonly #core: Core;
  readonly #engine: HashEngine;
  readonly #start: number;
  // [start, sealedEnd) is sealed, [sealedEnd, tail) is staged: appends that were admitted up to `admittedEnd`, then
  // the records of one that is not yet.
  #sealedEnd: number;
  #sealedCount = 0;
  #admittedEnd: number;
  #admittedCount = 0;
  #tail: number;
  #stagedCount = 0;
  // What payloads that will be encrypted need before and behind them.
  #lead = 0;
  #trail = 0;
  readonly #receivers: HeadReceiver[] = [];

  /** Uses the core's arena from `start` on. */
  constructor(core: Core, engine: HashEngine, start: number) {
    this.#core = core;
    this.#engine = engine;
    this.#start = start;
    this.#sealedEnd = start;
    this.#admittedEnd = start;
    this.#tail = start;
  }

  /** Records staged for the append that is being made. */
  get stagedCount(): number {
    return this.#stagedCount;
  }
  /** Their bytes in the file. */
  get stagedBytes(): number {
    return this.#tail - this.#admittedEnd;
  }
  /** Bytes of all records that were admitted, sealed or not. */
  get bytes(): number {
    return this.#admittedEnd - this.#start;
  }
  /** Bytes of those that are not sealed. */
  get unsealedBytes(): number {
    return this.#admittedEnd - this.#sealedEnd;
  }
  /** Records that were admitted, sealed or not. */
  get count(): number {
    return this.#sealedCount + this.#admittedCount;
  }
  /** Pointer to the first sealed record. */
  get pointer(): number {
    return this.#start;
  }

  /** Begins to stage an append. Payloads that will be encrypted get the room that this takes. */
  begin(isSealed: boolean): void {
    this.#lead = isSealed ? PAYLOAD_KEY_BYTES : 0;
    this.#trail = isSealed ? PAYLOAD_TAG_BYTES : 0;
  }

  /** Stages a copy of a payload of `length` bytes. */
  stageBytes(payload: Uint8Array, length: number): void {
    const at = this.#tail + RECORD_HEADER_BYTES + this.#lead;
    this.#core.reserve(at + length + this.#trail + RECORD_EXTRA_BYTES);
    this.#core.bytes.set(payload, at);
    this.#endStaged(length);
  }

  /** Stages a text as UTF-8; returns its length in bytes. The text must be well formed. */
  stageText(text: string): number {
    const at = this.#tail + RECORD_HEADER_BYTES + this.#lead;
    const most = text.length * 3;
    this.#core.reserve(at + most + this.#trail + RECORD_EXTRA_BYTES);
    let length = text.length <= SHORT_TEXT ? asciiInto(text, this.#core.bytes, at) : -1;
    if (length < 0) length = encoder.encodeInto(text, this.#core.bytes.subarray(at, at + most)).written;
    this.#endStaged(length);
    return length;
  }

  #endStaged(payloadBytes: number): void {
    const { view } = this.#core;
    const length = this.#lead + payloadBytes + this.#trail;
    const end = this.#tail + RECORD_EXTRA_BYTES + length;
    view.setUint32(this.#tail + RECORD_LENGTH_AT, length, true);
    view.setUint32(end - TRAILER_BYTES, MORE_FOLLOW, true);
    this.#tail = end;
    this.#stagedCount++;
  }

  /** Forgets the append that is being made. */
  unstage(): void {
    this.#tail = this.#admittedEnd;
    this.#stagedCount = 0;
  }

  /**
   * Ends the append that is being made: its records will be sealed with the next that are. When the cipher throws, the
   * append is still being made, and its offsets are spent for that cipher.
   */
  admit(kind: number, timestamp: number, receiver: HeadReceiver, sealing: PayloadSealing | null = null): void {
    const { view } = this.#core;
    for (let header = this.#admittedEnd; header < this.#tail; ) {
      setU64(view, header + RECORD_TIMESTAMP_AT, timestamp);
      view.setUint32(header + RECORD_KIND_AT, kind, true);
      view.setUint32(header + RECORD_EPOCH_AT, 0, true);
      header += RECORD_EXTRA_BYTES + view.getUint32(header + RECORD_LENGTH_AT, true);
    }
    if (sealing !== null) this.#encrypt(sealing);
    view.setUint32(this.#tail - TRAILER_BYTES, 0, true);
    this.#receivers.push(receiver);
    this.#admittedEnd = this.#tail;
    this.#admittedCount += this.#stagedCount;
    this.#stagedCount = 0;
  }

  #encrypt({ cipher, firstOffset }: PayloadSealing): void {
    const { bytes, view } = this.#core;
    let offset = firstOffset;
    for (let header = this.#admittedEnd; header < this.#tail; offset++) {
      view.setUint32(header + RECORD_MAGIC_AT, RECORD_MAGIC, true);
      setU64(view, header + RECORD_OFFSET_AT, offset);
      view.setUint8(header + RECORD_FLAGS_AT, FLAG_ENCRYPTED);
      view.setUint32(header + RECORD_EPOCH_AT, cipher.epoch, true);
      cipher.seal(bytes, view, header);
      header += RECORD_EXTRA_BYTES + view.getUint32(header + RECORD_LENGTH_AT, true);
    }
  }

  /** Makes records of all that was admitted and advances the chain. `syncedOffset`: records before it are on the disk. */
  seal(syncedOffset: number): void {
    const core = this.#core;
    let pointer = this.#sealedEnd;
    let receiver = 0;
    for (let left = this.#admittedCount; left > 0; ) {
      const count = Math.min(BATCH_RECORDS, left);
      const firstOffset = core.getControlNumber(CONTROL_NEXT_OFFSET_AT);
      pointer = this.#engine.encode(core, pointer, count, firstOffset - syncedOffset);
      left -= count;
      receiver = this.#tellHeads(receiver, firstOffset, count);
    }
    this.#receivers.length = 0;
    this.#sealedEnd = pointer;
    this.#sealedCount += this.#admittedCount;
    this.#admittedCount = 0;
  }

  // One copy of the hashes serves all appends that were sealed together.
  #tellHeads(from: number, firstOffset: number, count: number): number {
    const core = this.#core;
    let index = from;
    let hashes: Uint8Array | null = null;
    for (; index < this.#receivers.length; index++) {
      const receiver = this.#receivers[index] as HeadReceiver;
      const last = receiver.nextOffset - 1 - firstOffset;
      if (last >= count) break;
      hashes ??= core.bytes.slice(core.hashes, core.hashes + count * DIGEST_BYTES);
      receiver.setHead(hashes, last * DIGEST_BYTES);
    }
    return index;
  }

  /** The sealed records as they belong into the file, from byte `skip` on: a view, valid until the next stage. */
  sealed(skip: number): Uint8Array {
    return this.#core.bytes.subarray(this.#start + skip, this.#sealedEnd);
  }

  /** Forgets all that was admitted: it is written, or given up. Nothing may be staged. */
  clear(): void {
    this.#sealedEnd = this.#start;
    this.#sealedCount = 0;
    this.#admittedEnd = this.#start;
    this.#admittedCount = 0;
    this.#tail = this.#start;
    this.#stagedCount = 0;
    this.#receivers.length = 0;
  }

  /** Hash of the last sealed record: a copy. */
  head(): Uint8Array {
    return this.#core.head();
  }

  setChain(chain: ChainState): void {
    this.#core.setControlNumber(CONTROL_NEXT_OFFSET_AT, chain.nextOffset);
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
