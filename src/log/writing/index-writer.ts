// Keeps the offset index of the segment that is being written: enters records after they are in the file, writes pages
// batched, only ever rewriting the last. The index is derived: failing to write it costs a later open some time.
import { PAGE_BYTES, PAGE_ENTRIES } from "../../../assembly/layout.ts";
import { StorageError } from "../../errors.ts";
import type { RuntimeFile } from "../../runtime.ts";
import type { IndexPages } from "../../wasm/index-pages.ts";
import type { Segment } from "../segments/segment.ts";
import type { SyncSteps } from "../segments/sync-steps.ts";
import { writeWhole } from "../segments/write-whole.ts";

export interface IndexLimits {
  /** Pages are written when this many records are not in the file's index yet, … */
  readonly records: number;
  /** … or this many bytes of records. */
  readonly bytes: number;
}

export class IndexWriter {
  /** Why the index lags behind, when it could not be written. */
  failure: StorageError | null = null;
  #pages: IndexPages;
  readonly #file: RuntimeFile;
  readonly #limits: IndexLimits;
  readonly #crcSeed: number;
  // Slot 0 holds page `firstPage`; `used` slots are in use, all but the last of them full.
  #firstPage: number;
  #used: number;
  #nextOffset: number;
  #waitingRecords = 0;
  #waitingBytes = 0;
  // A sync failed: what it should have brought to the disk may be lost while it can still be read, and no later one tells.
  #mayLackPages = false;

  /**
   * @param start - where the index goes on: `nextOffset` is the first record not in it; `page` is the page that lies in
   *   slot 0 already, or the one to begin when `used` is 0.
   */
  constructor(
    pages: IndexPages,
    file: RuntimeFile,
    limits: IndexLimits,
    start: { nextOffset: number; page: number; used: 0 | 1; crcSeed: number },
  ) {
    this.#crcSeed = start.crcSeed;
    this.#pages = pages;
    this.#file = file;
    this.#limits = limits;
    this.#nextOffset = start.nextOffset;
    this.#firstPage = start.page;
    this.#used = start.used;
  }

  /** Begins the index of an empty segment. */
  static create(pages: IndexPages, file: RuntimeFile, segment: Segment, limits: IndexLimits): IndexWriter {
    const { crcSeed, header } = segment;
    return new IndexWriter(pages, file, limits, { nextOffset: header.firstOffset, page: 0, used: 0, crcSeed });
  }

  /** Enters records that lie at a pointer of the pages' core and at `position` of the file. */
  add(records: number, run: { offset: number; count: number; position: number; bytes: number }): void {
    // After a gap (an earlier failure) entries would be wrong: the next open fills it.
    if (run.offset !== this.#nextOffset) return;
    let { count, position } = run;
    let pointer = records;
    const pages = this.#pages;
    while (count > 0) {
      if (this.#used === 0 || pages.count(this.#used - 1) === PAGE_ENTRIES) {
        if (this.#used === pages.slots && !this.flush(false)) return;
        pages.clear(this.#used);
        this.#used++;
      }
      const slot = this.#used - 1;
      const added = pages.add(slot, pointer, count, position);
      this.#nextOffset += added;
      count -= added;
      if (count > 0) {
        // The page is full. Where the next record lies follows from the last entry and that record's length.
        const bytes = pages.bytesOfRecords(pointer, added);
        pointer += bytes;
        position += bytes;
      }
    }
    this.#waitingRecords += run.count;
    this.#waitingBytes += run.bytes;
    if (this.#waitingRecords >= this.#limits.records || this.#waitingBytes >= this.#limits.bytes) this.flush(false);
  }

  /** Nothing is written to the file any more: nobody knows what it holds. The next opening makes it anew. */
  giveUp(error: StorageError): void {
    this.failure = error;
    this.#mayLackPages = true;
    this.#used = 0;
    this.#nextOffset = -1;
  }

  /**
   * Ends the index of a segment that is synced and ends before `endOffset`. The page that says so is written when all others
   * are durable, so that it speaks for them too. After a gap there is none.
   */
  *seal(endOffset: number): SyncSteps {
    if (this.#mayLackPages || !this.flush(false) || this.#nextOffset !== endOffset) return;
    try {
      yield this.#file;
      if (this.#used === 0 && this.#firstPage > 0) this.#takeBackLastPage();
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.failure = error;
      this.#mayLackPages = true;
      return;
    }
    this.flush(true);
  }

  // A page that was full is in the file only. It is written once more, to say that the segment ends with it.
  #takeBackLastPage(): void {
    const page = this.#firstPage - 1;
    const read = this.#file.read(this.#pages.bytes(0, 1), page * PAGE_BYTES);
    if (read < PAGE_BYTES || !this.#pages.isGood(0, this.#crcSeed)) return;
    this.#firstPage = page;
    this.#used = 1;
  }

  /** Writes what is not in the file. `sealed`: the segment is synced and ends here. Returns whether all is written. */
  flush(sealed: boolean): boolean {
    if (this.#used === 0 || (this.#waitingRecords === 0 && !sealed)) return true;
    const pages = this.#pages;
    for (let slot = 0; slot < this.#used; slot++) pages.finish(slot, sealed && slot === this.#used - 1, this.#crcSeed);
    try {
      writeWhole(this.#file, pages.bytes(0, this.#used), this.#firstPage * PAGE_BYTES);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.failure = error;
      return false;
    }
    this.failure = null;
    this.#waitingRecords = 0;
    this.#waitingBytes = 0;
    // Only a last page with room may change again.
    const last = this.#used - 1;
    const keep = pages.count(last) < PAGE_ENTRIES;
    this.#firstPage += keep ? last : this.#used;
    if (keep && last > 0) pages.move(last, 0);
    this.#used = keep ? 1 : 0;
    return true;
  }

  /** Byte position of a record that the index holds in memory; `null` when it is in the file or not indexed. */
  position(offset: number): number | null {
    if (this.#used === 0 || offset >= this.#nextOffset) return null;
    const distance = offset - this.#pages.firstOffset(0);
    if (distance < 0) return null;
    return this.#pages.position(Math.floor(distance / PAGE_ENTRIES), distance % PAGE_ENTRIES);
  }

  /** Goes on in other memory, to which the slots' bytes were copied. */
  moveTo(pages: IndexPages): void {
    this.#pages = pages;
  }

  close(): void {
    this.#file.close();
  }
}
