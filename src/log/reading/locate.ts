// Where a record of a stream lies: which segment, and from where in it to look.
import { SEGMENT_HEADER_BYTES } from "../../../assembly/layout.ts";
import type { IndexReader } from "../segments/index-reader.ts";
import type { SegmentFiles } from "../segments/segment-files.ts";
import type { StreamWriter } from "../writing/writer.ts";
import type { StreamScanStart } from "./stream-scan.ts";

export interface Locator {
  readonly segments: SegmentFiles;
  readonly index: IndexReader;
  readonly writer: StreamWriter | null;
}

/** The nearest place at or before `offset` that is known without looking at records. */
export function locate(at: Locator, offset: number): { segment: number; offset: number; position: number } {
  const segment = at.segments.find(offset);
  if (segment === at.writer?.segmentNumber) {
    const position = at.writer.index.position(offset);
    if (position !== null) return { segment, offset, position };
  }
  const found = at.segments.get(segment);
  const place = at.index.locate(found, found.index, offset);
  return { segment, offset: place.offset, position: place.position };
}

/** The start of a segment, as a place to scan from. The chain is joined to what came before it only at the genesis. */
export function segmentStart(at: Locator, segment: number): StreamScanStart {
  const { header, genesis } = at.segments.get(segment);
  return { segment, offset: header.firstOffset, position: SEGMENT_HEADER_BYTES, timestamp: 0, head: genesis };
}
