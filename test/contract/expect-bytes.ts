// Compares many bytes quickly: toEqual takes milliseconds for a few thousand.

import { expect } from "vitest";

/** Expects the same bytes; shows the difference only when there is one. */
export function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  if (Buffer.compare(actual, expected) !== 0) expect(actual).toEqual(expected);
}
