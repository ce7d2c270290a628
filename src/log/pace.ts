// Keeps long work agreeable: tells how far it is, lets the program run in between, and ends it when it is to end.
import type { Clock } from "../runtime.ts";

const TURN_MS = 10;
const PROGRESS_MS = 250;

export interface PaceProgress {
  readonly records: number;
  readonly totalRecords: number;
  readonly bytes: number;
  readonly elapsedMs: number;
  readonly remainingMs: number;
}

export class Pace {
  records = 0;
  bytes = 0;
  /** What the caller's own code has thrown here: it ends the work, and says nothing about what is worked on. */
  interruption: { readonly error: unknown } | null = null;
  readonly #clock: Clock;
  readonly #totalRecords: number;
  readonly #checkGoesOn: () => void;
  readonly #onProgress: ((progress: PaceProgress) => void) | undefined;
  readonly #started: number;
  #turnStarted: number;
  #reported: number;

  /** @param checkGoesOn - throws when the work is to end */
  constructor(
    clock: Clock,
    totalRecords: number,
    checkGoesOn: () => void,
    onProgress: ((progress: PaceProgress) => void) | undefined,
  ) {
    this.#clock = clock;
    this.#totalRecords = totalRecords;
    this.#checkGoesOn = checkGoesOn;
    this.#onProgress = onProgress;
    this.#started = clock.monotonicMs();
    this.#turnStarted = this.#started;
    this.#reported = this.#started;
  }

  get elapsedMs(): number {
    return this.#clock.monotonicMs() - this.#started;
  }

  /** Takes note of work done. Gives something to wait for when the program has been kept waiting long enough. */
  beat(records: number, bytes: number): Promise<void> | null {
    this.records += records;
    this.bytes += bytes;
    this.#call(this.#checkGoesOn);
    const now = this.#clock.monotonicMs();
    if (now - this.#reported >= PROGRESS_MS) {
      this.#reported = now;
      this.report();
    }
    return now - this.#turnStarted >= TURN_MS ? this.#pause() : null;
  }

  report(): void {
    const { records, bytes, elapsedMs } = this;
    const left = Math.max(0, this.#totalRecords - records);
    const remainingMs = records === 0 ? Number.POSITIVE_INFINITY : (elapsedMs / records) * left;
    const progress = { records, totalRecords: this.#totalRecords, bytes, elapsedMs, remainingMs };
    this.#call(() => this.#onProgress?.(progress));
  }

  #call(its: () => void): void {
    try {
      its();
    } catch (error) {
      this.interruption = { error };
      throw error;
    }
  }

  async #pause(): Promise<void> {
    await this.#clock.pause();
    this.#turnStarted = this.#clock.monotonicMs();
    this.#call(this.#checkGoesOn);
  }
}
