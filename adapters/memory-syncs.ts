// Syncs that are on their way, and that tests may hold there.

import { CrashSignal } from "./memory-faults.ts";

interface HeldSync {
  finish(): void;
  reject(reason: unknown): void;
}

/** Syncs in flight, oldest first. */
export class SyncsInFlight {
  readonly #held: HeldSync[] = [];
  #isHolding = false;

  get count(): number {
    return this.#held.length;
  }

  /** From now on, syncs stay in flight until they are released. */
  hold(): void {
    this.#isHolding = true;
  }

  /** Lets the oldest end. */
  releaseOne(): void {
    const sync = this.#held.shift();
    if (sync === undefined) throw new RangeError("No sync is in flight.");
    sync.finish();
  }

  /** Lets all end, and holds no more. */
  releaseAll(): void {
    this.#isHolding = false;
    while (this.#held.length > 0) this.releaseOne();
  }

  /** The machine went down with them. */
  abandon(): void {
    for (const { reject } of this.#held.splice(0)) reject(new CrashSignal());
  }

  /** Starts a sync that ends with `settle`; resolves, or rejects with what that throws. */
  start(settle: () => void): Promise<void> {
    if (!this.#isHolding) return Promise.resolve().then(settle);
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        try {
          settle();
          resolve();
        } catch (error) {
          reject(error);
        }
      };
      this.#held.push({ finish, reject });
    });
  }
}
