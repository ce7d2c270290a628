// HMAC (RFC 2104) and HKDF (RFC 5869) over SHA-256. What is made on the way is wiped.
import type { Sha256 } from "./sha256.ts";

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;

export function hmac(sha256: Sha256, key: Uint8Array, message: Uint8Array): Uint8Array {
  const shortKey = key.length > BLOCK_BYTES ? sha256(key) : key;
  const inner = new Uint8Array(BLOCK_BYTES + message.length);
  const outer = new Uint8Array(BLOCK_BYTES + DIGEST_BYTES);
  inner.set(shortKey);
  outer.set(shortKey);
  for (let i = 0; i < BLOCK_BYTES; i++) {
    inner[i] = (inner[i] as number) ^ 0x36;
    outer[i] = (outer[i] as number) ^ 0x5c;
  }
  inner.set(message, BLOCK_BYTES);
  outer.set(sha256(inner), BLOCK_BYTES);
  const digest = sha256(outer);
  inner.fill(0);
  outer.fill(0);
  return digest;
}

/** `bytes` of key, at most 8,160, that follow from `secret`, `salt` and what they are for. */
export function hkdf(
  sha256: Sha256,
  { secret, salt, info, bytes }: { secret: Uint8Array; salt: Uint8Array; info: Uint8Array; bytes: number },
): Uint8Array {
  const extracted = hmac(sha256, salt, secret);
  const key = new Uint8Array(bytes);
  let previous: Uint8Array = new Uint8Array(0);
  for (let count = 1, done = 0; done < bytes; count++, done += DIGEST_BYTES) {
    const message = new Uint8Array(previous.length + info.length + 1);
    message.set(previous);
    message.set(info, previous.length);
    message[message.length - 1] = count;
    previous.fill(0);
    previous = hmac(sha256, extracted, message);
    message.fill(0);
    key.set(previous.subarray(0, bytes - done), done);
  }
  previous.fill(0);
  extracted.fill(0);
  return key;
}
