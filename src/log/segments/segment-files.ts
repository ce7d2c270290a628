// The segments of a stream: which there are, where each begins, and a few of them open for looking records up.

import { CorruptionError, type DiatremeError, failure, StorageError } from "../../errors.ts";
import { folderOf } from "../../format/path.ts";
import { segmentNumber } from "../../format/segment-header.ts";
import { isSideFile } from "../../format/side-file.ts";
import type { FolderEntry, RuntimeFile } from "../../runtime.ts";
import { pageAlignedBytes } from "../../wasm/aligned-bytes.ts";
import { checkpointPath } from "./checkpoint-file.ts";
import { indexPath } from "./index-file.ts";
import { openSegment, type Segment, type StreamPlace, segmentPath } from "./segment.ts";

/** A segment open for reading, with its index where there is one. */
export interface ReadableSegment extends Segment {
  readonly index: RuntimeFile | null;
  /** Why the index that is there cannot be opened. Who only reads does without; who decides what to keep must not. */
  readonly indexFailure: StorageError | null;
  /** Length of the file when it was opened; it stays so unless the segment is the newest. */
  readonly bytes: number;
}

const OPEN_SEGMENTS = 16;
// Of 64 KiB: enough that a disk is not asked for little at a time.
const STAGING_PAGES = 16;

export class SegmentFiles {
  readonly place: StreamPlace;
  // For scans that read past the system's cache; `null` when they read through it.
  readonly #staging: Uint8Array | null;
  // First offset of each segment, NaN until its header was read. Its length is the number of segments.
  readonly #firstOffsets: number[];
  // In order of use, the latest last.
  readonly #open = new Map<number, ReadableSegment>();
  // What holds segments of its own for long, and ends with the stream.
  readonly #holders = new Set<{ close(): void }>();
  #closed = false;

  /** With `isDirect`, whoever has a segment of its own reads it past the system's cache, where that can be done. */
  constructor(place: StreamPlace, count: number, isDirect = false) {
    this.place = place;
    this.#staging = isDirect ? pageAlignedBytes(STAGING_PAGES) : null;
    this.#firstOffsets = new Array<number>(count).fill(Number.NaN);
  }

  get isDirect(): boolean {
    return this.#staging !== null;
  }

  get count(): number {
    return this.#firstOffsets.length;
  }

  /** Takes note of segments that came into being. */
  grow(count: number): void {
    const newest = this.#open.get(this.count - 1);
    // What was the newest segment has grown since it was opened, and will not again.
    if (count > this.count && newest !== undefined) {
      this.#open.delete(this.count - 1);
      closeSegment(newest);
    }
    while (this.#firstOffsets.length < count) this.#firstOffsets.push(Number.NaN);
  }

  /** Forgets what the files were: others may stand under their names. */
  renew(count: number): void {
    for (const segment of this.#open.values()) closeSegment(segment);
    this.#open.clear();
    this.#firstOffsets.length = count;
    this.#firstOffsets.fill(Number.NaN);
  }

  /** Whether the stream was closed: nothing more may be opened, and its memory serves others by now. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** @throws {UsageError} `LOG_CLOSED` */
  checkOpen(): void {
    if (this.#closed) throw failure("LOG_CLOSED", { directory: folderOf(this.place.folder) });
  }

  /** A segment of this object's own; it may be closed at the next call. */
  get(number: number): ReadableSegment {
    this.checkOpen();
    const held = this.#open.get(number);
    // An index may have come into being since.
    if (held !== undefined && held.index !== null) {
      if (this.#open.size > 1) {
        this.#open.delete(number);
        this.#open.set(number, held);
      }
      return held;
    }
    if (held !== undefined) closeSegment(held);
    const segment = this.#openSegment(number, null);
    this.#open.delete(number);
    this.#open.set(number, segment);
    for (const [oldest, other] of this.#open) {
      if (this.#open.size <= OPEN_SEGMENTS) break;
      this.#open.delete(oldest);
      closeSegment(other);
    }
    return segment;
  }

  /** A segment that the caller closes. */
  openOwn(number: number): ReadableSegment {
    return this.#openSegment(number, this.#staging);
  }

  #openSegment(number: number, staging: Uint8Array | null): ReadableSegment {
    this.checkOpen();
    const segment = openSegment(this.place, number, "read", staging);
    this.#firstOffsets[number] = segment.header.firstOffset;
    try {
      const bytes = segment.file.size();
      return { ...segment, ...this.#openIndex(segment), bytes };
    } catch (error) {
      segment.file.close();
      throw error;
    }
  }

  /** Whether a segment's file is there now. */
  exists(number: number): boolean {
    return this.place.runtime.files.kind(segmentPath(this.place, number)) !== null;
  }

  firstOffset(number: number): number {
    const known = this.#firstOffsets[number] as number;
    return Number.isNaN(known) ? this.get(number).header.firstOffset : known;
  }

  /** The last segment that begins at or before `offset`, among those whose headers are good. */
  find(offset: number): number {
    let low = 0;
    let high = this.count - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      const known = this.#firstGood(middle, high);
      if (known !== null && this.firstOffset(known) <= offset) low = known;
      else high = middle - 1;
    }
    return low;
  }

  // Whoever needs a segment whose header is bad comes upon it from the one before.
  #firstGood(from: number, to: number): number | null {
    for (let number = from; number <= to; number++) {
      try {
        this.firstOffset(number);
        return number;
      } catch (error) {
        if (!(error instanceof CorruptionError)) throw error;
      }
    }
    return null;
  }

  /** Closes `holder` with the stream, unless it is released before: an iterator that was left lying says nothing. */
  hold(holder: { close(): void }): void {
    this.#holders.add(holder);
  }

  release(holder: { close(): void }): void {
    this.#holders.delete(holder);
  }

  close(): void {
    this.#closed = true;
    for (const holder of [...this.#holders]) holder.close();
    for (const segment of this.#open.values()) closeSegment(segment);
    this.#open.clear();
  }

  // A missing index only costs time; so does one that is not what it should be.
  #openIndex(segment: Segment): Pick<ReadableSegment, "index" | "indexFailure"> {
    const { files } = this.place.runtime;
    const path = indexPath(segment.path);
    try {
      return { index: files.kind(path) === "file" ? files.open(path, "read") : null, indexFailure: null };
    } catch (error) {
      if (!(error instanceof StorageError) || error.code === "TOO_MANY_OPEN_FILES") throw error;
      return { index: null, indexFailure: error };
    }
  }
}

export function closeSegment(segment: ReadableSegment): void {
  segment.file.close();
  segment.index?.close();
}

/** Which segment a file belongs to: itself, its index, what else has its name and more. `null` for what repair has set aside. */
export function segmentOfFile(name: string): number | null {
  const match = /^(segment_\d{6,}\.log)(\..+)?$/.exec(name);
  return match === null || isSideFile(name) ? null : segmentNumber(match[1] as string);
}

/** Whether a file belongs to some segment. */
export function isOfSegment(name: string): boolean {
  return segmentOfFile(name) !== null;
}

// What stands beside a segment comes into being, empty, just before it, and is filled only when that one has records: a
// file that is filled and stands alone has lost its segment.
function hasFilledCompanion(place: StreamPlace, number: number, entries: readonly FolderEntry[]): boolean {
  const path = segmentPath(place, number);
  return [indexPath(path), checkpointPath(path)].some((companion) => isFilled(place, companion, entries));
}

function isFilled(place: StreamPlace, path: string, entries: readonly FolderEntry[]): boolean {
  if (!entries.some(({ name, kind }) => kind === "file" && path.endsWith(`/${name}`))) return false;
  const file = place.runtime.files.open(path, "read");
  try {
    return file.size() > 0;
  } finally {
    file.close();
  }
}

/**
 * How many segments a stream's folder holds, from the first on without a gap; `gap` is the error when one is missing and
 * later ones, or parts of them, are there.
 *
 * @throws {StorageError} `FILE_NOT_REGULAR`
 */
export function countSegments(
  place: StreamPlace,
  entries: readonly FolderEntry[],
): { count: number; gap: DiatremeError | null } {
  const numbers: number[] = [];
  for (const { name, kind } of entries) {
    const number = segmentNumber(name);
    if (number === null) continue;
    if (kind !== "file") throw failure("FILE_NOT_REGULAR", { path: `${place.folder}/${name}`, kind });
    numbers.push(number);
  }
  numbers.sort((one, other) => one - other);
  const misplaced = numbers.findIndex((number, index) => number !== index);
  const count = misplaced < 0 ? numbers.length : misplaced;
  const isGap =
    misplaced >= 0 ||
    (count === 0 && entries.some(({ name }) => isOfSegment(name))) ||
    hasFilledCompanion(place, count, entries);
  return { count, gap: isGap ? failure("SEGMENT_MISSING", { stream: place.stream, segment: count }) : null };
}
