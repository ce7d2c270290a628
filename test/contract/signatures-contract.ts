// What every implementation of Ed25519 promises, and what the strict rule above it makes of the cases on which they differ.

import { describe, expect, it } from "vitest";
import { strictVerifier } from "../../src/crypto/ed25519.ts";
import type { Signatures } from "../../src/runtime.ts";
import { WYCHEPROOF_SIGNATURES } from "../vectors/wycheproof.ts";
import { edgeCases } from "./edge-signatures.ts";

// RFC 8032 §7.1, tests 1 to 3 and SHA(abc).
const PUBLISHED = [
  {
    privateKey: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    publicKey: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    message: "",
    signature:
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  },
  {
    privateKey: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    publicKey: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    message: "72",
    signature:
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  },
  {
    privateKey: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    publicKey: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    message: "af82",
    signature:
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  },
  {
    privateKey: "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
    publicKey: "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
    message:
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    signature:
      "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
  },
];

export function signaturesContract(name: string, signatures: Signatures): void {
  describe(`signatures of ${name}`, () => {
    it.each(PUBLISHED)("give the published ones: message of RFC 8032 $message", (published) => {
      const { publicKey, sign } = signatures.signer(bytes(published.privateKey));
      expect(hex(publicKey)).toBe(published.publicKey);
      expect(hex(sign(bytes(published.message)))).toBe(published.signature);
      const verifier = signatures.verifier(bytes(published.publicKey));
      expect(verifier.verify(bytes(published.message), bytes(published.signature))).toBe(true);
      expect(verifier.verify(bytes(`${published.message}00`), bytes(published.signature))).toBe(false);
    });

    it("keep nothing of the private key's bytes, and hand out arrays of their own", () => {
      const key = bytes(PUBLISHED[0]?.privateKey ?? "");
      const signer = signatures.signer(key);
      key.fill(0);
      const signature = signer.sign(new Uint8Array(0));
      expect(hex(signature)).toBe(PUBLISHED[0]?.signature);
      for (const array of [signature, signer.publicKey]) expect(array.buffer.byteLength).toBe(array.length);
    });

    it("take views on WebAssembly memory", () => {
      const memory = new WebAssembly.Memory({ initial: 1 });
      const at = (start: number, content: Uint8Array) => {
        const view = new Uint8Array(memory.buffer, start, content.length);
        view.set(content);
        return view;
      };
      const signer = signatures.signer(at(1, bytes(PUBLISHED[2]?.privateKey ?? "")));
      const signature = signer.sign(at(101, bytes("af82")));
      expect(hex(signature)).toBe(PUBLISHED[2]?.signature);
      const verifier = signatures.verifier(at(201, signer.publicKey));
      expect(verifier.verify(at(301, bytes("af82")), at(401, signature))).toBe(true);
    });

    it("are refused under every single changed bit of signature, key and message", () => {
      const { publicKey, sign } = signatures.signer(bytes(PUBLISHED[1]?.privateKey ?? ""));
      const message = bytes("72");
      const signature = sign(message);
      const wrong: string[] = [];
      for (let bit = 0; bit < 512; bit++) {
        if (strictVerifier(signatures, publicKey).verify(message, flipped(signature, bit)))
          wrong.push(`signature ${bit}`);
      }
      for (let bit = 0; bit < 256; bit++) {
        if (strictVerifier(signatures, flipped(publicKey, bit)).verify(message, signature)) wrong.push(`key ${bit}`);
      }
      for (let bit = 0; bit < 8; bit++) {
        if (strictVerifier(signatures, publicKey).verify(flipped(message, bit), signature))
          wrong.push(`message ${bit}`);
      }
      expect(wrong).toEqual([]);
    });

    it.each(edgeCases())("are accepted or not, as for everybody: $title", (edge) => {
      const verifier = strictVerifier(signatures, edge.publicKey);
      expect(verifier.verify(edge.message, edge.signature)).toBe(edge.isAccepted);
    });

    // No verdict differs: what our rule refuses beyond RFC 8032, points of small order, is in none of the valid cases.
    it.each(WYCHEPROOF_SIGNATURES)("are accepted or not, as Wycheproof has it: $id", (one) => {
      const verifier = strictVerifier(signatures, bytes(one.publicKey));
      expect(verifier.verify(bytes(one.message), bytes(one.signature))).toBe(one.isValid);
    });

    it.each([0, 31, 33, 64])("want keys of 32 bytes, not of %d", (length) => {
      expect(() => signatures.signer(new Uint8Array(length))).toThrow();
    });
  });
}

function flipped(source: Uint8Array, bit: number): Uint8Array {
  const copy = source.slice();
  copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7));
  return copy;
}

function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "hex"));
}

function hex(source: Uint8Array): string {
  return Buffer.from(source).toString("hex");
}
