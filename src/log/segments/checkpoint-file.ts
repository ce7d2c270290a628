// The checkpoint file beside a segment: opening it, and finding in it what can be used. Everything in it may be damaged, old,
// or somebody's invention; what is handed out has passed C1 to C7 of docs/format.md.
import { CHECKPOINT_BYTES, CHECKPOINT_FILE_HEADER_BYTES } from "../../../assembly/layout.ts";
import { checkpointMessage } from "../../crypto/checkpoint-note.ts";
import type { PublicKey } from "../../crypto/public-key.ts";
import type { Verifier } from "../../crypto/signer.ts";
import type { CheckpointClaim } from "../../format/checkpoint.ts";
import {
  type CheckpointEntry,
  checkpointEntriesIn,
  checkpointEntryAt,
  decodeCheckpointEntry,
  findCheckpoint,
  isCheckpointHeader,
} from "../../format/checkpoint-file.ts";
import { toHex } from "../../format/hex.ts";
import type { SegmentHeader } from "../../format/segment-header.ts";
import type { Files, RuntimeFile } from "../../runtime.ts";
import { crc32 } from "../../wasm/hashing-core.ts";

/** A checkpoint that was found in the log itself. */
export interface FoundCheckpoint {
  readonly entry: CheckpointEntry;
  /** The trusted key that signed it; `null` when no keys were given, so that nothing is known about who made it. */
  readonly signedBy: PublicKey | null;
}

export function checkpointPath(segmentPath: string): string {
  return `${segmentPath}.ckpt`;
}

/** Every record of the stream before this offset was synced: a checkpoint beside the segment says so. 0: none does. */
export function checkpointedIn(files: Files, { path, header }: { path: string; header: SegmentHeader }): number {
  const entries = CheckpointEntries.open(files, path, header);
  try {
    return checkpointedBy(entries);
  } finally {
    entries?.close();
  }
}

/** The same of a checkpoint file that is open, or missing. */
export function checkpointedInFile(file: RuntimeFile | null, header: SegmentHeader): number {
  return checkpointedBy(file === null ? null : CheckpointEntries.in(file, header));
}

function checkpointedBy(entries: CheckpointEntries | null): number {
  return entries?.last()?.entry.nextOffset ?? 0;
}

/** What an entry claims, in full. */
export function claimOf(
  entry: CheckpointEntry,
  { logId, stream }: Pick<SegmentHeader, "logId" | "stream">,
): CheckpointClaim {
  const { nextOffset, head, timestamp } = entry;
  return { logId, stream, nextOffset, head: toHex(head), timestamp };
}

/** The entries of one segment's checkpoint file. */
export class CheckpointEntries {
  readonly #file: RuntimeFile;
  readonly #header: SegmentHeader;
  readonly #bytes = new Uint8Array(CHECKPOINT_BYTES);
  /** How many whole entries there are, good or bad. */
  readonly count: number;

  /** Reads from a file that begins as it must, or whose beginning is of no interest. */
  constructor(file: RuntimeFile, header: SegmentHeader) {
    this.#file = file;
    this.#header = header;
    this.count = checkpointEntriesIn(file.size());
  }

  /** The entries beside the segment whose file has this path; `null` when there is no file that begins as it must (C1). */
  static open(files: Files, segmentPath: string, header: SegmentHeader): CheckpointEntries | null {
    const path = checkpointPath(segmentPath);
    if (files.kind(path) !== "file") return null;
    const file = files.open(path, "read");
    let entries: CheckpointEntries | null = null;
    try {
      entries = CheckpointEntries.in(file, header);
    } finally {
      if (entries === null) file.close();
    }
    return entries;
  }

  /** The entries in an open file; `null` when it does not begin as it must. */
  static in(file: RuntimeFile, header: SegmentHeader): CheckpointEntries | null {
    const entries = new CheckpointEntries(file, header);
    return entries.#hasHeader() ? entries : null;
  }

  /** Whether the file begins as it must (C1). */
  #hasHeader(): boolean {
    const bytes = new Uint8Array(CHECKPOINT_FILE_HEADER_BYTES);
    const read = this.#file.read(bytes, 0);
    return isCheckpointHeader(bytes.subarray(0, read), this.#header, crc32);
  }

  /** The entry with an index, or `null` when it cannot be used by C2 to C6. */
  read(index: number): CheckpointEntry | null {
    if (this.#file.read(this.#bytes, checkpointEntryAt(index)) < CHECKPOINT_BYTES) return null;
    return decodeCheckpointEntry(this.#bytes, this.#header, crc32);
  }

  /** The last entry that can be used, whoever made it, with its index. Many bad ones in a row end the search. */
  last(): { entry: CheckpointEntry; index: number } | null {
    const first = Math.max(0, this.count - MOST_BAD_AT_END);
    for (let index = this.count - 1; index >= first; index--) {
      const entry = this.read(index);
      if (entry !== null) return { entry, index };
    }
    return null;
  }

  /**
   * The newest entry that covers no more than `nextOffset` records and passes C7.
   *
   * @param verifiers - the keys that are trusted; without any, every entry counts
   */
  nearest(nextOffset: number, verifiers: readonly Verifier[]): FoundCheckpoint | null {
    const mayCount = (entry: CheckpointEntry) => verifiers.length === 0 || claimedSigner(entry, verifiers) !== null;
    const read = (index: number) => {
      const entry = this.read(index);
      return entry !== null && mayCount(entry) ? entry : null;
    };
    // Signatures take longest, so only of what was found; each wrong one costs a search below it.
    for (let count = this.count, tries = 0; tries < MOST_WRONG_SIGNATURES; tries++) {
      const found = findCheckpoint(count, nextOffset, read);
      if (found === null) return null;
      const signedBy = this.signer(found.entry, verifiers);
      if (verifiers.length === 0 || signedBy !== null) return { entry: found.entry, signedBy };
      count = found.index;
    }
    return null;
  }

  /** Which of these keys signed an entry; `null`: none of them. */
  signer(entry: CheckpointEntry, verifiers: readonly Verifier[]): PublicKey | null {
    const verifier = claimedSigner(entry, verifiers);
    if (verifier === null || entry.signed === null) return null;
    const message = checkpointMessage(claimOf(entry, this.#header));
    return verifier.verify(message, entry.signed.signature) ? verifier.publicKey : null;
  }

  close(): void {
    this.#file.close();
  }
}

const MOST_WRONG_SIGNATURES = 8;
const MOST_BAD_AT_END = 4096;

/** Whose signature an entry says it has. Two keys may share an id; then the first of them alone is asked. */
export function claimedSigner({ signed }: CheckpointEntry, verifiers: readonly Verifier[]): Verifier | null {
  if (signed === null) return null;
  const id = toHex(signed.keyId);
  return verifiers.find(({ publicKey }) => publicKey.id === id) ?? null;
}
