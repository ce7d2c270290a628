// Encodes and checks runs of records that lie in memory as they lie in a segment file. Knows one run at a time,
// its chain state in the control block; knows nothing of files or windows.
import {
  COMMIT_MORE_SHIFT,
  COMMIT_RESERVED_SHIFT,
  COMMIT_UNSYNCED_MASK,
  COMPRESSION_NONE,
  DIGEST_BYTES,
  ENTRY_BYTES,
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
import { CONTROL, DIGESTS, ENTRY, HASHES, MESSAGES } from "./memory";
import { crc32 } from "./crc32";
import { sha256Entry } from "./sha256";
import { SKIPPED, sha256Entries, sha256Many } from "./sha256x4";

/**
 * Completes `count` records that lie one after the other at `records`: headers, payload digests, chain, commit words and
 * CRCs. Advances the chain state in the control block and fills HASHES. Returns the pointer behind the last record.
 *
 * The host has put each payload in its place, and into each header the length, kind, flags, epoch and timestamp; into
 * each commit word whether more records of the same append follow (bit 31, the others zero). Payloads of `nativeFrom`
 * bytes or more have their digests in DIGESTS. `unsynced` is how many records before the first were not yet known to be
 * synced.
 */
export function encode(records: usize, count: u32, unsynced: u32, nativeFrom: u32): usize {
  const end = encodeHeaders(records, count);
  skipDigested(count, nativeFrom);
  sha256Many(MESSAGES, count, DIGESTS);
  let head = CONTROL + CONTROL_HEAD_AT;
  let header = records;
  for (let i: u32 = 0; i < count; i++) {
    v128.store(header, v128.load(head), RECORD_PREVIOUS_AT);
    v128.store(header, v128.load(head, 16), RECORD_PREVIOUS_AT + 16);
    head = HASHES + i * DIGEST_BYTES;
    sha256Entry(header, DIGESTS + i * DIGEST_BYTES, head);
    header += RECORD_EXTRA_BYTES + load<u32>(header, RECORD_LENGTH_AT);
  }
  setHead(head);
  encodeTrailers(records, count, unsynced);
  return end;
}

/** The first part of `encode`, for a host that hashes natively: what the headers hold beside the link; fills MESSAGES. */
export function encodeHeaders(records: usize, count: u32): usize {
  assert(count <= <u32>BATCH_RECORDS, "encode: more records than the tables hold");
  const firstOffset = <u64>load<f64>(CONTROL, CONTROL_NEXT_OFFSET_AT);
  let header = records;
  for (let i: u32 = 0; i < count; i++) {
    const length = load<u32>(header, RECORD_LENGTH_AT);
    store<u32>(header, RECORD_MAGIC, RECORD_MAGIC_AT);
    store<u64>(header, firstOffset + i, RECORD_OFFSET_AT);
    const message = MESSAGES + i * MESSAGE_BYTES;
    store<u32>(message, <u32>(header + RECORD_HEADER_BYTES), MESSAGE_POINTER_AT);
    store<u32>(message, length, MESSAGE_LENGTH_AT);
    header += RECORD_EXTRA_BYTES + length;
  }
  assert(header <= (<usize>memory.size()) << 16, "encode: records reach beyond memory");
  store<f64>(CONTROL, <f64>(firstOffset + count), CONTROL_NEXT_OFFSET_AT);
  return header;
}

/** For a host that hashes natively, one record at a time: links it to the record whose hash is in ENTRY. */
export function linkToEntry(header: usize): void {
  const hash = ENTRY + ENTRY_BYTES;
  v128.store(header, v128.load(hash), RECORD_PREVIOUS_AT);
  v128.store(header, v128.load(hash, 16), RECORD_PREVIOUS_AT + 16);
}

/** The same: copies a record's header to ENTRY. The host adds the payload's digest, and behind it the entry's hash. */
export function enterHeader(header: usize): void {
  v128.store(ENTRY, v128.load(header));
  v128.store(ENTRY, v128.load(header, 16), 16);
  v128.store(ENTRY, v128.load(header, 32), 32);
  v128.store(ENTRY, v128.load(header, 48), 48);
}

/** The same: the hash in ENTRY is that of record `index`. */
export function keepEntryHash(index: u32): void {
  assert(index < <u32>BATCH_RECORDS, "keepEntryHash: index outside the tables");
  const hash = HASHES + index * DIGEST_BYTES;
  v128.store(hash, v128.load(ENTRY, ENTRY_BYTES));
  v128.store(hash, v128.load(ENTRY, ENTRY_BYTES + 16), 16);
}

/** The last part of `encode`: commit words and CRCs. */
export function encodeTrailers(records: usize, count: u32, unsynced: u32): void {
  const seed = load<u32>(CONTROL, CONTROL_CRC_SEED_AT);
  let header = records;
  for (let i: u32 = 0; i < count; i++) {
    const length = load<u32>(header, RECORD_LENGTH_AT);
    const trailer = header + RECORD_HEADER_BYTES + length;
    const waiting = min<u32>(unsynced + i, COMMIT_UNSYNCED_MASK);
    store<u32>(trailer, load<u32>(trailer, TRAILER_COMMIT_AT) | waiting, TRAILER_COMMIT_AT);
    store<u32>(trailer, crc32(seed, header, RECORD_HEADER_BYTES + length + TRAILER_CRC_AT), TRAILER_CRC_AT);
    header = trailer + (RECORD_EXTRA_BYTES - RECORD_HEADER_BYTES);
  }
}

// Marks those of the MESSAGES whose digests the host has made.
function skipDigested(count: u32, nativeFrom: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const message = MESSAGES + i * MESSAGE_BYTES;
    if (load<u32>(message, MESSAGE_LENGTH_AT) >= nativeFrom) store<u32>(message, SKIPPED, MESSAGE_LENGTH_AT);
  }
}

/**
 * Checks each record of a run alone: conditions 1 to 10 of docs/format.md, in their order, up to the first that fails,
 * the end of the window or the end of the tables. Advances next offset and timestamp; fills MESSAGES.
 * Returns how many records passed; why it ended is in the control block.
 */
export function walk(window: usize, bytes: u32, maxLength: u32): u32 {
  assert(window + bytes <= (<usize>memory.size()) << 16, "walk: the window reaches beyond memory");
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
    if (load<u64>(header, RECORD_TIMESTAMP_AT) < timestamp || load<u64>(header, RECORD_TIMESTAMP_AT) >>> 53 != 0) {
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
 * Hashes the `count` records that the last walk passed, then does `compareLinks`. Payloads of `nativeFrom` bytes or more
 * have their digests in DIGESTS already. Fills HASHES. Once for each walk: MESSAGES is used up.
 */
export function link(count: u32, successor: usize, nativeFrom: u32): i32 {
  assert(count <= <u32>BATCH_RECORDS, "link: more records than the tables hold");
  skipDigested(count, nativeFrom);
  sha256Many(MESSAGES, count, DIGESTS);
  sha256Entries(MESSAGES, count, DIGESTS, HASHES);
  return compareLinks(count, successor);
}

/**
 * Checks that each of the `count` records that the last walk passed links to the one before it by the hash in HASHES,
 * the first to the head in the control block. `successor` points to the header that follows them, or is 0 when it is
 * not there.
 *
 * Returns -1 and advances the head when every link holds; else the index of the first record whose link is not its
 * predecessor's hash (`count` is the successor's), and leaves the head.
 */
export function compareLinks(count: u32, successor: usize): i32 {
  assert(count <= <u32>BATCH_RECORDS, "compareLinks: more records than the tables hold");
  let expected = CONTROL + CONTROL_HEAD_AT;
  for (let i: u32 = 0; i < count; i++) {
    const payload = <usize>load<u32>(MESSAGES + i * MESSAGE_BYTES, MESSAGE_POINTER_AT);
    if (!linksTo(payload - RECORD_HEADER_BYTES, expected)) return i;
    expected = HASHES + i * DIGEST_BYTES;
  }
  if (successor != 0 && !linksTo(successor, expected)) return count;
  setHead(expected);
  return -1;
}

function setHead(hash: usize): void {
  v128.store(CONTROL, v128.load(hash), CONTROL_HEAD_AT);
  v128.store(CONTROL, v128.load(hash, 16), CONTROL_HEAD_AT + 16);
}

function linksTo(header: usize, hash: usize): bool {
  const low = v128.xor(v128.load(header, RECORD_PREVIOUS_AT), v128.load(hash));
  const high = v128.xor(v128.load(header, RECORD_PREVIOUS_AT + 16), v128.load(hash, 16));
  return !v128.any_true(v128.or(low, high));
}
