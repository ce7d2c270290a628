// The records that were written last, kept in memory while somebody follows the stream: who is caught up need not read
// from the file what this process has just written to it.
import type { Batch } from "../../wasm/batch.ts";

/** Records of one write: encoded as in the file, one after the other. */
export interface RecentRun {
  readonly bytes: Uint8Array;
  readonly firstOffset: number;
  readonly count: number;
}

const KEPT_BYTES = 1 << 20;

export class RecentRecords {
  // Oldest first, without gaps between them.
  #runs: RecentRun[] = [];
  #bytes = 0;
  #followers = 0;

  /** Keeps records from now on, until the returned function is called. */
  keep(): () => void {
    this.#followers++;
    let keeps = true;
    return () => {
      if (keeps) this.#followers--;
      keeps = false;
      if (this.#followers === 0) this.#forget();
    };
  }

  /** Takes note of a batch that is in the file. Its memory may be used again afterwards. */
  add(batch: Batch, firstOffset: number): void {
    const { bytes, count } = batch;
    if (this.#followers === 0) return;
    if (bytes > KEPT_BYTES) {
      this.#forget();
      return;
    }
    this.#runs.push({ bytes: batch.sealed(0).slice(), firstOffset, count });
    this.#bytes += bytes;
    while (this.#bytes > KEPT_BYTES) this.#bytes -= this.#runs.shift()?.bytes.length ?? 0;
  }

  /** The run that holds the record `offset`; `null` when it is not in memory. */
  find(offset: number): RecentRun | null {
    // Whoever is caught up wants the newest.
    for (let place = this.#runs.length - 1; place >= 0; place--) {
      const run = this.#runs[place] as RecentRun;
      if (run.firstOffset > offset) continue;
      return offset < run.firstOffset + run.count ? run : null;
    }
    return null;
  }

  #forget(): void {
    this.#runs = [];
    this.#bytes = 0;
  }
}
