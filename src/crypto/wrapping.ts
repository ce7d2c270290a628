// Keys encrypted with other keys: AES-256-GCM with a random nonce, bound to what the wrapped key is for.
import { fromHex, toHex } from "../format/hex.ts";
import type { AeadKey } from "../runtime.ts";

/** Fills bytes with secure random ones. */
export type Random = (target: Uint8Array) => void;

/** What is wrapped, and for what: one line each. A wrapped key opens only where all of it is the same. */
export type WrapPurpose = readonly string[];

export const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const TITLE = "diatreme.wrap/v1";

export function randomBytes(random: Random, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  random(bytes);
  return bytes;
}

/** Nonce, ciphertext and tag, as hexadecimal text. */
export function wrap(key: AeadKey, random: Random, purpose: WrapPurpose, secret: Uint8Array): string {
  const wrapped = new Uint8Array(NONCE_BYTES + secret.length + TAG_BYTES);
  const nonce = wrapped.subarray(0, NONCE_BYTES);
  random(nonce);
  wrapped.set(secret, NONCE_BYTES);
  key.seal(nonce, boundTo(purpose), wrapped, NONCE_BYTES, wrapped.length);
  return toHex(wrapped);
}

/** The secret, or `null` when the key is another one or the purpose is. */
export function unwrap(key: AeadKey, purpose: WrapPurpose, wrapped: string): Uint8Array | null {
  const bytes = fromHex(wrapped);
  if (bytes === null || bytes.length < NONCE_BYTES + TAG_BYTES) return null;
  const secret = new Uint8Array(bytes.length - NONCE_BYTES - TAG_BYTES);
  const sealed = bytes.subarray(NONCE_BYTES);
  return key.open(bytes.subarray(0, NONCE_BYTES), boundTo(purpose), sealed, secret) ? secret : null;
}

function boundTo(purpose: WrapPurpose): Uint8Array {
  return new TextEncoder().encode(`${[TITLE, ...purpose].join("\n")}\n`);
}
