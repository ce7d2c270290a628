// Cuts a stream into ranges that can be checked apart from one another. Where to cut is taken from the indexes, which may
// be wrong: a range that begins where no record is fails, and then the records alone decide.
import { PAGE_ENTRIES, SEGMENT_HEADER_BYTES } from "../../../assembly/layout.ts";
import { DiatremeError } from "../../errors.ts";
import type { Locator } from "../reading/locate.ts";
import type { StreamScanEnd, StreamScanStart } from "../reading/stream-scan.ts";
import type { VerifyRange } from "./verify-range.ts";

/** What is to be checked in one go: records from `start` to before `to`, of a stream that goes to `end`. */
export interface VerifyTarget {
  readonly start: StreamScanStart;
  readonly end: StreamScanEnd;
  readonly to: number;
  readonly wantedHeads: readonly number[];
}

/**
 * Ranges that follow on one another, from the target's start on: of about `rangeBytes` each, and never over a segment's
 * end. Ends early when a segment cannot be opened.
 */
export function* planRanges(at: Locator, target: VerifyTarget, rangeBytes: number): Generator<VerifyRange> {
  const { end, to, wantedHeads } = target;
  let { start } = target;
  while (start.offset < to) {
    const next = nextCut(at, target, start, rangeBytes);
    if (next === null) return;
    // The last range goes up to the target's end, whatever the indexes say of it.
    const range = next.offset >= to ? { end, to } : { end: next, to: next.offset };
    yield { start, ...range, newest: end.segment, wantedHeads };
    start = next.endsSegment
      ? { ...next, segment: next.segment + 1, position: SEGMENT_HEADER_BYTES, timestamp: 0 }
      : { ...next, timestamp: 0 };
  }
}

interface Cut extends StreamScanEnd {
  readonly endsSegment: boolean;
}

function nextCut(at: Locator, { end }: VerifyTarget, start: StreamScanStart, rangeBytes: number): Cut | null {
  const { segments, index } = at;
  try {
    const segment = segments.get(start.segment);
    const isNewest = start.segment === end.segment;
    const bytes = isNewest ? end.position : segment.bytes;
    const wanted = start.position + rangeBytes;
    if (wanted < bytes) {
      const { firstOffset } = segment.header;
      // A range begins with a page, so that each page of the index is checked within one range.
      const near = index.nearest(segment, segment.index, wanted);
      const page = Math.floor((near.offset - firstOffset) / PAGE_ENTRIES);
      const place = index.locate(segment, segment.index, firstOffset + page * PAGE_ENTRIES);
      const isPage = place.offset === firstOffset + page * PAGE_ENTRIES;
      if (isPage && place.offset > start.offset && place.position > start.position && place.position < bytes) {
        return { segment: start.segment, ...place, head: null, endsSegment: false };
      }
    }
    if (isNewest) return { ...end, endsSegment: true };
    const offset = segments.firstOffset(start.segment + 1);
    return offset <= start.offset
      ? null
      : { segment: start.segment, position: bytes, offset, head: null, endsSegment: true };
  } catch (error) {
    if (error instanceof DiatremeError) return null;
    throw error;
  }
}

/** How many bytes a target has, as far as the lengths of files tell; it is not counted far beyond `most`. */
export function bytesIn(at: Locator, { start, end }: VerifyTarget, most: number): number {
  let bytes = -start.position;
  try {
    for (let number = start.segment; number <= end.segment && bytes < most; number++) {
      bytes += number === end.segment ? end.position : at.segments.get(number).bytes;
    }
  } catch (error) {
    if (!(error instanceof DiatremeError)) throw error;
  }
  return bytes;
}
