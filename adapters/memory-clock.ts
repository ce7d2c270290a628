// A clock that stands still until it is moved.

import type { Clock } from "../src/runtime.ts";

/** The clock of a machine in memory. */
export class MemoryClock implements Clock {
  #micros: number;
  #monotonicMs = 0;
  readonly #pause: () => Promise<void>;

  constructor(startMicros: number, pause: () => Promise<void>) {
    this.#micros = startMicros;
    this.#pause = pause;
  }

  nowMicros(): number {
    return this.#micros;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  pause(): Promise<void> {
    return this.#pause();
  }

  /** Sets the wall clock, also back: the monotonic one knows nothing of it. */
  setMicros(micros: number): void {
    this.#micros = micros;
  }

  /** Lets time pass on both clocks. */
  stepMicros(micros: number): void {
    if (micros < 0) throw new RangeError("Time does not pass backwards; use setMicros to set the clock back.");
    this.#micros += micros;
    this.#monotonicMs += micros / 1000;
  }
}
