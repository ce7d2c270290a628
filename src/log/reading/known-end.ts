// Tells whether a stream still goes on from the end that a reader knows. Its writer, in another process, may have cut back
// what it had written and failed with; somebody may have repaired the log, or put another in its place.
import { RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES, TRAILER_BYTES } from "../../../assembly/layout.ts";
import { DiatremeError } from "../../errors.ts";
import { sameBytes } from "../../format/same-bytes.ts";
import type { RuntimeFile } from "../../runtime.ts";
import { openSegment } from "../segments/segment.ts";
import type { SegmentFiles } from "../segments/segment-files.ts";
import type { KnownEnd } from "../segments/stream-end.ts";

/** `"gone"`: other records may stand where the known ones did. `"followed"`: something has come since. `"end"`: nothing. */
export type EndState = "gone" | "followed" | "end";

export function stateOf(segments: SegmentFiles, known: KnownEnd): EndState {
  try {
    // By its name: a file that is open already may have been put aside.
    const { file, header } = openSegment(segments.place, known.segment, "read");
    try {
      if (!sameBytes(header.salt, known.salt) || !holdsLast(file, known)) return "gone";
      return isFollowed(file, known.position) || segments.exists(known.segment + 1) ? "followed" : "end";
    } finally {
      file.close();
    }
  } catch (error) {
    // Whoever looks at the whole says what is wrong.
    if (error instanceof DiatremeError) return "gone";
    throw error;
  }
}

function holdsLast(file: RuntimeFile, { position, trailer }: KnownEnd): boolean {
  if (trailer === null) return position === SEGMENT_HEADER_BYTES;
  const bytes = new Uint8Array(TRAILER_BYTES);
  return file.read(bytes, position - TRAILER_BYTES) === TRAILER_BYTES && sameBytes(bytes, trailer);
}

// Zeros are space written ahead.
function isFollowed(file: RuntimeFile, position: number): boolean {
  const bytes = new Uint8Array(RECORD_HEADER_BYTES);
  return bytes.subarray(0, file.read(bytes, position)).some((byte) => byte !== 0);
}
