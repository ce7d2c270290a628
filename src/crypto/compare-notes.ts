// Two exported checkpoints held against each other: what they prove without the log.
import { type CheckpointRelation, compareCheckpoints } from "../format/checkpoint.ts";
import type { Runtime } from "../runtime.ts";
import { type OpenedCheckpoint, openCheckpoint } from "./checkpoint-note.ts";
import type { PublicKey } from "./public-key.ts";
import { Verifier } from "./signer.ts";

/** What two checkpoints say about each other. */
export interface CheckpointComparison {
  /**
   * `"forked"` is a contradiction: at the same offset of the same stream they name different heads, or at different ones
   * the same head, so the log was not only added to. `"same"` says that they agree. `"undecided"` says that they cover different numbers of records:
   * only the log can tell. `"otherStream"` and `"otherLog"` are about different things.
   */
  readonly relation: CheckpointRelation;
  readonly first: OpenedCheckpoint;
  readonly second: OpenedCheckpoint;
  /**
   * The given keys that signed both. A fork is a proof against who holds one of them; without any it is only two texts
   * that anybody could have written.
   */
  readonly signedBoth: readonly PublicKey[];
}

/**
 * Compares two exported checkpoints.
 *
 * @param publicKeys - the keys that are trusted: each checkpoint must be signed by at least one of them. Without any,
 *   signatures are not checked
 * @throws {EvidenceError} `CHECKPOINT_INVALID`, `CHECKPOINT_NOT_SIGNED`, `CHECKPOINT_SIGNATURE_WRONG`
 */
export function compareCheckpointsOn(
  runtime: Runtime,
  [firstText, secondText]: readonly [string, string],
  publicKeys: readonly PublicKey[] = [],
): CheckpointComparison {
  const verifiers = publicKeys.map((key) => new Verifier(runtime, key));
  const first = openCheckpoint(firstText, verifiers);
  const second = openCheckpoint(secondText, verifiers);
  const signedBoth = first.signedBy.filter((key) => second.signedBy.includes(key));
  return { relation: compareCheckpoints(first, second), first, second, signedBoth };
}
