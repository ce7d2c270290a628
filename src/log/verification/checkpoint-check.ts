// The checkpoints that the log itself holds, held against the records as they pass by.
import { RECORD_EXTRA_BYTES, SEGMENT_HEADER_BYTES } from "../../../assembly/layout.ts";
import { type ErrorFacts, isFailure } from "../../errors.ts";
import type { CheckpointEntry } from "../../format/checkpoint-file.ts";
import { toHex } from "../../format/hex.ts";
import type { LogSettings } from "../options.ts";
import type { SegmentScan } from "../reading/scan.ts";
import { CheckpointEntries, claimedSigner } from "../segments/checkpoint-file.ts";
import type { SegmentFiles } from "../segments/segment-files.ts";

/** What was found beside the segments. */
export interface CheckpointCounts {
  /** Checkpoints with which the records agree, and that count: of trusted keys, or of anybody when none were given. */
  readonly agreed: number;
  /** Those of them whose signature was checked. */
  readonly signed: number;
  /** Entries that count for nothing: damaged, misplaced, out of order, unsigned or of other keys where keys were given. */
  readonly passedOver: number;
}

/** Facts of `CHECKPOINT_CONTRADICTED`. */
export type Contradiction = ErrorFacts["CHECKPOINT_CONTRADICTED"];

/** The counts of a range, and what else they say. */
export interface CheckpointFindings {
  /** Up to the first contradiction. */
  readonly counts: CheckpointCounts;
  readonly contradiction: Contradiction | null;
  /** How many records the last checkpoint covers that agreed; -1: none did. */
  readonly agreedTo: number;
}

export class CheckpointCheck {
  readonly #segments: SegmentFiles;
  readonly #settings: LogSettings;
  // Where the range begins.
  readonly #behind: number;
  #contradiction: Contradiction | null = null;
  #agreedTo = -1;
  #agreed = 0;
  #signed = 0;
  #passedOver = 0;
  #segment = -1;
  #entries: CheckpointEntries | null = null;
  #count = 0;
  #index = 0;
  // How many records the last entry covers that was in its order.
  #highest = 0;
  // Whether bad entries from here on stand among those of this range.
  #isOurs = false;
  #next: CheckpointEntry | null = null;

  /** For the records from `offset` on. */
  constructor(segments: SegmentFiles, settings: LogSettings, offset: number) {
    this.#segments = segments;
    this.#settings = settings;
    this.#behind = offset;
  }

  get findings(): CheckpointFindings {
    const counts = { agreed: this.#agreed, signed: this.#signed, passedOver: this.#passedOver };
    return { counts, contradiction: this.#contradiction, agreedTo: this.#agreedTo };
  }

  /**
   * Called with each run of records that passed, and the link of its first record. (An entry that no run reaches covers
   * more than its segment has: in the newest, recovery takes that for evidence; in another, the chain shows what is wrong.)
   */
  check(run: SegmentScan, firstLink: Uint8Array): void {
    if (this.#contradiction !== null) return;
    if (run.segment.header.number !== this.#segment) this.#begin(run);
    while (this.#next !== null && this.#contradiction === null) {
      const covered = this.#next.nextOffset - run.offset;
      if (covered > run.count) return;
      // Of a segment that had no records yet. Any other of just the range's start is for whoever checks what is before.
      const isFirst = covered === 0 && this.#next.position === SEGMENT_HEADER_BYTES;
      if (covered > 0 || isFirst) this.#compare(this.#next, run, isFirst ? firstLink : run.hash(covered - 1), covered);
      this.#advance();
    }
  }

  close(): void {
    this.#entries?.close();
    this.#entries = null;
  }

  #compare(entry: CheckpointEntry, run: SegmentScan, found: Uint8Array, covered: number): void {
    const { verifiers } = this.#settings.checkpoints;
    const signedBy = this.#entries?.signer(entry, verifiers) ?? null;
    if (verifiers.length > 0 && signedBy === null) {
      this.#passedOver++;
      return;
    }
    if (!found.every((byte, at) => byte === entry.head[at])) {
      this.#contradicted(entry, toHex(found), signedBy?.id ?? "none");
      return;
    }
    // The place is not under the signature: whoever signed is not to be blamed for it (C8).
    if (run.position + run.header(covered) - run.header(0) !== entry.position) {
      this.#passedOver++;
      return;
    }
    this.#agreed++;
    if (signedBy !== null) this.#signed++;
    this.#agreedTo = Math.max(this.#agreedTo, entry.nextOffset);
  }

  #contradicted({ nextOffset, head }: CheckpointEntry, found: string, key: string): void {
    const { stream } = this.#segments.place;
    this.#contradiction = { stream, segment: this.#segment, nextOffset, claimed: toHex(head), found, key };
  }

  #begin(run: SegmentScan): void {
    this.close();
    const { number } = run.segment.header;
    const { path, header, bytes } = this.#segments.get(number);
    this.#segment = number;
    this.#index = 0;
    this.#highest = 0;
    this.#isOurs = run.position === SEGMENT_HEADER_BYTES;
    try {
      this.#entries = CheckpointEntries.open(this.#segments.place.runtime.files, path, header);
    } catch (error) {
      // Gone between the look and the opening.
      if (!isFailure(error, "FILE_NOT_FOUND")) throw error;
    }
    // A file may be of any size: no more is looked at than the records of the segment can have.
    const most = 2 * Math.ceil(bytes / RECORD_EXTRA_BYTES);
    this.#count = Math.min(this.#entries?.count ?? 0, most);
    this.#advance();
  }

  // Where keys are trusted, what does not even claim to be by one of them says nothing about the order either.
  #mayCount(entry: CheckpointEntry): boolean {
    const { verifiers } = this.#settings.checkpoints;
    return verifiers.length === 0 || claimedSigner(entry, verifiers) !== null;
  }

  // Goes to the next entry that can be used and is in its order.
  #advance(): void {
    this.#next = null;
    while (this.#next === null && this.#index < this.#count) {
      const entry = this.#entries?.read(this.#index) ?? null;
      this.#index++;
      if (entry !== null && this.#mayCount(entry) && entry.nextOffset >= this.#highest) {
        this.#next = entry;
        this.#highest = entry.nextOffset;
        this.#isOurs ||= this.#highest > this.#behind;
      } else if (this.#isOurs) {
        this.#passedOver++;
      }
    }
  }
}
