// What the bytes behind a bad record tell about it: nothing, or that it had been acknowledged.

import { WALK_MORE } from "../../assembly/control.ts";
import {
  COMMIT_UNSYNCED_MASK,
  RECORD_EXTRA_BYTES,
  RECORD_HEADER_BYTES,
  RECORD_LENGTH_AT,
  RECORD_OFFSET_AT,
  TRAILER_BYTES,
} from "../../assembly/layout.ts";
import { getU64 } from "../format/u64.ts";
import type { RuntimeFile } from "../runtime.ts";
import type { RecordWindow } from "../wasm/window.ts";
import type { Segment } from "./segment.ts";

/** Whether a file is zero from `position` to its end: space written ahead, not data. */
export function restIsZero(window: RecordWindow, file: RuntimeFile, position: number, fileBytes: number): boolean {
  window.begin(position);
  while (window.position < fileBytes) {
    window.fill(file, 0, fileBytes);
    const { available } = window;
    if (available === 0) return true;
    if (window.core.run.countZeros(window.pointer, available) >>> 0 < available) return false;
    window.advance(available);
  }
  return true;
}

/**
 * Whether some good record behind a bad one was written when the bad one was already known to be synced: its commit word
 * counts back over fewer records than lie between the two. Then the bad one is damage, not a torn write.
 *
 * Payloads may imitate records, but not their CRC, which starts from the segment's random salt. Should there be so many
 * imitations that checking them all would take long, the answer is `true`: what cannot be explained is never cut.
 */
export function wasSynced(
  window: RecordWindow,
  segment: Segment,
  bad: { offset: number; position: number },
  fileBytes: number,
  maxRecordBytes: number,
): boolean {
  const { file } = segment;
  let budget = 8 * (fileBytes - bad.position) + 16 * maxRecordBytes;
  let position = bad.position + 1;
  while (position + RECORD_EXTRA_BYTES <= fileBytes) {
    window.begin(position);
    window.fill(file, 0, fileBytes);
    const { available } = window;
    budget -= available;
    const found = window.core.run.findMagic(window.pointer, available) >>> 0;
    // A magic may lie across the window's end.
    if (found === available) {
      position += Math.max(available - 3, 1);
      continue;
    }
    position += found;
    window.advance(found);
    window.fill(file, RECORD_HEADER_BYTES, fileBytes);
    const offset = getU64(window.core.view, window.pointer + RECORD_OFFSET_AT);
    const most = bad.offset + Math.ceil((position - bad.position) / RECORD_EXTRA_BYTES);
    if (offset > bad.offset && offset <= most) {
      window.expect({ offset, timestamp: 0, crcSeed: segment.crcSeed });
      let count = window.walk(maxRecordBytes);
      if (count === 0 && window.verdict === WALK_MORE && position + window.needed <= fileBytes) {
        budget -= window.needed;
        window.fill(file, window.needed, fileBytes);
        count = window.walk(maxRecordBytes);
      }
      if (count > 0 && offset - unsyncedBefore(window) > bad.offset) return true;
      if (budget < 0) return true;
    }
    position += 1;
  }
  return false;
}

// Of the first record of the last walk.
function unsyncedBefore(window: RecordWindow): number {
  const { view } = window.core;
  const header = window.header(0);
  const length = view.getUint32(header + RECORD_LENGTH_AT, true);
  return view.getUint32(header + RECORD_EXTRA_BYTES + length - TRAILER_BYTES, true) & COMMIT_UNSYNCED_MASK;
}
