// Checks a whole stream: every record, every link, every segment's header, the index beside it. Damage is the report's
// content, not an exception.
import { PAGE_BYTES, PAGE_ENTRIES, SEGMENT_HEADER_BYTES } from "../../assembly/layout.ts";
import { DiatremeError, type ErrorCode } from "../errors.ts";
import { toHex } from "../format/hex.ts";
import type { RuntimeFile } from "../runtime.ts";
import { giveCore, takeCore } from "../wasm/core-pool.ts";
import { IndexPages } from "../wasm/index-pages.ts";
import { RecordWindow } from "../wasm/window.ts";
import type { LogSettings } from "./options.ts";
import type { SegmentScan } from "./scan.ts";
import type { SegmentFiles } from "./segment-files.ts";
import type { StreamEnd } from "./stream-end.ts";
import { StreamScan } from "./stream-scan.ts";

export interface VerifyOptions {
  /** Called about four times a second, and at the end. */
  readonly onProgress?: (progress: VerifyProgress) => void;
  /** Ends the verification with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface VerifyProgress {
  readonly records: number;
  readonly totalRecords: number;
  readonly bytes: number;
  readonly elapsedMs: number;
  readonly remainingMs: number;
}

/** The first thing found wrong; the facts that the code has are fields. */
export interface VerifyProblem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly segment?: number;
  readonly offset?: number;
  readonly position?: number;
}

export interface VerifyReport {
  readonly stream: string;
  /** Whether everything that was looked at is as it was written. */
  readonly ok: boolean;
  /** Records that passed: all of them, or those before the first bad one. Of an append that is not whole, none may. */
  readonly records: number;
  /** Bytes of those records. */
  readonly bytes: number;
  readonly segments: number;
  /** Offset that the next record will have. */
  readonly nextOffset: number;
  /** Hash of the last record that passed, 64 hexadecimal digits. */
  readonly head: string;
  readonly problem: VerifyProblem | null;
  /** What is wrong with the indexes. They are derived: this never changes what is read, and opening to write mends it. */
  readonly index: readonly string[];
  /** What was held against what. */
  readonly checked: readonly string[];
  /** What this cannot show. */
  readonly notProved: readonly string[];
  readonly elapsedMs: number;
}

const WINDOW_BYTES = 1 << 20;
const TURN_MS = 10;
const PROGRESS_MS = 250;

const CHECKED = [
  "every record's CRC-32",
  "every record's SHA-256 against the link in its successor, from the stream's identity on",
  "offsets without gaps, timestamps that never go back",
  "every segment's header, against the log's id and the stream's name",
];
const NOT_PROVED = [
  "that nothing was cut off the end, and that the whole was not made anew: keep a head elsewhere and compare it",
];

export async function verifyStream(
  segments: SegmentFiles,
  settings: LogSettings,
  end: StreamEnd,
  options: VerifyOptions,
): Promise<VerifyReport> {
  const { clock } = settings;
  const started = clock.monotonicMs();
  const core = takeCore();
  const pages = new IndexPages(core, core.arena, 2);
  const window = new RecordWindow(core, pages.end, WINDOW_BYTES);
  const index = new IndexCheck(pages, segments, end);
  let records = 0;
  let bytes = 0;
  let head: Uint8Array = new Uint8Array();
  let fault: DiatremeError | null = null;
  const progress = (): VerifyProgress => {
    const elapsedMs = clock.monotonicMs() - started;
    const remainingMs = records === 0 ? Infinity : (elapsedMs / records) * (end.offset - records);
    return { records, totalRecords: end.offset, bytes, elapsedMs, remainingMs };
  };
  let scan: StreamScan | null = null;
  try {
    const { genesis } = segments.get(0);
    head = genesis as Uint8Array;
    const start = { segment: 0, offset: 0, position: SEGMENT_HEADER_BYTES, timestamp: 0, head };
    scan = new StreamScan(window, segments, settings, { start, end, level: "chain" });
    let turnStarted = started;
    let reported = started;
    while (scan.next()) {
      const { run } = scan;
      records += run.count;
      bytes += run.bytes;
      index.check(run);
      const now = clock.monotonicMs();
      if (now - reported >= PROGRESS_MS) {
        reported = now;
        options.onProgress?.(progress());
      }
      if (now - turnStarted >= TURN_MS) {
        await clock.pause();
        turnStarted = clock.monotonicMs();
      }
      options.signal?.throwIfAborted();
      segments.checkOpen();
      head = scan.headOfRun();
    }
    fault = scan.fault ?? end.damage;
    if (fault === null) segments.get(end.segment);
  } catch (error) {
    if (!(error instanceof DiatremeError)) throw error;
    fault = error;
  } finally {
    scan?.close();
    index.close();
    giveCore(core);
  }
  options.onProgress?.(progress());
  return {
    stream: segments.place.stream,
    ok: fault === null,
    records,
    bytes,
    segments: segments.count,
    nextOffset: end.offset,
    head: toHex(head),
    problem: fault === null ? null : problemOf(fault),
    index: index.problems,
    checked: CHECKED,
    notProved: NOT_PROVED,
    elapsedMs: clock.monotonicMs() - started,
  };
}

function problemOf(fault: DiatremeError): VerifyProblem {
  const { code, message, segment, offset, position } = fault;
  return {
    code,
    message,
    ...(segment === undefined ? {} : { segment }),
    ...(offset === undefined ? {} : { offset }),
    ...(position === undefined ? {} : { position }),
  };
}

// Builds each page of the index anew from the records that pass by and holds it against the page in the file.
class IndexCheck {
  readonly problems: string[] = [];
  readonly #pages: IndexPages;
  readonly #segments: SegmentFiles;
  readonly #end: StreamEnd;
  #segment = -1;
  #file: RuntimeFile | null = null;
  #page = 0;
  #silent = false;

  constructor(pages: IndexPages, segments: SegmentFiles, end: StreamEnd) {
    this.#pages = pages;
    this.#segments = segments;
    this.#end = end;
    pages.clear(FRESH);
  }

  check(run: SegmentScan): void {
    const { number } = run.segment.header;
    if (number !== this.#segment) this.#begin(number);
    if (this.#silent) return;
    let pointer = run.header(0);
    let { count, position } = run;
    while (count > 0 && !this.#silent) {
      const added = this.#pages.add(FRESH, pointer, count, position);
      const bytes = this.#pages.bytesOfRecords(pointer, added);
      pointer += bytes;
      position += bytes;
      count -= added;
      if (this.#pages.count(FRESH) === PAGE_ENTRIES) this.#compare();
    }
  }

  close(): void {
    this.#finish();
    this.#segment = -1;
  }

  #begin(number: number): void {
    this.#finish();
    this.#segment = number;
    this.#page = 0;
    this.#silent = false;
    this.#pages.clear(FRESH);
    this.#file = this.#segments.get(number).index;
    if (this.#file === null) this.#note("is missing");
  }

  #finish(): void {
    if (this.#segment >= 0 && !this.#silent && this.#pages.count(FRESH) > 0) this.#compare();
    this.#file = null;
  }

  #compare(): void {
    const pages = this.#pages;
    const file = this.#segments.get(this.#segment).index;
    const wanted = pages.count(FRESH);
    const read = file?.read(pages.bytes(STORED, 1), this.#page * PAGE_BYTES) ?? 0;
    // A writer at work may be behind with the newest segment's last page, never with another.
    const mayLag = this.#segment === this.#end.segment;
    if (read < PAGE_BYTES) {
      if (!mayLag) this.#note(`lacks page ${this.#page}`);
      this.#silent = true;
      return;
    }
    const held = pages.count(STORED);
    const agrees =
      pages.isGood(STORED, this.#segments.get(this.#segment).crcSeed) &&
      pages.firstOffset(STORED) === pages.firstOffset(FRESH) &&
      pages.firstTimestamp(STORED) === pages.firstTimestamp(FRESH) &&
      pages.position(STORED, 0) === pages.position(FRESH, 0) &&
      pages.sameDistances(STORED, FRESH, Math.min(held, wanted));
    if (!agrees) this.#note(`does not agree with the records on page ${this.#page}`);
    else if (held < wanted && !mayLag) this.#note(`lacks records on page ${this.#page}`);
    this.#page++;
    pages.clear(FRESH);
  }

  #note(what: string): void {
    this.problems.push(`The index of segment ${this.#segment} ${what}.`);
    this.#silent = true;
  }
}

// The two slots: the page in the file, and what it should be.
const STORED = 0;
const FRESH = 1;
