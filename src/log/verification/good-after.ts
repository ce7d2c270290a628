// Goes on behind a bad record: finds the ranges of records that are good among themselves. Whether they join what came
// before the damage nobody can tell; that they are whole and linked to one another can be told.
import { SEGMENT_HEADER_BYTES } from "../../../assembly/layout.ts";
import { CorruptionError, type DiatremeError } from "../../errors.ts";
import { giveCore, takeCore } from "../../wasm/core-pool.ts";
import { RecordWindow } from "../../wasm/window.ts";
import type { LogSettings } from "../options.ts";
import { StreamScan, type StreamScanEnd, type StreamScanStart } from "../reading/stream-scan.ts";
import { closeSegment, type ReadableSegment, type SegmentFiles } from "../segments/segment-files.ts";
import type { StreamEnd } from "../segments/stream-end.ts";
import { type FoundRecord, findNextRecord, type SearchBudget } from "./next-record.ts";

/** Records `from` to before `to`: each good, and each linked to by the next. */
export interface GoodRange {
  readonly from: number;
  readonly to: number;
}

// A log that is damaged in more places is not told in full, nor one in which records are imitated more often.
const MOST_RANGES = 100;
const MOST_TRIES = 1000;
const WINDOW_BYTES = 256 << 10;

/** Where to look for the next good record, and the least offset that it can have. */
interface Search {
  readonly segment: number;
  /** From this byte on; `null`: only at the segment's start. */
  readonly position: number | null;
  readonly least: number;
}

/**
 * The good ranges behind a fault, in order, the first hundred of them, up to offset `to`. Segments behind one that is
 * missing are not looked at.
 *
 * @param beat - called between steps, to wait for when it gives a promise
 */
export async function findGoodAfter(
  files: SegmentFiles,
  settings: LogSettings,
  fault: DiatremeError,
  { end, to }: { end: StreamEnd; to: number },
  beat: (records: number, bytes: number) => Promise<void> | null,
): Promise<readonly GoodRange[]> {
  const ranges: GoodRange[] = [];
  const limit = end.damage === null ? end : endOfFiles(files);
  const core = takeCore();
  const window = new RecordWindow(core, core.arena, WINDOW_BYTES);
  try {
    let search = searchBehind(fault, 0);
    const finder = new Finder(window, files, settings, limit, () => beat(0, 0));
    for (let tries = 0; search !== null && tries < MOST_TRIES && ranges.length < MOST_RANGES; tries++) {
      const start = await finder.find(search);
      if (start === null || start.offset >= to) break;
      const scan = new StreamScan(window, files, settings, { start, end: limit, level: "chain", to });
      let last = start.offset;
      try {
        while (scan.next()) {
          const { run } = scan;
          last = run.offset + run.count;
          const pause = beat(run.count, run.bytes);
          if (pause !== null) await pause;
        }
      } finally {
        scan.close();
      }
      const { segment, position } = start;
      if (last > start.offset) {
        ranges.push({ from: start.offset, to: last });
        search = scan.fault === null ? null : searchBehind(scan.fault, last);
      } else search = { segment, position: position + 1, least: search.least };
    }
  } finally {
    giveCore(core);
  }
  return ranges;
}

// The bad record itself does not count, but one that has come into its place does.
function searchBehind(fault: DiatremeError, least: number): Search | null {
  const { code, segment, offset, position } = fault;
  if (!(fault instanceof CorruptionError) || segment === undefined) return null;
  // A segment that starts at another offset than the one before it ends with may be good in itself.
  if (code === "SEGMENT_OFFSET_WRONG") return { segment, position: null, least };
  if (offset === undefined || position === undefined || code === "APPEND_INCOMPLETE") {
    return { segment: segment + 1, position: null, least };
  }
  if (code === "RECORD_OFFSET_WRONG") return { segment, position, least: Math.max(least, offset) };
  return { segment, position: position + 1, least: Math.max(least, offset) };
}

class Finder {
  readonly #window: RecordWindow;
  readonly #files: SegmentFiles;
  readonly #maxRecordBytes: number;
  readonly #end: StreamScanEnd;
  readonly #beat: () => Promise<void> | null;
  // One for all searches in a segment, however often they find something that then is none.
  #budget: SearchBudget & { segment: number } = { segment: -1, bytes: 0 };

  constructor(
    window: RecordWindow,
    files: SegmentFiles,
    { maxRecordBytes }: LogSettings,
    end: StreamScanEnd,
    beat: () => Promise<void> | null,
  ) {
    this.#window = window;
    this.#files = files;
    this.#maxRecordBytes = maxRecordBytes;
    this.#end = end;
    this.#beat = beat;
  }

  async find({ segment: number, position, least }: Search): Promise<StreamScanStart | null> {
    const files = this.#files;
    if (position !== null && number <= this.#end.segment) {
      const segment = files.openOwn(number);
      try {
        const found = await this.#findIn(segment, position, least);
        if (found !== null) return { segment: number, ...found, timestamp: 0, head: null };
      } finally {
        closeSegment(segment);
      }
    }
    for (let later = position === null ? number : number + 1; later <= this.#end.segment; later++) {
      const offset = firstOffset(files, later);
      if (offset === null || offset < least) continue;
      return { segment: later, offset, position: SEGMENT_HEADER_BYTES, timestamp: 0, head: null };
    }
    return null;
  }

  #findIn(segment: ReadableSegment, from: number, least: number): Promise<FoundRecord | null> {
    const { number } = segment.header;
    const maxRecordBytes = this.#maxRecordBytes;
    const isLast = number === this.#end.segment;
    const end = isLast ? this.#end.position : segment.bytes;
    const below = isLast ? this.#end.offset : (firstOffset(this.#files, number + 1) ?? Number.MAX_SAFE_INTEGER);
    if (this.#budget.segment !== number) {
      this.#budget = { segment: number, bytes: 4 * (end - from) + 4 * maxRecordBytes };
    }
    const search = { from, end, least, below, maxRecordBytes, budget: this.#budget };
    return findNextRecord(this.#window, segment, search, this.#beat);
  }
}

// `null` when the segment's header is bad.
function firstOffset(files: SegmentFiles, number: number): number | null {
  try {
    return files.get(number).header.firstOffset;
  } catch (error) {
    if (error instanceof CorruptionError) return null;
    throw error;
  }
}

// When the newest segment is damaged its end is not known: then all that is there is looked at.
function endOfFiles(files: SegmentFiles): StreamScanEnd {
  for (let segment = files.count - 1; segment >= 0; segment--) {
    if (firstOffset(files, segment) === null) continue;
    return { segment, position: files.get(segment).file.size(), offset: Number.POSITIVE_INFINITY, head: null };
  }
  return { segment: -1, position: 0, offset: 0, head: null };
}
