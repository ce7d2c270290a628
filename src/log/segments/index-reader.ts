// Finds records by the offset index in the file, through a small cache of checked pages. The index is derived and never
// trusted: what it says is a place to start looking, and whoever looks checks what is there.
import { PAGE_BYTES, PAGE_ENTRIES, SEGMENT_HEADER_BYTES } from "../../../assembly/layout.ts";
import type { RuntimeFile } from "../../runtime.ts";
import type { IndexPages } from "../../wasm/index-pages.ts";
import { readPage, sizeOf } from "./index-file.ts";
import type { Segment } from "./segment.ts";

/** A record's place: where to start looking for it. */
export interface RecordPlace {
  readonly offset: number;
  readonly position: number;
}

export class IndexReader {
  readonly #pages: IndexPages;
  readonly #checkOpen: () => void;
  // Which page lies in each slot: segment × 2^32 + page, or -1.
  readonly #held: Float64Array;

  /** @param checkOpen - throws when the stream was closed, after which the pages' memory is somebody else's */
  constructor(pages: IndexPages, checkOpen: () => void) {
    this.#pages = pages;
    this.#checkOpen = checkOpen;
    this.#held = new Float64Array(pages.slots).fill(-1);
  }

  /** Forgets what the pages were. */
  renew(): void {
    this.#held.fill(-1);
  }

  /** The place of `offset` in a segment, or of the nearest record before it that the index knows. */
  locate(segment: Segment, file: RuntimeFile | null, offset: number): RecordPlace {
    const { firstOffset } = segment.header;
    const start = { offset: firstOffset, position: SEGMENT_HEADER_BYTES };
    if (file === null || offset === firstOffset) return start;
    for (let page = Math.floor((offset - firstOffset) / PAGE_ENTRIES); page >= 0; page--) {
      const slot = this.#load(segment, file, page, offset);
      if (slot < 0) continue;
      const first = this.#pages.firstOffset(slot);
      const index = Math.min(offset - first, this.#pages.count(slot) - 1);
      return { offset: first + index, position: this.#pages.position(slot, index) };
    }
    return start;
  }

  /** The record that holds the byte at `position`, or the nearest before it that the index knows. */
  nearest(segment: Segment, file: RuntimeFile | null, position: number): RecordPlace {
    const { firstOffset } = segment.header;
    const pages = this.#pages;
    let place = { offset: firstOffset, position: SEGMENT_HEADER_BYTES };
    let low = 0;
    let high = file === null ? 0 : Math.floor(sizeOf(file) / PAGE_BYTES);
    while (file !== null && low < high) {
      const page = Math.floor((low + high) / 2);
      const slot = this.#load(segment, file, page, firstOffset + page * PAGE_ENTRIES);
      if (slot >= 0 && pages.position(slot, 0) <= position) {
        const entry = pages.entryAt(slot, position);
        place = { offset: pages.firstOffset(slot) + entry, position: pages.position(slot, entry) };
        low = page + 1;
      } else high = page;
    }
    return place;
  }

  // The slot that holds a page, or -1 when the file has no good one.
  #load(segment: Segment, file: RuntimeFile, page: number, offset: number): number {
    this.#checkOpen();
    const tag = segment.header.number * 2 ** 32 + page;
    const slot = tag % this.#pages.slots;
    const pages = this.#pages;
    const firstOffset = segment.header.firstOffset + page * PAGE_ENTRIES;
    // A page that was not full when it was read may have grown since.
    if (this.#held[slot] === tag && (offset - firstOffset < pages.count(slot) || pages.count(slot) === PAGE_ENTRIES)) {
      return slot;
    }
    this.#held[slot] = -1;
    if (readPage(file, pages.bytes(slot, 1), page) !== PAGE_BYTES) return -1;
    const good =
      pages.isGood(slot, segment.crcSeed) &&
      pages.firstOffset(slot) === firstOffset &&
      (page > 0 ? pages.position(slot, 0) > SEGMENT_HEADER_BYTES : pages.position(slot, 0) === SEGMENT_HEADER_BYTES);
    if (!good) return -1;
    this.#held[slot] = tag;
    return slot;
  }
}
