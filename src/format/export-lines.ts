// The lines of an export: a row of entries that verifies without its log, with or without payloads. docs/format.md,
// "Export"; the conditions X1 to X10 are its. There is one way to write each line.
import { DIGEST_BYTES, GENESIS_BYTES, RECORD_HEADER_BYTES, SEGMENT_SALT_BYTES } from "../../assembly/layout.ts";
import { base64Length, decodeBase64, encodeBase64 } from "./base64-bytes.ts";
import { isLogId } from "./log-identity.ts";
import { encodeSegmentHeader } from "./segment-header.ts";
import { isStreamName } from "./stream-name.ts";

/** What an export says of itself. */
export interface ExportHeading {
  readonly logId: string;
  readonly stream: string;
  /** When segment 0 was made, µs since the Unix epoch, which the genesis hash covers. `null` unless `from` is 0. */
  readonly created: number | null;
  readonly from: number;
  /** Hash of the record before the first; for offset 0 the genesis hash. 64 hexadecimal digits. */
  readonly previous: string;
}

export interface ExportEnding {
  /** Offset behind the last record. */
  readonly to: number;
  /** Hash of the last record. */
  readonly head: string;
}

/** One record's line: its header, and its payload or, where that is withheld, the payload's SHA-256. */
export interface ExportedEntry {
  readonly header: Uint8Array;
  readonly payload: Uint8Array | null;
  readonly digest: Uint8Array | null;
}

export const EXPORT_VERSION = 1;
/** No heading and no ending is longer. */
export const SHORT_LINE_BYTES = 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function encodeHeading({ logId, stream, created, from, previous }: ExportHeading): Uint8Array {
  const line = { format: "diatreme.export", version: EXPORT_VERSION, log: logId, stream, created, from, previous };
  return encoder.encode(`${JSON.stringify(line)}\n`);
}

/** `null` unless the line, without its \n, is exactly what a heading looks like. */
export function decodeHeading(line: Uint8Array): ExportHeading | null {
  const fields = objectIn(line);
  if (fields === null) return null;
  const { log: logId, stream, created, from, previous } = fields;
  if (typeof logId !== "string" || !isLogId(logId) || typeof stream !== "string" || !isStreamName(stream)) return null;
  if (!isWhole(from) || !isHash(previous) || !(from === 0 ? isWhole(created) : created === null)) return null;
  const heading = { logId, stream, created: created as number | null, from, previous };
  return isSameLine(encodeHeading(heading), line) ? heading : null;
}

/** The bytes whose SHA-256 a stream's first record links to. */
export function genesisBytes(logId: string, stream: string, created: number): Uint8Array {
  const header = { number: 0, firstOffset: 0, created, logId, stream, salt: new Uint8Array(SEGMENT_SALT_BYTES) };
  // Neither salt nor CRC is under the hash.
  return encodeSegmentHeader(header, () => 0).subarray(0, GENESIS_BYTES);
}

export function encodeEnding({ to, head }: ExportEnding): Uint8Array {
  return encoder.encode(`${JSON.stringify({ to, head })}\n`);
}

/** `null` unless the line, without its \n, is exactly what an ending looks like. */
export function decodeEnding(line: Uint8Array): ExportEnding | null {
  const fields = objectIn(line);
  if (fields === null) return null;
  const { to, head } = fields;
  if (!isWhole(to) || !isHash(head)) return null;
  const ending = { to, head };
  return isSameLine(encodeEnding(ending), line) ? ending : null;
}

const HEADER_KEY = encoder.encode('{"header":"');
const PAYLOAD_KEY = encoder.encode('","payload":"');
const DIGEST_KEY = encoder.encode('","digest":"');
const CLOSE = encoder.encode('"}\n');
const HEX = encoder.encode("0123456789abcdef");

/** How long the line of a record with such a payload is at most. */
export function entryLineBytes(payloadBytes: number): number {
  const hex = 2 * (RECORD_HEADER_BYTES + DIGEST_BYTES);
  return HEADER_KEY.length + hex + PAYLOAD_KEY.length + base64Length(payloadBytes) + CLOSE.length;
}

/** Writes an entry's line into `target` from `at` on, and returns where it ends. */
export function encodeEntry({ header, payload, digest }: ExportedEntry, target: Uint8Array, at: number): number {
  let to = put(HEADER_KEY, target, at);
  to = putHex(header, target, to);
  if (payload !== null) {
    to = put(PAYLOAD_KEY, target, to);
    to = encodeBase64(payload, target, to);
  } else {
    to = put(DIGEST_KEY, target, to);
    to = putHex(digest ?? new Uint8Array(DIGEST_BYTES), target, to);
  }
  return put(CLOSE, target, to);
}

/** `null` unless the line, without its \n, is exactly what an entry looks like. Its parts are copies. */
export function decodeEntry(line: Uint8Array): ExportedEntry | null {
  const close = line.length - (CLOSE.length - 1);
  const headerAt = HEADER_KEY.length;
  const keyAt = headerAt + 2 * RECORD_HEADER_BYTES;
  if (close < keyAt || !isAt(line, 0, HEADER_KEY) || !isAt(line, close, CLOSE.subarray(0, -1))) return null;
  const header = hexIn(line.subarray(headerAt, keyAt));
  if (header === null) return null;
  if (isAt(line, keyAt, PAYLOAD_KEY)) {
    const payload = decodeBase64(line.subarray(keyAt + PAYLOAD_KEY.length, close));
    return payload === null ? null : { header, payload, digest: null };
  }
  if (!isAt(line, keyAt, DIGEST_KEY)) return null;
  const digest = hexIn(line.subarray(keyAt + DIGEST_KEY.length, close));
  return digest === null || digest.length !== DIGEST_BYTES ? null : { header, payload: null, digest };
}

function put(bytes: Uint8Array, target: Uint8Array, at: number): number {
  target.set(bytes, at);
  return at + bytes.length;
}

function putHex(bytes: Uint8Array, target: Uint8Array, at: number): number {
  let to = at;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    target[to++] = HEX[byte >> 4] as number;
    target[to++] = HEX[byte & 15] as number;
  }
  return to;
}

// Lower-case digits only, so that there is one way to write it.
function hexIn(digits: Uint8Array): Uint8Array | null {
  const bytes = new Uint8Array(digits.length >> 1);
  for (let i = 0; i < bytes.length; i++) {
    const high = HEX.indexOf(digits[2 * i] as number);
    const low = HEX.indexOf(digits[2 * i + 1] as number);
    if (high < 0 || low < 0) return null;
    bytes[i] = (high << 4) | low;
  }
  return digits.length % 2 === 0 ? bytes : null;
}

function isAt(line: Uint8Array, at: number, expected: Uint8Array): boolean {
  return at + expected.length <= line.length && expected.every((byte, index) => line[at + index] === byte);
}

function objectIn(line: Uint8Array): { readonly [field: string]: unknown } | null {
  if (line.length > SHORT_LINE_BYTES) return null;
  try {
    const value: unknown = JSON.parse(decoder.decode(line));
    return typeof value === "object" && value !== null ? (value as { [field: string]: unknown }) : null;
  } catch {
    return null;
  }
}

function isSameLine(written: Uint8Array, line: Uint8Array): boolean {
  return written.length === line.length + 1 && line.every((byte, at) => written[at] === byte);
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isHash(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
}
