// The file of a segment's checkpoints: a header and entries of one size, each checked by itself. docs/format.md,
// "Checkpoint file"; conditions C1 to C6 are its. What a bad one costs is an anchor, never data: nothing here throws.
import {
  CHECKPOINT_BYTES,
  CHECKPOINT_CRC_AT,
  CHECKPOINT_FILE_CRC_AT,
  CHECKPOINT_FILE_ENTRY_BYTES_AT,
  CHECKPOINT_FILE_HEADER_BYTES,
  CHECKPOINT_FILE_MAGIC,
  CHECKPOINT_FILE_MAGIC_AT,
  CHECKPOINT_FILE_SEGMENT_AT,
  CHECKPOINT_FILE_VERSION,
  CHECKPOINT_FILE_VERSION_AT,
  CHECKPOINT_HEAD_AT,
  CHECKPOINT_KEY_AT,
  CHECKPOINT_KEY_BYTES,
  CHECKPOINT_OFFSET_AT,
  CHECKPOINT_POSITION_AT,
  CHECKPOINT_SIGNATURE_AT,
  CHECKPOINT_SIGNATURE_BYTES,
  CHECKPOINT_TIMESTAMP_AT,
  DIGEST_BYTES,
  RECORD_EXTRA_BYTES,
  SEGMENT_HEADER_BYTES,
  SEGMENT_MAX_BYTES,
} from "../../assembly/layout.ts";
import { getU64, setU64 } from "./u64.ts";

/** What an entry says about its stream; log and stream stand in the segment's header. */
export interface CheckpointEntry {
  readonly nextOffset: number;
  /** Byte position in the segment behind the last record that it covers. */
  readonly position: number;
  /** 32 bytes. */
  readonly head: Uint8Array;
  /** µs since the Unix epoch. */
  readonly timestamp: number;
  readonly signed: { readonly keyId: Uint8Array; readonly signature: Uint8Array } | null;
}

/** The segment that a checkpoint file belongs to, as far as its header says it. */
export interface CheckpointHome {
  readonly number: number;
  readonly firstOffset: number;
  readonly salt: Uint8Array;
}

type Crc32 = (bytes: Uint8Array) => number;

export function encodeCheckpointHeader(home: CheckpointHome, crc32: Crc32): Uint8Array {
  const bytes = new Uint8Array(CHECKPOINT_FILE_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(CHECKPOINT_FILE_MAGIC_AT, CHECKPOINT_FILE_MAGIC, true);
  view.setUint16(CHECKPOINT_FILE_VERSION_AT, CHECKPOINT_FILE_VERSION, true);
  view.setUint16(CHECKPOINT_FILE_ENTRY_BYTES_AT, CHECKPOINT_BYTES, true);
  view.setUint32(CHECKPOINT_FILE_SEGMENT_AT, home.number, true);
  view.setUint32(CHECKPOINT_FILE_CRC_AT, saltedCrc(bytes.subarray(0, CHECKPOINT_FILE_CRC_AT), home.salt, crc32), true);
  return bytes;
}

/** C1: there is one way to write the header of a segment's checkpoint file. */
export function isCheckpointHeader(bytes: Uint8Array, home: CheckpointHome, crc32: Crc32): boolean {
  const expected = encodeCheckpointHeader(home, crc32);
  return bytes.length === expected.length && expected.every((byte, at) => bytes[at] === byte);
}

export function encodeCheckpointEntry(entry: CheckpointEntry, home: CheckpointHome, crc32: Crc32): Uint8Array {
  const bytes = new Uint8Array(CHECKPOINT_BYTES);
  const view = new DataView(bytes.buffer);
  setU64(view, CHECKPOINT_OFFSET_AT, entry.nextOffset);
  setU64(view, CHECKPOINT_POSITION_AT, entry.position);
  bytes.set(entry.head, CHECKPOINT_HEAD_AT);
  setU64(view, CHECKPOINT_TIMESTAMP_AT, entry.timestamp);
  if (entry.signed !== null) {
    bytes.set(entry.signed.keyId, CHECKPOINT_KEY_AT);
    bytes.set(entry.signed.signature, CHECKPOINT_SIGNATURE_AT);
  }
  view.setUint32(CHECKPOINT_CRC_AT, saltedCrc(bytes.subarray(0, CHECKPOINT_CRC_AT), home.salt, crc32), true);
  return bytes;
}

/** The entry in CHECKPOINT_BYTES bytes, or `null` when one of C2 to C6 fails. */
export function decodeCheckpointEntry(bytes: Uint8Array, home: CheckpointHome, crc32: Crc32): CheckpointEntry | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, CHECKPOINT_BYTES);
  const crc = saltedCrc(bytes.subarray(0, CHECKPOINT_CRC_AT), home.salt, crc32);
  if (view.getUint32(CHECKPOINT_CRC_AT, true) !== crc) return null;
  const nextOffset = getU64(view, CHECKPOINT_OFFSET_AT);
  const position = getU64(view, CHECKPOINT_POSITION_AT);
  const timestamp = getU64(view, CHECKPOINT_TIMESTAMP_AT);
  if (position < SEGMENT_HEADER_BYTES || position > SEGMENT_MAX_BYTES) return null;
  const most = Math.floor((position - SEGMENT_HEADER_BYTES) / RECORD_EXTRA_BYTES);
  const covered = nextOffset - home.firstOffset;
  if (covered < 0 || covered > most || (covered === 0) !== (position === SEGMENT_HEADER_BYTES)) return null;
  if (!Number.isSafeInteger(nextOffset) || !Number.isSafeInteger(timestamp)) return null;
  const head = bytes.slice(CHECKPOINT_HEAD_AT, CHECKPOINT_HEAD_AT + DIGEST_BYTES);
  const keyId = bytes.slice(CHECKPOINT_KEY_AT, CHECKPOINT_KEY_AT + CHECKPOINT_KEY_BYTES);
  const signature = bytes.slice(CHECKPOINT_SIGNATURE_AT, CHECKPOINT_SIGNATURE_AT + CHECKPOINT_SIGNATURE_BYTES);
  const isSigned = signature.some((byte) => byte !== 0);
  if (!isSigned && keyId.some((byte) => byte !== 0)) return null;
  return { nextOffset, position, head, timestamp, signed: isSigned ? { keyId, signature } : null };
}

/** How many whole entries a file of this length has. What is behind the last of them was cut short. */
export function checkpointEntriesIn(fileBytes: number): number {
  return Math.max(0, Math.floor((fileBytes - CHECKPOINT_FILE_HEADER_BYTES) / CHECKPOINT_BYTES));
}

/** Where the entry with this index lies in the file. */
export function checkpointEntryAt(index: number): number {
  return CHECKPOINT_FILE_HEADER_BYTES + index * CHECKPOINT_BYTES;
}

/** Reads the entry with an index; `null` when it cannot be used. */
export type ReadEntry = (index: number) => CheckpointEntry | null;

// What a damaged file may cost: from a bad entry on, so many neighbours are asked before the search gives up.
const MOST_BAD_ENTRIES = 64;

/**
 * The newest usable entry that covers no more than `nextOffset` records, with its index, found by halving: entries are
 * in the order in which they were made. A bad entry is passed over, towards the start; many in a row count as the start.
 */
export function findCheckpoint(
  count: number,
  nextOffset: number,
  read: ReadEntry,
): { readonly entry: CheckpointEntry; readonly index: number } | null {
  let found: { readonly entry: CheckpointEntry; readonly index: number } | null = null;
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    let index = middle;
    let entry = read(index);
    while (entry === null && index > low && middle - index < MOST_BAD_ENTRIES) entry = read(--index);
    if (entry !== null && entry.nextOffset > nextOffset) {
      high = index;
    } else {
      // Where nothing good was met from `low` to the middle, what there is lies above.
      if (entry !== null) found = { entry, index };
      low = middle + 1;
    }
  }
  return found;
}

/** From the segment's salt on, so that the bytes of no other segment's file pass for this one's. */
function saltedCrc(bytes: Uint8Array, salt: Uint8Array, crc32: Crc32): number {
  return crc32(Uint8Array.of(...salt, ...bytes)) >>> 0;
}
