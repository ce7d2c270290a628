// Finds where the newest segment of a stream ends, and tells a torn tail from corruption: only what was never
// acknowledged may be cut, and what cannot be explained is not. docs/format.md, "Recovery".
import {
  COMMIT_UNSYNCED_MASK,
  DIGEST_BYTES,
  PAGE_BYTES,
  PAGE_ENTRIES,
  RECORD_EXTRA_BYTES,
  RECORD_HEADER_BYTES,
  RECORD_LENGTH_AT,
  SEGMENT_HEADER_BYTES,
  SEGMENT_MAX_BYTES,
} from "../../../assembly/layout.ts";
import { type DiatremeError, failure, isFailure } from "../../errors.ts";
import type { RuntimeFile } from "../../runtime.ts";
import type { ChainState } from "../../wasm/batch.ts";
import type { IndexPages } from "../../wasm/index-pages.ts";
import type { RecordWindow } from "../../wasm/window.ts";
import type { LogSettings } from "../options.ts";
import { type ScanStart, SegmentScan } from "../reading/scan.ts";
import type { Segment } from "../segments/segment.ts";
import { restIsZero, wasSynced } from "./tail-evidence.ts";
import type { TornTail } from "./torn-tail.ts";

/** A page of the index and the record that it begins with. */
export interface PagePlace {
  readonly page: number;
  readonly offset: number;
  readonly position: number;
}

/** A place between two appends, and the chain up to there. */
export interface AppendEnd {
  readonly position: number;
  readonly chain: ChainState;
  /** The last record's; `null` when the segment has no record before this place. */
  readonly trailer: Uint8Array | null;
  /** The last record's, as `SegmentScan.epoch` tells it. */
  readonly epoch: number | null;
}

/** Where a segment's complete appends end. */
export interface Tail extends AppendEnd {
  /** Where the last of them begins; `null` when that is before the place where the scan began. */
  readonly lastAppend: AppendEnd | null;
  /** First offset that may not be on the disk yet although it is in the file; `chain.nextOffset` when all is. */
  readonly unsyncedFrom: number;
  /** A place at or before that record, from which on all records were checked. */
  readonly unsyncedPosition: number;
  /** The page that the index ends with, when it says that the segment was closed just here; else `null`. */
  readonly sealedPage: number | null;
  /** A page of the index whose first record is surely where the page says; `null`: none but the segment's start. */
  readonly indexPlace: PagePlace | null;
  /** Length of the file; more than `position` when something follows the last complete append. */
  readonly fileBytes: number;
  /** What ended the scan there, if anything did. */
  readonly fault: DiatremeError | null;
  /** What follows is the rest of an append that never completed. */
  readonly torn: TornTail | null;
  /** What follows is damage: a record that had been acknowledged. */
  readonly corruption: DiatremeError | null;
}

/** What stands beside a segment and tells about its end. */
export interface TailHints {
  /** May be missing, damaged or another segment's. */
  readonly indexFile: RuntimeFile | null;
  /** A checkpoint says that the records before this offset were synced; 0: none does. */
  readonly checkpointed: number;
}

/**
 * Finds the tail. Changes nothing.
 *
 * In a segment without records the chain's head and timestamp are unknown, except at the genesis: 32 zeros and 0.
 */
export function findTail(
  window: RecordWindow,
  pages: IndexPages,
  segment: Segment,
  { indexFile, checkpointed }: TailHints,
  settings: LogSettings,
): Tail {
  const fileBytes = segment.file.size();
  // The file may be of any size; no segment has records for more pages than this.
  const mostPages = Math.ceil(SEGMENT_MAX_BYTES / RECORD_EXTRA_BYTES / PAGE_ENTRIES);
  const indexPages = indexFile === null ? 0 : Math.min(Math.ceil(indexFile.size() / PAGE_BYTES), mostPages);
  // Every record before this offset was synced: a page or a checkpoint says so that was written after the sync.
  let sealedOffset = Math.max(segment.header.firstOffset, checkpointed);
  // Where no append ends behind a page, one before it is tried: farther off each time, or a long append that is torn would
  // be gone through once for each of its pages.
  let passed = 0;
  let stride = 1;
  for (let page = indexPages - 1; page >= 0; page--) {
    if (!loadPage(pages, segment, indexFile as RuntimeFile, page)) continue;
    const first = placeOf(pages, 0);
    const last = placeOf(pages, pages.count(0) - 1);
    if (pages.isSealed(0)) {
      const closedOffset = last.offset + 1;
      sealedOffset = Math.max(sealedOffset, closedOffset);
      // A sealed page speaks of the very end; if anything lies behind it, or is known to have been synced behind it, that
      // was written later.
      const mayEnd = page === indexPages - 1 || isLastOfFile(window, segment, last.position, fileBytes);
      const isThere = mayEnd && last.position < fileBytes;
      const tail = isThere ? scanTail(window, segment, last, null, fileBytes, settings) : null;
      const closedHere = tail?.position === fileBytes && tail.chain.nextOffset === closedOffset;
      if (closedHere && closedOffset === sealedOffset) return { ...tail, unsyncedFrom: sealedOffset, sealedPage: page };
    }
    if (last.position >= fileBytes) continue;
    if (passed > 0) {
      passed--;
      continue;
    }
    const tail = scanTail(window, segment, first, null, fileBytes, settings);
    if (tail === null) {
      passed = stride - 1;
      stride *= 2;
      continue;
    }
    if (tail.unsyncedFrom < first.offset) {
      // What is before this page may not have reached the disk either: look from where the doubt begins.
      page = Math.min(page, Math.floor((tail.unsyncedFrom - segment.header.firstOffset) / PAGE_ENTRIES) + 1);
      continue;
    }
    const indexPlace = { page, offset: first.offset, position: first.position };
    return { ...withEvidence(tail, segment, sealedOffset), indexPlace };
  }
  const { firstOffset } = segment.header;
  const head = segment.genesis;
  const start = { offset: firstOffset, position: SEGMENT_HEADER_BYTES, timestamp: 0, head };
  // At the start of a segment no append is under way, so there the answer is always known.
  const empty = { nextOffset: firstOffset, timestamp: 0, head: head ?? new Uint8Array(DIGEST_BYTES) };
  return withEvidence(scanTail(window, segment, start, empty, fileBytes, settings) as Tail, segment, sealedOffset);
}

// Whether the record at a position says that the file ends behind it.
function isLastOfFile(window: RecordWindow, { file }: Segment, position: number, fileBytes: number): boolean {
  if (position + RECORD_EXTRA_BYTES > fileBytes) return false;
  window.load(file, position, RECORD_HEADER_BYTES);
  const length = window.core.view.getUint32(window.pointer + RECORD_LENGTH_AT, true);
  return position + RECORD_EXTRA_BYTES + length === fileBytes;
}

// Records that were synced and are not whole are damage, however much they look like a torn write.
function withEvidence(tail: Tail, segment: Segment, sealedOffset: number): Tail {
  const { position, fileBytes, chain } = tail;
  if (chain.nextOffset >= sealedOffset || tail.corruption !== null) return tail;
  const { stream, number } = segment.header;
  const place = { stream, segment: number, offset: chain.nextOffset, position };
  const lost = failure("RECORD_TRUNCATED", { ...place, bytes: RECORD_EXTRA_BYTES, available: fileBytes - position });
  return { ...tail, torn: null, corruption: tail.fault ?? lost };
}

function placeOf(pages: IndexPages, entry: number): ScanStart {
  return { offset: pages.firstOffset(0) + entry, position: pages.position(0, entry), timestamp: 0, head: null };
}

// Scans to the end from a place that the index gave or the segment's start. `null` when the place turns out to be no
// record, or no append ends behind it: then the answer lies before it.
function scanTail(
  window: RecordWindow,
  segment: Segment,
  start: ScanStart,
  chainAtStart: ChainState | null,
  fileBytes: number,
  settings: LogSettings,
): Tail | null {
  const { engine, maxRecordBytes } = settings;
  const scan = new SegmentScan(window, segment, start, {
    level: "chain",
    engine,
    maxRecordBytes,
    end: fileBytes,
    endHash: null,
    showUnproved: true,
  });
  let chain = chainAtStart;
  let position = start.position;
  let trailer: Uint8Array | null = null;
  let epoch: number | null = null;
  let lastAppend: AppendEnd | null = null;
  let lastCommit = 0;
  while (scan.next()) {
    const count = scan.committedCount();
    if (count === 0) continue;
    const before = scan.committedCount(count - 1);
    if (before > 0) lastAppend = endOfAppend(scan, before);
    else lastAppend = chain === null ? null : { position, chain, trailer, epoch };
    ({ position, chain, trailer, epoch } = endOfAppend(scan, count));
    lastCommit = scan.commitWord(count - 1);
  }
  if (chain === null) return null;
  const { fault } = scan;
  const bad = { offset: scan.offset, position: scan.position };
  const unsynced = unsyncedBy(chain.nextOffset, lastCommit, segment, start);
  const tail = {
    position,
    chain,
    trailer,
    epoch,
    lastAppend,
    ...unsynced,
    sealedPage: null,
    indexPlace: null,
    fileBytes,
    fault,
    torn: null,
    corruption: null,
  };
  if (position === fileBytes) return tail;
  if (restIsZero(window, segment.file, position, fileBytes)) return tail;

  const synced =
    fault !== null && (isWholeAndStrange(fault) || wasSynced(window, segment, bad, fileBytes, maxRecordBytes));
  if (synced) return { ...tail, corruption: fault };
  const torn = {
    stream: segment.header.stream,
    segment: segment.header.number,
    position,
    offset: chain.nextOffset,
    bytes: fileBytes - position,
    reason: fault?.message ?? "The last append is incomplete.",
  };
  return { ...tail, torn };
}

function endOfAppend(scan: SegmentScan, count: number): AppendEnd {
  const last = count - 1;
  const chain = { nextOffset: scan.offset + count, timestamp: scan.timestamp(last), head: scan.hash(last).slice() };
  const position = scan.position + scan.header(count) - scan.header(0);
  return { position, chain, trailer: scan.trailer(last), epoch: scan.epoch(last) };
}

// A record that is longer than this reader wants, or whose CRC is right and whose fields are not known here, was written
// like that: by a program with another limit, or a newer one. No torn write makes one, so it is not this one's to cut.
function isWholeAndStrange(fault: DiatremeError): boolean {
  return isFailure(fault, "RECORD_HEADER_INVALID") && /^R[245678]$/.test(fault.condition);
}

// What the last complete append's commit word leaves in doubt: the records before it that were not yet known to be
// synced, and itself.
function unsyncedBy(
  nextOffset: number,
  commitWord: number,
  segment: Segment,
  start: ScanStart,
): { unsyncedFrom: number; unsyncedPosition: number } {
  const { firstOffset } = segment.header;
  const none = nextOffset === firstOffset;
  const unsyncedFrom = none ? nextOffset : nextOffset - 1 - (commitWord & COMMIT_UNSYNCED_MASK);
  return { unsyncedFrom: Math.max(unsyncedFrom, firstOffset), unsyncedPosition: start.position };
}

/** Whether the last page of an index is good and says that its segment was synced and ends before `endOffset`. */
export function endsSealed(pages: IndexPages, segment: Segment, file: RuntimeFile, endOffset: number): boolean {
  const page = Math.ceil(file.size() / PAGE_BYTES) - 1;
  if (page < 0 || !loadPage(pages, segment, file, page) || !pages.isSealed(0)) return false;
  return pages.firstOffset(0) + pages.count(0) === endOffset;
}

/** Whether a page is this segment's and has its place in the index; it then lies in slot 0. */
export function loadPage(pages: IndexPages, segment: Segment, file: RuntimeFile, page: number): boolean {
  if (file.read(pages.bytes(0, 1), page * PAGE_BYTES) < PAGE_BYTES) return false;
  return (
    pages.isGood(0, segment.crcSeed) &&
    pages.firstOffset(0) === segment.header.firstOffset + page * PAGE_ENTRIES &&
    (page === 0 ? pages.position(0, 0) === SEGMENT_HEADER_BYTES : pages.position(0, 0) > SEGMENT_HEADER_BYTES)
  );
}
