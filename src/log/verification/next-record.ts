// Finds the next good record behind damage, where no record's length can be followed any more.
import {
  RECORD_EXTRA_BYTES,
  RECORD_HEADER_BYTES,
  RECORD_LENGTH_AT,
  RECORD_OFFSET_AT,
  SEGMENT_HEADER_BYTES,
} from "../../../assembly/layout.ts";
import { getU64 } from "../../format/u64.ts";
import type { RecordWindow } from "../../wasm/window.ts";
import type { Segment } from "../segments/segment.ts";

export interface FoundRecord {
  readonly offset: number;
  readonly position: number;
}

/** How many bytes of imitated records may still be checked. */
export interface SearchBudget {
  bytes: number;
}

export interface RecordSearch {
  /** Bytes of the segment in which the record must lie. */
  readonly from: number;
  readonly end: number;
  /** Offsets that it may have. */
  readonly least: number;
  readonly below: number;
  readonly maxRecordBytes: number;
  readonly budget: SearchBudget;
}

/**
 * The first place in a segment where a record lies that is good by itself and may be the one that is looked for.
 *
 * Payloads may imitate records; when checking all imitations would take long, the answer is `null` as if there were none.
 *
 * @param beat - called between steps, to wait for when it gives a promise
 */
export async function findNextRecord(
  window: RecordWindow,
  segment: Segment,
  { from, end, least, below, maxRecordBytes, budget }: RecordSearch,
  beat: () => Promise<void> | null,
): Promise<FoundRecord | null> {
  const { core } = window;
  window.begin(from);
  while (budget.bytes >= 0 && window.position + RECORD_EXTRA_BYTES <= end) {
    if (window.available < RECORD_HEADER_BYTES) window.fill(segment.file, RECORD_HEADER_BYTES, end);
    const pause = beat();
    if (pause !== null) await pause;
    const { available } = window;
    if (available < RECORD_HEADER_BYTES) return null;
    const distance = core.run.findMagic(window.pointer, available) >>> 0;
    if (distance > 0) {
      // A magic may lie across the window's end.
      window.advance(distance === available ? available - 3 : distance);
      continue;
    }
    const bytes = RECORD_EXTRA_BYTES + core.view.getUint32(window.pointer + RECORD_LENGTH_AT, true);
    const offset = getU64(core.view, window.pointer + RECORD_OFFSET_AT);
    const isAtPlace = window.position > SEGMENT_HEADER_BYTES || offset === segment.header.firstOffset;
    const mayBe = Number.isSafeInteger(offset) && offset >= least && offset < below && isAtPlace;
    const fits = bytes <= RECORD_EXTRA_BYTES + maxRecordBytes && window.position + bytes <= end;
    if (mayBe && fits) {
      if (window.available < bytes) window.fill(segment.file, bytes, end);
      window.expect({ offset, timestamp: 0, crcSeed: segment.crcSeed });
      const walked = core.run.walk(window.pointer, Math.min(bytes, window.available), maxRecordBytes);
      if (walked === 1) return { offset, position: window.position };
      budget.bytes -= bytes;
    }
    window.advance(1);
  }
  return null;
}
