// Sizes of AES-256-GCM as Diatreme uses it, and the checks that calls fit them.

export const TAG_BYTES = 16;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;

/** `key`, when it has the size of one. */
export function checkedKey(key: Uint8Array): Uint8Array {
  if (key.length !== KEY_BYTES) throw new RangeError(`A key has ${KEY_BYTES} bytes, not ${key.length}.`);
  return key;
}

export function checkSeal(nonce: Uint8Array, bytes: Uint8Array, start: number, end: number): void {
  checkNonce(nonce);
  if (start >= 0 && start + TAG_BYTES <= end && end <= bytes.length) return;
  throw new RangeError(
    `There is no room for ${TAG_BYTES} bytes of tag from ${start} to ${end} of ${bytes.length} bytes.`,
  );
}

export function checkOpen(nonce: Uint8Array, sealedBytes: number, plaintextBytes: number): void {
  checkNonce(nonce);
  if (sealedBytes === plaintextBytes + TAG_BYTES) return;
  throw new RangeError(`${plaintextBytes} bytes of plaintext do not belong to ${sealedBytes} sealed ones.`);
}

function checkNonce(nonce: Uint8Array): void {
  if (nonce.length !== NONCE_BYTES) throw new RangeError(`A nonce has ${NONCE_BYTES} bytes, not ${nonce.length}.`);
}
