import { toHex } from "../format/hex.ts";

/** What an append tells: where its records stand and what the chain's head is behind them. */
export class AppendResult {
  /** Offset of the append's first record. */
  readonly firstOffset: number;
  /** Offset that the record after the append's last will have. */
  readonly nextOffset: number;
  readonly #head: Uint8Array;

  constructor(firstOffset: number, nextOffset: number, head: Uint8Array) {
    this.firstOffset = firstOffset;
    this.nextOffset = nextOffset;
    this.#head = head;
  }

  /** SHA-256 chain hash of the append's last record, 64 hexadecimal digits. Keep it: it proves all records up to there. */
  get head(): string {
    // Made when asked for: most callers don't, and it would cost an append a tenth of its time.
    return toHex(this.#head);
  }

  toJSON(): { firstOffset: number; nextOffset: number; head: string } {
    return { firstOffset: this.firstOffset, nextOffset: this.nextOffset, head: this.head };
  }
}
