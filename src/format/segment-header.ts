// The 128 bytes at the start of a segment file. docs/format.md, "Segment header"; conditions S1 to S9 are its.
import {
  SEGMENT_CRC_AT,
  SEGMENT_CREATED_AT,
  SEGMENT_FIRST_OFFSET_AT,
  SEGMENT_HEADER_BYTES,
  SEGMENT_LOG_ID_AT,
  SEGMENT_LOG_ID_BYTES,
  SEGMENT_MAGIC_AT,
  SEGMENT_NUMBER_AT,
  SEGMENT_RESERVED_A_AT,
  SEGMENT_RESERVED_B_AT,
  SEGMENT_SALT_AT,
  SEGMENT_SALT_BYTES,
  SEGMENT_STREAM_AT,
  SEGMENT_STREAM_BYTES,
  SEGMENT_VERSION,
  SEGMENT_VERSION_AT,
} from "../../assembly/layout.ts";
import { failure } from "../errors.ts";
import { crcHex, toHex } from "./hex.ts";
import { uuidBytes } from "./log-identity.ts";
import { getU64, setU64 } from "./u64.ts";

export interface SegmentHeader {
  readonly number: number;
  readonly firstOffset: number;
  /** µs since the Unix epoch. */
  readonly created: number;
  readonly logId: string;
  readonly stream: string;
  /** SEGMENT_SALT_BYTES random bytes. */
  readonly salt: Uint8Array;
}

type Crc32 = (bytes: Uint8Array) => number;

const MAGIC = new TextEncoder().encode("DIATREME");

export function encodeSegmentHeader(header: SegmentHeader, crc32: Crc32): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC, SEGMENT_MAGIC_AT);
  view.setUint16(SEGMENT_VERSION_AT, SEGMENT_VERSION, true);
  view.setUint32(SEGMENT_NUMBER_AT, header.number, true);
  setU64(view, SEGMENT_FIRST_OFFSET_AT, header.firstOffset);
  setU64(view, SEGMENT_CREATED_AT, header.created);
  bytes.set(uuidBytes(header.logId), SEGMENT_LOG_ID_AT);
  bytes.set(new TextEncoder().encode(header.stream), SEGMENT_STREAM_AT);
  bytes.set(header.salt, SEGMENT_SALT_AT);
  view.setUint32(SEGMENT_CRC_AT, crc32(bytes.subarray(0, SEGMENT_CRC_AT)), true);
  return bytes;
}

/**
 * Checks a header against where it was found.
 *
 * @throws {CorruptionError} `SEGMENT_HEADER_INVALID`, naming the first condition that fails
 * @throws {UsageError} `LOG_VERSION_UNSUPPORTED`
 */
export function decodeSegmentHeader(
  bytes: Uint8Array,
  place: { logId: string; stream: string; segment: number; path: string },
  crc32: Crc32,
): SegmentHeader {
  const fails = (condition: string, reason: string) =>
    failure("SEGMENT_HEADER_INVALID", { stream: place.stream, segment: place.segment, condition, reason });
  if (bytes.length < SEGMENT_HEADER_BYTES) throw fails("S1", `the file has ${bytes.length} bytes, a header has 128`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, SEGMENT_HEADER_BYTES);
  if (!MAGIC.every((byte, i) => bytes[SEGMENT_MAGIC_AT + i] === byte)) throw fails("S2", "the magic is not DIATREME");
  const stored = view.getUint32(SEGMENT_CRC_AT, true);
  const computed = crc32(bytes.subarray(0, SEGMENT_CRC_AT)) >>> 0;
  if (stored !== computed) throw fails("S3", `its CRC is ${crcHex(stored)}, its bytes give ${crcHex(computed)}`);
  const version = view.getUint16(SEGMENT_VERSION_AT, true);
  if (version !== SEGMENT_VERSION) {
    throw failure("LOG_VERSION_UNSUPPORTED", { path: place.path, found: version, supported: SEGMENT_VERSION });
  }
  const reserved = view.getUint16(SEGMENT_RESERVED_A_AT, true) !== 0;
  if (reserved || getU64(view, SEGMENT_RESERVED_B_AT) !== 0) throw fails("S5", "a reserved field is not zero");
  const number = view.getUint32(SEGMENT_NUMBER_AT, true);
  if (number !== place.segment) throw fails("S6", `it says that it is segment ${number}`);
  const logId = bytes.subarray(SEGMENT_LOG_ID_AT, SEGMENT_LOG_ID_AT + SEGMENT_LOG_ID_BYTES);
  if (toHex(logId) !== place.logId.replaceAll("-", "")) throw fails("S7", "it belongs to another log");
  const name = new TextEncoder().encode(place.stream);
  for (let i = 0; i < SEGMENT_STREAM_BYTES; i++) {
    if (bytes[SEGMENT_STREAM_AT + i] !== (name[i] ?? 0)) throw fails("S8", "it belongs to another stream");
  }
  const firstOffset = getU64(view, SEGMENT_FIRST_OFFSET_AT);
  const created = getU64(view, SEGMENT_CREATED_AT);
  if (!Number.isSafeInteger(firstOffset) || !Number.isSafeInteger(created)) throw fails("S9", "a number is over 2^53");
  if (number === 0 && firstOffset !== 0) throw fails("S9", `segment 0 starts at offset ${firstOffset}`);
  const salt = bytes.slice(SEGMENT_SALT_AT, SEGMENT_SALT_AT + SEGMENT_SALT_BYTES);
  return { number, firstOffset, created, logId: place.logId, stream: place.stream, salt };
}

const FILE_PATTERN = /^segment_(\d{6,})\.log$/;

export function segmentFileName(number: number): string {
  return `segment_${String(number).padStart(6, "0")}.log`;
}

/** The number in a segment file's name, or `null` for any other name. */
export function segmentNumber(name: string): number | null {
  const match = FILE_PATTERN.exec(name);
  if (match === null) return null;
  const number = Number(match[1]);
  return segmentFileName(number) === name ? number : null;
}
