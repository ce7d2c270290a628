// What somebody with write access to the folder may do to a log. Knows the format (docs/format.md), as they may.
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
// biome-ignore lint/correctness/noUnresolvedImports: the package itself, by its name, as its users import it
import type { LogRecord } from "diatreme";

const SALT_AT = 112;
const HEADER_BYTES = 64;
// The hash of the record before: the last of the header.
const LINK_AT = 32;
const COMMIT_BYTES = 4;

export interface Change {
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/** Changes one character of a record in a segment file; with `fixCrc` also its CRC, so that the record looks whole. */
export function tamperWith(segmentFile: string, record: LogRecord, { fixCrc }: { fixCrc: boolean }): Change {
  const bytes = readFileSync(segmentFile);
  const start = findRecord(bytes, record);
  const payloadBytes = record.payload.length;
  const payload = bytes.subarray(start + HEADER_BYTES, start + HEADER_BYTES + payloadBytes);
  const before = Uint8Array.from(payload);
  const at = placeToChange(payload);
  // One bit: a 1 becomes a 0, a "b" a "c".
  payload[at] = (payload[at] as number) ^ 1;
  const crcAt = start + HEADER_BYTES + payloadBytes + COMMIT_BYTES;
  if (fixCrc) bytes.writeUInt32LE(crc32(bytes.subarray(SALT_AT, SALT_AT + 4), bytes.subarray(start, crcAt)), crcAt);
  const file = openSync(segmentFile, "r+");
  writeSync(file, bytes, start, crcAt + 4 - start, start);
  closeSync(file);
  return around(before, payload, at);
}

// The same payload may be there more than once: the link in front of it says which record it is.
function findRecord(bytes: Buffer, { offset, payload, previousHash }: LogRecord): number {
  const link = Buffer.from(previousHash, "hex");
  for (let at = bytes.indexOf(payload); at >= 0; at = bytes.indexOf(payload, at + 1)) {
    const start = at - HEADER_BYTES;
    if (start >= 0 && link.equals(bytes.subarray(start + LINK_AT, at))) return start;
  }
  throw new Error(`record ${offset} is not in this file`);
}

// A digit looks most innocent, best of all a version's.
function placeToChange(payload: Buffer): number {
  const from = Math.max(0, payload.indexOf('"version"'));
  const digit = payload.findIndex((byte, at) => at >= from && byte >= 0x30 && byte <= 0x39);
  return digit >= 0 ? digit : payload.length >> 1;
}

function around(before: Uint8Array, after: Uint8Array, at: number): Change {
  const from = Math.max(0, at - 16);
  const to = at + 12;
  return { before: before.subarray(from, to), after: after.slice(from, to) };
}

// IEEE 802.3, bit by bit: a record is short.
function crc32(...parts: Uint8Array[]): number {
  let crc = 0xffffffff;
  for (const part of parts) {
    for (const byte of part) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
  }
  return ~crc >>> 0;
}
