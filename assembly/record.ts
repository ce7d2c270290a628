// Encodes and checks runs of records that lie in memory as they lie in a segment file. Knows one run at a time,
// its chain state in the control block; knows nothing of files or windows.
import {
  COMMIT_MORE_SHIFT,
  COMMIT_RESERVED_SHIFT,
  COMMIT_UNSYNCED_MASK,
  COMPRESSION_NONE,
  DIGEST_BYTES,
  FLAG_ENCRYPTED,
  KIND_TOMBSTONE,
  RECORD_COMPRESSION_AT,
  RECORD_EPOCH_AT,
  RECORD_EXTRA_BYTES,
  RECORD_FLAGS_AT,
  RECORD_HEADER_BYTES,
  RECORD_KIND_AT,
  RECORD_LENGTH_AT,
  RECORD_MAGIC,
  RECORD_MAGIC_AT,
  RECORD_OFFSET_AT,
  RECORD_PREVIOUS_AT,
  RECORD_RESERVED_AT,
  RECORD_TIMESTAMP_AT,
  TRAILER_COMMIT_AT,
  TRAILER_CRC_AT,
} from "./layout";
import {
  BATCH_RECORDS,
  CONTROL_COMPUTED_CRC_AT,
  CONTROL_CONSUMED_AT,
  CONTROL_CRC_SEED_AT,
  CONTROL_HEAD_AT,
  CONTROL_NEEDED_AT,
  CONTROL_NEXT_OFFSET_AT,
  CONTROL_STORED_CRC_AT,
  CONTROL_TIMESTAMP_AT,
  CONTROL_VERDICT_AT,
  MESSAGE_BYTES,
  MESSAGE_LENGTH_AT,
  MESSAGE_POINTER_AT,
  VERDICT_COMPRESSION,
  VERDICT_CRC,
  VERDICT_EPOCH,
  VERDICT_FLAGS,
  VERDICT_KIND,
  VERDICT_LENGTH,
  VERDICT_MAGIC,
  VERDICT_OFFSET,
  VERDICT_RESERVED,
  VERDICT_TIMESTAMP,
  WALK_END,
  WALK_FULL,
  WALK_MORE,
} from "./control";
import { CONTROL, DIGESTS, HASHES, MESSAGES } from "./memory";
import { crc32 } from "./crc32";
import { sha256Entry } from "./sha256";
import { sha256Entries, sha256Many } from "./sha256x4";

// A message whose digest is in its slot already: the host hashed it natively.
const DIGEST_IS_THERE: u32 = 0xffffffff;

/**
 * Completes `count` records that lie one after the other at `records`, with payloads in place and lengths in their
 * headers: payload digests, headers, chain, commit words and CRCs. Advances the chain state in the control block.
 *
 * Payloads of `nativeFrom` bytes or more have their digests in DIGESTS already. `unsynced` is how many records before
 * the first were not yet known to be synced; `more` tells that the same append goes on after the last.
 * Returns the pointer behind the last record.
 */
export function encode(
  records: usize,
  count: u32,
  kind: u32,
  timestamp: f64,
  unsynced: u32,
  more: bool,
  nativeFrom: u32,
): usize {
  assert(count <= <u32>BATCH_RECORDS, "encode: more records than the tables hold");
  let header = records;
  for (let i: u32 = 0; i < count; i++) {
    const length = load<u32>(header, RECORD_LENGTH_AT);
    const message = MESSAGES + i * MESSAGE_BYTES;
    store<u32>(message, <u32>(header + RECORD_HEADER_BYTES), MESSAGE_POINTER_AT);
    store<u32>(message, length < nativeFrom ? length : DIGEST_IS_THERE, MESSAGE_LENGTH_AT);
    header += RECORD_EXTRA_BYTES + length;
  }
  assert(header <= <usize>memory.size() << 16, "encode: records reach beyond memory");
  sha256Many(MESSAGES, count, DIGESTS);

  const head = CONTROL + CONTROL_HEAD_AT;
  const seed = load<u32>(CONTROL, CONTROL_CRC_SEED_AT);
  const firstOffset = <u64>load<f64>(CONTROL, CONTROL_NEXT_OFFSET_AT);
  header = records;
  for (let i: u32 = 0; i < count; i++) {
    const length = load<u32>(header, RECORD_LENGTH_AT);
    store<u32>(header, RECORD_MAGIC, RECORD_MAGIC_AT);
    store<u64>(header, firstOffset + i, RECORD_OFFSET_AT);
    store<u64>(header, <u64>timestamp, RECORD_TIMESTAMP_AT);
    store<u32>(header, kind, RECORD_KIND_AT); // compression, flags and the reserved byte are zero
    store<u32>(header, 0, RECORD_EPOCH_AT);
    v128.store(header, v128.load(head), RECORD_PREVIOUS_AT);
    v128.store(header, v128.load(head, 16), RECORD_PREVIOUS_AT + 16);
    sha256Entry(header, DIGESTS + i * DIGEST_BYTES, head);

    const trailer = header + RECORD_HEADER_BYTES + length;
    const goesOn = more || i + 1 < count;
    const waiting = min<u32>(unsynced + i, COMMIT_UNSYNCED_MASK);
    store<u32>(trailer, waiting | (u32(goesOn) << COMMIT_MORE_SHIFT), TRAILER_COMMIT_AT);
    store<u32>(trailer, crc32(seed, header, RECORD_HEADER_BYTES + length + TRAILER_CRC_AT), TRAILER_CRC_AT);
    header = trailer + (RECORD_EXTRA_BYTES - RECORD_HEADER_BYTES);
  }
  store<f64>(CONTROL, <f64>(firstOffset + count), CONTROL_NEXT_OFFSET_AT);
  store<f64>(CONTROL, timestamp, CONTROL_TIMESTAMP_AT);
  return header;
}

/**
 * Checks each record of a run alone: conditions 1 to 10 of docs/format.md, in their order, up to the first that fails,
 * the end of the window or the end of the tables. Advances next offset and timestamp; fills MESSAGES.
 * Returns how many records passed; why it ended is in the control block.
 */
export function walk(window: usize, bytes: u32, maxLength: u32): u32 {
  assert(window + bytes <= <usize>memory.size() << 16, "walk: the window reaches beyond memory");
  const end = window + bytes;
  const seed = load<u32>(CONTROL, CONTROL_CRC_SEED_AT);
  let offset = <u64>load<f64>(CONTROL, CONTROL_NEXT_OFFSET_AT);
  let timestamp = <u64>load<f64>(CONTROL, CONTROL_TIMESTAMP_AT);
  let header = window;
  let count: u32 = 0;
  let verdict: u32 = WALK_FULL;

  for (; count < <u32>BATCH_RECORDS; count++) {
    const available = <u32>(end - header);
    if (available < <u32>RECORD_HEADER_BYTES) {
      verdict = available == 0 ? WALK_END : WALK_MORE;
      store<u32>(CONTROL, RECORD_EXTRA_BYTES, CONTROL_NEEDED_AT);
      break;
    }
    if (load<u32>(header, RECORD_MAGIC_AT) != RECORD_MAGIC) {
      verdict = VERDICT_MAGIC;
      break;
    }
    const length = load<u32>(header, RECORD_LENGTH_AT);
    if (length > maxLength) {
      verdict = VERDICT_LENGTH;
      break;
    }
    if (available < <u32>RECORD_EXTRA_BYTES + length) {
      verdict = WALK_MORE;
      store<u32>(CONTROL, RECORD_EXTRA_BYTES + length, CONTROL_NEEDED_AT);
      break;
    }
    const trailer = header + RECORD_HEADER_BYTES + length;
    const computed = crc32(seed, header, RECORD_HEADER_BYTES + length + TRAILER_CRC_AT);
    const stored = load<u32>(trailer, TRAILER_CRC_AT);
    if (computed != stored) {
      verdict = VERDICT_CRC;
      store<u32>(CONTROL, stored, CONTROL_STORED_CRC_AT);
      store<u32>(CONTROL, computed, CONTROL_COMPUTED_CRC_AT);
      break;
    }
    const commit = load<u32>(trailer, TRAILER_COMMIT_AT);
    verdict = fieldVerdict(header, commit);
    if (verdict) break;
    if (load<u64>(header, RECORD_OFFSET_AT) != offset) {
      verdict = VERDICT_OFFSET;
      break;
    }
    if (load<u64>(header, RECORD_TIMESTAMP_AT) < timestamp) {
      verdict = VERDICT_TIMESTAMP;
      break;
    }
    timestamp = load<u64>(header, RECORD_TIMESTAMP_AT);
    offset++;
    const message = MESSAGES + count * MESSAGE_BYTES;
    store<u32>(message, <u32>(header + RECORD_HEADER_BYTES), MESSAGE_POINTER_AT);
    store<u32>(message, length, MESSAGE_LENGTH_AT);
    header += RECORD_EXTRA_BYTES + length;
    verdict = WALK_FULL;
  }
  store<f64>(CONTROL, <f64>offset, CONTROL_NEXT_OFFSET_AT);
  store<f64>(CONTROL, <f64>timestamp, CONTROL_TIMESTAMP_AT);
  store<u32>(CONTROL, <u32>(header - window), CONTROL_CONSUMED_AT);
  store<u32>(CONTROL, verdict, CONTROL_VERDICT_AT);
  return count;
}

function fieldVerdict(header: usize, commit: u32): u32 {
  const flags = load<u8>(header, RECORD_FLAGS_AT);
  if (load<u8>(header, RECORD_KIND_AT) > <u8>KIND_TOMBSTONE) return VERDICT_KIND;
  if (load<u8>(header, RECORD_COMPRESSION_AT) != COMPRESSION_NONE) return VERDICT_COMPRESSION;
  if (flags > <u8>FLAG_ENCRYPTED) return VERDICT_FLAGS;
  if (load<u8>(header, RECORD_RESERVED_AT) != 0) return VERDICT_RESERVED;
  if ((commit >>> COMMIT_RESERVED_SHIFT) & 1) return VERDICT_RESERVED;
  if (flags == 0 && load<u32>(header, RECORD_EPOCH_AT) != 0) return VERDICT_EPOCH;
  return 0;
}

/**
 * Hashes the `count` records that the last walk passed and checks that each links to the one before it, the first to
 * the head in the control block. `successor` points to the header that follows them, or is 0 when it is not there.
 *
 * Payloads of `nativeFrom` bytes or more have their digests in DIGESTS already. Fills HASHES.
 * Returns -1 and advances the head when every link holds; else the index of the first record whose link is not its
 * predecessor's hash (`count` is the successor's), and leaves the head.
 */
export function link(count: u32, successor: usize, nativeFrom: u32): i32 {
  assert(count <= <u32>BATCH_RECORDS, "link: more records than the tables hold");
  if (count == 0) return -1;
  for (let i: u32 = 0; i < count; i++) {
    const message = MESSAGES + i * MESSAGE_BYTES;
    if (load<u32>(message, MESSAGE_LENGTH_AT) >= nativeFrom) store<u32>(message, DIGEST_IS_THERE, MESSAGE_LENGTH_AT);
  }
  sha256Many(MESSAGES, count, DIGESTS);
  sha256Entries(MESSAGES, count, DIGESTS, HASHES);

  let expected = CONTROL + CONTROL_HEAD_AT;
  for (let i: u32 = 0; i < count; i++) {
    const payload = <usize>load<u32>(MESSAGES + i * MESSAGE_BYTES, MESSAGE_POINTER_AT);
    if (!linksTo(payload - RECORD_HEADER_BYTES, expected)) return i;
    expected = HASHES + i * DIGEST_BYTES;
  }
  if (successor != 0 && !linksTo(successor, expected)) return count;
  v128.store(CONTROL, v128.load(expected), CONTROL_HEAD_AT);
  v128.store(CONTROL, v128.load(expected, 16), CONTROL_HEAD_AT + 16);
  return -1;
}

function linksTo(header: usize, hash: usize): bool {
  const low = v128.xor(v128.load(header, RECORD_PREVIOUS_AT), v128.load(hash));
  const high = v128.xor(v128.load(header, RECORD_PREVIOUS_AT + 16), v128.load(hash, 16));
  return !v128.any_true(v128.or(low, high));
}
