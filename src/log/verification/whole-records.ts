// Counts the records behind damage that are whole by themselves, so that whoever repairs knows what could still be read
// from what was set aside. They cannot be joined to the chain again: this looks at each record alone.
import {
  RECORD_EXTRA_BYTES,
  RECORD_HEADER_BYTES,
  RECORD_LENGTH_AT,
  RECORD_OFFSET_AT,
} from "../../../assembly/layout.ts";
import { getU64 } from "../../format/u64.ts";
import type { RecordWindow } from "../../wasm/window.ts";
import type { Segment } from "../segments/segment.ts";

/** Whole records whose offsets follow on one another. */
export interface WholeRecords {
  readonly segment: number;
  /** Byte position of the first. */
  readonly position: number;
  readonly firstOffset: number;
  readonly records: number;
}

// Rows that are listed one by one; a segment of noise and records in turn is not told in full.
const MOST_ROWS = 100;

/** The rows of whole records that begin between two byte positions of a segment, in order. */
export function findWholeRecords(
  window: RecordWindow,
  segment: Segment,
  range: { from: number; end: number; maxRecordBytes: number },
): WholeRecords[] {
  const { core } = window;
  const { from, end, maxRecordBytes } = range;
  const rows: WholeRecords[] = [];
  // Payloads may imitate records. Checking each imitation must not take for ever.
  let budget = 4 * (end - from) + 4 * maxRecordBytes;
  window.begin(from);
  while (window.position + RECORD_EXTRA_BYTES <= end && rows.length < MOST_ROWS && budget >= 0) {
    if (window.available < RECORD_HEADER_BYTES) window.fill(segment.file, RECORD_HEADER_BYTES, end);
    const { available } = window;
    if (available < RECORD_HEADER_BYTES) break;
    const distance = core.run.findMagic(window.pointer, available) >>> 0;
    if (distance > 0) {
      // A magic may lie across the window's end.
      window.advance(distance === available ? available - 3 : distance);
      continue;
    }
    const bytes = RECORD_EXTRA_BYTES + core.view.getUint32(window.pointer + RECORD_LENGTH_AT, true);
    const fits = bytes <= RECORD_EXTRA_BYTES + maxRecordBytes && window.position + bytes <= end;
    if (fits && window.available < bytes) window.fill(segment.file, bytes, end);
    const firstOffset = getU64(core.view, window.pointer + RECORD_OFFSET_AT);
    window.expect({ offset: firstOffset, timestamp: 0, crcSeed: segment.crcSeed });
    const records = fits && Number.isSafeInteger(firstOffset) ? window.walk(maxRecordBytes) : 0;
    if (records === 0) {
      budget -= fits ? bytes : RECORD_HEADER_BYTES;
      window.advance(1);
      continue;
    }
    const position = window.position;
    window.advance(window.consumed);
    addRow(rows, { segment: segment.header.number, position, firstOffset, records });
  }
  return rows;
}

// Offsets that go on are the same row: a window holds only so many records at a time.
function addRow(rows: WholeRecords[], row: WholeRecords): void {
  const last = rows.at(-1);
  if (last !== undefined && last.firstOffset + last.records === row.firstOffset) {
    rows[rows.length - 1] = { ...last, records: last.records + row.records };
  } else rows.push(row);
}
