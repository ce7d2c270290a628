// Reads on as records are added: those that are there as `read` does, those that come as they come.
import { RECORD_EXTRA_BYTES, RECORD_LENGTH_AT } from "../../../assembly/layout.ts";
import { failure } from "../../errors.ts";
import { toHex } from "../../format/hex.ts";
import { readU32 } from "../../format/u32.ts";
import type { StreamEnd } from "../segments/stream-end.ts";
import type { RecentRecords, RecentRun } from "../writing/recent-records.ts";
import { type ReadableStreamState, RecordReader } from "./read.ts";
import type { FollowOptions } from "./read-options.ts";
import { LogRecord } from "./record.ts";

/** What a follower needs of its stream. */
export interface FollowSource {
  readonly state: ReadableStreamState;
  /** What the stream's own writer in this process wrote last; `null` beside a writer in another process. */
  readonly recent: RecentRecords | null;
  /** Up to where records may be shown now. */
  end(): StreamEnd;
  /** Throws when nothing more will come. */
  checkGoesOn(): void;
  /** Calls back after each change of `end` or `checkGoesOn`, until the returned function is called. */
  onChange(listener: () => void): () => void;
}

/**
 * A generator that ends when it is told to, also while it waits: by itself one first comes to its next record. `ending`
 * is aborted then.
 */
export class Following implements AsyncGenerator<LogRecord, void, undefined> {
  readonly #ending = new AbortController();
  readonly #records: AsyncGenerator<LogRecord, void, undefined>;

  constructor(begin: (ending: AbortSignal) => AsyncGenerator<LogRecord, void, undefined>) {
    this.#records = begin(this.#ending.signal);
  }

  next(): Promise<IteratorResult<LogRecord, void>> {
    return this.#records.next();
  }

  return(): Promise<IteratorResult<LogRecord, void>> {
    this.#ending.abort();
    return this.#records.return();
  }

  throw(error: unknown): Promise<IteratorResult<LogRecord, void>> {
    this.#ending.abort();
    return this.#records.throw(error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** `first`: the offset to begin at. Records before `time` are passed over: it may lie in the future. */
export async function* followRecords(
  source: FollowSource,
  first: number,
  time: number,
  options: FollowOptions,
  ending: AbortSignal,
): AsyncGenerator<LogRecord, void, undefined> {
  const { signal } = options;
  const alarm = new Alarm();
  const stopListening = source.onChange(alarm.ring);
  const stopKeeping = source.recent?.keep();
  signal?.addEventListener("abort", alarm.ring);
  ending.addEventListener("abort", alarm.ring);
  const join = new ChainJoin(source.state.segments.place.stream, options.verify !== "crc");
  let offset = first;
  try {
    while (!ending.aborted) {
      signal?.throwIfAborted();
      alarm.set();
      const end = source.end();
      join.checkEnd(end);
      if (offset >= end.offset) {
        if (end.damage !== null) throw end.damage;
        source.checkGoesOn();
        await alarm.rang;
        continue;
      }
      const run = source.recent?.find(offset) ?? null;
      const records =
        run === null ? readUpTo(source.state, end, offset, options) : remembered(source, run, offset, end);
      for await (const record of records) {
        signal?.throwIfAborted();
        join.show(record);
        offset++;
        if (record.timestamp >= time) yield record;
      }
      join.pause();
    }
  } finally {
    signal?.removeEventListener("abort", alarm.ring);
    stopKeeping?.();
    stopListening();
  }
}

async function* readUpTo(
  state: ReadableStreamState,
  end: StreamEnd,
  from: number,
  { verify, signal }: FollowOptions,
): AsyncGenerator<LogRecord, void, undefined> {
  const options = { from, to: end.offset, ...(verify && { verify }), ...(signal && { signal }) };
  const reader = new RecordReader(state, end, options);
  try {
    for (;;) {
      const pause = reader.pauseIfDue();
      if (pause !== null) await pause;
      const record = reader.take();
      if (record === undefined) return;
      yield record;
    }
  } finally {
    reader.close();
  }
}

// Copied together, so that who keeps one record keeps few others in memory.
const COPY_BYTES = 16 << 10;

// Records that this process has just written. Each follower gets its own copy.
function* remembered(source: FollowSource, run: RecentRun, from: number, end: StreamEnd): Generator<LogRecord, void> {
  const { stream } = source.state.segments.place;
  const { keyring } = source.state.settings;
  const stop = Math.min(run.firstOffset + run.count, end.offset);
  const lengthAt = (at: number) => RECORD_EXTRA_BYTES + readU32(run.bytes, at + RECORD_LENGTH_AT);
  let offset = run.firstOffset;
  let at = 0;
  for (; offset < from; offset++) at += lengthAt(at);
  while (offset < stop) {
    let pieceEnd = at;
    const places: number[] = [];
    while (offset + places.length < stop && (places.length === 0 || pieceEnd - at < COPY_BYTES)) {
      places.push(pieceEnd - at);
      pieceEnd += lengthAt(pieceEnd);
    }
    const bytes = run.bytes.slice(at, pieceEnd);
    const own = { stream, bytes, zeroCopy: false, hashes: null, hashesAt: 0, keyring, expired: false };
    for (const [index, place] of places.entries()) yield new LogRecord(own, place, index, offset + index);
    offset += places.length;
    at = pieceEnd;
  }
}

// Between two looks a writer in another process may have failed to write and cut back what had been shown already, or
// somebody may have put another history in its place. What is shown next must continue what was shown last.
class ChainJoin {
  readonly #stream: string;
  readonly #hashes: boolean;
  #last: LogRecord | null = null;
  // Of the last record, once all that were there together have been shown.
  #hash: string | null = null;

  constructor(stream: string, hashes: boolean) {
    this.#stream = stream;
    this.#hashes = hashes;
  }

  /** @throws {ConflictError} `FOLLOWED_RECORD_REPLACED` when the stream ends before the last record, or with another */
  checkEnd(end: StreamEnd): void {
    if (this.#last === null || end.damage !== null) return;
    const next = this.#last.offset + 1;
    if (end.offset < next) throw this.#replaced("nothing");
    if (end.offset === next) this.#compare(toHex(end.head));
  }

  /** @throws {ConflictError} `FOLLOWED_RECORD_REPLACED` when `record` does not continue what was shown */
  show(record: LogRecord): void {
    if (this.#hash !== null) this.#compare(record.previousHash);
    this.#last = record;
    this.#hash = null;
  }

  /** All that were there together have been shown. */
  pause(): void {
    if (this.#hashes && this.#last !== null) this.#hash = this.#last.hash;
  }

  #compare(found: string): void {
    if (this.#hash !== null && found !== this.#hash) throw this.#replaced(found);
  }

  #replaced(found: string): Error {
    const { offset, hash } = this.#last as LogRecord;
    return failure("FOLLOWED_RECORD_REPLACED", { stream: this.#stream, offset, shown: hash, found });
  }
}

// Rings once after it was set, however often it is pulled.
class Alarm {
  rang: Promise<void> = Promise.resolve();
  #resolve: () => void = () => undefined;

  set(): void {
    this.rang = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  readonly ring = (): void => this.#resolve();
}
