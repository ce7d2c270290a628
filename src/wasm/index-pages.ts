// Pages of the offset index in the core's memory: a row of slots from `start` on. docs/format.md, "Offset index".
import {
  PAGE_BYTES,
  PAGE_COUNT_AT,
  PAGE_DISTANCES_AT,
  PAGE_FLAG_SEALED,
  PAGE_FLAGS_AT,
  PAGE_OFFSET_AT,
  PAGE_POSITION_AT,
  PAGE_TIMESTAMP_AT,
  RECORD_EXTRA_BYTES,
  RECORD_LENGTH_AT,
} from "../../assembly/layout.ts";
import { getU64 } from "../format/u64.ts";
import type { Core } from "./core.ts";

export class IndexPages {
  readonly slots: number;
  readonly #core: Core;
  readonly #start: number;

  constructor(core: Core, start: number, slots: number) {
    this.slots = slots;
    this.#core = core;
    this.#start = start;
    core.reserve(this.end);
  }

  /** Where the slots end; some slack is left for loads that look past a page. */
  get end(): number {
    return this.#start + this.slots * PAGE_BYTES + 64;
  }

  #pointer(slot: number): number {
    return this.#start + slot * PAGE_BYTES;
  }

  /** The bytes of `count` slots: a view. */
  bytes(slot: number, count: number): Uint8Array {
    return this.#core.bytes.subarray(this.#pointer(slot), this.#pointer(slot + count));
  }

  clear(slot: number): void {
    this.#core.bytes.fill(0, this.#pointer(slot), this.#pointer(slot + 1));
  }

  move(from: number, to: number): void {
    this.#core.bytes.copyWithin(this.#pointer(to), this.#pointer(from), this.#pointer(from + 1));
  }

  /** Enters records that lie at a pointer of the same core; returns how many found room. */
  add(slot: number, records: number, count: number, position: number): number {
    return this.#core.run.pageAdd(this.#pointer(slot), records, count, position);
  }

  /** How many bytes the `count` records at a pointer of the same core take. */
  bytesOfRecords(records: number, count: number): number {
    const { view } = this.#core;
    let bytes = 0;
    for (let i = 0; i < count; i++) {
      bytes += RECORD_EXTRA_BYTES + view.getUint32(records + bytes + RECORD_LENGTH_AT, true);
    }
    return bytes;
  }

  finish(slot: number, sealed: boolean, crcSeed: number): void {
    this.#core.run.pageFinish(this.#pointer(slot), sealed ? PAGE_FLAG_SEALED : 0, crcSeed);
  }

  /** Whether a page passes its checks. `crcSeed` is its segment's, so that another segment's page does not pass. */
  isGood(slot: number, crcSeed: number): boolean {
    return this.#core.run.pageIsGood(this.#pointer(slot), crcSeed) !== 0;
  }

  count(slot: number): number {
    return this.#core.view.getUint16(this.#pointer(slot) + PAGE_COUNT_AT, true);
  }

  isSealed(slot: number): boolean {
    return this.#core.view.getUint16(this.#pointer(slot) + PAGE_FLAGS_AT, true) === PAGE_FLAG_SEALED;
  }

  firstOffset(slot: number): number {
    return getU64(this.#core.view, this.#pointer(slot) + PAGE_OFFSET_AT);
  }

  firstTimestamp(slot: number): number {
    return getU64(this.#core.view, this.#pointer(slot) + PAGE_TIMESTAMP_AT);
  }

  /** Byte position in the segment of the record that entry `index` names. */
  position(slot: number, index: number): number {
    const page = this.#pointer(slot);
    const distance = this.#core.view.getUint32(page + PAGE_DISTANCES_AT + 4 * index, true);
    return getU64(this.#core.view, page + PAGE_POSITION_AT) + distance;
  }

  /** Whether the first `count` distances of two pages are the same. */
  sameDistances(one: number, other: number, count: number): boolean {
    const { view } = this.#core;
    for (let at = PAGE_DISTANCES_AT; at < PAGE_DISTANCES_AT + 4 * count; at += 4) {
      if (view.getUint32(this.#pointer(one) + at, true) !== view.getUint32(this.#pointer(other) + at, true))
        return false;
    }
    return true;
  }

  /** The entry whose record holds the byte at `position`, which is not before the page's first record. */
  entryAt(slot: number, position: number): number {
    const distance = position - getU64(this.#core.view, this.#pointer(slot) + PAGE_POSITION_AT);
    return this.#core.run.pageFindDistance(this.#pointer(slot), Math.min(distance, 0xffffffff)) >>> 0;
  }
}
