// A checkpoint as callers get it: what it claims, and the text to keep elsewhere.
import { noteOf } from "../crypto/checkpoint-note.ts";
import type { PublicKey } from "../crypto/public-key.ts";
import { type CheckpointClaim, encodeCheckpoint } from "../format/checkpoint.ts";
import type { CheckpointEntry } from "../format/checkpoint-file.ts";

/** The claim that a stream's records before an offset have this head. */
export interface StreamCheckpoint extends CheckpointClaim {
  /** The claim as text: six lines. This is what a signature signs. */
  readonly text: string;
  /** What to keep elsewhere: a C2SP signed note of the text; without a signature, the text. */
  readonly note: string;
  /** Whose signature it has; `null` when it has none, or one that was not checked. */
  readonly signedBy: PublicKey | null;
}

export function streamCheckpoint(
  claim: CheckpointClaim,
  signed: CheckpointEntry["signed"],
  signedBy: PublicKey | null,
): StreamCheckpoint {
  const text = encodeCheckpoint(claim);
  return { ...claim, text, note: signed === null ? text : noteOf(claim, signed), signedBy };
}
