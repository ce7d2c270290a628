// AES-256-GCM in plain TypeScript, by @noble/ciphers, for runtimes that have none of their own that does not make the
// caller wait. Thirty times slower, and its tables make its time depend on the key: no match for an attacker who can
// measure that. The same bytes.

import { gcm } from "@noble/ciphers/aes.js";
import type { Aead, AeadKey } from "../src/runtime.ts";

/** AES-256-GCM without help of the runtime. */
export const portableAead: Aead = {
  prepareKey: (key) => new PortableAeadKey(key),
};

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

class PortableAeadKey implements AeadKey {
  #key: Uint8Array | null;

  constructor(key: Uint8Array) {
    if (key.length !== KEY_BYTES) throw new RangeError(`A key has ${KEY_BYTES} bytes, not ${key.length}.`);
    this.#key = key.slice();
  }

  seal(nonce: Uint8Array, aad: Uint8Array, source: Uint8Array, target: Uint8Array): void {
    checkLengths(nonce, source.length, target.length);
    // It wants memory of its own, and its views aligned.
    target.set(gcm(this.#held(), nonce.slice(), aad.slice()).encrypt(source.slice()));
  }

  open(nonce: Uint8Array, aad: Uint8Array, source: Uint8Array, target: Uint8Array): boolean {
    checkLengths(nonce, target.length, source.length);
    const cipher = gcm(this.#held(), nonce.slice(), aad.slice());
    let plaintext: Uint8Array;
    try {
      plaintext = cipher.decrypt(source.slice());
    } catch {
      // Everything that can be wrong with the call was checked before: this is the tag.
      return false;
    }
    target.set(plaintext);
    plaintext.fill(0);
    return true;
  }

  drop(): void {
    this.#key?.fill(0);
    this.#key = null;
  }

  #held(): Uint8Array {
    if (this.#key === null) throw new Error("The key was dropped.");
    return this.#key;
  }
}

function checkLengths(nonce: Uint8Array, plaintextBytes: number, sealedBytes: number): void {
  if (nonce.length !== NONCE_BYTES) throw new RangeError(`A nonce has ${NONCE_BYTES} bytes, not ${nonce.length}.`);
  if (sealedBytes === plaintextBytes + TAG_BYTES) return;
  throw new RangeError(`${plaintextBytes} bytes of plaintext do not belong to ${sealedBytes} sealed ones.`);
}
