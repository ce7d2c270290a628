// Checkpoints that were kept elsewhere, held against the log: what was honestly added to, cut, put back, replaced.
import type { OpenedCheckpoint } from "../../crypto/checkpoint-note.ts";
import { type DiatremeError, failure } from "../../errors.ts";
import { toHex } from "../../format/hex.ts";
import type { StreamPlace } from "../segments/segment.ts";

/** A checkpoint from outside with which the records agree. */
export interface EvidenceFound {
  /** How many records it vouches for. */
  readonly nextOffset: number;
  readonly head: string;
  /** When it was made, µs since the Unix epoch. */
  readonly timestamp: number;
  /** Ids of the trusted keys that signed it; without any, it is worth what the place is worth where it was kept. */
  readonly signedBy: readonly string[];
}

export class OutsideEvidence {
  readonly found: EvidenceFound[] = [];
  /** The first contradiction. */
  fault: DiatremeError | null = null;
  readonly #place: StreamPlace;
  // By how many records they cover.
  readonly #waiting: OpenedCheckpoint[];
  #agreesTo = 0;

  constructor(place: StreamPlace, checkpoints: readonly OpenedCheckpoint[]) {
    this.#place = place;
    this.#waiting = [...checkpoints].sort((one, other) => one.nextOffset - other.nextOffset);
    for (const claim of checkpoints) {
      if (claim.logId === place.logId && claim.stream === place.stream) continue;
      const { stream, logId: log } = place;
      this.fault ??= failure("LOG_OTHER", { stream, log, claimedStream: claim.stream, claimedLog: claim.logId });
    }
  }

  /** The offsets before which the hash of the record is wanted, in rising order. */
  get wantedHeads(): number[] {
    return this.#waiting.map(({ nextOffset }) => nextOffset);
  }

  /** Holds the checkpoints against the hashes of the records that passed, by the offset behind each. */
  compare(heads: ReadonlyMap<number, Uint8Array>): void {
    for (const claim of [...this.#waiting]) {
      const head = heads.get(claim.nextOffset);
      if (head === undefined || this.fault !== null) continue;
      this.#waiting.splice(this.#waiting.indexOf(claim), 1);
      this.#meet(claim, toHex(head));
    }
  }

  /**
   * Called when all records up to the end passed: what covers more than there are is contradicted.
   *
   * @param isOwnEnd - whether the log holds a checkpoint that counts of just this end
   */
  finish(nextOffset: number, head: Uint8Array, isOwnEnd: boolean): void {
    const claim = this.#waiting.at(-1);
    if (claim === undefined || claim.nextOffset <= nextOffset || this.fault !== null) return;
    const { stream } = this.#place;
    const facts = { nextOffset, found: toHex(head), claimedOffset: claim.nextOffset, claimed: claim.head };
    this.fault = failure(isOwnEnd ? "LOG_ROLLED_BACK" : "LOG_TRUNCATED", { stream, ...facts, key: keyOf(claim) });
  }

  /** How many checkpoints were not reached. */
  get unmet(): number {
    return this.#waiting.length;
  }

  #meet(claim: OpenedCheckpoint, found: string): void {
    const { nextOffset, head, timestamp, signedBy } = claim;
    if (found === head) {
      this.found.push({ nextOffset, head, timestamp, signedBy: signedBy.map(({ id }) => id) });
      this.#agreesTo = nextOffset;
      return;
    }
    const { stream } = this.#place;
    const facts = { stream, nextOffset, claimed: head, found, agreesTo: this.#agreesTo, key: keyOf(claim) };
    this.fault = failure("LOG_FORKED", facts);
  }
}

function keyOf({ signedBy }: OpenedCheckpoint): string {
  return signedBy[0]?.id ?? "none";
}
