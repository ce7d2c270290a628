// The one writer of a stream: owns the chain's state and decides when what was admitted is sealed, written, synced and
// acknowledged. The order is always: stage, admit, seal (batch), write (file), index, sync (by policy), resolve.
// docs/architecture.md follows an append through here.

import { CONTROL_CRC_SEED_AT } from "../../../assembly/control.ts";
import { KIND_DATA, KIND_TOMBSTONE } from "../../../assembly/layout.ts";
import { type DiatremeError, failure, StorageError } from "../../errors.ts";
import type { CheckpointEntry } from "../../format/checkpoint-file.ts";
import { toHex } from "../../format/hex.ts";
import { folderOf } from "../../format/path.ts";
import { Batch, type ChainState } from "../../wasm/batch.ts";
import type { Core } from "../../wasm/core.ts";
import { giveCore, takeCore } from "../../wasm/core-pool.ts";
import { IndexPages } from "../../wasm/index-pages.ts";
import type { LogSettings } from "../options.ts";
import type { StreamPlace } from "../segments/segment.ts";
import { timeNotBefore } from "../segments/stored-time.ts";
import type { StreamEnd } from "../segments/stream-end.ts";
import { runBeside, runNow, type SyncSteps } from "../segments/sync-steps.ts";
import { type AppendChoice, NO_CHOICE } from "./append-options.ts";
import { type AppendInput, AppendQueue } from "./append-queue.ts";
import { AppendResult } from "./append-result.ts";
import type { SyncedEnd } from "./checkpoint-writer.ts";
import { DurabilityWaiters } from "./durability-waiters.ts";
import { Gathering } from "./gathering.ts";
import type { IndexWriter } from "./index-writer.ts";
import { RecentRecords } from "./recent-records.ts";
import { SegmentWriter, type SegmentWriterStart } from "./segment-writer.ts";
import { type LogEvent, type StageLimits, stageEvents } from "./stage.ts";
import { StreamCipher } from "./stream-cipher.ts";
import { Tombstone } from "./tombstone.ts";

/** A segment to go on writing in, as recovery leaves it. */
export interface WriterStart extends SegmentWriterStart {
  readonly chain: ChainState;
  /** The last record's, as `SegmentScan.epoch` tells it. */
  readonly epoch: number | null;
  /** The core that holds the index's pages, at the start of its arena. */
  readonly core: Core;
}

/** What has to be made before an append can be taken. */
type Obstacle = "noRoomInSegment" | "noKey";

/** Who wants to know what happens to the stream. */
export interface WriterListener {
  /** There are so many segments now. */
  onRotate(segmentCount: number): void;
  /** `end()` may be another one now, or the writer has failed. */
  onAdvance(): void;
}

// Records that wait for company before they go to the file in one write.
const WRITE_BYTES = 256 << 10;
const WRITE_IN_FLIGHT_BYTES = 32 << 10;
const SEAL_IN_FLIGHT_BYTES = 4 << 10;
const INDEX_SLOTS = 8;
const NOTHING: readonly LogEvent[] = [];
// A core that a large append has grown past this is replaced when its records are written.
const KEPT_CORE_BYTES = 32 << 20;

export class StreamWriter {
  readonly #place: StreamPlace;
  readonly #settings: LogSettings;
  readonly #limits: StageLimits;
  readonly #sealedLimits: StageLimits;
  readonly #cipher: StreamCipher;
  readonly #listener: WriterListener;
  readonly #segment: SegmentWriter;
  readonly #gathering: Gathering;
  readonly #sealNow = () => this.#batch.seal(this.#synced.offset);
  readonly #queue = new AppendQueue();
  readonly #waiters = new DurabilityWaiters();
  readonly #recent = new RecentRecords();
  #core: Core;
  #pages: IndexPages;
  #batch: Batch;
  // Of the last record that is in the file; sealed records follow in the batch.
  #writtenChain: ChainState;
  #nextOffset: number;
  #timestamp: number;
  // What is known to survive power loss.
  #synced: StreamEnd;
  #syncing = false;
  #starting = false;
  #writing = false;
  // While a new segment or keys are being made nothing is admitted.
  #clearing: Promise<void> | null = null;
  // While events are staged their toJSON methods and getters run, which may call this writer again.
  #staging = false;
  #poison: Error | null = null;
  #closed = false;

  constructor(place: StreamPlace, settings: LogSettings, start: WriterStart, listener: WriterListener) {
    this.#place = place;
    this.#settings = settings;
    this.#limits = { ...settings, stream: place.stream, isSealed: false };
    this.#sealedLimits = { ...this.#limits, isSealed: true };
    this.#cipher = new StreamCipher(place.stream, settings, start.chain.nextOffset === 0 ? null : start);
    this.#listener = listener;
    this.#segment = new SegmentWriter(place, settings, start, (error) => this.#fail(error));
    this.#gathering = new Gathering(settings.sync.gather, settings.clock, () => this.#syncIfDue());
    this.#core = start.core;
    this.#pages = start.pages;
    this.#batch = new Batch(this.#core, settings.engine, this.#pages.end);
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
  get index(): IndexWriter {
    return this.#segment.index;
  }
  get segmentNumber(): number {
    return this.#segment.number;
  }
  /** What was written last. */
  get recent(): RecentRecords {
    return this.#recent;
  }
  // Whether an append resolves only when it is durable.
  get #syncsAppends(): boolean {
    return this.#settings.sync.resolvesDurable;
  }

  /** See `Stream.append`. */
  append(events: AppendInput, choice: AppendChoice): Promise<AppendResult> {
    try {
      return this.#appendNow(events, choice) ?? this.#queue.add(events, choice);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** See `Stream.tryAppend`. */
  tryAppend(events: LogEvent | readonly LogEvent[], choice: AppendChoice): Promise<AppendResult> | null {
    try {
      return this.#appendNow(events, choice);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  // `null`, and nothing is taken, when the append would have to wait for room, for a new segment or for keys. What it
  // waits for is under way then.
  #appendNow(events: AppendInput, choice: AppendChoice): Promise<AppendResult> | null {
    this.#checkUsable();
    if (this.#staging || !this.#queue.isEmpty || this.#clearing !== null) return null;
    if (this.#isFull()) {
      this.#hurry();
      return null;
    }
    const result = this.#admit(events, choice);
    if (typeof result !== "string") return this.#acknowledge(result);
    this.#clear(result, choice);
    return null;
  }

  /** See `Stream.appendSync`. */
  appendSync(events: LogEvent | readonly LogEvent[], choice: AppendChoice): AppendResult {
    if (this.#staging || this.#syncing || this.#clearing !== null || !this.#waiters.isEmpty || !this.#queue.isEmpty) {
      throw failure("APPEND_IN_FLIGHT", { stream: this.#place.stream });
    }
    let result = this.#admit(events, choice);
    if (result === "noKey") {
      if (this.#cipher.isBusy) throw failure("APPEND_IN_FLIGHT", { stream: this.#place.stream });
      runNow(this.#cipher.makeKeys(new Set([choice.keyId])));
      result = this.#admit(events, choice);
    }
    if (result === "noRoomInSegment") {
      this.#flushNow();
      runNow(this.#startNextSegment());
      result = this.#admit(events, choice);
    }
    if (typeof result === "string") throw failure("INTERNAL", { detail: `an append goes on meeting ${result}` });
    if (this.#syncsAppends) this.#flushNow();
    else this.#writeSoon();
    return result;
  }

  /** Makes durable what was appended before the call, off the calling thread. */
  async flush(): Promise<void> {
    this.#checkUsable();
    // Appends that wait for room were made before this call too, and those behind this one after it.
    if (!this.#queue.isEmpty) await this.#queue.add(NOTHING, NO_CHOICE);
    await this.#untilSynced();
  }

  /** See `Stream.checkpoint`. */
  async checkpoint(): Promise<CheckpointEntry> {
    await this.flush();
    await this.#clearing;
    this.#checkUsable();
    const { checkpoints } = this.#segment;
    const entry = checkpoints.make(this.#syncedEnd());
    await checkpoints.sync();
    return entry;
  }

  #checkpointIfDue(): void {
    const synced = this.#syncedEnd();
    const { checkpoints } = this.#segment;
    if (checkpoints.isDue(synced)) checkpoints.makeQuietly(synced);
  }

  // The time is that of a record that may not be synced yet: not less than that of the last one which is.
  #syncedEnd(): SyncedEnd {
    return { ...this.#synced, timestamp: this.#timestamp };
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
    this.#checkpointIfDue();
    this.#listener.onAdvance();
  }

  /** What readers may see: with a syncing policy what is durable, otherwise all that was appended. */
  end(): StreamEnd {
    if (this.#syncsAppends) return this.#synced;
    this.#tryDrain();
    return this.#writtenEnd();
  }

  /**
   * @throws {StorageError} `LOG_POISONED` when nothing more will come, because of an earlier failure
   */
  checkPoison(): void {
    if (this.#poison !== null) throw this.#poisoned();
  }

  /** Waits for what is pending, makes all durable, ends the segment at its last record. */
  async close(): Promise<void> {
    if (this.#closed) return;
    try {
      if (this.#poison === null) {
        // Twice: what was being staged when this was called, by a toJSON that closes its log say, comes after the first.
        let failed: { readonly error: unknown } | null = null;
        for (let times = 0; times < 2; times++) {
          try {
            await this.flush();
          } catch (error) {
            // Keys or a segment that others waited for could not be made: what was taken before is made durable all the same.
            if (this.#poison !== null) throw error;
            failed ??= { error };
            await this.#untilSynced();
          }
          await this.#clearing;
        }
        await runBeside(this.#segment.end(this.#syncedEnd()));
        if (failed !== null) throw failed.error;
      } else if (!this.#syncsAppends && this.#nextOffset > this.#synced.offset) {
        // These appends have resolved, and nobody was told yet that they are not durable.
        throw this.#poisoned();
      }
    } finally {
      this.#closed = true;
      this.#gathering.reset();
      this.#queue.rejectAll(this.#closedFailure());
      this.#waiters.rejectAll(this.#closedFailure());
      // Results that were handed out may still be asked for their heads.
      this.#sealNow();
      giveCore(this.#core);
      this.#segment.close();
      this.#cipher.close();
      this.#listener.onAdvance();
    }
  }

  // Stages, encrypts and admits one append; or says, with nothing staged, what has to be made before.
  #admit(events: AppendInput, { expectedOffset, keyId, signal }: AppendChoice): AppendResult | Obstacle {
    const isTombstone = !ArrayBuffer.isView(events) && Tombstone.is(events);
    const isNothing = isTombstone || (Array.isArray(events) && this.#isEmpty(events));
    this.#checkUsable();
    if (this.#batch.bytes >= WRITE_BYTES) this.#drain();
    const firstOffset = this.#nextOffset;
    if (expectedOffset !== undefined && expectedOffset !== firstOffset) {
      throw failure("OFFSET_MISMATCH", { stream: this.#place.stream, expected: expectedOffset, actual: firstOffset });
    }
    const batch = this.#batch;
    const cipher = isNothing ? null : this.#cipher.sealing(keyId);
    if (cipher === undefined) return "noKey";
    let wanted: LogEvent | readonly LogEvent[] = isNothing ? NOTHING : (events as LogEvent);
    if (isTombstone) wanted = events.payloadAfter(this.#standNow());
    this.#staging = true;
    try {
      stageEvents(batch, wanted, cipher === null ? this.#limits : this.#sealedLimits);
    } finally {
      this.#endStaging();
    }
    // Code of the events' own may have given the append up.
    if (signal?.aborted) {
      batch.unstage();
      throw signal.reason;
    }
    const end = this.#segment.position + batch.bytes;
    if (end + batch.stagedBytes > this.#settings.segmentBytes && firstOffset > this.#segment.firstOffset) {
      batch.unstage();
      return "noRoomInSegment";
    }
    const nextOffset = firstOffset + batch.stagedCount;
    const result = new AppendResult(firstOffset, nextOffset, this.#sealNow);
    if (batch.stagedCount === 0) {
      batch.seal(this.#synced.offset);
      result.setHead(batch.head(), 0);
    } else {
      // The clock may jump; timestamps never go back.
      this.#timestamp = timeNotBefore(this.#place.runtime.clock, this.#timestamp);
      const kind = isTombstone ? KIND_TOMBSTONE : KIND_DATA;
      try {
        batch.admit(kind, this.#timestamp, result, cipher === null ? null : { firstOffset, cipher });
      } catch (error) {
        batch.unstage();
        this.#cipher.spendEpoch();
        throw error;
      }
      this.#nextOffset = nextOffset;
    }
    return result;
  }

  // A proxy's trap may run here. What it throws it will throw again when the event is staged.
  #isEmpty(events: readonly unknown[]): boolean {
    this.#staging = true;
    try {
      return events.length === 0;
    } catch {
      return false;
    } finally {
      this.#endStaging();
    }
  }

  #endStaging(): void {
    this.#staging = false;
    if (!this.#queue.isEmpty) soon(() => this.#admitQueued());
  }

  #standNow(): { nextOffset: number; head: string } {
    this.#sealNow();
    return { nextOffset: this.#nextOffset, head: toHex(this.#batch.head()) };
  }

  #acknowledge(result: AppendResult): Promise<AppendResult> {
    if (!this.#syncsAppends) {
      this.#writeSoon();
      return Promise.resolve(result);
    }
    return new Promise((resolve, reject) => this.#tell(result, resolve, reject));
  }

  #tell(result: AppendResult, resolve: (result: AppendResult) => void, reject: (error: unknown) => void): void {
    if (!this.#syncsAppends) {
      this.#writeSoon();
      resolve(result);
      return;
    }
    const waiter = { offset: result.nextOffset, resolve: () => resolve(result), reject };
    if (this.#isSettled(waiter.offset)) {
      waiter.resolve();
      return;
    }
    this.#gathering.add();
    this.#waiters.add(waiter);
    this.#syncIfDue();
  }

  #untilSynced(): Promise<void> {
    return new Promise((resolve, reject) => {
      // The caller may have waited for something else before: nothing is synced any more after a failure.
      this.#checkUsable();
      const offset = this.#nextOffset;
      if (this.#isSettled(offset)) {
        resolve();
        return;
      }
      this.#gathering.hurry();
      this.#waiters.add({ offset, resolve, reject });
      this.#syncIfDue();
    });
  }

  // Whether nobody need wait for the records below `offset`, and nobody before waits either: order is kept.
  #isSettled(offset: number): boolean {
    return offset <= this.#synced.offset && this.#waiters.isEmpty;
  }

  // Under onFlush appends gather in memory until they are many, or until the program's next turn of its event loop.
  #writeSoon(): void {
    if (this.#writing) return;
    this.#writing = true;
    void this.#place.runtime.clock
      .nextTurn()
      .then(() => {
        this.#writing = false;
        if (!this.#closed) this.#tryDrain();
      })
      .catch((error: unknown) => this.#fail(error));
  }

  // Somebody waits for more room than there is: whoever waits for company need not go on waiting.
  #hurry(): void {
    this.#gathering.hurry();
    this.#syncIfDue();
  }

  #syncIfDue(): void {
    if (this.#gathering.isDue && !this.#syncing && !this.#waiters.isEmpty) this.#startSyncSoon();
    // While a sync is in flight or put off this thread has nothing better to do: much is written at once, some is hashed,
    // and a little waits for company, since many small records are hashed faster together.
    else if (this.#batch.bytes >= WRITE_IN_FLIGHT_BYTES) this.#tryDrain();
    else if (this.#batch.unsealedBytes >= SEAL_IN_FLIGHT_BYTES) this.#sealNow();
  }

  // Callers that go on at the same moment, because one sync has answered them all, shall share the next one too: it
  // begins when each has had its turn.
  #startSyncSoon(): void {
    if (this.#starting) return;
    this.#starting = true;
    soon(() => {
      this.#starting = false;
      if (this.#syncing || this.#poison !== null || this.#closed) return;
      try {
        this.#startSync();
      } catch (error) {
        // Nobody called this who could be told.
        this.#fail(error);
      }
    });
  }

  // At most one sync is in flight, and what it promises was written before it began.
  #startSync(): void {
    this.#gathering.reset();
    if (!this.#tryDrain()) return;
    if (this.#waiters.isEmpty) {
      // What was to be synced could not be written and was given up: its room is free for those who wait for it.
      this.#admitQueued();
      return;
    }
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
    this.#segment.extendSpace(target.position - before.position);
  }

  #finishSync(target: StreamEnd): void {
    this.#syncing = false;
    // Closed after a failure, which all who waited were told: the log may be another writer's by now.
    if (this.#closed) return;
    this.#synced = target;
    this.#waiters.resolveUpTo(target.offset);
    if (this.#waiters.isEmpty) this.#gathering.reset();
    else if (this.#gathering.isDue) this.#startSyncSoon();
    this.#checkpointIfDue();
    this.#admitQueued();
    this.#listener.onAdvance();
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
    const offset = this.#nextOffset - count;
    try {
      this.#segment.write(batch, offset);
    } catch (error) {
      if (this.#syncsAppends) this.#giveUpBatch(error);
      throw error;
    }
    this.#recent.add(batch, offset);
    this.#writtenChain = { nextOffset: this.#nextOffset, timestamp: this.#timestamp, head: batch.head() };
    batch.clear();
    if (this.#core.bytes.length > KEPT_CORE_BYTES) this.#renewCore();
    if (!this.#syncsAppends) this.#listener.onAdvance();
  }

  #giveUpBatch(error: unknown): void {
    this.#batch.clear();
    this.#batch.setChain(this.#writtenChain);
    this.#cipher.spendEpoch();
    this.#nextOffset = this.#writtenChain.nextOffset;
    this.#timestamp = this.#writtenChain.timestamp;
    this.#waiters.rejectBeyond(this.#nextOffset, error);
    if (this.#waiters.isEmpty) this.#gathering.reset();
  }

  // A drain whose failure is told to those who wait, not to the caller. Returns whether syncing makes sense.
  #tryDrain(): boolean {
    if (this.#poison !== null || this.#closed) return false;
    try {
      this.#drain();
    } catch (error) {
      if (!this.#syncsAppends) this.#waiters.rejectAll(error);
    }
    return this.#poison === null;
  }

  // A failed sync or cut-back is final: nobody knows what is on the disk until the log is opened again.
  #fail(error: unknown): unknown {
    this.#poison ??= error instanceof Error ? error : new Error(String(error));
    this.#gathering.reset();
    this.#waiters.rejectAll(error);
    this.#queue.rejectAll(error);
    this.#listener.onAdvance();
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
    return failure("LOG_CLOSED", { directory: folderOf(this.#place.folder) });
  }

  #writtenEnd(): StreamEnd {
    const { nextOffset, head } = this.#writtenChain;
    const { number, position } = this.#segment;
    return { segment: number, position, offset: nextOffset, head, damage: null };
  }

  // Whether what is appended and not yet durable leaves no room for more.
  #isFull(): boolean {
    if (!this.#syncsAppends) return false;
    const pendingRecords = this.#nextOffset - this.#synced.offset;
    if (pendingRecords === 0) return false;
    const { sync, maxPendingBytes, maxPendingRecords } = this.#settings;
    const { position } = this.#segment;
    const durable = this.#synced.segment === this.segmentNumber ? this.#synced.position : position;
    const pendingBytes = position + this.#batch.bytes - durable;
    return !sync.sharesSyncs || pendingBytes >= maxPendingBytes || pendingRecords >= maxPendingRecords;
  }

  #admitQueued(): void {
    for (let queued = this.#queue.next; queued !== undefined; queued = this.#queue.next) {
      if (this.#clearing !== null) return;
      if (this.#isFull()) {
        this.#hurry();
        return;
      }
      try {
        const result = this.#admit(queued.events, queued.options);
        if (typeof result === "string") {
          this.#clear(result, queued.options);
          return;
        }
        this.#queue.take(queued);
        // A flush does not wait for company.
        if (queued.events === NOTHING) this.#gathering.hurry();
        // Not by a promise of its own, which would tell this append later than those that came after it.
        this.#tell(result, queued.resolve, queued.reject);
      } catch (error) {
        this.#queue.take(queued);
        queued.reject(error);
      }
    }
  }

  // Makes what an append lacked. Meanwhile all appends wait.
  #clear(obstacle: Obstacle, choice: AppendChoice): void {
    this.#clearing = (obstacle === "noKey" ? this.#makeKeys(choice) : this.#rotate())
      // Without a segment nobody can go on; without a key those who need none can. Later appends try again.
      .catch((error: unknown) =>
        obstacle === "noKey" ? this.#rejectNext(choice, error) : this.#queue.rejectAll(error),
      )
      .then(() => {
        this.#clearing = null;
        this.#admitQueued();
      })
      .catch((error: unknown) => void this.#fail(error));
  }

  // The one that lacked the key; nobody waits for it when that was `tryAppend`.
  #rejectNext(choice: AppendChoice, error: unknown): void {
    const { next } = this.#queue;
    if (next?.options !== choice) return;
    this.#queue.take(next);
    next.reject(error);
  }

  // Everything in the segment is synced before the next one exists: only the newest segment can be torn.
  #rotate(): Promise<void> {
    return this.#untilSynced().then(() => runBeside(this.#startNextSegment()));
  }

  // One sync for all keys that those who wait need.
  #makeKeys(choice: AppendChoice): Promise<void> {
    return this.#cipher.keysMade(() => new Set([choice, ...this.#queue.options()].map(({ keyId }) => keyId)));
  }

  *#startNextSegment(): SyncSteps {
    yield* this.#segment.startNext(this.#syncedEnd());
    this.#synced = this.#writtenEnd();
    this.#core.setControl(CONTROL_CRC_SEED_AT, this.#segment.crcSeed);
    this.#listener.onRotate(this.#segment.number + 1);
    this.#listener.onAdvance();
  }

  #renewCore(): void {
    const core = takeCore();
    const pages = writerPages(core);
    pages.bytes(0, INDEX_SLOTS).set(this.#pages.bytes(0, INDEX_SLOTS));
    core.setControl(CONTROL_CRC_SEED_AT, this.#segment.crcSeed);
    this.#batch = new Batch(core, this.#settings.engine, pages.end);
    this.#batch.setChain(this.#writtenChain);
    this.#segment.moveTo(pages);
    this.#core = core;
    this.#pages = pages;
  }
}

// When what runs now is over. Not by queueMicrotask, which tests replace by one that waits for them.
function soon(work: () => void): void {
  void Promise.resolve().then(work);
}

/** The slots for index pages at the start of a writer's arena. */
export function writerPages(core: Core): IndexPages {
  return new IndexPages(core, core.arena, INDEX_SLOTS);
}
