// A bounded piece of a segment file in the core's memory, moved along as records are checked. Knows bytes and
// positions; what follows from a failed check is its user's to say.
import {
  CONTROL_CONSUMED_AT,
  CONTROL_CRC_SEED_AT,
  CONTROL_HEAD_AT,
  CONTROL_NEEDED_AT,
  CONTROL_NEXT_OFFSET_AT,
  CONTROL_TIMESTAMP_AT,
  CONTROL_VERDICT_AT,
  MESSAGE_BYTES,
  MESSAGE_POINTER_AT,
} from "../../assembly/control.ts";
import { DIGEST_BYTES, RECORD_HEADER_BYTES, RECORD_MAGIC, RECORD_PREVIOUS_AT } from "../../assembly/layout.ts";
import type { RuntimeFile } from "../runtime.ts";
import type { Core } from "./core.ts";
import type { HashEngine } from "./hash-engine.ts";

const FIRST_BYTES = 1024;
const NOTHING = new Uint8Array(0);

export class RecordWindow {
  readonly core: Core;
  readonly capacity: number;
  readonly #start: number;
  // A lasting view on the first bytes, and the view on all of memory that it was made from.
  #first = NOTHING;
  #firstOf = NOTHING;
  /** File position of `pointer`. */
  position = 0;
  /** Start and end of the bytes in memory that are yet to be checked. */
  pointer = 0;
  end = 0;

  /** Uses the core's arena from `start` on. Reads `capacity` bytes at a time; more only when one record is longer. */
  constructor(core: Core, start: number, capacity: number) {
    this.core = core;
    this.capacity = capacity;
    this.#start = start;
    this.begin(0);
  }

  // The slot for a header that lies outside the window.
  get #successor(): number {
    return this.#start;
  }
  get #base(): number {
    return this.#start + RECORD_HEADER_BYTES;
  }
  get available(): number {
    return this.end - this.pointer;
  }

  /** Empties the window and places it in the file. */
  begin(position: number): void {
    this.position = position;
    this.pointer = this.#base;
    this.end = this.#base;
  }

  /** Sets what the next record must join; `crcSeed` belongs to its segment. */
  expect(next: { offset: number; timestamp: number; crcSeed: number }): void {
    this.core.setControlNumber(CONTROL_NEXT_OFFSET_AT, next.offset);
    this.core.setControlNumber(CONTROL_TIMESTAMP_AT, next.timestamp);
    this.core.setControl(CONTROL_CRC_SEED_AT, next.crcSeed);
  }

  /** Reads on until the window is full, or holds `needed` bytes where that is more, but not past file position `limit`. */
  fill(file: RuntimeFile, needed: number, limit: number): void {
    const kept = this.available;
    const wanted = Math.min(Math.max(this.capacity, needed), limit - this.position);
    if (wanted <= kept) return;
    const base = this.#base;
    // Slack behind the window: SIMD loads may look past its end, never use what they see there.
    this.core.reserve(base + wanted + 64);
    this.core.bytes.copyWithin(base, this.pointer, this.end);
    this.pointer = base;
    this.end = base + kept;
    const target = this.core.bytes.subarray(this.end, base + wanted);
    this.end += file.read(target, this.position + kept);
  }

  /** Empties the window and fills it with exactly these bytes, fewer where the file ends. */
  load(file: RuntimeFile, position: number, bytes: number): void {
    this.begin(position);
    this.core.reserve(this.pointer + bytes + 64);
    this.end += file.read(this.core.bytes.subarray(this.pointer, this.pointer + bytes), position);
  }

  /**
   * Empties the window and fills it with the first bytes from `position` on, but not from beyond `limit`: enough for most
   * records. Makes no view for it each time, which is what a lookup would otherwise throw away most of.
   */
  loadFirst(file: RuntimeFile, position: number, limit: number): void {
    const { core } = this;
    this.begin(position);
    if (this.#firstOf !== core.bytes) {
      core.reserve(this.pointer + FIRST_BYTES + 64);
      this.#firstOf = core.bytes;
      this.#first = core.bytes.subarray(this.pointer, this.pointer + FIRST_BYTES);
    }
    this.end += Math.min(file.read(this.#first, position), limit - position);
  }

  /** Checks each record alone. Returns how many passed; `verdict` says why it stopped. */
  walk(maxRecordBytes: number): number {
    return this.core.run.walk(this.pointer, this.available, maxRecordBytes);
  }
  get verdict(): number {
    return this.core.getControl(CONTROL_VERDICT_AT);
  }
  get consumed(): number {
    return this.core.getControl(CONTROL_CONSUMED_AT);
  }
  get needed(): number {
    return this.core.getControl(CONTROL_NEEDED_AT);
  }

  /** Hashes the records of the last walk, once, and checks their links; see `link` of the core. */
  link(count: number, successor: number, engine: HashEngine): number {
    return engine.link(this.core, count, successor);
  }

  /** Takes the first record's own link on trust: the chain starts here. */
  trustLink(): void {
    const link = this.pointer + RECORD_PREVIOUS_AT;
    this.core.bytes.copyWithin(this.core.control + CONTROL_HEAD_AT, link, link + DIGEST_BYTES);
  }

  /**
   * Pointer to the record header that follows `consumed` bytes, read from the file when the window ends before it;
   * 0 when there are not enough bytes.
   */
  headerAfter(consumed: number, file: RuntimeFile, limit: number): number {
    const core = this.core;
    let header = this.pointer + consumed;
    const position = this.position + consumed;
    if (position + RECORD_HEADER_BYTES > limit) return 0;
    if (header + RECORD_HEADER_BYTES > this.end) {
      header = this.#successor;
      const target = core.bytes.subarray(header, header + RECORD_HEADER_BYTES);
      if (file.read(target, position) < RECORD_HEADER_BYTES) return 0;
    }
    return header;
  }

  /** Whether a record's magic is at a pointer that may be 0. */
  isRecord(header: number): boolean {
    return header !== 0 && this.core.view.getUint32(header, true) === RECORD_MAGIC;
  }

  /** A stand-in for the following header when only its link is known. */
  headerWithLink(link: Uint8Array): number {
    this.core.bytes.set(link, this.#successor + RECORD_PREVIOUS_AT);
    return this.#successor;
  }

  /** Passes over checked bytes. */
  advance(bytes: number): void {
    this.pointer += bytes;
    this.position += bytes;
  }

  /** Pointer to the header of record `index` of the last walk. */
  header(index: number): number {
    const message = this.core.messages + index * MESSAGE_BYTES;
    return this.core.view.getUint32(message + MESSAGE_POINTER_AT, true) - RECORD_HEADER_BYTES;
  }

  /** Hash of record `index` of the last link: a view, valid until the next call. */
  hash(index: number): Uint8Array {
    const at = this.core.hashes + index * DIGEST_BYTES;
    return this.core.bytes.subarray(at, at + DIGEST_BYTES);
  }

  /** Puts the first record of the last link, `bytes` long, into other memory, and its hash behind it. */
  copyFirst(target: Uint8Array, at: number, bytes: number): void {
    const { core, pointer } = this;
    target.set(new Uint8Array(core.buffer, pointer, bytes), at);
    target.set(core.firstHash, at + bytes);
  }

  /** SHA-256 of the payload of record `index` of the last link: a view, valid until the next call. */
  digest(index: number): Uint8Array {
    const at = this.core.digests + index * DIGEST_BYTES;
    return this.core.bytes.subarray(at, at + DIGEST_BYTES);
  }

  /** A copy of the hashes of records `from` to before `to` of the last link. */
  hashesOf(from: number, to: number): Uint8Array {
    return this.core.bytes.slice(this.core.hashes + from * DIGEST_BYTES, this.core.hashes + to * DIGEST_BYTES);
  }

  /** The link of the record whose header is at `header`: a view. */
  linkAt(header: number): Uint8Array {
    return this.core.bytes.subarray(header + RECORD_PREVIOUS_AT, header + RECORD_PREVIOUS_AT + DIGEST_BYTES);
  }
}
