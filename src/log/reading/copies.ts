// Memory for records that are handed out one at a time. Small ones share it: memory of its own costs a small record more
// than all the checking. What was handed out is never written again.

/** A place for one copy. */
export interface CopyPlace {
  readonly bytes: Uint8Array;
  readonly at: number;
}

const SHARED_BYTES = 4 << 10;
// Longer ones get memory of their own, so that little is left unused at the end of what is shared.
const SMALL_BYTES = 1 << 10;

export class Copies {
  #shared = new Uint8Array(0);
  #used = 0;

  /** Room for `bytes` that nobody else writes to. */
  take(bytes: number): CopyPlace {
    if (bytes > SMALL_BYTES) return { bytes: new Uint8Array(bytes), at: 0 };
    if (this.#used + bytes > this.#shared.length) {
      this.#shared = new Uint8Array(SHARED_BYTES);
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += bytes;
    return { bytes: this.#shared, at };
  }
}
