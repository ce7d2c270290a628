// Checkpoints that leave the log: signed into a note, and believed or not when they come back.
import { failure } from "../errors.ts";
import { type CheckpointClaim, decodeCheckpoint, encodeCheckpoint } from "../format/checkpoint.ts";
import { decodeNote, encodeNote, NOTE_MAX_BYTES, type NoteSignature } from "../format/signed-note.ts";
import { KEY_NAME, type PublicKey } from "./public-key.ts";
import type { Signer, Verifier } from "./signer.ts";

/** A checkpoint that came from outside, as far as it is believed. */
export interface OpenedCheckpoint extends CheckpointClaim {
  /** The keys among those given whose signatures are right; empty when none was given. */
  readonly signedBy: readonly PublicKey[];
}

/** The bytes that a checkpoint's signature is made of and checked against. */
export function checkpointMessage(claim: CheckpointClaim): Uint8Array {
  return new TextEncoder().encode(encodeCheckpoint(claim));
}

/** The text to be kept elsewhere: a signed note, or without a signer the bare claim. */
export function exportCheckpoint(claim: CheckpointClaim, signer: Signer | null): string {
  if (signer === null) return encodeCheckpoint(claim);
  return noteOf(claim, { keyId: signer.publicKey.idUnder(KEY_NAME), signature: signer.sign(checkpointMessage(claim)) });
}

/** The note of a claim with a signature that is there already. */
export function noteOf(claim: CheckpointClaim, signed: Pick<NoteSignature, "keyId" | "signature">): string {
  return encodeNote({ text: encodeCheckpoint(claim), signatures: [{ name: KEY_NAME, ...signed }] });
}

/**
 * Opens an exported checkpoint. With keys, it must be a note that at least one of them signed; signatures of other
 * keys are passed over, and a wrong one of a known key refuses the whole. Without keys nothing is known about who made
 * it: it is worth what the place is worth where it was kept.
 *
 * @throws {EvidenceError} `CHECKPOINT_INVALID`, `CHECKPOINT_NOT_SIGNED`, `CHECKPOINT_SIGNATURE_WRONG`
 */
export function openCheckpoint(text: string, verifiers: readonly Verifier[]): OpenedCheckpoint {
  if (text.length > NOTE_MAX_BYTES) {
    throw failure("CHECKPOINT_INVALID", { condition: "N1", reason: `it is longer than ${NOTE_MAX_BYTES} bytes` });
  }
  const { body, signatures } = partsOf(text);
  const claim = decodeCheckpoint(body);
  if ("reason" in claim) throw failure("CHECKPOINT_INVALID", claim);
  const signedBy = signersOf(body, signatures, verifiers);
  if (verifiers.length > 0 && signedBy.length === 0) {
    throw failure("CHECKPOINT_NOT_SIGNED", { keys: verifiers.map(({ publicKey }) => publicKey.id).join(", ") });
  }
  return { ...claim, signedBy };
}

function partsOf(text: string): { body: string; signatures: readonly NoteSignature[] } {
  // The bare claim has no empty line.
  if (!text.includes("\n\n")) return { body: text, signatures: [] };
  const note = decodeNote(text);
  if ("reason" in note) throw failure("CHECKPOINT_INVALID", { condition: "N2", reason: note.reason });
  return { body: note.text, signatures: note.signatures };
}

function signersOf(body: string, signatures: readonly NoteSignature[], verifiers: readonly Verifier[]): PublicKey[] {
  const message = new TextEncoder().encode(body);
  const signedBy = new Set<PublicKey>();
  for (const { name, keyId, signature } of signatures) {
    for (const verifier of verifiers) {
      const { publicKey } = verifier;
      // The name is the signer's choice; that of a known key is not fixed, so the id is taken under the name found.
      if (!publicKey.idUnder(name).every((byte, at) => keyId[at] === byte)) continue;
      if (!verifier.verify(message, signature)) throw failure("CHECKPOINT_SIGNATURE_WRONG", { key: publicKey.id });
      signedBy.add(publicKey);
    }
  }
  return [...signedBy];
}
