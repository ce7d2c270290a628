// The one writer of a stream: owns the chain's state and decides when what was admitted is sealed, written, synced and
// acknowledged. The order is always: stage, admit, seal (batch), write (file), index, sync (by policy), resolve.
// docs/architecture.md follows an append through here.

import { CONTROL_CRC_SEED_AT } from "../../assembly/control.ts";
import { KIND_DATA } from "../../assembly/layout.ts";
import { type DiatremeError, failure, StorageError } from "../errors.ts";
import { Batch, type ChainState } from "../wasm/batch.ts";
import type { Core } from "../wasm/core.ts";
import { giveCore, takeCore } from "../wasm/core-pool.ts";
import { IndexPages } from "../wasm/index-pages.ts";
import { AppendResult } from "./append-result.ts";
import { IndexWriter, indexPath, openIndexFile } from "./index-writer.ts";
import type { LogSettings } from "./options.ts";
import { createSegment, type Segment, type StreamPlace, segmentPath } from "./segment.ts";
import { SpaceAhead } from "./space-ahead.ts";
import { type LogEvent, type StageLimits, stageEvents } from "./stage.ts";

export interface AppendOptions {
  /** Append only if this is the next offset; else `OFFSET_MISMATCH` and nothing is written. */
  readonly expectedOffset?: number;
}

/** Up to where a stream's records are whole and may be shown. */
export interface StreamEnd {
  readonly segment: number;
  /** Byte position in that segment behind the last record. */
  readonly position: number;
  /** Offset that the next record will have. */
  readonly offset: number;
  /** Hash of the last record. */
  readonly head: Uint8Array;
  /** What keeps more from being shown, when the newest segment was found damaged. A writer has none. */
  readonly damage: DiatremeError | null;
}

/** A segment to go on writing in, as recovery leaves it. */
export interface WriterStart {
  readonly segment: Segment;
  readonly position: number;
  readonly chain: ChainState;
  /** The core that holds the index's pages, at the start of its arena. */
  readonly core: Core;
  readonly pages: IndexPages;
  readonly index: IndexWriter;
}

/** Who wants to know that all records below `offset` are durable. */
interface Waiter {
  readonly offset: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** An append that has to wait for room, or for a rotation. */
interface QueuedAppend {
  readonly events: LogEvent | readonly LogEvent[];
  readonly options: AppendOptions;
  readonly resolve: (result: AppendResult | Promise<AppendResult>) => void;
  readonly reject: (error: unknown) => void;
}

// Records that wait for company before they go to the file in one write.
const WRITE_BYTES = 256 << 10;
const WRITE_IN_FLIGHT_BYTES = 32 << 10;
const SEAL_IN_FLIGHT_BYTES = 4 << 10;
const INDEX_SLOTS = 8;
// A core that a large append has grown past this is replaced when its records are written.
const KEPT_CORE_BYTES = 32 << 20;

export class StreamWriter {
  readonly #place: StreamPlace;
  readonly #settings: LogSettings;
  readonly #limits: StageLimits;
  readonly #onRotate: (segmentCount: number) => void;
  readonly #ahead: SpaceAhead;
  readonly #sealNow = () => this.#batch.seal(this.#synced.offset);
  readonly #queue: QueuedAppend[] = [];
  readonly #waiters: Waiter[] = [];
  #core: Core;
  #pages: IndexPages;
  #batch: Batch;
  #index: IndexWriter;
  #segment: Segment;
  // Behind the last record that is in the file; sealed records follow in the batch.
  #position: number;
  #writtenChain: ChainState;
  #nextOffset: number;
  #timestamp: number;
  // What is known to survive power loss.
  #synced: StreamEnd;
  #syncing = false;
  #writing = false;
  #rotating = false;
  // While events are staged their toJSON methods and getters run, which may call this writer again.
  #staging = false;
  // The file was cut after a failed write, and that is not synced yet.
  #cutUnsynced = false;
  #poison: Error | null = null;
  #closed = false;

  constructor(place: StreamPlace, settings: LogSettings, start: WriterStart, onRotate: (segmentCount: number) => void) {
    this.#place = place;
    this.#settings = settings;
    this.#limits = { ...settings, stream: place.stream };
    this.#onRotate = onRotate;
    this.#ahead = new SpaceAhead(settings.sync !== "onFlush" && settings.spaceAhead);
    this.#core = start.core;
    this.#pages = start.pages;
    this.#index = start.index;
    this.#batch = new Batch(this.#core, settings.engine, this.#pages.end);
    this.#segment = start.segment;
    this.#position = start.position;
    this.#writtenChain = start.chain;
    this.#nextOffset = start.chain.nextOffset;
    this.#timestamp = start.chain.timestamp;
    this.#synced = this.#writtenEnd();
    this.#batch.setChain(start.chain);
    this.#core.setControl(CONTROL_CRC_SEED_AT, start.segment.crcSeed);
  }

  get nextOffset(): number {
    return this.#nextOffset;
  }
  // Whether an append resolves only when it is durable.
  get #syncsAppends(): boolean {
    return this.#settings.sync !== "onFlush";
  }
  get index(): IndexWriter {
    return this.#index;
  }
  get segmentNumber(): number {
    return this.#segment.header.number;
  }

  /** See `Stream.append`. */
  append(events: LogEvent | readonly LogEvent[], options: AppendOptions): Promise<AppendResult> {
    try {
      this.#checkUsable();
      if (this.#staging || this.#queue.length > 0 || this.#rotating || this.#isFull())
        return this.#enqueue(events, options);
      const result = this.#admit(events, options);
      if (result === null) {
        const queued = this.#enqueue(events, options);
        void this.#rotate();
        return queued;
      }
      return this.#acknowledge(result);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** See `Stream.appendSync`. */
  appendSync(events: LogEvent | readonly LogEvent[], options: AppendOptions): AppendResult {
    if (this.#staging || this.#syncing || this.#rotating || this.#waiters.length > 0 || this.#queue.length > 0) {
      throw failure("APPEND_IN_FLIGHT", { stream: this.#place.stream });
    }
    let result = this.#admit(events, options);
    if (result === null) {
      this.#flushNow();
      this.#startNextSegment();
      result = this.#admit(events, options);
      if (result === null) throw failure("INTERNAL", { detail: "an append does not fit an empty segment" });
    }
    if (this.#syncsAppends) this.#flushNow();
    else this.#writeSoon();
    return result;
  }

  /** Makes durable what was appended before the call, off the calling thread. */
  async flush(): Promise<void> {
    this.#checkUsable();
    // Appends that wait for room were made before this call too.
    while (this.#queue.length > 0) await this.#enqueue([], {});
    await this.#untilSynced();
  }

  // Makes durable what was appended, while the caller stands still. No sync may be in flight.
  #flushNow(): void {
    const before = this.#synced;
    this.#drain();
    if (before.offset === this.#nextOffset) return;
    const end = this.#writtenEnd();
    try {
      this.#segment.file.syncNow();
    } catch (error) {
      throw this.#fail(error);
    }
    this.#synced = end;
    this.#extendSpace(before, end);
  }

  /** What readers may see: with a syncing policy what is durable, otherwise all that was appended. */
  end(): StreamEnd {
    if (this.#syncsAppends) return this.#synced;
    this.#tryDrain();
    return this.#writtenEnd();
  }

  /** Waits for what is pending, makes all durable, ends the segment at its last record. */
  async close(): Promise<void> {
    if (this.#closed) return;
    try {
      if (this.#poison === null) {
        await this.flush();
        this.#seal();
      } else if (!this.#syncsAppends && this.#nextOffset > this.#synced.offset) {
        // These appends have resolved, and nobody was told yet that they are not durable.
        throw this.#poisoned();
      }
    } finally {
      this.#closed = true;
      for (const one of [...this.#queue.splice(0), ...this.#waiters.splice(0)]) one.reject(this.#closedFailure());
      // Results that were handed out may still be asked for their heads.
      this.#sealNow();
      giveCore(this.#core);
      this.#segment.file.close();
      this.#index.close();
    }
  }

  // Stages and admits one append. `null`, with nothing staged, when the segment has no room for it.
  #admit(events: LogEvent | readonly LogEvent[], options: AppendOptions): AppendResult | null {
    this.#checkUsable();
    const expectedOffset = checkExpectedOffset(options);
    if (this.#batch.bytes >= WRITE_BYTES) this.#drain();
    const firstOffset = this.#nextOffset;
    if (expectedOffset !== undefined && expectedOffset !== firstOffset) {
      throw failure("OFFSET_MISMATCH", { stream: this.#place.stream, expected: expectedOffset, actual: firstOffset });
    }
    const batch = this.#batch;
    this.#staging = true;
    try {
      stageEvents(batch, events, this.#limits);
    } finally {
      this.#staging = false;
      if (this.#queue.length > 0) queueMicrotask(() => this.#admitQueued());
    }
    const end = this.#position + batch.bytes;
    if (end + batch.stagedBytes > this.#settings.segmentBytes && firstOffset > this.#segment.header.firstOffset) {
      batch.unstage();
      return null;
    }
    this.#nextOffset = firstOffset + batch.stagedCount;
    const result = new AppendResult(firstOffset, this.#nextOffset, this.#sealNow);
    if (batch.stagedCount === 0) {
      batch.seal(this.#synced.offset);
      result.setHead(batch.head(), 0);
    } else {
      // The clock may jump back; timestamps never do.
      this.#timestamp = Math.max(this.#timestamp, this.#place.runtime.clock.nowMicros());
      batch.admit(KIND_DATA, this.#timestamp, result);
    }
    return result;
  }

  #acknowledge(result: AppendResult): Promise<AppendResult> {
    if (!this.#syncsAppends) {
      this.#writeSoon();
      return Promise.resolve(result);
    }
    return new Promise((resolve, reject) => {
      this.#await({ offset: result.nextOffset, resolve: () => resolve(result), reject });
    });
  }

  #untilSynced(): Promise<void> {
    return new Promise((resolve, reject) => this.#await({ offset: this.#nextOffset, resolve, reject }));
  }

  // Under onFlush appends gather in memory until they are many, or until the program's next turn of its event loop.
  #writeSoon(): void {
    if (this.#writing) return;
    this.#writing = true;
    void this.#place.runtime.clock
      .pause()
      .then(() => {
        this.#writing = false;
        if (!this.#closed) this.#tryDrain();
      })
      .catch((error: unknown) => this.#fail(error));
  }

  #await(waiter: Waiter): void {
    if (waiter.offset <= this.#synced.offset && this.#waiters.length === 0) {
      waiter.resolve();
      return;
    }
    this.#waiters.push(waiter);
    if (!this.#syncing) this.#startSync();
    // While a sync is in flight this thread has nothing better to do: much is written at once, some is hashed, and a
    // little waits for company, since many small records are hashed faster together.
    else if (this.#batch.bytes >= WRITE_IN_FLIGHT_BYTES) this.#tryDrain();
    else if (this.#batch.unsealedBytes >= SEAL_IN_FLIGHT_BYTES) this.#sealNow();
  }

  // At most one sync is in flight, and what it promises was written before it began.
  #startSync(): void {
    if (!this.#tryDrain() || this.#waiters.length === 0) return;
    const before = this.#synced;
    const target = this.#writtenEnd();
    this.#syncing = true;
    void this.#segment.file
      .sync()
      .then(() => this.#finishSync(target))
      .catch((error: unknown) => {
        this.#syncing = false;
        this.#fail(error);
      });
    this.#extendSpace(before, target);
  }

  #extendSpace(before: StreamEnd, target: StreamEnd): void {
    this.#ahead.extend(
      this.#segment.file,
      this.#position,
      target.position - before.position,
      this.#settings.segmentBytes,
    );
  }

  #finishSync(target: StreamEnd): void {
    this.#syncing = false;
    this.#synced = target;
    let resolved = 0;
    for (const waiter of this.#waiters) {
      if (waiter.offset > target.offset) break;
      waiter.resolve();
      resolved++;
    }
    this.#waiters.splice(0, resolved);
    if (this.#waiters.length > 0) this.#startSync();
    this.#admitQueued();
  }

  // Seals and writes what was admitted. On failure the file ends where it ended before, and what becomes of the records
  // depends on who was promised what: under a syncing policy nobody was, so the appends that made them fail and the
  // chain goes on from the last record in the file; under onFlush their appends have resolved, so they stay to be
  // written by a later try.
  #drain(): void {
    try {
      this.#writeBatch();
    } catch (error) {
      // Anything but a failure of the disk leaves nobody knowing what state this is.
      throw error instanceof StorageError ? error : this.#fail(error);
    }
  }

  #writeBatch(): void {
    const batch = this.#batch;
    const { bytes, count } = batch;
    if (bytes === 0 || this.#staging) return;
    batch.seal(this.#synced.offset);
    const position = this.#position;
    const { file } = this.#segment;
    try {
      for (let done = 0; done < bytes; ) done += file.write(batch.sealed(done), position + done);
    } catch (error) {
      this.#cutBack();
      if (this.#syncsAppends) this.#giveUpBatch(error);
      throw error;
    }
    this.#index.add(batch.pointer, { offset: this.#nextOffset - count, count, position, bytes });
    this.#position = position + bytes;
    this.#writtenChain = { nextOffset: this.#nextOffset, timestamp: this.#timestamp, head: batch.head() };
    batch.clear();
    if (this.#core.bytes.length > KEPT_CORE_BYTES) this.#renewCore();
  }

  #giveUpBatch(error: unknown): void {
    this.#batch.clear();
    this.#batch.setChain(this.#writtenChain);
    this.#nextOffset = this.#writtenChain.nextOffset;
    this.#timestamp = this.#writtenChain.timestamp;
    const given = this.#waiters.findIndex((waiter) => waiter.offset > this.#nextOffset);
    if (given >= 0) for (const waiter of this.#waiters.splice(given)) waiter.reject(error);
  }

  // A drain whose failure is told to those who wait, not to the caller. Returns whether syncing makes sense.
  #tryDrain(): boolean {
    try {
      this.#drain();
    } catch (error) {
      if (!this.#syncsAppends) for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
    }
    return this.#poison === null;
  }

  #cutBack(): void {
    try {
      this.#segment.file.truncate(this.#position);
      this.#ahead.forget();
      this.#cutUnsynced = true;
    } catch (error) {
      this.#fail(error);
    }
  }

  // A failed sync or cut-back is final: nobody knows what is on the disk until the log is opened again.
  #fail(error: unknown): unknown {
    this.#poison ??= error instanceof Error ? error : new Error(String(error));
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
    for (const queued of this.#queue.splice(0)) queued.reject(error);
    return error;
  }

  #poisoned(): DiatremeError {
    const reason = this.#poison?.message ?? "";
    return failure("LOG_POISONED", { stream: this.#place.stream, reason }, this.#poison);
  }

  #checkUsable(): void {
    if (this.#poison !== null) throw this.#poisoned();
    if (this.#closed) throw this.#closedFailure();
  }

  #closedFailure(): DiatremeError {
    const { folder } = this.#place;
    return failure("LOG_CLOSED", { directory: folder.slice(0, folder.lastIndexOf("/")) });
  }

  #writtenEnd(): StreamEnd {
    const { nextOffset, head } = this.#writtenChain;
    return { segment: this.#segment.header.number, position: this.#position, offset: nextOffset, head, damage: null };
  }

  #isFull(): boolean {
    if (!this.#syncsAppends) return false;
    const durable = this.#synced.segment === this.segmentNumber ? this.#synced.position : this.#position;
    return this.#position + this.#batch.bytes - durable >= this.#settings.maxPendingBytes;
  }

  #enqueue(events: LogEvent | readonly LogEvent[], options: AppendOptions): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ events, options, resolve, reject });
    });
  }

  #admitQueued(): void {
    while (this.#queue.length > 0 && !this.#rotating && !this.#staging && !this.#isFull()) {
      const queued = this.#queue[0] as QueuedAppend;
      try {
        const result = this.#admit(queued.events, queued.options);
        if (result === null) {
          void this.#rotate();
          return;
        }
        this.#queue.shift();
        queued.resolve(this.#acknowledge(result));
      } catch (error) {
        this.#queue.shift();
        queued.reject(error);
      }
    }
  }

  // Everything in the segment is synced before the next one exists: only the newest segment can be torn.
  async #rotate(): Promise<void> {
    this.#rotating = true;
    try {
      await this.#untilSynced();
      this.#startNextSegment();
      this.#rotating = false;
      this.#admitQueued();
    } catch (error) {
      this.#rotating = false;
      // The appends that needed the new segment fail; later ones try again.
      for (const queued of this.#queue.splice(0)) queued.reject(error);
    }
  }

  #startNextSegment(): void {
    const old = this.#segment;
    const number = old.header.number + 1;
    this.#seal();
    const path = segmentPath(this.#place, number);
    // The index first: without a segment it means nothing.
    const indexFile = openIndexFile(this.#place.runtime.files, indexPath(path));
    let segment: Segment;
    try {
      segment = createSegment(this.#place, { number, firstOffset: this.#nextOffset });
    } catch (error) {
      indexFile.close();
      // Once the next segment has its name, nothing may be added to this one.
      if (this.#place.runtime.files.kind(path) !== null) this.#fail(error);
      throw error;
    }
    const index = IndexWriter.create(this.#pages, indexFile, segment, this.#settings.index);
    old.file.close();
    this.#index.close();
    this.#segment = segment;
    this.#index = index;
    this.#position = segment.file.size();
    this.#synced = this.#writtenEnd();
    this.#ahead.forget();
    this.#core.setControl(CONTROL_CRC_SEED_AT, segment.crcSeed);
    this.#onRotate(number + 1);
  }

  // Ends a segment whose records are synced: no space behind them, and an index that says so.
  #seal(): void {
    if (this.#cutUnsynced || this.#ahead.reachesBeyond(this.#position)) {
      try {
        this.#segment.file.truncate(this.#position);
        this.#segment.file.syncNow();
      } catch (error) {
        throw this.#fail(error);
      }
      this.#ahead.forget();
      this.#cutUnsynced = false;
    }
    this.#index.seal();
  }

  #renewCore(): void {
    const core = takeCore();
    const pages = writerPages(core);
    pages.bytes(0, INDEX_SLOTS).set(this.#pages.bytes(0, INDEX_SLOTS));
    core.setControl(CONTROL_CRC_SEED_AT, this.#segment.crcSeed);
    this.#batch = new Batch(core, this.#settings.engine, pages.end);
    this.#batch.setChain(this.#writtenChain);
    this.#index.moveTo(pages);
    this.#core = core;
    this.#pages = pages;
  }
}

// Whatever is given, an offset comes out or none; getters run here, before anything is decided.
function checkExpectedOffset(options: AppendOptions | null | undefined): number | undefined {
  const expected = options?.expectedOffset;
  if (expected === undefined || (Number.isSafeInteger(expected) && expected >= 0)) return expected;
  throw failure("OPTION_INVALID", {
    option: "expectedOffset",
    value: typeof expected === "string" ? JSON.stringify(expected) : String(expected),
    expected: "a whole number, 0 or more",
  });
}

/** The slots for index pages at the start of a writer's arena. */
export function writerPages(core: Core): IndexPages {
  return new IndexPages(core, core.arena, INDEX_SLOTS);
}
