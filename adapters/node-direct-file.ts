// A file that is read past the system's page cache: O_DIRECT, which takes whole blocks at aligned places in file and
// memory only. Reads of any place and length go through the aligned bytes that the caller has lent.

import type { RuntimeFile } from "../src/runtime.ts";
import type { NodeFile } from "./node-file.ts";

/** Every disk and file system that knows O_DIRECT takes blocks of this size. */
export const DIRECT_BLOCK_BYTES = 4096;

export class NodeDirectFile implements RuntimeFile {
  readonly #file: NodeFile;
  readonly #staging: Uint8Array;

  constructor(file: NodeFile, staging: Uint8Array) {
    this.#file = file;
    this.#staging = staging;
  }

  size(): number {
    return this.#file.size();
  }

  read(target: Uint8Array, position: number): number {
    let filled = 0;
    while (filled < target.length) {
      const wantedFrom = position + filled;
      const blockFrom = wantedFrom - (wantedFrom % DIRECT_BLOCK_BYTES);
      const skipped = wantedFrom - blockFrom;
      const blocks = Math.ceil((skipped + target.length - filled) / DIRECT_BLOCK_BYTES);
      const staged = this.#staging.subarray(0, Math.min(blocks * DIRECT_BLOCK_BYTES, this.#staging.length));
      // Only the file's end leaves a block short, and what follows it would be asked for at an unaligned place.
      const count = this.#file.readOnce(staged, blockFrom);
      const usable = Math.min(count - skipped, target.length - filled);
      if (usable <= 0) break;
      target.set(staged.subarray(skipped, skipped + usable), filled);
      filled += usable;
      if (count % DIRECT_BLOCK_BYTES !== 0) break;
    }
    return filled;
  }

  // It was opened for reading: the system refuses the rest.
  write(source: Uint8Array, position: number): number {
    return this.#file.write(source, position);
  }

  truncate(bytes: number): void {
    this.#file.truncate(bytes);
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  syncNow(): void {
    this.#file.syncNow();
  }

  close(): void {
    this.#file.close();
  }
}
