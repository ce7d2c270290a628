// The text around a key's bytes (RFC 7468, strict): one block, its label, base64 in lines of 64 characters.
import { fromBase64, toBase64 } from "../format/base64.ts";

export interface PemBlock {
  readonly label: string;
  readonly bytes: Uint8Array;
}

const BLOCK = /^\s*-----BEGIN ([A-Z0-9 ]+)-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END ([A-Z0-9 ]+)-----\s*$/;
const LINE_CHARACTERS = 64;

/** The block that a text consists of, or `null`. */
export function decodePem(text: string): PemBlock | null {
  const match = BLOCK.exec(text);
  if (match === null || match[1] !== match[3]) return null;
  const bytes = fromBase64((match[2] as string).replace(/\r?\n/g, ""));
  return bytes === null ? null : { label: match[1] as string, bytes };
}

export function encodePem({ label, bytes }: PemBlock): string {
  const lines = toBase64(bytes).match(new RegExp(`.{1,${LINE_CHARACTERS}}`, "g")) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
