// A clock that stands still until it is moved.

import type { Clock } from "../src/runtime.ts";

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** The clock of a machine in memory. Timers go off when it is moved past their time. */
export class MemoryClock implements Clock {
  #micros: number;
  #monotonicMs = 0;
  readonly #pause: () => Promise<void>;
  // In the order in which they were set.
  readonly #timers = new Set<Timer>();

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

  nextTurn(): Promise<void> {
    return this.#pause();
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { dueMs: this.#monotonicMs + delayMs, callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** How many timers have not gone off yet. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Forgets all timers: the programs that set them are gone. */
  dropTimers(): void {
    this.#timers.clear();
  }

  /** Sets the wall clock, also back: the monotonic one knows nothing of it. */
  setMicros(micros: number): void {
    this.#micros = micros;
  }

  /** Lets time pass on both clocks, then lets the timers that are due go off, the earliest first. */
  stepMicros(micros: number): void {
    if (micros < 0) throw new RangeError("Time does not pass backwards; use setMicros to set the clock back.");
    this.#micros += micros;
    this.#monotonicMs += micros / 1000;
    const due = [...this.#timers].filter(({ dueMs }) => dueMs <= this.#monotonicMs);
    for (const timer of due.sort((a, b) => a.dueMs - b.dueMs)) {
      // One that goes off may call another off.
      if (this.#timers.delete(timer)) timer.callback();
    }
  }
}
