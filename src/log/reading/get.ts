// Looks up one record by its offset: index, one read, one check. What is out of the ordinary goes the way of `read`,
// which is slower and says exactly what is wrong.
import { DIGEST_BYTES, RECORD_EXTRA_BYTES, RECORD_HEADER_BYTES, RECORD_LENGTH_AT } from "../../../assembly/layout.ts";
import type { RecordWindow } from "../../wasm/window.ts";
import type { ReadableSegment } from "../segments/segment-files.ts";
import type { StreamEnd } from "../segments/stream-end.ts";
import type { Copies } from "./copies.ts";
import { locate } from "./locate.ts";
import { type ReadableStreamState, RecordReader } from "./read.ts";
import { LogRecord } from "./record.ts";

/** What looking records up works with, kept from one to the next. */
export interface LookupMemory {
  readonly window: RecordWindow;
  readonly copies: Copies;
}

/** Reads the record at `offset`, checked as by `verify: "chain"`; `undefined` when there is none yet. */
export function getRecord(
  state: ReadableStreamState,
  memory: LookupMemory,
  end: StreamEnd,
  offset: number,
): LogRecord | undefined {
  if (offset >= end.offset) {
    if (end.damage !== null) throw end.damage;
    return undefined;
  }
  const found = quickly(state, memory, end, offset);
  if (found !== undefined) return found;
  const reader = new RecordReader(state, end, { from: offset, limit: 1 });
  try {
    return reader.take();
  } finally {
    reader.close();
  }
}

function quickly(
  state: ReadableStreamState,
  memory: LookupMemory,
  end: StreamEnd,
  offset: number,
): LogRecord | undefined {
  const { window, copies } = memory;
  const { core } = window;
  const { engine, maxRecordBytes } = state.settings;
  const place = locate(state, offset);
  if (place.offset !== offset) return undefined;
  const segment = state.segments.get(place.segment);
  const limit = place.segment === end.segment ? end.position : segment.bytes;
  // Most records are short: one read gets all of it, and the header that follows.
  window.loadFirst(segment.file, place.position, limit);
  if (window.available < RECORD_EXTRA_BYTES) return undefined;
  const bytes = RECORD_EXTRA_BYTES + core.view.getUint32(window.pointer + RECORD_LENGTH_AT, true);
  if (bytes > maxRecordBytes + RECORD_EXTRA_BYTES || place.position + bytes > limit) return undefined;
  const following = Math.min(bytes + RECORD_HEADER_BYTES, limit - place.position);
  if (window.available < following) window.load(segment.file, place.position, following);
  window.end = Math.min(window.end, window.pointer + following);

  window.expect({ offset, timestamp: 0, crcSeed: segment.crcSeed });
  if (window.walk(maxRecordBytes) !== 1) return undefined;
  if (segment.genesis !== null && offset === 0) core.setHead(segment.genesis);
  else window.trustLink();
  const successor = successorOf(window, segment, place.segment, end, limit);
  if (successor === 0 || window.link(1, successor, engine) >= 0) return undefined;
  return copyOf(state, window, copies, segment, bytes, offset);
}

// 0 when the successor lies in another segment.
function successorOf(
  window: RecordWindow,
  segment: ReadableSegment,
  number: number,
  end: StreamEnd,
  limit: number,
): number {
  if (window.position + window.consumed < limit) return window.headerAfter(window.consumed, segment.file, limit);
  return number === end.segment ? window.headerWithLink(end.head) : 0;
}

function copyOf(
  { settings }: ReadableStreamState,
  window: RecordWindow,
  copies: Copies,
  segment: ReadableSegment,
  length: number,
  offset: number,
): LogRecord {
  const { bytes, at } = copies.take(length + DIGEST_BYTES);
  window.copyFirst(bytes, at, length);
  const run = {
    stream: segment.header.stream,
    bytes,
    zeroCopy: false,
    hashes: bytes,
    hashesAt: at + length,
    keyring: settings.keyring,
    expired: false,
  };
  return new LogRecord(run, at, 0, offset);
}
