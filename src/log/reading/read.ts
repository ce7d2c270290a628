// Reads a range of records in order, each checked before it is shown.
import { RECORD_EXTRA_BYTES, RECORD_LENGTH_AT, SEGMENT_HEADER_BYTES } from "../../../assembly/layout.ts";
import { readU32 } from "../../format/u32.ts";
import type { Core } from "../../wasm/core.ts";
import { giveCore, takeCore } from "../../wasm/core-pool.ts";
import { RecordWindow } from "../../wasm/window.ts";
import type { LogSettings } from "../options.ts";
import type { StreamEnd } from "../segments/stream-end.ts";
import { checkAgainst, findAnchor, type PlacedCheckpoint, startAt } from "./anchor.ts";
import { type Locator, locate, segmentStart } from "./locate.ts";
import type { ReadOptions, ReadVerify } from "./read-options.ts";
import { LogRecord, type RecordRun } from "./record.ts";
import { StreamScan, type StreamScanStart } from "./stream-scan.ts";

/** What is read, once a time was looked up. */
export type ReadFromOffset = Omit<ReadOptions, "from" | "verify"> & {
  readonly from?: number;
  /** `"near"`: `"checkpoint"` where one is near, else `"chain"`. Default `"chain"`. */
  readonly verify?: ReadVerify | "near";
};

/** What a reader needs of its stream. */
export interface ReadableStreamState extends Locator {
  readonly settings: LogSettings;
  /** Up to where the chain was verified from the genesis in this process. */
  verifiedTo: StreamScanStart | null;
  /** The same from a checkpoint on. */
  anchoredTo: StreamScanStart | null;
}

// How long a reader may keep the event loop to itself.
const TURN_MS = 10;

/**
 * The records of one `read` call: `for await` them, letting the program breathe between windows, or `for … of` them
 * where nothing else needs to run. Each loop reads anew.
 */
export class RecordRange {
  readonly #begin: () => RecordReader;

  constructor(begin: () => RecordReader) {
    this.#begin = begin;
  }

  [Symbol.iterator](): IterableIterator<LogRecord> {
    return new SyncRecords(this.#begin());
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<LogRecord> {
    return new AsyncRecords(this.#begin());
  }
}

class SyncRecords implements IterableIterator<LogRecord> {
  readonly #reader: RecordReader;

  constructor(reader: RecordReader) {
    this.#reader = reader;
  }

  next(): IteratorResult<LogRecord> {
    const record = this.#reader.take();
    return record === undefined ? { value: undefined, done: true } : { value: record, done: false };
  }

  return(): IteratorResult<LogRecord> {
    this.#reader.close();
    return { value: undefined, done: true };
  }

  [Symbol.iterator](): IterableIterator<LogRecord> {
    return this;
  }
}

class AsyncRecords implements AsyncIterableIterator<LogRecord> {
  readonly #reader: RecordReader;
  // The step that is not done yet. Calls that overlap take turns, as those of a generator do.
  #pending: Promise<IteratorResult<LogRecord>> | null = null;

  constructor(reader: RecordReader) {
    this.#reader = reader;
  }

  next(): Promise<IteratorResult<LogRecord>> {
    if (this.#pending !== null) return this.#hold(this.#pending.then(this.#step, this.#step));
    try {
      const pause = this.#reader.pauseIfDue();
      return pause === null ? Promise.resolve(this.#take()) : this.#hold(pause.then(() => this.#take()));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  readonly #step = async (): Promise<IteratorResult<LogRecord>> => {
    await this.#reader.pauseIfDue();
    return this.#take();
  };

  #hold(step: Promise<IteratorResult<LogRecord>>): Promise<IteratorResult<LogRecord>> {
    const release = () => {
      if (this.#pending === step) this.#pending = null;
    };
    this.#pending = step;
    step.then(release, release);
    return step;
  }

  #take(): IteratorResult<LogRecord> {
    const record = this.#reader.take();
    return record === undefined ? { value: undefined, done: true } : { value: record, done: false };
  }

  return(): Promise<IteratorResult<LogRecord>> {
    this.#reader.close();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<LogRecord> {
    return this;
  }
}

export class RecordReader {
  readonly #state: ReadableStreamState;
  readonly #options: ReadFromOffset;
  readonly #end: StreamEnd;
  readonly #to: number;
  #core: Core | null = null;
  #scan: StreamScan | null = null;
  #run: RecordRun | null = null;
  // Within the run: the next record's place, index and offset, and the offset behind the run.
  #at = 0;
  #index = 0;
  #offset: number;
  #runEnd = 0;
  #recordsLeft: number;
  #bytesLeft: number;
  #first = true;
  #fromOrigin = false;
  // The checkpoint that this scan begins at; and one that the records at its place do not agree with, until it is known
  // whether they are damaged.
  #anchor: PlacedCheckpoint | null = null;
  #suspect: PlacedCheckpoint | null = null;
  #isJoined = false;
  #done = false;
  #turnStarted: number;

  constructor(state: ReadableStreamState, end: StreamEnd, options: ReadFromOffset) {
    const { from = 0, to = end.offset, limit = Infinity, maxBytes = Infinity } = options;
    this.#state = state;
    this.#options = options;
    this.#end = end;
    this.#to = Math.min(to, end.offset);
    this.#offset = from;
    this.#recordsLeft = limit;
    this.#bytesLeft = maxBytes;
    this.#turnStarted = state.settings.clock.monotonicMs();
  }

  /** The next record, or `undefined` at the end of the range. */
  take(): LogRecord | undefined {
    if (this.#options.signal?.aborted) this.#giveUp();
    if (this.#run?.zeroCopy && this.#offset >= this.#runEnd) this.#run.expired = true;
    if (this.#done || this.#recordsLeft <= 0) return this.#finish();
    if (this.#offset >= this.#to || (this.#offset >= this.#runEnd && !this.#nextRun())) return this.#finishAtEnd();
    const run = this.#run as RecordRun;
    const length = readU32(run.bytes, this.#at + RECORD_LENGTH_AT);
    if (length > this.#bytesLeft && !this.#first) return this.#finish();
    const record = new LogRecord(run, this.#at, this.#index, this.#offset);
    this.#at += RECORD_EXTRA_BYTES + length;
    this.#index++;
    this.#offset++;
    this.#recordsLeft--;
    this.#bytesLeft -= length;
    this.#first = false;
    return record;
  }

  /** Something to wait for before the next `take`, when this reader has held the event loop long enough. */
  pauseIfDue(): Promise<void> | null {
    if (this.#offset < this.#runEnd || this.#done) return null;
    // The chain is verified from the genesis first, however far that is.
    if (this.#isAnchored && this.#scan === null) return this.#verifyUpToFirst();
    const { clock } = this.#state.settings;
    if (clock.monotonicMs() - this.#turnStarted < TURN_MS) return null;
    return this.#pause();
  }

  async #pause(): Promise<void> {
    const { clock } = this.#state.settings;
    await clock.pause();
    this.#turnStarted = clock.monotonicMs();
  }

  get #isAnchored(): boolean {
    const { verify } = this.#options;
    return verify === "genesis" || verify === "checkpoint" || verify === "near";
  }

  // Goes up to the run that holds the first wanted record, or to the end; `take` goes on from there.
  async #verifyUpToFirst(): Promise<void> {
    const { segments, settings } = this.#state;
    try {
      this.#options.signal?.throwIfAborted();
      segments.checkOpen();
      const scan = this.#start(this.#startPlace());
      while (this.#offset < this.#to && scan.next()) {
        this.#remember(scan, scan.run.count);
        if (this.#offset < scan.run.offset + scan.run.count) return;
        if (settings.clock.monotonicMs() - this.#turnStarted >= TURN_MS) await this.#pause();
        // Ended meanwhile: the scan's memory may be another's by now.
        if (this.#done) return;
        this.#options.signal?.throwIfAborted();
        segments.checkOpen();
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    this.#done = true;
    if (this.#run?.zeroCopy) this.#run.expired = true;
    if (this.#scan?.isOnRun) this.#remember(this.#scan, this.#offset - this.#scan.run.offset);
    this.#scan?.close();
    this.#scan = null;
    if (this.#core !== null) giveCore(this.#core);
    this.#core = null;
  }

  #giveUp(): void {
    this.close();
    this.#options.signal?.throwIfAborted();
  }

  // A reader that wants more than there is must be told when there was more.
  #finishAtEnd(): undefined {
    const { damage } = this.#end;
    const wantsMore = this.#offset < (this.#options.to ?? Infinity);
    this.close();
    if (damage !== null && wantsMore) throw damage;
    return undefined;
  }

  #finish(): undefined {
    this.close();
    return undefined;
  }

  // Moves to the next run that has a wanted record.
  #nextRun(): boolean {
    const scan = this.#scan;
    if (scan?.isOnRun && this.#offset < scan.run.offset + scan.run.count) {
      this.#show(scan);
      return true;
    }
    try {
      this.#options.signal?.throwIfAborted();
      this.#state.segments.checkOpen();
      return this.#scanOn(scan ?? this.#start(this.#startPlace()));
    } catch (error) {
      // A loop does not tell an iterator that has thrown to end.
      this.close();
      throw error;
    }
  }

  #scanOn(begun: StreamScan): boolean {
    let scan = begun;
    for (;;) {
      if (!scan.next()) {
        const { fault } = scan;
        scan.close();
        if (fault !== null && this.#run === null && !this.#fromOrigin) {
          // The index, or a checkpoint, may have named a wrong place. Look again from the segment's start: if the log
          // itself is bad, that scan says where.
          this.#suspect = this.#anchor;
          this.#anchor = null;
          scan = this.#start(this.#originOf(this.#suspect));
          continue;
        }
        this.close();
        if (fault !== null) throw fault;
        return false;
      }
      const { run } = scan;
      if (this.#suspect !== null) this.#suspect = checkAgainst(this.#suspect, scan);
      this.#remember(scan, run.count);
      if (run.offset + run.count <= this.#offset) continue;
      this.#show(scan);
      return true;
    }
  }

  // Makes the next wanted records of the scan's run available: all of them as views, or some of them as a copy. A copy
  // is small, because each record that somebody keeps keeps all of it in memory.
  #show(scan: StreamScan): void {
    const { run, window } = scan;
    const { core } = window;
    const first = this.#offset - run.offset;
    const start = run.header(first);
    const zeroCopy = this.#options.zeroCopy === true;
    let end = first + 1;
    if (zeroCopy) end = run.count;
    else while (end < run.count && (end - first < COPY_RECORDS || run.header(end + 1) - start <= COPY_BYTES)) end++;
    const bytes = zeroCopy ? core.bytes : core.bytes.slice(start, run.header(end));
    this.#run = {
      stream: run.segment.header.stream,
      bytes,
      zeroCopy,
      keyring: this.#state.settings.keyring,
      hashes: this.#options.verify === "crc" ? null : window.hashesOf(first, end),
      hashesAt: 0,
      expired: false,
    };
    this.#index = 0;
    this.#at = zeroCopy ? start : 0;
    this.#runEnd = run.offset + end;
  }

  #start(start: StreamScanStart): StreamScan {
    const { settings, segments } = this.#state;
    const level = this.#options.verify === "crc" ? "crc" : "chain";
    this.#fromOrigin = start.position === SEGMENT_HEADER_BYTES && this.#anchor === null;
    this.#isJoined = start.head !== null;
    this.#core ??= takeCore();
    const window = new RecordWindow(this.#core, this.#core.arena, this.#windowBytes(start.offset));
    this.#scan = new StreamScan(window, segments, settings, { start, end: this.#end, level });
    return this.#scan;
  }

  #startPlace(): StreamScanStart {
    if (this.#isAnchored) {
      const start = this.#anchoredPlace();
      if (start !== null) return start;
    }
    const place = locate(this.#state, this.#offset);
    if (place.position === SEGMENT_HEADER_BYTES) return segmentStart(this.#state, place.segment);
    return { ...place, timestamp: 0, head: null };
  }

  // The nearest of the places from which the chain is wanted; `null`: none is near, and none is insisted on.
  #anchoredPlace(): StreamScanStart | null {
    const { verify } = this.#options;
    const { verifiedTo, anchoredTo, segments } = this.#state;
    const known = [verifiedTo, verify === "genesis" ? null : anchoredTo].filter(
      (place) => place !== null && place.offset <= this.#offset,
    );
    let nearest: StreamScanStart | null = null;
    for (const place of known) if (place !== null && place.offset > (nearest?.offset ?? -1)) nearest = place;
    if (verify !== "genesis" && nearest?.offset !== this.#offset) {
      const segment = segments.find(this.#offset);
      const oldest = verify === "checkpoint" ? 0 : Math.max(0, segment - 1);
      const found = findAnchor(segments, this.#state.settings, { newest: segment, oldest, offset: this.#offset });
      if (found !== null && found.entry.nextOffset > (nearest?.offset ?? -1)) {
        this.#anchor = found;
        return startAt(found);
      }
    }
    return nearest ?? (verify === "near" ? null : segmentStart(this.#state, 0));
  }

  #originOf(suspect: PlacedCheckpoint | null): StreamScanStart {
    const { verify } = this.#options;
    if (suspect !== null) return segmentStart(this.#state, suspect.segment);
    const isFromFirst = verify === "genesis" || verify === "checkpoint";
    return segmentStart(this.#state, isFromFirst ? 0 : this.#state.segments.find(this.#offset));
  }

  // The place behind the first `count` records of the scan's run, so that reading on need not hash them again. The latest
  // place is kept: it is where reading goes on.
  #remember(scan: StreamScan, count: number): void {
    // A scan that only follows the links of its own records proves nothing about what came before them.
    const isProved = this.#isAnchored && this.#isJoined && this.#suspect === null;
    if (!isProved || count <= 0 || count > scan.run.count) return;
    const { run, window } = scan;
    this.#state[this.#options.verify === "genesis" ? "verifiedTo" : "anchoredTo"] = {
      segment: run.segment.header.number,
      offset: run.offset + count,
      position: run.position + run.header(count) - run.header(0),
      timestamp: run.timestamp(count - 1),
      head: window.hash(count - 1).slice(),
    };
  }

  // A reader of a few records need not hold a whole window.
  #windowBytes(first: number): number {
    const { windowBytes } = this.#state.settings;
    const wanted = Math.min(this.#to - this.#offset, this.#recordsLeft) + this.#offset - first;
    return wanted <= 4 ? Math.min(windowBytes, SMALL_WINDOW_BYTES) : windowBytes;
  }
}

const SMALL_WINDOW_BYTES = 4096;
// Copied together: at least so many records, or so many bytes of small ones.
const COPY_RECORDS = 16;
const COPY_BYTES = 16 << 10;
