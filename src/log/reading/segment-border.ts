// What the segments behind another say about its last record: within a segment its successor tells, here the first record of
// the next one. docs/format.md, R11.
import {
  DIGEST_BYTES,
  RECORD_HEADER_BYTES,
  RECORD_PREVIOUS_AT,
  SEGMENT_HEADER_BYTES,
} from "../../../assembly/layout.ts";
import { DiatremeError, failure, UsageError } from "../../errors.ts";
import { toHex } from "../../format/hex.ts";
import { sameBytes } from "../../format/same-bytes.ts";
import { giveCore, takeCore } from "../../wasm/core-pool.ts";
import { RecordWindow } from "../../wasm/window.ts";
import type { LogSettings } from "../options.ts";
import { closeSegment, type SegmentFiles } from "../segments/segment-files.ts";
import type { StreamEnd } from "../segments/stream-end.ts";
import { type EndVerdict, relinkedHash, type ScanOptions, SegmentScan } from "./scan.ts";

/** A link that the first record of some segment has, whatever else is in it: that it is a record's hash proves the record. */
export interface BorderLink {
  readonly link: Uint8Array;
  /** Of the record that has the link. */
  readonly offset: number;
  readonly segment: number;
}

// Enough to check the first records of the next segment.
const PEEK_BYTES = 16 << 10;

// A segment that somebody has put there without records does not keep the next one from proving a record; thousands do.
const MOST_EMPTY_SEGMENTS = 8;

/** The first link in segment `number`, or behind it when it is without records; `null` when none can be read. */
export function firstLink(files: SegmentFiles, number: number, end: Pick<StreamEnd, "segment">): BorderLink | null {
  const last = Math.min(end.segment, number + MOST_EMPTY_SEGMENTS);
  const bytes = new Uint8Array(RECORD_HEADER_BYTES);
  try {
    for (let segment = number; segment <= last; segment++) {
      const { file, header } = files.get(segment);
      const read = file.read(bytes, SEGMENT_HEADER_BYTES);
      if (read === 0) continue;
      if (read < bytes.length) return null;
      const link = bytes.subarray(RECORD_PREVIOUS_AT, RECORD_PREVIOUS_AT + DIGEST_BYTES);
      return { link, offset: header.firstOffset, segment };
    }
    return null;
  } catch (error) {
    // Who goes through that segment will tell.
    if (error instanceof DiatremeError && !(error instanceof UsageError)) return null;
    throw error;
  }
}

/** What a scan up to a segment's end is to know of the border behind it; `next` is `null` where nothing is known. */
export function endBefore(
  next: BorderLink | null,
  files: SegmentFiles,
  settings: LogSettings,
  end: Pick<StreamEnd, "segment" | "position">,
): Pick<ScanOptions, "endHash" | "endOffset" | "judgeEnd"> {
  if (next === null) return { endHash: null };
  const judgeEnd = (hash: Uint8Array) => judgeBorder(files, settings, next, end, hash);
  return { endHash: next.link, endOffset: next.offset, judgeEnd };
}

/** Who is to blame when the last record before a segment has a hash that the first record in it does not link to. */
function judgeBorder(
  files: SegmentFiles,
  settings: LogSettings,
  { segment: number }: BorderLink,
  end: Pick<StreamEnd, "segment" | "position">,
  hash: Uint8Array,
): EndVerdict {
  const segment = files.openOwn(number);
  const core = takeCore();
  try {
    const window = new RecordWindow(core, core.arena, PEEK_BYTES);
    const { engine, maxRecordBytes } = settings;
    const start = { offset: segment.header.firstOffset, position: SEGMENT_HEADER_BYTES, timestamp: 0, head: null };
    const endPosition = number === end.segment ? Math.min(end.position, segment.bytes) : segment.bytes;
    const scan = new SegmentScan(window, segment, start, {
      ...{ level: "crc", engine, maxRecordBytes, end: endPosition, stop: start.offset + 1 },
      ...{ endHash: null, showUnproved: false },
    });
    if (!scan.next()) return scan.fault ?? "altered";
    const behind = window.headerAfter(scan.bytes, segment.file, endPosition);
    const known = behind === 0 ? (firstLink(files, number + 1, end)?.link ?? null) : window.linkAt(behind).slice();
    window.trustLink();
    window.link(1, 0, engine);
    const header = core.bytes.subarray(scan.header(0), scan.header(0) + RECORD_HEADER_BYTES);
    if (known === null || sameBytes(window.hash(0), known)) return "altered";
    if (sameBytes(relinkedHash(header, window.digest(0), hash), known)) return "stands";
    const { stream } = segment.header;
    const { offset, position } = scan;
    const linked = toHex(window.linkAt(scan.header(0)));
    return failure("RECORD_LINK_WRONG", { stream, segment: number, offset, position, linked, expected: toHex(hash) });
  } finally {
    closeSegment(segment);
    giveCore(core);
  }
}
