// Builds each page of the index anew from the records that pass by and holds it against the page in the file. An index is
// derived: what is wrong with it is a note, never a fault.
import { PAGE_BYTES, PAGE_ENTRIES } from "../../../assembly/layout.ts";
import type { IndexPages } from "../../wasm/index-pages.ts";
import type { SegmentScan } from "../reading/scan.ts";
import { readPage } from "../segments/index-file.ts";
import type { SegmentFiles } from "../segments/segment-files.ts";

// The two slots: the page in the file, and what it should be.
const STORED = 0;
const FRESH = 1;

export class IndexCheck {
  /** The first thing wrong with each segment's index. */
  readonly problems: string[] = [];
  /** The segments that they are about. */
  readonly segments: number[] = [];
  readonly #pages: IndexPages;
  readonly #files: SegmentFiles;
  readonly #newest: number;
  #segment = -1;
  #page = 0;
  #silent = false;

  /** Uses two slots. The index of the segment `newest` may be behind its records. */
  constructor(pages: IndexPages, files: SegmentFiles, newest: number) {
    this.#pages = pages;
    this.#files = files;
    this.#newest = newest;
    pages.clear(FRESH);
  }

  /** Takes in the next run of records. The first run may begin anywhere: what is checked begins with a page. */
  check(run: SegmentScan): void {
    const { number, firstOffset } = run.segment.header;
    const pages = this.#pages;
    let pointer = run.header(0);
    let { count, position } = run;
    if (number !== this.#segment) {
      this.#begin(number, Math.ceil((run.offset - firstOffset) / PAGE_ENTRIES));
    }
    if (this.#silent) return;
    const passed = Math.min(count, firstOffset + this.#page * PAGE_ENTRIES - run.offset);
    if (passed > 0) {
      const bytes = pages.bytesOfRecords(pointer, passed);
      pointer += bytes;
      position += bytes;
      count -= passed;
    }
    while (count > 0 && !this.#silent) {
      const added = pages.add(FRESH, pointer, count, position);
      const bytes = pages.bytesOfRecords(pointer, added);
      pointer += bytes;
      position += bytes;
      count -= added;
      if (pages.count(FRESH) === PAGE_ENTRIES) this.#compare();
    }
  }

  /** Checks what was taken in and not checked yet. */
  close(): void {
    this.#finish();
    this.#segment = -1;
  }

  #begin(number: number, page: number): void {
    this.#finish();
    this.#segment = number;
    this.#page = page;
    this.#silent = false;
    this.#pages.clear(FRESH);
    const { index, indexFailure } = this.#files.get(number);
    if (index === null) this.#note(indexFailure === null ? "is missing" : `cannot be read (${indexFailure.message})`);
  }

  #finish(): void {
    if (this.#segment >= 0 && !this.#silent && this.#pages.count(FRESH) > 0) this.#compare();
  }

  #compare(): void {
    const pages = this.#pages;
    const file = this.#files.get(this.#segment).index;
    const wanted = pages.count(FRESH);
    const read = file === null ? 0 : readPage(file, pages.bytes(STORED, 1), this.#page);
    if (read === null) {
      this.#note(`cannot be read on page ${this.#page}`);
      return;
    }
    // A writer at work may be behind with the newest segment's last page, never with another.
    const mayLag = this.#segment === this.#newest;
    if (read < PAGE_BYTES) {
      if (!mayLag) this.#note(`lacks page ${this.#page}`);
      this.#silent = true;
      return;
    }
    const held = pages.count(STORED);
    const agrees =
      pages.isGood(STORED, this.#files.get(this.#segment).crcSeed) &&
      pages.firstOffset(STORED) === pages.firstOffset(FRESH) &&
      pages.firstTimestamp(STORED) === pages.firstTimestamp(FRESH) &&
      pages.position(STORED, 0) === pages.position(FRESH, 0) &&
      pages.sameDistances(STORED, FRESH, Math.min(held, wanted));
    if (!agrees) this.#note(`does not agree with the records on page ${this.#page}`);
    else if (held < wanted && !mayLag) this.#note(`lacks records on page ${this.#page}`);
    this.#page++;
    pages.clear(FRESH);
  }

  #note(what: string): void {
    this.problems.push(`The index of segment ${this.#segment} ${what}.`);
    this.segments.push(this.#segment);
    this.#silent = true;
  }
}
