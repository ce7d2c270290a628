// Ed25519 in plain TypeScript, by @noble/curves, for runtimes that have none of their own: ten times slower, same answers.

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import type { RuntimeSigner, RuntimeVerifier, Signatures } from "../src/runtime.ts";

const { Point } = ed25519;
const HALF = 32;

/** Ed25519 without help of the runtime. */
export const portableSignatures: Signatures = {
  signer(privateKey: Uint8Array): RuntimeSigner {
    const key = new Uint8Array(privateKey);
    return { publicKey: ed25519.getPublicKey(key), sign: (message) => ed25519.sign(message, key) };
  },

  verifier(publicKey: Uint8Array): RuntimeVerifier {
    const key = new Uint8Array(publicKey);
    const point = pointOf(key);
    return { verify: (message, signature) => point !== null && isSignature(point, key, message, signature) };
  },
};

type CurvePoint = InstanceType<typeof Point>;

function pointOf(bytes: Uint8Array): CurvePoint | null {
  try {
    return Point.fromBytes(bytes);
  } catch {
    return null;
  }
}

// The package's own `verify` multiplies both sides by the cofactor, which lets signatures pass that OpenSSL and
// BoringSSL refuse. Theirs is the equation here.
function isSignature(key: CurvePoint, keyBytes: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const encodedR = signature.subarray(0, HALF);
  const hash = sha512.create().update(encodedR).update(keyBytes).update(message).digest();
  const k = Point.Fn.create(numberOf(hash));
  const s = numberOf(signature.subarray(HALF));
  const r = Point.BASE.multiplyUnsafe(s).subtract(key.multiplyUnsafe(k)).toBytes();
  return r.every((byte, at) => byte === encodedR[at]);
}

/** Little-endian. */
function numberOf(bytes: Uint8Array): bigint {
  return bytes.reduceRight((number, byte) => (number << 8n) | BigInt(byte), 0n);
}
