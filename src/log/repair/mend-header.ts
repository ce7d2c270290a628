// Rebuilds a segment header that was damaged, where that can be proved: all its fields but three follow from where the
// file is, and the CRC that it carries says whether they and those three belong together.
import {
  SEGMENT_CRC_AT,
  SEGMENT_CREATED_AT,
  SEGMENT_HEADER_BYTES,
  SEGMENT_MAX_BYTES,
  SEGMENT_SALT_AT,
  SEGMENT_SALT_BYTES,
} from "../../../assembly/layout.ts";
import { decodeSegmentHeader, encodeSegmentHeader } from "../../format/segment-header.ts";
import { getU64 } from "../../format/u64.ts";
import type { RuntimeFile } from "../../runtime.ts";
import { crc32 } from "../../wasm/hashing-core.ts";
import { type Segment, type StreamPlace, segmentOf, segmentPath } from "../segments/segment.ts";

/** A segment, open for reading, as it is once `headerBytes` are written over its first bytes. */
export interface MendedSegment extends Segment {
  readonly headerBytes: Uint8Array;
}

/** The segment with its header as it was written; `null` when its bytes do not prove what that was. */
export function mendHeader(place: StreamPlace, start: { number: number; firstOffset: number }): MendedSegment | null {
  const path = segmentPath(place, start.number);
  const file = place.runtime.files.open(path, "read");
  let mended: MendedSegment | null = null;
  try {
    mended = mendedSegment(place, start, path, file);
  } finally {
    if (mended === null) file.close();
  }
  return mended;
}

function mendedSegment(
  { logId, stream }: StreamPlace,
  start: { number: number; firstOffset: number },
  path: string,
  file: RuntimeFile,
): MendedSegment | null {
  // Such a file is bad whatever its header says (S1).
  if (file.size() > SEGMENT_MAX_BYTES) return null;
  const found = new Uint8Array(SEGMENT_HEADER_BYTES);
  const read = file.read(found, 0);
  const view = new DataView(found.buffer);
  const created = getU64(view, SEGMENT_CREATED_AT);
  if (read === SEGMENT_HEADER_BYTES && Number.isSafeInteger(created)) {
    const salt = found.slice(SEGMENT_SALT_AT, SEGMENT_SALT_AT + SEGMENT_SALT_BYTES);
    const headerBytes = encodeSegmentHeader({ ...start, created, logId, stream, salt }, crc32);
    const proved = found.subarray(SEGMENT_CRC_AT).every((byte, i) => byte === headerBytes[SEGMENT_CRC_AT + i]);
    if (proved) {
      const header = decodeSegmentHeader(headerBytes, { logId, stream, segment: start.number, path }, crc32);
      return { ...segmentOf(path, file, header, headerBytes), headerBytes };
    }
  }
  return null;
}
