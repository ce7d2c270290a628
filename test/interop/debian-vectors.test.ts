// AES-256-GCM against the cases with which NIST validates implementations, and Ed25519 against those of its authors: by this
// runtime's own code, and by the packages' that stands in for it.

import { beforeAll, describe, expect, it } from "vitest";
import { memoryRuntime } from "../../adapters/memory.ts";
import { verifierOfGoodKey } from "../../src/crypto/ed25519.ts";
import { toHex } from "../../src/format/hex.ts";
import type { Aead, Runtime, Signatures } from "../../src/runtime.ts";
import { CASE_STRIDE, currentRuntime, runtimeName } from "../contract/current-runtime.ts";
import { opened, sealed } from "../contract/gcm-case.ts";
import { hexBytes } from "../contract/hex-bytes.ts";
import {
  authorsSignatures,
  type CavpGcmCase,
  cavpGcm,
  hasDebianVectors,
  type PublishedSignature,
} from "../vectors/debian-vectors.ts";

const IMPLEMENTATIONS: readonly (readonly [name: string, runtime: Runtime, stride: number])[] = [
  [runtimeName, currentRuntime(), 1],
  // Its signatures take milliseconds, and are the same everywhere.
  ["the packages", memoryRuntime({ seed: 1 }).runtime, CASE_STRIDE],
];

const note = hasDebianVectors ? "" : " (skipped: python3-cryptography-vectors is not installed)";

describe.skipIf(!hasDebianVectors)(`NIST's cases of AES-256-GCM${note}`, () => {
  let toSeal: CavpGcmCase[];
  let toOpen: CavpGcmCase[];
  beforeAll(() => {
    toSeal = cavpGcm("gcmEncryptExtIV256.rsp");
    toOpen = cavpGcm("gcmDecrypt256.rsp");
  });

  it("are 375 to seal and 375 to open, of which 191 are to be refused", () => {
    expect([toSeal.length, toOpen.length]).toEqual([375, 375]);
    expect(toOpen.filter(({ isValid }) => !isValid)).toHaveLength(191);
    // Of 0, 16, 13, 32 and 51 bytes, each with as many kinds of additional data.
    expect(new Set(toSeal.map(({ plaintext }) => plaintext.length / 2))).toEqual(new Set([0, 16, 13, 32, 51]));
    expect(new Set(toSeal.map(({ aad }) => aad.length / 2))).toEqual(new Set([0, 16, 20, 48, 90]));
  });

  it.each(IMPLEMENTATIONS)("are sealed as published by %s", (_, runtime) => {
    const aead = runtime.aead as Aead;
    const wrong = toSeal.filter((one) => sealed(aead, one) !== one.ciphertext + one.tag);
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  it.each(IMPLEMENTATIONS)("are opened, or refused, as published by %s", (_, runtime) => {
    const aead = runtime.aead as Aead;
    const wrong = toOpen.filter((one) => opened(aead, one) !== (one.isValid ? one.plaintext : null));
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });
});

describe.skipIf(!hasDebianVectors)(`the signatures published with Ed25519${note}`, () => {
  let published: PublishedSignature[];
  beforeAll(() => {
    published = authorsSignatures();
  });

  it("are of messages of 0 to 1,023 bytes", () => {
    expect(published.map(({ message }) => message.length / 2)).toEqual([...Array(1024).keys()]);
  });

  it.each(IMPLEMENTATIONS)("are made, accepted, and with a changed bit refused, by %s", (_, runtime, stride) => {
    const signatures = runtime.signatures as Signatures;
    const wrong = published.filter((one, at) => at % stride === 0 && !holds(signatures, one, at));
    expect(wrong.map(({ message }) => message.length / 2)).toEqual([]);
  });
});

function holds(signatures: Signatures, { privateKey, publicKey, message, signature }: PublishedSignature, at: number) {
  const signer = signatures.signer(hexBytes(privateKey));
  const [text, good] = [hexBytes(message), hexBytes(signature)];
  const verifier = verifierOfGoodKey(signatures, hexBytes(publicKey));
  const bad = good.slice();
  const bit = at % (good.length * 8);
  bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
  return (
    toHex(signer.publicKey) === publicKey &&
    toHex(signer.sign(text)) === signature &&
    verifier.verify(text, good) &&
    !verifier.verify(text, bad)
  );
}
