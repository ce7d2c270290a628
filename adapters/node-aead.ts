// AES-256-GCM by node:crypto, shared by Node, Deno and Bun. WebCrypto was measured too: one record at a time it is slower
// on all three, up to 4 KiB on Deno and at any size elsewhere, because each call waits for another thread.

import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from "node:crypto";
import type { Aead, AeadKey } from "../src/runtime.ts";

/** AES-256-GCM as node:crypto has it. With raw bytes each call makes a key object anew: six times as long on Node 24. */
export const nodeAead: Aead = aeadThatHolds(createSecretKey);

/** The same on Deno, where a call takes a tenth longer with a key object than with the bytes. */
export const denoAead: Aead = aeadThatHolds((key) => key.slice());

function aeadThatHolds(hold: (key: Uint8Array) => KeyObject | Uint8Array): Aead {
  return { prepareKey: (key) => new NodeAeadKey(hold(checkedKey(key))) };
}

// Its tags have 16 bytes unless told otherwise, and none of another length gets past the checks below.
const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

class NodeAeadKey implements AeadKey {
  #key: KeyObject | Uint8Array | null;

  constructor(key: KeyObject | Uint8Array) {
    this.#key = key;
  }

  seal(nonce: Uint8Array, aad: Uint8Array, source: Uint8Array, target: Uint8Array): void {
    checkLengths(nonce, source.length, target.length);
    const cipher = createCipheriv(CIPHER, this.#held(), nonce);
    cipher.setAAD(aad);
    target.set(cipher.update(source));
    // In this mode nothing is held back until the end.
    cipher.final();
    target.set(cipher.getAuthTag(), target.length - TAG_BYTES);
  }

  open(nonce: Uint8Array, aad: Uint8Array, source: Uint8Array, target: Uint8Array): boolean {
    checkLengths(nonce, target.length, source.length);
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

function checkedKey(key: Uint8Array): Uint8Array {
  if (key.length !== KEY_BYTES) throw new RangeError(`A key has ${KEY_BYTES} bytes, not ${key.length}.`);
  return key;
}

function checkLengths(nonce: Uint8Array, plaintextBytes: number, sealedBytes: number): void {
  if (nonce.length !== NONCE_BYTES) throw new RangeError(`A nonce has ${NONCE_BYTES} bytes, not ${nonce.length}.`);
  if (sealedBytes === plaintextBytes + TAG_BYTES) return;
  throw new RangeError(`${plaintextBytes} bytes of plaintext do not belong to ${sealedBytes} sealed ones.`);
}
