// Brings lines into a stream, several appends at a time, so that reading, hashing and the disk do not wait for each
// other; with a bound on what is under way.

import type { Stream, StreamHead } from "../log/stream.ts";
import type { SyncPolicy } from "../log/writing/sync-policy.ts";
import { type BatchLimits, LineBatch } from "./lines.ts";

export interface AppenderOptions {
  readonly sync: SyncPolicy;
  /** Whose records these are; `undefined`: nobody's in particular. */
  readonly keyId: string | undefined;
  readonly limits: BatchLimits;
  /** Called in order, when all records below `nextOffset` are durable; `null` when nobody asks. */
  readonly onDurable: ((nextOffset: number) => Promise<void>) | null;
  /** Called when an append has been taken. */
  readonly onAppended: () => void;
  /** Called once, with the first failure. */
  readonly onFailure: (error: unknown) => void;
}

// What may be under way: enough that one sync pays for many appends.
const IN_FLIGHT_BYTES = 4 << 20;
const IN_FLIGHT_APPENDS = 64;

export class Appender {
  readonly #stream: Stream;
  readonly #options: AppenderOptions;
  /** Where lines gather for the next append. */
  batch: LineBatch;
  /** The stream's end behind what the log has acknowledged. */
  end: StreamHead;
  /** Bytes of the acknowledged lines. */
  bytes = 0;
  #next: number;
  #inFlight = 0;
  #inFlightBytes = 0;
  #failure: { readonly reason: unknown } | null = null;
  #wake: (() => void) | null = null;

  constructor(stream: Stream, end: StreamHead, options: AppenderOptions) {
    this.#stream = stream;
    this.#options = options;
    this.end = end;
    this.#next = end.nextOffset;
    this.batch = new LineBatch(options.limits);
  }

  /** Appends what has gathered as soon as there is room. */
  async send(): Promise<void> {
    while (!this.#hasRoom() && this.#failure === null) await this.#change();
    this.#throwIfFailed();
    this.#send();
  }

  /** Appends what has gathered if nothing is under way: then waiting for more lines would only hold these back. */
  sendIfIdle(): void {
    if (this.#inFlight === 0 && this.batch.lines.length > 0 && this.#failure === null) this.#send();
  }

  /** Appends what has gathered and waits for all that is under way. */
  async finish(): Promise<void> {
    if (this.#failure === null && this.batch.lines.length > 0) this.#send();
    while (this.#inFlight > 0) await this.#change();
    this.#throwIfFailed();
  }

  #hasRoom(): boolean {
    return this.#inFlight < IN_FLIGHT_APPENDS && this.#inFlightBytes < IN_FLIGHT_BYTES;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #throwIfFailed(): void {
    if (this.#failure !== null) throw this.#failure.reason;
  }

  #send(): void {
    const { batch } = this;
    this.batch = new LineBatch(this.#options.limits);
    const expectedOffset = this.#next;
    this.#next += batch.lines.length;
    this.#inFlight++;
    this.#inFlightBytes += batch.bytes;
    void this.#append(batch, expectedOffset).then(
      () => this.#settle(batch),
      (error: unknown) => {
        this.#fail(error);
        this.#settle(batch);
      },
    );
  }

  async #append(batch: LineBatch, expectedOffset: number): Promise<void> {
    // With the offset it expects, an append cannot succeed where the one before it failed: the input has no gaps.
    const { nextOffset, head } = await this.#stream.append(batch.lines, {
      expectedOffset,
      ...(this.#options.keyId === undefined ? {} : { keyId: this.#options.keyId }),
    });
    this.end = { nextOffset, head };
    this.bytes += batch.bytes;
    this.#options.onAppended();
    if (this.#options.onDurable === null) return;
    if (this.#options.sync === "onFlush") await this.#stream.flush();
    await this.#options.onDurable(nextOffset);
  }

  #settle(batch: LineBatch): void {
    this.#inFlight--;
    this.#inFlightBytes -= batch.bytes;
    this.sendIfIdle();
    this.#wake?.();
  }

  #fail(error: unknown): void {
    if (this.#failure !== null) return;
    this.#failure = { reason: error };
    this.#options.onFailure(error);
  }
}
