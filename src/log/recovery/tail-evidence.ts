// What the bytes behind a bad record tell about it: nothing, or that it had been acknowledged.

import {
  COMMIT_UNSYNCED_MASK,
  RECORD_EXTRA_BYTES,
  RECORD_HEADER_BYTES,
  RECORD_LENGTH_AT,
  RECORD_OFFSET_AT,
  TRAILER_BYTES,
} from "../../../assembly/layout.ts";
import { getU64 } from "../../format/u64.ts";
import type { RuntimeFile } from "../../runtime.ts";
import type { RecordWindow } from "../../wasm/window.ts";
import type { Segment } from "../segments/segment.ts";

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
  const { core } = window;
  let budget = 4 * (fileBytes - bad.position) + 4 * maxRecordBytes;
  window.begin(bad.position + 1);
  while (window.position + RECORD_EXTRA_BYTES <= fileBytes) {
    if (window.available < RECORD_HEADER_BYTES) window.fill(file, RECORD_HEADER_BYTES, fileBytes);
    const { available } = window;
    if (available < RECORD_HEADER_BYTES) return false;
    const distance = core.run.findMagic(window.pointer, available) >>> 0;
    if (distance === available) {
      // A magic may lie across the window's end.
      window.advance(available - 3);
      continue;
    }
    window.advance(distance);
    const bytes = plausibleBytes(window, file, bad, fileBytes, maxRecordBytes);
    if (bytes === 0) {
      window.advance(1);
      continue;
    }
    if (window.available < bytes) window.fill(file, bytes, fileBytes);
    window.expect({ offset: offsetAt(window), timestamp: 0, crcSeed: segment.crcSeed });
    const isRecord = core.run.walk(window.pointer, Math.min(bytes, window.available), maxRecordBytes) === 1;
    if (isRecord && offsetAt(window) - unsyncedBefore(window) > bad.offset) return true;
    budget -= bytes;
    if (budget < 0) return true;
    window.advance(isRecord ? bytes : 1);
  }
  return false;
}

// The length of what may be a record at the window's start, by what costs nothing to check; 0 when it cannot be one.
function plausibleBytes(
  window: RecordWindow,
  file: RuntimeFile,
  bad: { offset: number; position: number },
  fileBytes: number,
  maxRecordBytes: number,
): number {
  if (window.available < RECORD_HEADER_BYTES) window.fill(file, RECORD_HEADER_BYTES, fileBytes);
  if (window.available < RECORD_HEADER_BYTES) return 0;
  const length = window.core.view.getUint32(window.pointer + RECORD_LENGTH_AT, true);
  const bytes = RECORD_EXTRA_BYTES + length;
  if (length > maxRecordBytes || window.position + bytes > fileBytes) return 0;
  const most = bad.offset + Math.ceil((window.position - bad.position) / RECORD_EXTRA_BYTES);
  const offset = offsetAt(window);
  return offset > bad.offset && offset <= most ? bytes : 0;
}

function offsetAt(window: RecordWindow): number {
  return getU64(window.core.view, window.pointer + RECORD_OFFSET_AT);
}

// Of the first record of the last walk.
function unsyncedBefore(window: RecordWindow): number {
  const { view } = window.core;
  const header = window.header(0);
  const length = view.getUint32(header + RECORD_LENGTH_AT, true);
  return view.getUint32(header + RECORD_EXTRA_BYTES + length - TRAILER_BYTES, true) & COMMIT_UNSYNCED_MASK;
}
