import { fromHex } from "../../src/format/hex.ts";

/** The bytes that a test spells in hexadecimal. */
export function hexBytes(text: string): Uint8Array {
  const bytes = fromHex(text);
  if (bytes === null) throw new Error(`not hexadecimal: ${text}`);
  return bytes;
}
