// Zeros written behind the last record, so that a sync need not record a new file size as well. docs/performance.md says
// where that pays: synced groups of up to some 40 KiB. Never promised, so its failure is no one's.
import { StorageError } from "../../errors.ts";
import type { RuntimeFile } from "../../runtime.ts";

// A step is synced along with some append, so it is small: 4 MiB stalled one for 15 ms. For groups of some KiB it is longer,
// or every second or third of them would pay for one.
const STEP_BYTES = 64 << 10;
const LONG_STEP_BYTES = 512 << 10;
const LARGEST_GROUP_OF_SHORT_STEPS = 4 << 10;
// Larger groups gain nothing and would write every byte twice.
const LARGEST_GROUP_BYTES = 40 << 10;

const ZEROS = new Uint8Array(LONG_STEP_BYTES);

export class SpaceAhead {
  readonly #enabled: boolean;
  #end = 0;

  constructor(enabled: boolean) {
    this.#enabled = enabled;
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
    const step = groupBytes > LARGEST_GROUP_OF_SHORT_STEPS ? LONG_STEP_BYTES : STEP_BYTES;
    if (from - position >= step / 2) return;
    const bytes = Math.min(step, limit - from);
    if (bytes <= 0) return;
    try {
      this.#end = from + file.write(ZEROS.subarray(0, bytes), from);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      // The disk is full, say: some zeros may be there. The next append overwrites them or a cut removes them.
      this.#end = from + bytes;
    }
  }
}
