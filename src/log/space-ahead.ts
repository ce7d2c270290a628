// Zeros written behind the last record, so that a sync of a small append need not record a new file size as well.
// docs/performance.md says where that pays: small synced appends only. Never promised, so its failure is no one's.
import { StorageError } from "../errors.ts";
import type { RuntimeFile } from "../runtime.ts";

// A step is small, for it is synced along with some append; 4 MiB steps stalled one for 15 ms.
const STEP_BYTES = 64 << 10;
// Larger groups gain nothing and would write every byte twice.
const LARGEST_GROUP_BYTES = 16 << 10;

export class SpaceAhead {
  readonly #enabled: boolean;
  readonly #zeros: Uint8Array;
  #end = 0;

  constructor(enabled: boolean) {
    this.#enabled = enabled;
    this.#zeros = new Uint8Array(enabled ? STEP_BYTES : 0);
  }

  /** Whether the file is longer than its records, which end at `position`. */
  reachesBeyond(position: number): boolean {
    return this.#end > position;
  }

  /** The file ends at its records again. */
  forget(): void {
    this.#end = 0;
  }

  /**
   * Called while a sync of `groupBytes` is under way: writes the next step when less than half of one is left behind
   * `position`, up to `limit`. The sync after the next pays for it, once for many appends.
   */
  extend(file: RuntimeFile, position: number, groupBytes: number, limit: number): void {
    if (!this.#enabled || groupBytes > LARGEST_GROUP_BYTES) return;
    const from = Math.max(position, this.#end);
    if (from - position >= STEP_BYTES / 2) return;
    const bytes = Math.min(STEP_BYTES, limit - from);
    if (bytes <= 0) return;
    try {
      this.#end = from + file.write(this.#zeros.subarray(0, bytes), from);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      // The disk is full, say: some zeros may be there. The next append overwrites them or a cut removes them.
      this.#end = from + bytes;
    }
  }
}
