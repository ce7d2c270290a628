// Ed25519 by node:crypto, shared by Node, Deno and Bun. Keys become key objects once: making one takes longer than using it.

import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import type { RuntimeSigner, RuntimeVerifier, Signatures } from "../src/runtime.ts";

// RFC 8410: what DER puts before the 32 bytes of a key.
const PRIVATE_KEY_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const PUBLIC_KEY_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const KEY_BYTES = 32;

/** Ed25519 as node:crypto has it. */
export const nodeSignatures: Signatures = {
  signer(privateKey: Uint8Array): RuntimeSigner {
    const der = Buffer.concat([PRIVATE_KEY_PREFIX, checkedKey(privateKey)]);
    const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    der.fill(0);
    const spki = createPublicKey(key).export({ format: "der", type: "spki" });
    return {
      publicKey: new Uint8Array(spki.subarray(PUBLIC_KEY_PREFIX.length)),
      // A Buffer may lie in memory that it shares with others.
      sign: (message) => new Uint8Array(sign(null, message, key)),
    };
  },

  verifier(publicKey: Uint8Array): RuntimeVerifier {
    const key = importPublicKey(checkedKey(publicKey));
    return { verify: (message, signature) => key !== null && verify(null, message, key, signature) };
  },
};

/** `null` for bytes that are no point: Deno throws for them at once, the others say no to every signature. */
function importPublicKey(publicKey: Uint8Array): KeyObject | null {
  const der = Buffer.concat([PUBLIC_KEY_PREFIX, publicKey]);
  try {
    return createPublicKey({ key: der, format: "der", type: "spki" });
  } catch {
    return null;
  }
}

function checkedKey(key: Uint8Array): Uint8Array {
  if (key.length !== KEY_BYTES) throw new RangeError(`A key has ${KEY_BYTES} bytes, not ${key.length}.`);
  return key;
}
