// AES-256-GCM by node:crypto, shared by Node, Deno and Bun. WebCrypto was measured too: one record at a time it is slower
// on all three, up to 4 KiB on Deno and at any size elsewhere, because each call waits for another thread.

import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from "node:crypto";
import type { Aead, AeadKey } from "../src/runtime.ts";
import { checkedKey, checkOpen, checkSeal, TAG_BYTES } from "./aead-sizes.ts";

/** AES-256-GCM as node:crypto has it. With raw bytes each call makes a key object anew: six times as long on Node 24. */
export const nodeAead: Aead = aeadThatHolds(createSecretKey);

/** The same on Deno, where a call takes a tenth longer with a key object than with the bytes. */
export const denoAead: Aead = aeadThatHolds((key) => new Uint8Array(key));

function aeadThatHolds(hold: (key: Uint8Array) => KeyObject | Uint8Array): Aead {
  return { prepareKey: (key) => new NodeAeadKey(hold(checkedKey(key))) };
}

// Its tags have 16 bytes unless told otherwise, and none of another length gets past the checks.
const CIPHER = "aes-256-gcm";

class NodeAeadKey implements AeadKey {
  #key: KeyObject | Uint8Array | null;

  constructor(key: KeyObject | Uint8Array) {
    this.#key = key;
  }

  seal(nonce: Uint8Array, aad: Uint8Array, bytes: Uint8Array, start: number, end: number): void {
    const tag = end - TAG_BYTES;
    checkSeal(nonce, bytes, start, end);
    const cipher = createCipheriv(CIPHER, this.#held(), nonce);
    cipher.setAAD(aad);
    bytes.set(cipher.update(bytes.subarray(start, tag)), start);
    // In this mode nothing is held back until the end.
    cipher.final();
    bytes.set(cipher.getAuthTag(), tag);
  }

  open(nonce: Uint8Array, aad: Uint8Array, source: Uint8Array, target: Uint8Array): boolean {
    checkOpen(nonce, source.length, target.length);
    const decipher = createDecipheriv(CIPHER, this.#held(), nonce);
    decipher.setAAD(aad);
    decipher.setAuthTag(source.subarray(target.length));
    const plaintext = decipher.update(source.subarray(0, target.length));
    const isAuthentic = ends(decipher);
    if (isAuthentic) target.set(plaintext);
    plaintext.fill(0);
    return isAuthentic;
  }

  drop(): void {
    // The bytes of an object lie outside of JavaScript and are freed when nobody refers to it.
    if (this.#key instanceof Uint8Array) this.#key.fill(0);
    this.#key = null;
  }

  #held(): KeyObject | Uint8Array {
    if (this.#key === null) throw new Error("The key was dropped.");
    return this.#key;
  }
}

// Everything that can be wrong with the call was checked before: what throws here is the tag.
function ends(decipher: { final(): unknown }): boolean {
  try {
    decipher.final();
    return true;
  } catch {
    return false;
  }
}
