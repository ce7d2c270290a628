import { describe, expect, it } from "vitest";
import { exportCheckpoint, openCheckpoint } from "../../src/crypto/checkpoint-note.ts";
import { PrivateKey } from "../../src/crypto/private-key.ts";
import { Signer, Verifier } from "../../src/crypto/signer.ts";
import { type CheckpointClaim, encodeCheckpoint } from "../../src/format/checkpoint.ts";
import { decodeNote, encodeNote, type SignedNote } from "../../src/format/signed-note.ts";
import { currentRuntime } from "../contract/current-runtime.ts";
import { expectFailure } from "../contract/expect-failure.ts";

const runtime = currentRuntime();
const CLAIM: CheckpointClaim = {
  logId: "f6a8ef9c-1b40-4c33-95a4-7d5c4b6f3a10",
  stream: "orders",
  nextOffset: 8124,
  head: "9a0c77e1d3f5b2a4c6e8f0123456789abcdef0123456789abcdef0123456789a",
  timestamp: 1_790_000_000_000_000,
};

function pair(fill: number) {
  const signer = new Signer(runtime, PrivateKey.fromBytes(new Uint8Array(32).fill(fill)));
  return { signer, verifier: new Verifier(runtime, signer.publicKey), key: signer.publicKey };
}

const ours = pair(1);
const theirs = pair(2);
const NOTE = exportCheckpoint(CLAIM, ours.signer);

function parts(text: string): SignedNote {
  const note = decodeNote(text);
  if ("reason" in note) throw new Error(note.reason);
  return note;
}

/** A note of the same text with these signature lines. */
function noteWith(...signatures: SignedNote["signatures"]): string {
  return encodeNote({ text: encodeCheckpoint(CLAIM), signatures });
}

/** A line that says that it is by the key, under a name. */
function line({ signer }: typeof ours, name = "diatreme", message = encodeCheckpoint(CLAIM)) {
  const signature = signer.sign(new TextEncoder().encode(message));
  return { name, keyId: signer.publicKey.idUnder(name), signature };
}

describe("an exported checkpoint", () => {
  it("is always the same note for the same claim and key", () => {
    expect(NOTE).toBe(
      `${encodeCheckpoint(CLAIM)}\n\u2014 diatreme ${Buffer.from([...ours.key.idUnder("diatreme"), ...line(ours).signature]).toString("base64")}\n`,
    );
  });

  it("is believed by who trusts its key", () => {
    const { signedBy, ...claim } = openCheckpoint(NOTE, [theirs.verifier, ours.verifier]);
    expect(claim).toEqual(CLAIM);
    expect(signedBy).toEqual([ours.key]);
  });

  it("is looked at whatever the names of its signatures, up to its longest", () => {
    const stranger = { name: "n".repeat(125_000), keyId: new Uint8Array(4), signature: new Uint8Array(64) };
    const note = noteWith(stranger, line(ours));
    expect(openCheckpoint(note, [ours.verifier]).signedBy).toEqual([ours.key]);
    expectFailure("CHECKPOINT_NOT_SIGNED", {}, () => openCheckpoint(noteWith(stranger), [ours.verifier]));
  });

  it("names nobody when no key was given, signed or not", () => {
    expect(openCheckpoint(NOTE, [])).toEqual({ ...CLAIM, signedBy: [] });
    expect(openCheckpoint(exportCheckpoint(CLAIM, null), [])).toEqual({ ...CLAIM, signedBy: [] });
  });

  it("may be signed by many, under any names; unknown keys are passed over, even those that share name or id", () => {
    const unknown = { name: "diatreme", keyId: Uint8Array.of(0, 0, 0, 1), signature: new Uint8Array(64) };
    const sameId = { name: "other", keyId: ours.key.idUnder("diatreme"), signature: new Uint8Array(64) };
    const note = noteWith(unknown, sameId, line(theirs, "example.org/witness"), line(ours));
    expect(openCheckpoint(note, [ours.verifier]).signedBy).toEqual([ours.key]);
    expect(openCheckpoint(note, [theirs.verifier]).signedBy).toEqual([theirs.key]);
    expect(openCheckpoint(note, [ours.verifier, theirs.verifier]).signedBy).toEqual([theirs.key, ours.key]);
  });

  it("without a signature of a trusted key is CHECKPOINT_NOT_SIGNED", () => {
    for (const text of [NOTE, exportCheckpoint(CLAIM, null)]) {
      expectFailure("CHECKPOINT_NOT_SIGNED", { keys: theirs.key.id }, () => openCheckpoint(text, [theirs.verifier]));
    }
  });

  it("with one wrong signature of a trusted key is CHECKPOINT_SIGNATURE_WRONG, whoever else signed", () => {
    const wrong = { ...line(ours), signature: new Uint8Array(64).fill(1) };
    const short = { ...line(ours), signature: line(ours).signature.slice(1) };
    for (const bad of [wrong, short, line(ours, "diatreme", `${encodeCheckpoint(CLAIM)}more\n`)]) {
      for (const note of [noteWith(bad), noteWith(line(theirs), bad), noteWith(line(ours), bad)]) {
        expectFailure("CHECKPOINT_SIGNATURE_WRONG", { key: ours.key.id }, () =>
          openCheckpoint(note, [theirs.verifier, ours.verifier]),
        );
      }
    }
  });

  it("does not survive any changed character", () => {
    const survivors: string[] = [];
    for (let at = 0; at < NOTE.length; at++) {
      const other = NOTE[at] === "0" ? "1" : "0";
      const text = NOTE.slice(0, at) + other + NOTE.slice(at + 1);
      try {
        openCheckpoint(text, [ours.verifier]);
        survivors.push(`${at}: ${NOTE[at]}`);
      } catch (error) {
        expect((error as { code: string }).code).toMatch(/^CHECKPOINT_/);
      }
    }
    expect(survivors).toEqual([]);
  });

  it("of another text than a checkpoint is CHECKPOINT_INVALID, though the signature be right", () => {
    const foreign = "diatreme.something/v1\nabc\n";
    const note = encodeNote({ text: foreign, signatures: [line(ours, "diatreme", foreign)] });
    expectFailure("CHECKPOINT_INVALID", { condition: "T1" }, () => openCheckpoint(note, [ours.verifier]));
  });

  it("that is none is CHECKPOINT_INVALID by its condition", () => {
    const invalid = (condition: string, text: string) =>
      expectFailure("CHECKPOINT_INVALID", { condition }, () => openCheckpoint(text, [ours.verifier]));
    invalid("N1", NOTE + parts(NOTE).text.repeat(1000));
    invalid("N2", `${NOTE}more`);
    invalid("N2", NOTE.replaceAll("\n", "\r\n").replaceAll("\r\n\r\n", "\n\n"));
    invalid("T1", "");
    invalid("T7", NOTE.replace("1790000000000000\n", "\n"));
  });
});
