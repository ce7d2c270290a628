// One line of keys.json. docs/format.md, "Key file"; conditions W1 to W3 are its. Everything secret in it is wrapped.
import { crcHex, fromHex } from "./hex.ts";

export const KEY_FILE = "keys.json";
export const KEY_FILE_VERSION = 1;

/** Whose key wraps a key-encryption key. */
export type MasterDescription =
  | { readonly master: "key" }
  | {
      readonly master: "passphrase";
      /** 16 bytes, hexadecimal. */
      readonly salt: string;
      readonly memoryKib: number;
      readonly passes: number;
      readonly lanes: number;
    }
  | { readonly master: "provider" };

/** What a data key is for. `"tags"` makes tags of the names of subjects. */
export type KeyPurpose = "tags" | "stream" | "subject";

/** What a line says. Numbers of keys and epochs are eight hexadecimal digits. */
export type KeyLine =
  | { readonly type: "log"; readonly version: number; readonly id: string }
  | KekLine
  | DataKeyLine
  | { readonly type: "rotated"; readonly kek: string }
  | { readonly type: "wiped" }
  | { readonly type: "durable" }
  | { readonly type: "epoch"; readonly epoch: string; readonly salt: string }
  | { readonly type: "erase"; readonly key: string; readonly sealed: string }
  | { readonly type: "erased"; readonly key: string };

/** A key-encryption key, wrapped by a master. */
export interface KekLine {
  readonly type: "kek";
  readonly kek: string;
  readonly from: MasterDescription;
  readonly wrapped: string;
}

/** A data key, wrapped by a key-encryption key. */
export interface DataKeyLine {
  readonly type: "data";
  readonly key: string;
  readonly purpose: KeyPurpose;
  /** A stream's name; a subject's tag; nothing. */
  readonly of: string;
  readonly kek: string;
  readonly fingerprint: string;
  readonly wrapped: string;
}

/** A line and its place among the others. */
export interface NumberedLine {
  /** 0, 1, 2, … */
  readonly n: number;
  /** How many lines were known to be on the disk when it was written. */
  readonly durable: number;
  readonly line: KeyLine;
}

export interface DecodedLine extends NumberedLine {
  /** `false`: what is wrapped, or the CRC, is not as it was written, as when the wiping of a dead line was cut short. */
  readonly exact: boolean;
}

export interface BadLine {
  readonly condition: string;
  readonly reason: string;
}

type Crc32 = (bytes: Uint8Array) => number;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** There is one way to write a line. It ends with a line feed; the CRC is that of the bytes before `,"crc"`. */
export function encodeKeyLine({ n, durable, line }: NumberedLine, crc32: Crc32): Uint8Array {
  const text = JSON.stringify({ n, durable, ...line }).slice(0, -1);
  return encoder.encode(`${text},"crc":"${crcHex(crc32(encoder.encode(text)))}"}\n`);
}

/** The line in these bytes, the line feed included, or what is wrong with it. */
export function decodeKeyLine(bytes: Uint8Array, crc32: Crc32): DecodedLine | BadLine {
  let value: unknown;
  try {
    if (bytes.at(-1) !== LINE_FEED) return { condition: "W1", reason: "it does not end" };
    value = JSON.parse(decoder.decode(bytes));
  } catch {
    return { condition: "W1", reason: "it is not JSON" };
  }
  if (typeof value !== "object" || value === null) return { condition: "W1", reason: "it is not a JSON object" };
  const fields = value as Record<string, unknown>;
  const { n, durable } = fields;
  const line = lineOf(fields);
  if (line === null || !isWhole(n, Number.MAX_SAFE_INTEGER) || !isWhole(durable, n)) {
    return { condition: "W2", reason: "its fields make no sense" };
  }
  const decoded = { n, durable, line };
  const expected = encodeKeyLine(decoded, crc32);
  if (isEqual(bytes, expected)) return { ...decoded, exact: true };
  if ("wrapped" in line && isEqual(upToWrapped(bytes, line), upToWrapped(expected, line))) {
    return { ...decoded, exact: false };
  }
  return { condition: "W3", reason: "it is not as it was written: its CRC does not fit" };
}

/** The same line without what was wrapped: as many zeros in its place. */
export function wiped<L extends KekLine | DataKeyLine>(line: L): L {
  return { ...line, wrapped: "0".repeat(line.wrapped.length) };
}

export function isWiped({ wrapped }: KekLine | DataKeyLine): boolean {
  return /^0*$/.test(wrapped);
}

const LINE_FEED = 10;
// What follows the wrapped digits: `","crc":"01234567"}` and a line feed.
const AFTER_WRAPPED = 20;

function upToWrapped(bytes: Uint8Array, { wrapped }: KekLine | DataKeyLine): Uint8Array {
  return bytes.subarray(0, bytes.length - AFTER_WRAPPED - wrapped.length);
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function lineOf(fields: Record<string, unknown>): KeyLine | null {
  const { type, key, kek, wrapped } = fields;
  switch (type) {
    case "log": {
      const { version, id } = fields;
      return typeof id === "string" && isWhole(version, MOST_VERSION) ? { type, version, id } : null;
    }
    case "kek": {
      const from = masterOf(fields["from"]);
      return isId(kek) && from !== null && isHex(wrapped, 1, MOST_WRAPPED) ? { type, kek, from, wrapped } : null;
    }
    case "data": {
      const { purpose, of, fingerprint } = fields;
      if (!isPurpose(purpose) || typeof of !== "string" || !isHex(fingerprint, FINGERPRINT, FINGERPRINT)) return null;
      if (!isId(key) || !isId(kek) || !isHex(wrapped, 1, MOST_WRAPPED)) return null;
      return { type, key, purpose, of, kek, fingerprint, wrapped };
    }
    case "rotated":
      return isId(kek) ? { type, kek } : null;
    case "wiped":
    case "durable":
      return { type };
    case "epoch": {
      const { epoch, salt } = fields;
      return isId(epoch) && isHex(salt, SALT, SALT) ? { type, epoch, salt } : null;
    }
    case "erase": {
      const { sealed } = fields;
      return isId(key) && isHex(sealed, 1, MOST_WRAPPED) ? { type, key, sealed } : null;
    }
    case "erased":
      return isId(key) ? { type, key } : null;
    default:
      return null;
  }
}

function masterOf(value: unknown): MasterDescription | null {
  if (typeof value !== "object" || value === null) return null;
  const { master, salt, memoryKib, passes, lanes } = value as Record<string, unknown>;
  if (master === "key" || master === "provider") return { master };
  if (master !== "passphrase" || !isHex(salt, STRETCH_SALT, STRETCH_SALT)) return null;
  // Checked before any memory is taken because of them.
  if (!isWhole(memoryKib, MOST_MEMORY_KIB) || !isWhole(passes, MOST_PASSES) || !isWhole(lanes, MOST_LANES)) return null;
  if (passes < 1 || lanes < 1 || memoryKib < 8 * lanes) return null;
  return { master, salt, memoryKib, passes, lanes };
}

// Lengths in bytes.
const FINGERPRINT = 16;
const SALT = 32;
const STRETCH_SALT = 16;
const MOST_WRAPPED = 16_384;
const MOST_VERSION = 0xffff;
/** What a passphrase may cost at most: 4 GiB. */
export const MOST_MEMORY_KIB: number = 4 << 20;
export const MOST_PASSES = 1000;
export const MOST_LANES = 255;

function isPurpose(value: unknown): value is KeyPurpose {
  return value === "tags" || value === "stream" || value === "subject";
}

function isWhole(value: unknown, most: number): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= most;
}

// Zero stands for none.
function isId(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-f]{8}$/.test(value) && value !== "00000000";
}

function isHex(value: unknown, leastBytes: number, mostBytes: number): value is string {
  if (typeof value !== "string" || fromHex(value) === null) return false;
  return value.length >= 2 * leastBytes && value.length <= 2 * mostBytes;
}
