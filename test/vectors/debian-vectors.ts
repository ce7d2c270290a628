// Test vectors that are too many to keep here, in the files in which they were published: those that Debian has in its
// package python3-cryptography-vectors, which needs nothing but Python.

import { existsSync, readFileSync } from "node:fs";
import type { GcmCase } from "./aes-256-gcm.ts";

const FOLDER = "/usr/lib/python3/dist-packages/cryptography_vectors";

export const hasDebianVectors: boolean = existsSync(FOLDER);

export interface CavpGcmCase extends GcmCase {
  /** One that is not has no plaintext. */
  readonly isValid: boolean;
}

/** The cases with nonces of 96 bits and tags of 128, of one file of NIST's validation program (CAVP) for keys of 256. */
export function cavpGcm(file: "gcmEncryptExtIV256.rsp" | "gcmDecrypt256.rsp"): CavpGcmCase[] {
  const found: CavpGcmCase[] = [];
  let group: Fields = {};
  for (const block of textOf(`ciphers/AES/GCM/${file}`).split(/(?:\r\n){2,}/)) {
    const fields = fieldsOf(block);
    if (block.startsWith("[")) group = fields;
    else if (fields["Count"] !== undefined && group["IVlen"] === "96" && group["Taglen"] === "128") {
      const { Count, Key: key = "", IV: nonce = "", AAD: aad = "", CT: ciphertext = "", Tag: tag = "" } = fields;
      const name = `${Count} of ${group["PTlen"]} and ${group["AADlen"]} bits`;
      const plaintext = fields["PT"] ?? "";
      found.push({ name, key, nonce, aad, plaintext, ciphertext, tag, isValid: !block.includes("FAIL") });
    }
  }
  return found;
}

/** In hexadecimal. */
export interface PublishedSignature {
  readonly privateKey: string;
  readonly publicKey: string;
  readonly message: string;
  readonly signature: string;
}

/** What the authors of Ed25519 published with it: messages of 0 to 1,023 bytes, each under a key of its own. */
export function authorsSignatures(): PublishedSignature[] {
  const lines = textOf("asymmetric/Ed25519/sign.input").trimEnd().split("\n");
  return lines.map((line) => {
    const [pair = "", publicKey = "", message = "", signed = ""] = line.split(":");
    return { privateKey: pair.slice(0, 64), publicKey, message, signature: signed.slice(0, 128) };
  });
}

type Fields = Partial<Record<string, string>>;

/** Of lines like "Tag = 15e0", in brackets or not. */
function fieldsOf(block: string): Fields {
  return Object.fromEntries([...block.matchAll(/(\w+) = (\w*)/g)].map(([, name, value]) => [name, value]));
}

function textOf(path: string): string {
  return readFileSync(`${FOLDER}/${path}`, "latin1");
}
