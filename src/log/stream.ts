// A stream of a log: the handle that callers hold. Opens what it needs when it is first needed and passes each call on.
import { CorruptionError, DiatremeError, failure, isFailure } from "../errors.ts";
import { toHex } from "../format/hex.ts";
import { giveCore, takeCore } from "../wasm/core-pool.ts";
import { IndexPages } from "../wasm/index-pages.ts";
import { RecordWindow } from "../wasm/window.ts";
import { invalidOption } from "./call-options.ts";
import { checkExportOptions, type ExportOptions, exportRange } from "./export/export.ts";
import { inspectStream, type StreamInspection } from "./inspect.ts";
import type { LogSettings } from "./options.ts";
import { advanceEnd } from "./reading/advance-end.ts";
import { latestCheckpoint } from "./reading/anchor.ts";
import type { RangeOptions } from "./reading/checked-runs.ts";
import { Copies } from "./reading/copies.ts";
import { checkEntriesOptions, type LogEntry, readEntries } from "./reading/entries.ts";
import { offsetAtByte, offsetAtTime } from "./reading/find-offset.ts";
import { Following, followRecords } from "./reading/follow.ts";
import { getRecord, type LookupMemory } from "./reading/get.ts";
import { stateOf } from "./reading/known-end.ts";
import { type ReadableStreamState, RecordRange, RecordReader } from "./reading/read.ts";
import { checkFollowOptions, checkReadOptions, type FollowOptions, type ReadOptions } from "./reading/read-options.ts";
import type { LogRecord } from "./reading/record.ts";
import type { StreamScanStart } from "./reading/stream-scan.ts";
import { startReading, startWriting, streamExists, type WritingStart } from "./recovery/stream-start.ts";
import type { TornTail } from "./recovery/torn-tail.ts";
import { claimOf } from "./segments/checkpoint-file.ts";
import { IndexReader } from "./segments/index-reader.ts";
import type { StreamPlace } from "./segments/segment.ts";
import type { SegmentFiles } from "./segments/segment-files.ts";
import type { KnownEnd, StreamEnd } from "./segments/stream-end.ts";
import { type StreamCheckpoint, streamCheckpoint } from "./stream-checkpoint.ts";
import { verifyStream } from "./verification/verify.ts";
import { checkVerifyOptions, type VerifyOptions, type VerifyReport } from "./verification/verify-report.ts";
import {
  type AppendChoice,
  type AppendOptions,
  NO_CHOICE,
  NO_OPTIONS,
  readAppendOptions,
} from "./writing/append-options.ts";
import type { AppendResult } from "./writing/append-result.ts";
import type { LogEvent } from "./writing/stage.ts";
import { StreamChanges, watchForChanges } from "./writing/stream-changes.ts";
import { objectionToBegin } from "./writing/stream-cipher.ts";
import type { Tombstone } from "./writing/tombstone.ts";
import { StreamWriter } from "./writing/writer.ts";

/** How far a stream goes. */
export interface StreamHead {
  /** Offset that the next record will have: how many records there are. */
  readonly nextOffset: number;
  /** Hash of the last record, 64 hexadecimal digits; of the stream's identity when there is none. */
  readonly head: string;
}

// What a stream holds once it was used.
interface OpenStream extends ReadableStreamState {
  readonly writer: StreamWriter | null;
  readonly window: RecordWindow;
  readonly copies: Copies;
  /** The end that was seen last; `null` for a writer, who knows it. */
  known: KnownEnd | null;
  /** Why a writable log's stream has no writer. */
  readonly unwritable: DiatremeError | null;
}

const CACHED_INDEX_PAGES = 256;
const LOOKUP_WINDOW_BYTES = 4096;

export class Stream {
  readonly name: string;
  readonly #place: StreamPlace;
  readonly #settings: LogSettings;
  readonly #directory: string;
  readonly #changes = new StreamChanges();
  // Ends the watch over the folder, while somebody follows a writer in another process.
  #watching: (() => void) | null = null;
  #followedEnd: StreamEnd | null = null;
  #open: OpenStream | null = null;
  #tornTail: TornTail | null = null;
  #closed = false;

  /** Made by `log.stream(name)`. */
  constructor(place: StreamPlace, settings: LogSettings, directory: string) {
    this.name = place.stream;
    this.#place = place;
    this.#settings = settings;
    this.#directory = directory;
  }

  /**
   * Appends one event, or each of an array of events, as records. All of one call's records are there after a crash,
   * or none. A `Uint8Array` is stored as it is, a string as UTF-8, anything else as `JSON.stringify` writes it, which loses
   * some of what JSON has no word for when it stands within an event: a `NaN` becomes `null`, a `Map` `{}`. To append one
   * JSON array as a single record, wrap it: `append([[1, 2]])`.
   *
   * Resolves when the records are durable under the log's sync policy. Appends take effect in the order of the calls;
   * the next may be made before this one has resolved. Events must not be changed before then. When `maxPendingBytes` or
   * `maxPendingRecords` are not durable yet, the append waits for room, and its `signal` may give it up; under `onFlush`
   * nothing waits.
   *
   * @throws {UsageError} `EVENT_INVALID`, `RECORD_TOO_LARGE`, `APPEND_TOO_LARGE`, `LOG_READ_ONLY`, `LOG_CLOSED`,
   *   `ENCRYPTION_REQUIRED`, `OPTION_INVALID`
   * @throws {CorruptionError} when the stream's end is damaged: nothing is appended until it is repaired
   * @throws {KeyError} `SUBJECT_ERASED`
   * @throws {ConflictError} `OFFSET_MISMATCH`
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED`: this append failed and was cut off again; `SYNC_FAILED`, `LOG_POISONED`:
   *   nobody can tell before the log is opened again. docs/faults.md says what a power loss may bring back
   * @example
   * const { firstOffset, nextOffset, head } = await orders.append([{ type: "placed", id: 42 }], { expectedOffset: 0 });
   */
  append(events: LogEvent | readonly LogEvent[], options: AppendOptions = NO_OPTIONS): Promise<AppendResult> {
    try {
      const choice = readAppendOptions(options);
      return this.#writerFor(choice).append(events, choice);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Appends like `append`, or says no: `null` when there is no room now, because `maxPendingBytes` or
   * `maxPendingRecords` are not durable yet, or a new segment or keys are being made. Nothing is taken then; try again later.
   *
   * @example
   * const appended = orders.tryAppend(event);
   * if (appended === null) return respond(503);
   * await appended;
   */
  tryAppend(events: LogEvent | readonly LogEvent[], options: AppendOptions = NO_OPTIONS): Promise<AppendResult> | null {
    try {
      const choice = readAppendOptions(options);
      return this.#writerFor(choice).tryAppend(events, choice);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * The same while the program stands still, for scripts.
   *
   * @throws also {UsageError} `APPEND_IN_FLIGHT` while appends made with `append` are not durable yet (under `onFlush`
   *   they may be), or a new segment or keys are being made
   */
  appendSync(events: LogEvent | readonly LogEvent[], options: AppendOptions = NO_OPTIONS): AppendResult {
    const choice = readAppendOptions(options);
    return this.#writerFor(choice).appendSync(events, choice);
  }

  /**
   * Reads records in offset order, checking each before it is shown. `for await` the result, or `for … of` it where
   * nothing else needs to run meanwhile.
   *
   * Payloads are the caller's copies; with `zeroCopy` they are views, valid until the next step. Memory in use is bounded by `windowBytes` and the
   * longest record, whatever the length of the stream. A stream without records yields nothing. The range ends where the
   * stream does when the loop begins.
   *
   * @throws {CorruptionError} on the first bad record; the ones before it were shown
   * @throws {EvidenceError} `CHECKPOINT_CONTRADICTED` when the log's own checkpoint names another head than its records have
   * @throws {UsageError} `OPTION_INVALID`, `LOG_CLOSED`; `STREAM_NOT_FOUND` when the log is read-only and has no such stream
   * @example
   * for await (const record of orders.read({ from: 0 })) total += record.payload.byteLength;
   */
  read(options: ReadOptions = {}): RecordRange {
    return new RecordRange(() => {
      const chosen = checkReadOptions(options);
      const open = this.#reader();
      const end = this.#endOf(open);
      const { from = 0 } = chosen;
      const first = typeof from === "number" ? from : offsetAtTime(open, open, end, from.time);
      return new RecordReader(open, end, { ...chosen, verify: chosen.verify ?? "near", from: first });
    });
  }

  /**
   * Reads records like `read`, and goes on as they come: in order, without gaps, over new segments, until `signal` is
   * aborted (the loop then ends with the signal's reason), the loop is left, or the log is closed (`LOG_CLOSED`).
   *
   * Beside the writer of this process it shows records as soon as they are acknowledged, from memory when it keeps up.
   * Beside a writer in another process it shows them when they are whole in the file, which may be a moment before they
   * are durable; a failing disk or a power loss may take such records back. With `verify: "crc"`, which looks at no chain,
   * other records in their place are not noticed.
   *
   * Waiting for records of this process's own writer does not keep a program alive by itself; nor does, on Node, an
   * `AbortSignal.timeout`.
   *
   * @param options.from - first offset wanted, or the time (µs since the Unix epoch) of the first record wanted; either
   *   may lie in the future. Default 0
   * @throws {CorruptionError} on the first bad record; the ones before it were shown
   * @throws {EvidenceError} `CHECKPOINT_CONTRADICTED`, as `read`
   * @throws {UsageError} `OPTION_INVALID`, `STREAM_NOT_FOUND`, `LOG_CLOSED`
   * @throws {ConflictError} `FOLLOWED_RECORD_REPLACED` when records that were shown are gone or are others now
   * @throws {StorageError} `LOG_POISONED` when the writer has failed: all that was acknowledged was shown
   * @example
   * for await (const record of orders.follow({ from: nextOffset, signal })) await handle(record.json());
   */
  follow(options: FollowOptions = {}): AsyncGenerator<LogRecord, void, undefined> {
    return new Following((ending) => this.#follow(options, ending));
  }

  async *#follow(options: FollowOptions, ending: AbortSignal): AsyncGenerator<LogRecord, void, undefined> {
    const chosen = checkFollowOptions(options);
    chosen.signal?.throwIfAborted();
    const open = this.#existing();
    const { from = 0 } = chosen;
    const source = {
      state: open,
      recent: open.writer?.recent ?? null,
      // What was acknowledged before the log was closed is shown to who has kept up: it is in memory.
      end: () => (this.#closed && open.writer !== null ? open.writer.end() : this.#endForFollowers()),
      checkGoesOn: () => {
        open.writer?.checkPoison();
        this.#checkOpen();
      },
      onChange: (listener: () => void) => this.#onChange(open, listener),
    };
    if (typeof from === "number") yield* followRecords(source, from, 0, chosen, ending);
    else yield* followRecords(source, offsetAtTime(open, open, source.end(), from.time), from.time, chosen, ending);
  }

  /**
   * One record, checked against the link in its successor; `undefined` when the stream does not reach so far.
   *
   * @throws {CorruptionError} when the record is bad
   * @throws {UsageError} `OPTION_INVALID`, `LOG_CLOSED`; `STREAM_NOT_FOUND` when the log is read-only and has no such stream
   */
  async get(offset: number): Promise<LogRecord | undefined> {
    return this.getSync(offset);
  }

  /** The same without a promise. */
  getSync(offset: number): LogRecord | undefined {
    if (!Number.isSafeInteger(offset) || offset < 0) throw invalidOption("offset", offset, "a whole number, 0 or more");
    const open = this.#reader();
    const { known } = open;
    if (known !== null && offset < known.offset) {
      try {
        return getRecord(open, open, known, offset);
      } catch (error) {
        // What is known may not hold any more. Another look tells, or finds the same.
        if (!(error instanceof CorruptionError)) throw error;
      }
    }
    return getRecord(open, open, this.#endOf(open), offset);
  }

  /**
   * Which record holds a byte of a segment's file: what a damaged block of a disk has hit. `undefined` for a byte of the
   * segment's header or behind its records.
   *
   * @throws {UsageError} `OPTION_INVALID` when there is no such segment; `STREAM_NOT_FOUND`, `LOG_CLOSED`
   */
  async offsetAt(place: { segment: number; position: number }): Promise<number | undefined> {
    const open = this.#existing();
    return offsetAtByte(open, this.#endOf(open), place);
  }

  /**
   * How far the stream goes, as a reader would see it now.
   *
   * @throws {CorruptionError} when the newest segment is damaged, so that nobody can tell
   * @throws {UsageError} `LOG_CLOSED`; `STREAM_NOT_FOUND` when the log is read-only and has no such stream
   */
  async head(): Promise<StreamHead> {
    const { offset, head, damage } = this.#endOf(this.#reader());
    if (damage !== null) throw damage;
    return { nextOffset: offset, head: toHex(head) };
  }

  /**
   * Checks the stream, or the records of a range. Damage does not throw: the report names the first bad record and why,
   * what stands before it and what is good behind it. Long streams are checked by several threads, with the same verdict
   * that one gives. Memory in use does not depend on the stream's length.
   *
   * Against checkpoints that were kept elsewhere it also tells a log that was only added to from one that was cut
   * (`LOG_TRUNCATED`), put back (`LOG_ROLLED_BACK`), given another history (`LOG_FORKED`) or replaced (`LOG_OTHER`).
   *
   * @throws {UsageError} `STREAM_NOT_FOUND`, `OPTION_INVALID`, `LOG_CLOSED`
   * @throws {EvidenceError} `CHECKPOINT_INVALID`, `CHECKPOINT_NOT_SIGNED`, `CHECKPOINT_SIGNATURE_WRONG`: what was given
   *   to verify against is no evidence
   * @example
   * const report = await orders.verify({ onProgress: ({ records }) => show(records), signal });
   */
  async verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    const chosen = checkVerifyOptions(options);
    chosen.signal?.throwIfAborted();
    const open = this.#existing();
    return verifyStream(open, this.#endOf(open), chosen);
  }

  /**
   * The records of a range without their payloads, in offset order, each checked before it is shown: what the chain is
   * made of, for whoever proves history without its contents.
   *
   * @throws {CorruptionError} on the first bad record; the ones before it were shown
   * @throws {UsageError} `STREAM_NOT_FOUND`, `OPTION_INVALID`, `LOG_CLOSED`
   * @example
   * for await (const { offset, digest, hash } of orders.entries({ from: 100, to: 200 })) note(offset, digest, hash);
   */
  async *entries(options: RangeOptions = {}): AsyncGenerator<LogEntry, void, undefined> {
    const chosen = checkEntriesOptions(options);
    const open = this.#existing();
    yield* readEntries(open, this.#endOf(open), chosen);
  }

  /**
   * A range of the stream as lines of text that verify to the same head without the log (`verifyExport`), in chunks that
   * are the caller's. Payloads that are withheld are left out and stay provable: their SHA-256 stands in their place.
   * Memory in use is bounded by `windowBytes` and the longest record.
   *
   * @throws {CorruptionError} on the first bad record; what came before it is then an export without its last line
   * @throws {UsageError} `STREAM_NOT_FOUND`, `OPTION_INVALID`, `LOG_CLOSED`
   * @example
   * for await (const chunk of orders.exportRange({ from: 0, withhold: [17, 23] })) await file.write(chunk);
   */
  async *exportRange(options: ExportOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    const chosen = checkExportOptions(options);
    const open = this.#existing();
    yield* exportRange(open, this.#endOf(open), chosen);
  }

  /**
   * Makes durable what was appended before the call, and a checkpoint of it, signed when the log has a signer. When this
   * resolves the checkpoint is on the disk and may be handed out: keep its `note` where whoever can write to the log's
   * folder cannot, and `verify({ against })` will tell when the log no longer contains what it covers.
   *
   * @throws {UsageError} `LOG_READ_ONLY`, `LOG_CLOSED`
   * @throws {StorageError} when it could not be made durable
   * @example
   * await mail(auditor, (await orders.checkpoint()).note);
   */
  async checkpoint(): Promise<StreamCheckpoint> {
    const entry = await this.#writer().checkpoint();
    return streamCheckpoint(
      claimOf(entry, this.#place),
      entry.signed,
      this.#settings.checkpoints.signer?.publicKey ?? null,
    );
  }

  /**
   * The newest checkpoint that the log itself holds, made by whichever writer; beside a writer in another process too.
   * With `publicKeys`, the newest that one of them signed. `null` when there is none. Whether the records agree with it
   * is for `verify` and `read` to say.
   */
  async latestCheckpoint(): Promise<StreamCheckpoint | null> {
    const open = this.#existing();
    // A writer in another process may have begun new segments since.
    this.#endOf(open);
    const found = latestCheckpoint(open.segments, this.#settings);
    return found === null
      ? null
      : streamCheckpoint(claimOf(found.entry, this.#place), found.entry.signed, found.signedBy);
  }

  /** Makes durable what was appended before the call. */
  async flush(): Promise<void> {
    await this.#writer().flush();
  }

  /**
   * Called by the log.
   *
   * @internal
   */
  appendTombstone(tombstone: Tombstone): Promise<AppendResult> {
    return this.#writer().append(tombstone, NO_CHOICE);
  }

  /**
   * Called by the log: `flush`, unless the stream was never used.
   *
   * @internal
   */
  async flushIfOpen(): Promise<void> {
    await this.#open?.writer?.flush();
  }

  /**
   * What the stream is made of.
   *
   * @throws {UsageError} `STREAM_NOT_FOUND`
   */
  async inspect(): Promise<StreamInspection> {
    const open = this.#existing();
    return inspectStream(open.segments, this.#settings, this.#endOf(open), open.writer);
  }

  /** What was cut off the end when the stream was opened for writing, because its append had never completed. */
  get tornTail(): TornTail | null {
    return this.#tornTail;
  }

  /**
   * Called by the log.
   *
   * @internal
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const open = this.#open;
    this.#open = null;
    try {
      await open?.writer?.close();
    } finally {
      this.#stopWatching();
      this.#changes.tell();
      if (open !== null) {
        open.segments.close();
        giveCore(open.window.core);
      }
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw failure("LOG_CLOSED", { directory: this.#directory });
  }

  #notFound(): DiatremeError {
    return failure("STREAM_NOT_FOUND", { directory: this.#directory, stream: this.name });
  }

  #writer(): StreamWriter {
    const open = this.#open;
    if (open !== null && open.writer !== null) return open.writer;
    this.#checkOpen();
    if (this.#settings.readOnly) throw failure("LOG_READ_ONLY", { directory: this.#directory });
    if (open !== null && open.unwritable !== null) throw open.unwritable;
    return this.#openForWriting(startWriting(this.#place, this.#settings));
  }

  // An append that will be refused must not make its stream.
  #writerFor({ keyId }: AppendChoice): StreamWriter {
    if (this.#open === null && !this.#settings.readOnly && !this.#closed) {
      const reason = objectionToBegin(this.#settings, keyId);
      if (reason !== null && !streamExists(this.#place)) {
        throw failure("ENCRYPTION_REQUIRED", { stream: this.name, reason });
      }
    }
    return this.#writer();
  }

  #openForWriting({ start, segments, torn }: WritingStart): StreamWriter {
    const writer = new StreamWriter(this.#place, this.#settings, start, {
      onRotate: (count) => segments.grow(count),
      onAdvance: () => this.#changes.tell(),
    });
    this.#tornTail = torn;
    this.#open = { ...this.#readingParts(segments), writer, known: null, unwritable: null };
    if (torn !== null) this.#settings.onTornTail?.(torn);
    // Whoever was told may have closed the log.
    this.#checkOpen();
    return writer;
  }

  #reader(): OpenStream {
    if (this.#open !== null) return this.#open;
    this.#checkOpen();
    let unwritable: DiatremeError | null = null;
    if (!this.#settings.readOnly) {
      const start = this.#writingStart();
      if (!(start instanceof DiatremeError)) {
        this.#openForWriting(start);
        return this.#open as unknown as OpenStream;
      }
      unwritable = start;
    }
    const found = startReading(this.#place, this.#settings);
    if (found === null) throw unwritable ?? this.#notFound();
    const { segments, end } = found;
    this.#open = { ...this.#readingParts(segments), writer: null, known: end, unwritable };
    return this.#open;
  }

  // Nobody may write behind damage, or beside links and folders in the place of files, but what is good can be read.
  #writingStart(): WritingStart | DiatremeError {
    try {
      return startWriting(this.#place, this.#settings);
    } catch (error) {
      if (error instanceof CorruptionError || isFailure(error, "FILE_NOT_REGULAR")) return error;
      throw error;
    }
  }

  // Looking at a stream must not make it.
  #existing(): OpenStream {
    this.#checkOpen();
    if (this.#open === null && !streamExists(this.#place)) throw this.#notFound();
    return this.#reader();
  }

  #readingParts(segments: SegmentFiles): ReadableStreamState & LookupMemory {
    const core = takeCore();
    const pages = new IndexPages(core, core.arena, CACHED_INDEX_PAGES);
    return {
      segments,
      settings: this.#settings,
      index: new IndexReader(pages, () => segments.checkOpen()),
      window: new RecordWindow(core, pages.end, LOOKUP_WINDOW_BYTES),
      copies: new Copies(),
      writer: null,
      verifiedTo: null as StreamScanStart | null,
      anchoredTo: null as StreamScanStart | null,
    };
  }

  // A writer in this process tells; of one in another only the files do, which one watch looks at for all followers.
  #onChange(open: OpenStream, listener: () => void): () => void {
    const unsubscribe = this.#changes.subscribe(listener);
    if (open.writer !== null) return unsubscribe;
    const { runtime, folder } = this.#place;
    this.#watching ??= watchForChanges(runtime.files, runtime.clock, folder, () => {
      this.#followedEnd = null;
      this.#changes.tell();
    });
    return () => {
      unsubscribe();
      if (this.#changes.isUnheard) this.#stopWatching();
    };
  }

  #stopWatching(): void {
    this.#watching?.();
    this.#watching = null;
    this.#followedEnd = null;
  }

  // What one follower has seen since the last change is there for all.
  #endForFollowers(): StreamEnd {
    const open = this.#reader();
    if (open.writer !== null || this.#watching === null) return this.#endOf(open);
    this.#followedEnd ??= this.#endOf(open);
    return this.#followedEnd;
  }

  // Up to where records may be shown now. A reader beside a writer looks for what has come since, or was changed.
  #endOf(open: OpenStream): StreamEnd {
    const { writer, known } = open;
    if (known === null) return (writer as StreamWriter).end();
    const state = known.damage === null ? stateOf(open.segments, known) : "gone";
    if (state === "end") return known;
    if (state === "followed") {
      const advanced = advanceEnd(open.segments, this.#settings, known);
      if (advanced !== null) {
        return this.#know(open, advanced);
      }
    }
    const found = startReading(this.#place, this.#settings);
    if (found === null) return known;
    const { count } = found.segments;
    found.segments.close();
    if (state === "followed") open.segments.grow(count);
    else renew(open, count);
    return this.#know(open, found.end);
  }

  #know(open: OpenStream, end: KnownEnd): KnownEnd {
    open.known = end;
    this.#followedEnd = null;
    return end;
  }
}

// What stands in the files need not be what was read from them before.
function renew(open: OpenStream, count: number): void {
  open.segments.renew(count);
  open.index.renew();
  open.verifiedTo = null;
  open.anchoredTo = null;
}
