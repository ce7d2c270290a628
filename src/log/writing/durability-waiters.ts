// Who waits for records to become durable, in the order of their offsets.

/** Wants to know when all records below `offset` are durable. */
export interface DurabilityWaiter {
  readonly offset: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class DurabilityWaiters {
  readonly #waiting: DurabilityWaiter[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  add(waiter: DurabilityWaiter): void {
    this.#waiting.push(waiter);
  }

  /** All records below `offset` are durable. */
  resolveUpTo(offset: number): void {
    let resolved = 0;
    for (const waiter of this.#waiting) {
      if (waiter.offset > offset) break;
      waiter.resolve();
      resolved++;
    }
    this.#waiting.splice(0, resolved);
  }

  /** The records from `offset` on are given up. */
  rejectBeyond(offset: number, error: unknown): void {
    const given = this.#waiting.findIndex((waiter) => waiter.offset > offset);
    if (given >= 0) for (const waiter of this.#waiting.splice(given)) waiter.reject(error);
  }

  rejectAll(error: unknown): void {
    for (const waiter of this.#waiting.splice(0)) waiter.reject(error);
  }
}
