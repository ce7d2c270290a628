// Finds a record by something else than its offset: by time, by a byte of its segment's file.
import { BATCH_RECORDS } from "../../../assembly/control.ts";
import { SEGMENT_HEADER_BYTES } from "../../../assembly/layout.ts";
import { giveCore, takeCore } from "../../wasm/core-pool.ts";
import { RecordWindow } from "../../wasm/window.ts";
import { invalidOption, optionsOf } from "../call-options.ts";
import type { StreamEnd } from "../segments/stream-end.ts";
import { getRecord, type LookupMemory } from "./get.ts";
import { locate, segmentStart } from "./locate.ts";
import type { ReadableStreamState } from "./read.ts";
import type { LogRecord } from "./record.ts";
import { StreamScan, type StreamScanStart } from "./stream-scan.ts";

/**
 * The first offset whose record is not older than `micros`; the end's when all are. Timestamps never go back, so halving
 * finds it, by records that were each checked: no index is believed.
 */
export function offsetAtTime(state: ReadableStreamState, memory: LookupMemory, end: StreamEnd, micros: number): number {
  let low = 0;
  let high = end.offset;
  while (high - low > BATCH_RECORDS) {
    const middle = Math.floor((low + high) / 2);
    const { timestamp } = getRecord(state, memory, end, middle) as LogRecord;
    if (timestamp < micros) low = middle + 1;
    else high = middle;
  }
  return low === high ? low : firstNotBefore(state, end, { low, high }, micros);
}

// What is left is searched by the core, in the records that one pass brings in.
function firstNotBefore(
  state: ReadableStreamState,
  end: StreamEnd,
  { low, high }: { low: number; high: number },
  micros: number,
): number {
  const found = searchFrom(state, end, locate(state, low), (scan) => {
    while (scan.next()) {
      const { offset, count } = scan.run;
      const first = offset + scan.window.core.run.findTimestamp(count, micros);
      if (first < offset + count) return Math.max(first, low);
      if (offset + count >= high) return high;
    }
    return undefined;
  });
  return found ?? high;
}

/**
 * The offset of the record that holds a byte of a segment's file; `undefined` for a byte of the header or behind the
 * records.
 *
 * @throws {UsageError} `OPTION_INVALID` when there is no such segment
 */
export function offsetAtByte(
  state: ReadableStreamState,
  end: StreamEnd,
  place: { segment: number; position: number },
): number | undefined {
  const { segment, position } = optionsOf(place, { segment: true, position: true });
  if (!(Number.isSafeInteger(segment) && segment >= 0 && segment < state.segments.count)) {
    throw invalidOption("segment", segment, `a segment of the stream, 0 to ${state.segments.count - 1}`);
  }
  if (!Number.isSafeInteger(position)) throw invalidOption("position", position, "a whole number of bytes");
  if (position < SEGMENT_HEADER_BYTES) return undefined;
  const { index } = state.segments.get(segment);
  const hint = state.index.nearest(state.segments.get(segment), index, position);
  return searchFrom(state, end, { segment, ...hint }, (scan) => {
    while (scan.next() && scan.run.segment.header.number === segment) {
      const { run } = scan;
      if (position >= run.position + run.bytes) continue;
      let index = 0;
      while (run.position + run.header(index + 1) - run.header(0) <= position) index++;
      return run.offset + index;
    }
    return undefined;
  });
}

// The index may be wrong: what it says is taken when good records are found from there on, as far as `search` goes. Else
// the start of the segment is gone out from, which says what is bad if the log itself is.
function searchFrom(
  state: ReadableStreamState,
  end: StreamEnd,
  hint: Pick<StreamScanStart, "segment" | "offset" | "position">,
  search: (scan: StreamScan) => number | undefined,
): number | undefined {
  const origin = segmentStart(state, hint.segment);
  for (const start of [{ ...origin, ...hint, head: null }, origin]) {
    const core = takeCore();
    const window = new RecordWindow(core, core.arena, state.settings.windowBytes);
    const scan = new StreamScan(window, state.segments, state.settings, { start, end, level: "crc" });
    try {
      const found = search(scan);
      if (found !== undefined || scan.fault === null) return found;
      if (start.position === SEGMENT_HEADER_BYTES) throw scan.fault;
    } finally {
      scan.close();
      giveCore(core);
    }
  }
  return undefined;
}
