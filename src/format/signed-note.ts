// The envelope of a text that somebody signed: C2SP signed-note (https://c2sp.org/signed-note). Takes it apart and puts
// it together; who may sign is decided elsewhere.
import { fromBase64, toBase64 } from "./base64.ts";

export interface SignedNote {
  /** What is signed: whole lines. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

export interface NoteSignature {
  readonly name: string;
  /** 4 bytes. */
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
}

/** More bytes than a note with the 16 signatures that must be accepted needs, 5 kB ones included. */
export const NOTE_MAX_BYTES: number = 128 << 10;
const KEY_ID_BYTES = 4;
const DASH = "\u2014 ";

export function encodeNote({ text, signatures }: SignedNote): string {
  const lines = signatures.map(({ name, keyId, signature }) => {
    return `${DASH}${name} ${toBase64(Uint8Array.of(...keyId, ...signature))}\n`;
  });
  return `${text}\n${lines.join("")}`;
}

/** The parts of a note, or why it is none. */
export function decodeNote(note: string): SignedNote | { readonly reason: string } {
  if (hasControlCharacters(note)) return { reason: "it has a control character" };
  // The last empty line ends the text.
  const end = note.lastIndexOf("\n\n");
  if (end < 0) return { reason: "it has no empty line between text and signatures" };
  const lines = note.slice(end + 2).split("\n");
  if (lines.pop() !== "") return { reason: "its last line does not end" };
  if (lines.length === 0) return { reason: "it has no signature" };
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const signature = decodeSignature(line);
    if (signature === null) return { reason: "a line behind the text is not a signature" };
    signatures.push(signature);
  }
  return { text: note.slice(0, end + 1), signatures };
}

function decodeSignature(line: string): NoteSignature | null {
  const match = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/=]+)$/u.exec(line);
  const bytes = match === null ? null : fromBase64(match[2] as string);
  if (match === null || bytes === null || bytes.length <= KEY_ID_BYTES) return null;
  return {
    name: match[1] as string,
    keyId: bytes.slice(0, KEY_ID_BYTES),
    signature: bytes.slice(KEY_ID_BYTES),
  };
}

function hasControlCharacters(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 && code !== 0x0a) return true;
  }
  return false;
}
