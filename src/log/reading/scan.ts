// Goes through the records of one segment from a known place, run by run, checking each record before it is shown.
// What does not pass ends the scan as a value, `fault`: a reader throws it, recovery and verify judge it.

import {
  CONTROL_COMPUTED_CRC_AT,
  CONTROL_STORED_CRC_AT,
  CONTROL_TIMESTAMP_AT,
  VERDICT_COMPRESSION,
  VERDICT_CRC,
  VERDICT_EPOCH,
  VERDICT_FLAGS,
  VERDICT_KIND,
  VERDICT_LENGTH,
  VERDICT_MAGIC,
  VERDICT_OFFSET,
  VERDICT_RESERVED,
  VERDICT_TIMESTAMP,
  WALK_MORE,
} from "../../../assembly/control.ts";
import {
  COMMIT_MORE_SHIFT,
  ENTRY_BYTES,
  FLAG_ENCRYPTED,
  KIND_TOMBSTONE,
  RECORD_COMPRESSION_AT,
  RECORD_EPOCH_AT,
  RECORD_EXTRA_BYTES,
  RECORD_FLAGS_AT,
  RECORD_HEADER_BYTES,
  RECORD_KIND_AT,
  RECORD_LENGTH_AT,
  RECORD_OFFSET_AT,
  RECORD_PREVIOUS_AT,
  RECORD_RESERVED_AT,
  RECORD_TIMESTAMP_AT,
  TRAILER_BYTES,
  TRAILER_COMMIT_AT,
} from "../../../assembly/layout.ts";
import { type DiatremeError, failure, isFailure } from "../../errors.ts";
import { crcHex, toHex } from "../../format/hex.ts";
import { sameBytes } from "../../format/same-bytes.ts";
import { getU64 } from "../../format/u64.ts";
import type { HashEngine } from "../../wasm/hash-engine.ts";
import { hashingCore } from "../../wasm/hashing-core.ts";
import type { RecordWindow } from "../../wasm/window.ts";
import type { Segment } from "../segments/segment.ts";

/** `"crc"`: each record alone. `"chain"`: also each record's hash against the link in its successor. */
export type ScanLevel = "crc" | "chain";

/** Where a scan begins: before the record `offset`, which lies at byte `position`. */
export interface ScanStart {
  readonly offset: number;
  readonly position: number;
  /** Of the record before, µs; 0 when not known. */
  readonly timestamp: number;
  /** Hash of the record before; `null` when not known: the first record's own link is then taken on trust. */
  readonly head: Uint8Array | null;
}

export interface ScanOptions {
  readonly level: ScanLevel;
  readonly engine: HashEngine;
  readonly maxRecordBytes: number;
  /** File position where the records end. */
  readonly end: number;
  /**
   * Whether a record is shown although a bad successor keeps its hash from being proved. A reader does not want it; who
   * looks for the end of a torn segment must not miss it.
   */
  readonly showUnproved: boolean;
  /** The hash that the last record before `end` must have, where that is known from elsewhere. */
  readonly endHash: Uint8Array | null;
  /** The offset behind the record that has `endHash`, where that is known: it says nothing about another one. */
  readonly endOffset?: number;
  /** Which record is to blame when the last one before `end` has this hash and not `endHash`. Default: that one. */
  readonly judgeEnd?: (hash: Uint8Array) => EndVerdict;
  /** First offset that is not shown. What the record there says counts for the one before it, if it is good. */
  readonly stop?: number;
}

/** The record before the end is altered; it stands, and what is behind tells the rest; or what is behind is bad itself. */
export type EndVerdict = "altered" | "stands" | DiatremeError;

export class SegmentScan {
  /** What ended the scan before `end`; `null` while all is well. The records before it were shown. */
  fault: DiatremeError | null = null;
  /** The current run: how many records, the offset of its first, its place and length in the file. */
  count = 0;
  offset: number;
  position: number;
  bytes = 0;
  /** Whether a link was there to hold the run's last record against. Only for level `"chain"`. */
  isLastLinked = false;
  readonly segment: Segment;
  readonly #window: RecordWindow;
  readonly #options: ScanOptions;
  readonly #stop: number;
  #trusting: boolean;
  // The place of a record whose successor does not link to it, once the records before it were shown.
  #mismatch = false;

  constructor(window: RecordWindow, segment: Segment, start: ScanStart, options: ScanOptions) {
    this.segment = segment;
    this.offset = start.offset;
    this.position = start.position;
    this.#window = window;
    this.#options = options;
    this.#stop = options.stop ?? Number.POSITIVE_INFINITY;
    this.#trusting = start.head === null;
    window.begin(start.position);
    window.expect({ offset: start.offset, timestamp: start.timestamp, crcSeed: segment.crcSeed });
    if (start.head !== null) window.core.setHead(start.head);
  }

  /** Moves to the next run. `false` at the end and at a fault. */
  next(): boolean {
    const window = this.#window;
    window.advance(this.bytes);
    this.offset += this.count;
    this.position += this.bytes;
    this.count = 0;
    this.bytes = 0;
    if (this.fault !== null || this.offset >= this.#stop) return false;
    if (this.#mismatch) return this.#nameMismatch();
    if (!this.#walk()) return false;
    if (this.#options.level === "chain") this.#link();
    return this.count > 0 || this.next();
  }

  /** Pointer to the header of record `index` of the run; `count` gives the end of the run. */
  header(index: number): number {
    return index < this.count ? this.#window.header(index) : this.#window.pointer + this.bytes;
  }

  /** Hash of record `index` of the run: a view, valid until the next step. Only for level `"chain"`. */
  hash(index: number): Uint8Array {
    return this.#window.hash(index);
  }

  /** Timestamp of the last record that passed, µs. */
  lastTimestamp(): number {
    return this.#window.core.getControlNumber(CONTROL_TIMESTAMP_AT);
  }

  timestamp(index: number): number {
    return getU64(this.#window.core.view, this.header(index) + RECORD_TIMESTAMP_AT);
  }

  /** The writer epoch of an encrypted record; 0 of a tombstone, which only logs with keys have; `null` of a plain one. */
  epoch(index: number): number | null {
    const { bytes, view } = this.#window.core;
    const header = this.header(index);
    const isEncrypted = ((bytes[header + RECORD_FLAGS_AT] as number) & FLAG_ENCRYPTED) !== 0;
    if (!isEncrypted && bytes[header + RECORD_KIND_AT] !== KIND_TOMBSTONE) return null;
    return view.getUint32(header + RECORD_EPOCH_AT, true);
  }

  commitWord(index: number): number {
    return this.#window.core.view.getUint32(this.header(index + 1) - TRAILER_BYTES + TRAILER_COMMIT_AT, true);
  }

  /** Trailer of record `index` of the run: a copy. */
  trailer(index: number): Uint8Array {
    const end = this.header(index + 1);
    return this.#window.core.bytes.slice(end - TRAILER_BYTES, end);
  }

  /** How many of the run's records, or of the first `count` of them, belong to appends that end among them. */
  committedCount(of: number = this.count): number {
    let count = of;
    while (count > 0 && this.commitWord(count - 1) >>> COMMIT_MORE_SHIFT === 1) count--;
    return count;
  }

  // Finds the next records that are good by themselves; reads on when the window holds none.
  #walk(): boolean {
    const window = this.#window;
    const { maxRecordBytes, end } = this.#options;
    if (this.position >= end) return false;
    if (window.available === 0) window.fill(this.segment.file, 0, end);
    for (;;) {
      const count = window.walk(maxRecordBytes);
      if (count > 0) {
        this.count = count;
        this.bytes = window.consumed;
        if (this.offset + count > this.#stop) this.#shorten(this.#stop - this.offset);
        return true;
      }
      const verdict = window.verdict;
      if (verdict !== WALK_MORE && window.available > 0) {
        this.fault = this.#describe(verdict);
        return false;
      }
      const needed = window.available === 0 ? RECORD_HEADER_BYTES : window.needed;
      const before = window.available;
      if (this.position + needed <= end) window.fill(this.segment.file, needed, end);
      if (window.available === before) {
        this.fault = failure("RECORD_TRUNCATED", {
          ...this.#place(0, 0),
          bytes: needed,
          available: end - this.position,
        });
        return false;
      }
    }
  }

  // Checks the links of the run; shortens it to what is beyond doubt when one does not hold.
  #link(): void {
    const window = this.#window;
    if (this.#trusting) {
      window.trustLink();
      this.#trusting = false;
    }
    const successor = this.#successor();
    this.isLastLinked = successor !== 0;
    const broken = window.link(this.count, successor, this.#options.engine);
    if (broken < 0) return;
    if (broken === 0) {
      this.fault = this.#linkWrong(0, window.core.head());
      this.#shorten(0);
      return;
    }
    // The record before the broken link and all after it are in doubt.
    this.#shorten(broken - 1);
    this.#mismatch = true;
  }

  #successor(): number {
    const { end } = this.#options;
    if (this.position + this.bytes < end) {
      const header = this.#window.headerAfter(this.bytes, this.segment.file, end);
      return this.#options.showUnproved && !this.#window.isRecord(header) ? 0 : header;
    }
    const endHash = this.#endHash(this.count);
    return endHash === null ? 0 : this.#window.headerWithLink(endHash);
  }

  // What is known of the hash of the last of the next `count` records, which is the last before the end.
  #endHash(count: number): Uint8Array | null {
    const { endHash, endOffset = this.offset + count } = this.#options;
    return this.offset + count === endOffset ? endHash : null;
  }

  #shorten(count: number): void {
    this.bytes = this.#window.header(count) - this.#window.pointer;
    this.count = count;
  }

  // Record A's successor B does not link to it. docs/format.md, R11, says which of the two is named, and when A is left out.
  #nameMismatch(): boolean {
    const window = this.#window;
    const { engine, end } = this.#options;
    this.#mismatch = false;
    let walked = this.#rewalk();
    // Three records tell; read on while the file has more of them.
    while (walked < 3 && window.verdict === WALK_MORE && this.position + window.consumed + window.needed <= end) {
      window.fill(this.segment.file, window.consumed + window.needed, end);
      const again = this.#rewalk();
      if (again === walked) break;
      walked = again;
    }
    const successorIsGood = walked >= 2 || this.position + window.consumed >= end;
    if (!successorIsGood) {
      if (walked === 1 && window.verdict === VERDICT_TIMESTAMP) {
        this.fault = this.#redated();
        if (this.fault !== null) return false;
        this.#rewalk();
      }
      return this.#options.showUnproved ? this.#showOne() : this.#passOne();
    }

    window.trustLink();
    const count = Math.min(walked, 3);
    window.link(count, 0, engine);
    if (count === 1) return this.#nameAtEnd();
    const isLast = this.position + window.consumed >= end;
    const known = count === 3 ? window.linkAt(window.header(2)) : isLast ? this.#endHash(count) : null;
    const successor = window.core.bytes.subarray(window.header(1), window.header(1) + RECORD_HEADER_BYTES);
    if (known === null || sameBytes(window.hash(1), known)) {
      this.fault = this.#altered(window.hash(0), window.linkAt(window.header(1)));
      return false;
    }
    const isProved = sameBytes(relinkedHash(successor, window.digest(1), window.hash(0)), known);
    const first = window.header(1) - window.pointer;
    this.fault = this.#linkWrong(first, window.hash(0));
    if (!isProved) return false;
    this.count = 1;
    this.bytes = first;
    return true;
  }

  // The last record before the end has another hash than the one that is known from elsewhere.
  #nameAtEnd(): boolean {
    const window = this.#window;
    const computed = window.hash(0).slice();
    const verdict = this.#options.judgeEnd?.(computed) ?? "altered";
    const isBehind = verdict !== "altered" && verdict !== "stands" && !isFailure(verdict, "RECORD_LINK_WRONG");
    if (verdict === "stands" || (isBehind && this.#options.showUnproved)) return this.#showOne();
    this.fault = verdict === "altered" ? this.#altered(computed, this.#endHash(1) ?? computed) : verdict;
    return false;
  }

  // Record A's successor B is good but for its timestamp, which is before A's, and does not link to A. If B is as it was
  // written, A is altered: it was re-dated. `null` when it is B that is not.
  #redated(): DiatremeError | null {
    const window = this.#window;
    const { core } = window;
    const { engine, end, maxRecordBytes } = this.#options;
    const bytes = window.consumed;
    window.trustLink();
    window.link(1, 0, engine);
    const computed = window.hash(0).slice();
    const length = core.view.getUint32(window.pointer + bytes + RECORD_LENGTH_AT, true);
    const both = bytes + RECORD_EXTRA_BYTES + length;
    window.fill(this.segment.file, both + RECORD_HEADER_BYTES, end);
    const header = window.pointer + bytes;
    window.expect({ offset: this.offset + 1, timestamp: 0, crcSeed: this.segment.crcSeed });
    if (core.run.walk(header, window.available - bytes, maxRecordBytes) === 0) return null;
    const linked = window.linkAt(header).slice();
    core.setHead(linked);
    const endHash = this.#endHash(2);
    let successor = 0;
    if (this.position + both < end) successor = window.headerAfter(both, this.segment.file, end);
    else if (endHash !== null) successor = window.headerWithLink(endHash);
    return window.link(1, successor, engine) < 0 ? this.#altered(computed, linked) : null;
  }

  #rewalk(): number {
    const window = this.#window;
    window.expect({ offset: this.offset, timestamp: 0, crcSeed: this.segment.crcSeed });
    return window.walk(this.#options.maxRecordBytes);
  }

  // Goes on to the bad successor without showing the record before it.
  #passOne(): boolean {
    const window = this.#window;
    const bytes = window.consumed;
    window.advance(bytes);
    this.offset++;
    this.position += bytes;
    return this.#walk() && this.next();
  }

  #showOne(): boolean {
    const window = this.#window;
    window.trustLink();
    window.link(1, 0, this.#options.engine);
    this.count = 1;
    this.bytes = window.consumed;
    this.#trusting = true;
    return true;
  }

  #altered(computed: Uint8Array, linked: Uint8Array): DiatremeError {
    return failure("RECORD_CHAIN_BROKEN", { ...this.#place(0, 0), computed: toHex(computed), linked: toHex(linked) });
  }

  #linkWrong(distance: number, expected: Uint8Array): DiatremeError {
    const linked = this.#window.linkAt(this.#window.pointer + distance);
    const facts = {
      ...this.#place(distance === 0 ? 0 : 1, distance),
      linked: toHex(linked),
      expected: toHex(expected),
    };
    return failure("RECORD_LINK_WRONG", facts);
  }

  #place(index: number, distance: number): { stream: string; segment: number; offset: number; position: number } {
    const { stream, number } = this.segment.header;
    return { stream, segment: number, offset: this.offset + index, position: this.position + distance };
  }

  // Says what a walk's verdict on the record at the window's start means. docs/format.md, record conditions.
  #describe(verdict: number): DiatremeError {
    const window = this.#window;
    const { core, pointer } = window;
    const place = this.#place(0, 0);
    const byte = (at: number) => core.view.getUint8(pointer + at);
    const length = core.view.getUint32(pointer + RECORD_LENGTH_AT, true);
    const invalid = (reason: string) =>
      failure("RECORD_HEADER_INVALID", { ...place, condition: `R${verdict}`, reason });
    switch (verdict) {
      case VERDICT_MAGIC:
        return invalid("its magic is not DTR1");
      case VERDICT_LENGTH:
        // Longer than what is left is damage; otherwise it may be a record that this caller does not want to hold.
        return this.position + RECORD_EXTRA_BYTES + length > this.#options.end
          ? failure("RECORD_TRUNCATED", {
              ...place,
              bytes: length + RECORD_EXTRA_BYTES,
              available: this.#options.end - this.position,
            })
          : invalid(
              `its payload has ${length} bytes and the limit is ${this.#options.maxRecordBytes} (maxRecordBytes)`,
            );
      case VERDICT_CRC:
        return failure("RECORD_CRC_MISMATCH", {
          ...place,
          stored: crcHex(core.getControl(CONTROL_STORED_CRC_AT)),
          computed: crcHex(core.getControl(CONTROL_COMPUTED_CRC_AT)),
        });
      case VERDICT_KIND:
        return invalid(`kind ${byte(RECORD_KIND_AT)} is not known`);
      case VERDICT_COMPRESSION:
        return invalid(`compression ${byte(RECORD_COMPRESSION_AT)} is not known`);
      case VERDICT_FLAGS:
        return invalid(`flags ${byte(RECORD_FLAGS_AT)} are not known`);
      case VERDICT_RESERVED:
        return invalid(`byte 27 is ${byte(RECORD_RESERVED_AT)} or bit 30 of the commit word is set`);
      case VERDICT_EPOCH:
        return invalid("it has a writer epoch and is not encrypted");
      case VERDICT_OFFSET:
        return failure("RECORD_OFFSET_WRONG", { ...place, found: getU64(core.view, pointer + RECORD_OFFSET_AT) });
      case VERDICT_TIMESTAMP:
        if (!Number.isSafeInteger(getU64(core.view, pointer + RECORD_TIMESTAMP_AT)))
          return invalid("its timestamp is over 2^53");
        return failure("RECORD_TIMESTAMP_BACKWARDS", {
          ...place,
          found: getU64(core.view, pointer + RECORD_TIMESTAMP_AT),
          previous: core.getControlNumber(CONTROL_TIMESTAMP_AT),
        });
      default:
        throw failure("INTERNAL", { detail: `a walk ended with verdict ${verdict}` });
    }
  }
}

/** The hash that a record would have if it linked to `link`. */
export function relinkedHash(header: Uint8Array, digest: Uint8Array, link: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(ENTRY_BYTES);
  bytes.set(header);
  bytes.set(link, RECORD_PREVIOUS_AT);
  bytes.set(digest, RECORD_HEADER_BYTES);
  return hashingCore().sha256(bytes);
}
