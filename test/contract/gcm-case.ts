// A published case of AES-256-GCM, as an implementation computes it.

import { expect } from "vitest";
import { toHex } from "../../src/format/hex.ts";
import type { Aead } from "../../src/runtime.ts";
import type { GcmCase } from "../vectors/aes-256-gcm.ts";
import { hexBytes } from "./hex-bytes.ts";

export const TAG_BYTES = 16;

/** Ciphertext and tag. */
export function sealed(aead: Aead, one: Omit<GcmCase, "name" | "ciphertext" | "tag">): string {
  const bytes = hexBytes(one.plaintext + "00".repeat(TAG_BYTES));
  aead.prepareKey(hexBytes(one.key)).seal(hexBytes(one.nonce), hexBytes(one.aad), bytes, 0, bytes.length);
  return toHex(bytes);
}

/** The plaintext, or `null` when it is refused. What is refused must leave the target as it was. */
export function opened(aead: Aead, one: Omit<GcmCase, "name" | "plaintext">): string | null {
  const source = hexBytes(one.ciphertext + one.tag);
  const target = new Uint8Array(source.length - TAG_BYTES).fill(0xa5);
  if (aead.prepareKey(hexBytes(one.key)).open(hexBytes(one.nonce), hexBytes(one.aad), source, target))
    return toHex(target);
  expect(target.every((byte) => byte === 0xa5)).toBe(true);
  return null;
}
