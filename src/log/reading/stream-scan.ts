// Goes through a stream's records across its segments: joins the scans of single segments, carries the chain over from
// one to the next, and checks what only the two together can show.
import { COMMIT_MORE_SHIFT, RECORD_EXTRA_BYTES, SEGMENT_HEADER_BYTES } from "../../../assembly/layout.ts";
import { DiatremeError, failure, UsageError } from "../../errors.ts";
import type { RecordWindow } from "../../wasm/window.ts";
import type { LogSettings } from "../options.ts";
import { closeSegment, type ReadableSegment, type SegmentFiles } from "../segments/segment-files.ts";
import type { StreamEnd } from "../segments/stream-end.ts";
import { type ScanLevel, type ScanStart, SegmentScan } from "./scan.ts";
import { endBefore, firstLink } from "./segment-border.ts";

export interface StreamScanStart extends ScanStart {
  readonly segment: number;
}

/** Where a scan ends: a stream's end, or a place within it that is treated as one. `offset`: `Infinity` when not known. */
export type StreamScanEnd = Pick<StreamEnd, "segment" | "position" | "offset"> & {
  /** Hash of the last record before it; `null` when that is not known. */
  readonly head: Uint8Array | null;
};

/** What a scan goes through. */
export interface StreamScanRange {
  readonly start: StreamScanStart;
  readonly end: StreamScanEnd;
  readonly level: ScanLevel;
  /** First offset that is not shown, where the scan is to stop before the end. */
  readonly to?: number;
}

export class StreamScan {
  /** What ended the scan before the stream's end; `null` while all is well. */
  fault: DiatremeError | null = null;
  readonly window: RecordWindow;
  readonly #files: SegmentFiles;
  readonly #settings: LogSettings;
  readonly #level: ScanLevel;
  readonly #end: StreamScanEnd;
  readonly #to: number;
  #segment: ReadableSegment | null = null;
  #scan: SegmentScan | null = null;
  // Chain state behind the last run that was shown.
  #next: StreamScanStart;
  #goesOn = false;
  // Where the last record that was shown lies.
  #lastPosition = 0;

  /** Works in `window`, which is the scan's alone until `close`. */
  constructor(window: RecordWindow, files: SegmentFiles, settings: LogSettings, range: StreamScanRange) {
    this.window = window;
    this.#files = files;
    this.#settings = settings;
    this.#level = range.level;
    this.#end = range.end;
    this.#to = Math.min(range.to ?? range.end.offset, range.end.offset);
    this.#next = range.start;
  }

  /** Whether there is a current run: not before the first step, nor at the end. */
  get isOnRun(): boolean {
    return this.#scan !== null && this.#scan.count > 0;
  }

  /** The current run: the scan of its segment, placed on it. */
  get run(): SegmentScan {
    return this.#scan as SegmentScan;
  }

  /** A copy of the hash of the current run's last record. Only for level `"chain"`. */
  headOfRun(): Uint8Array {
    return this.run.hash(this.run.count - 1).slice();
  }

  /** Moves to the next run. `false` at the end of the stream and at a fault. */
  next(): boolean {
    for (;;) {
      if (this.fault !== null) return false;
      try {
        if (this.#scan === null && !this.#openNext()) return false;
      } catch (error) {
        // A log that was closed meanwhile is not damaged.
        if (!(error instanceof DiatremeError) || error instanceof UsageError) throw error;
        this.fault = error;
        return false;
      }
      const scan = this.run;
      if (scan.next()) {
        const last = scan.count - 1;
        this.#goesOn = scan.commitWord(last) >>> COMMIT_MORE_SHIFT === 1;
        this.#lastPosition = scan.position + scan.header(last) - scan.header(0);
        return true;
      }
      this.#endSegment(scan);
    }
  }

  /** Lets go of the open segment. */
  close(): void {
    this.#files.release(this);
    if (this.#segment !== null) closeSegment(this.#segment);
    this.#segment = null;
    this.#scan = null;
  }

  #openNext(): boolean {
    const { segment: number, offset } = this.#next;
    if (offset >= this.#to) return false;
    if (number > this.#end.segment) {
      this.#checkEnd(number, this.#next);
      return false;
    }
    const segment = this.#files.openOwn(number);
    this.#segment = segment;
    this.#files.hold(this);
    const { firstOffset } = segment.header;
    if (this.#next.position === SEGMENT_HEADER_BYTES && firstOffset !== offset) {
      const { stream } = segment.header;
      throw failure("SEGMENT_OFFSET_WRONG", { stream, segment: number, found: firstOffset, expected: offset });
    }
    const end = this.#end;
    const newest = number === end.segment;
    // The newest segment may still be without records: then the one before it ends with the stream's head.
    const last = newest || (number + 1 === end.segment && end.position === SEGMENT_HEADER_BYTES);
    const next = !last && this.#level === "chain" ? firstLink(this.#files, number + 1, end) : null;
    this.#scan = new SegmentScan(this.window, segment, this.#next, {
      level: this.#level,
      engine: this.#settings.engine,
      maxRecordBytes: this.#settings.maxRecordBytes,
      end: newest ? end.position : segment.bytes,
      ...(last ? { endHash: end.head, endOffset: end.offset } : endBefore(next, this.#files, this.#settings, end)),
      showUnproved: false,
      stop: this.#to < end.offset ? this.#to : Number.POSITIVE_INFINITY,
    });
    return true;
  }

  #endSegment(scan: SegmentScan): void {
    const { number } = scan.segment.header;
    this.fault = scan.fault;
    const isStopped = scan.offset >= this.#to && this.#to < this.#end.offset;
    if (this.fault === null && this.#goesOn && number < this.#end.segment && !isStopped) {
      const { stream } = scan.segment.header;
      this.fault = failure("APPEND_INCOMPLETE", {
        stream,
        segment: number,
        offset: scan.offset - 1,
        position: this.#lastPosition,
      });
    }
    if (this.fault === null && !isStopped) {
      // Before the newest, only a segment that somebody has put there is without records.
      if (number === this.#end.segment) this.#checkEnd(number, scan);
      else if (scan.position === SEGMENT_HEADER_BYTES) this.fault = this.#lacking(number, scan);
    }
    this.#next = {
      segment: number + 1,
      offset: scan.offset,
      position: SEGMENT_HEADER_BYTES,
      timestamp: scan.lastTimestamp(),
      head: this.#level === "chain" ? this.window.core.head() : null,
    };
    this.close();
  }

  // Whoever named the start, or the end, may have been wrong: an index, or what was known before another process changed the
  // files. Then there are fewer records between the two than there should be, or more.
  #checkEnd(segment: number, { offset, position }: { offset: number; position: number }): void {
    if (offset === this.#end.offset || !Number.isFinite(this.#end.offset)) return;
    this.fault = this.#lacking(segment, { offset, position });
  }

  // A record is missing here.
  #lacking(segment: number, { offset, position }: { offset: number; position: number }): DiatremeError {
    const { stream } = this.#files.place;
    return failure("RECORD_TRUNCATED", { stream, segment, offset, position, bytes: RECORD_EXTRA_BYTES, available: 0 });
  }
}
