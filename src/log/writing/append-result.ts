import { DIGEST_BYTES } from "../../../assembly/layout.ts";
import { toHex } from "../../format/hex.ts";
import type { HeadReceiver } from "../../wasm/batch.ts";

/** What an append tells: where its records stand and what the chain's head is behind them. */
export class AppendResult implements HeadReceiver {
  /** Offset of the append's first record. */
  readonly firstOffset: number;
  /** Offset that the record after the append's last will have. */
  readonly nextOffset: number;
  // Either the hash is there, or `#seal` brings it. Many appends are hashed together, when they are written: asking for
  // the head at once forgoes that.
  #hashes: Uint8Array | null = null;
  #at = 0;
  #seal: (() => void) | null;

  /** Made by `append`. `seal` makes the writer call `setHead`. */
  constructor(firstOffset: number, nextOffset: number, seal: () => void) {
    this.firstOffset = firstOffset;
    this.nextOffset = nextOffset;
    this.#seal = seal;
  }

  setHead(hashes: Uint8Array, at: number): void {
    this.#hashes = hashes;
    this.#at = at;
    this.#seal = null;
  }

  /** SHA-256 chain hash of the append's last record, 64 hexadecimal digits. Keep it: it proves all records up to there. */
  get head(): string {
    this.#seal?.();
    const hashes = this.#hashes as Uint8Array;
    return toHex(hashes.subarray(this.#at, this.#at + DIGEST_BYTES));
  }

  toJSON(): { firstOffset: number; nextOffset: number; head: string } {
    return { firstOffset: this.firstOffset, nextOffset: this.nextOffset, head: this.head };
  }
}
