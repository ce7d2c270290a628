// AES-256-GCM in plain TypeScript, by @noble/ciphers, for runtimes that have none of their own that does not make the
// caller wait. Thirty times slower, and its tables make its time depend on the key: no match for an attacker who can
// measure that. The same bytes.

import { gcm } from "@noble/ciphers/aes.js";
import type { Aead, AeadKey } from "../src/runtime.ts";
import { checkedKey, checkOpen, checkSeal, TAG_BYTES } from "./aead-sizes.ts";

/** AES-256-GCM without help of the runtime. */
export const portableAead: Aead = {
  prepareKey: (key) => new PortableAeadKey(key),
};

class PortableAeadKey implements AeadKey {
  #key: Uint8Array | null;

  constructor(key: Uint8Array) {
    this.#key = new Uint8Array(checkedKey(key));
  }

  seal(nonce: Uint8Array, aad: Uint8Array, bytes: Uint8Array, start: number, end: number): void {
    checkSeal(nonce, bytes, start, end);
    // It wants memory of its own, and its views aligned.
    bytes.set(gcm(this.#held(), nonce.slice(), aad.slice()).encrypt(bytes.slice(start, end - TAG_BYTES)), start);
  }

  open(nonce: Uint8Array, aad: Uint8Array, source: Uint8Array, target: Uint8Array): boolean {
    checkOpen(nonce, source.length, target.length);
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
