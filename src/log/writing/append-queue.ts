// Appends that wait for room, for a new segment or for keys, in the order in which they were made.
import type { AppendChoice } from "./append-options.ts";
import type { AppendResult } from "./append-result.ts";
import type { LogEvent } from "./stage.ts";
import type { Tombstone } from "./tombstone.ts";

/** What one append is made of. */
export type AppendInput = LogEvent | readonly LogEvent[] | Tombstone;

export interface QueuedAppend {
  /** How many came before it. */
  readonly place: number;
  readonly events: AppendInput;
  readonly options: AppendChoice;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: unknown) => void;
}

export class AppendQueue {
  // By the order in which they came; any of them may go at once. Looking for the first in the map itself would go over all
  // that have gone.
  readonly #waiting = new Map<number, QueuedAppend>();
  #first = 0;
  #added = 0;
  // One listener for each signal, however many appends it may give up.
  readonly #bySignal = new Map<AbortSignal, { readonly appends: Set<QueuedAppend>; readonly abort: () => void }>();

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** The append that is next. */
  get next(): QueuedAppend | undefined {
    while (this.#first < this.#added && !this.#waiting.has(this.#first)) this.#first++;
    return this.#waiting.get(this.#first);
  }

  /** What all that wait have said, in their order. */
  *options(): Iterable<AppendChoice> {
    for (const { options } of this.#waiting.values()) yield options;
  }

  /** Puts an append at the end. Its signal takes it out again, as long as it waits: nothing of it is written then. */
  add(events: AppendInput, options: AppendChoice): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      const queued: QueuedAppend = { place: this.#added++, events, options, resolve, reject };
      if (options.signal !== undefined) this.#listen(options.signal, queued);
      this.#waiting.set(queued.place, queued);
    });
  }

  /** Takes an append out: it waits no longer. */
  take(queued: QueuedAppend): void {
    this.#waiting.delete(queued.place);
    const { signal } = queued.options;
    if (signal === undefined) return;
    const listening = this.#bySignal.get(signal);
    listening?.appends.delete(queued);
    if (listening === undefined || listening.appends.size > 0) return;
    signal.removeEventListener("abort", listening.abort);
    this.#bySignal.delete(signal);
  }

  rejectAll(error: unknown): void {
    for (const queued of this.#waiting.values()) {
      this.take(queued);
      queued.reject(error);
    }
  }

  #listen(signal: AbortSignal, queued: QueuedAppend): void {
    const known = this.#bySignal.get(signal);
    if (known !== undefined) {
      known.appends.add(queued);
      return;
    }
    const appends = new Set([queued]);
    const abort = (): void => {
      for (const each of appends) {
        this.take(each);
        each.reject(signal.reason);
      }
    };
    this.#bySignal.set(signal, { appends, abort });
    signal.addEventListener("abort", abort, { once: true });
  }
}
