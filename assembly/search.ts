// Finds things: in an index page, among walked records, in raw bytes.
import { PAGE_COUNT_AT, PAGE_DISTANCES_AT, RECORD_HEADER_BYTES, RECORD_MAGIC, RECORD_TIMESTAMP_AT } from "./layout";
import { MESSAGE_BYTES, MESSAGE_POINTER_AT } from "./control";
import { MESSAGES } from "./memory";

/**
 * The index of the last entry of a page whose distance is at most `distance`: the record that holds that byte.
 * A page's first distance is 0, so there always is one.
 */
export function pageFindDistance(page: usize, distance: u32): u32 {
  const count = <u32>load<u16>(page, PAGE_COUNT_AT);
  // Halve until one group of 16 is left, then count the entries at or below: no branch on data.
  let low: u32 = 0;
  let high = count;
  while (high - low > 16) {
    const middle = (low + high) >>> 1;
    if (load<u32>(page + (middle << 2), PAGE_DISTANCES_AT) <= distance) low = middle;
    else high = middle;
  }
  // Entries past `count` may be anything, so lanes from `high` on are masked out.
  const wanted = i32x4.splat(distance);
  const last = i32x4.splat(high);
  let indices = i32x4.add(i32x4.splat(low), i32x4(0, 1, 2, 3));
  let found = i32x4.splat(0);
  for (let i = low; i < high; i += 4) {
    const entries = v128.load(page + (i << 2), PAGE_DISTANCES_AT);
    const counts = v128.and(v128.le<u32>(entries, wanted), v128.lt<u32>(indices, last));
    found = i32x4.sub(found, counts);
    indices = i32x4.add(indices, i32x4.splat(4));
  }
  const below =
    i32x4.extract_lane(found, 0) +
    i32x4.extract_lane(found, 1) +
    i32x4.extract_lane(found, 2) +
    i32x4.extract_lane(found, 3);
  return low + below - 1;
}

/** The index of the first of `count` walked records whose timestamp is at least `timestamp`; `count` when none is. */
export function findTimestamp(count: u32, timestamp: f64): u32 {
  const wanted = <u64>timestamp;
  let low: u32 = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const payload = <usize>load<u32>(MESSAGES + middle * MESSAGE_BYTES, MESSAGE_POINTER_AT);
    if (load<u64>(payload - RECORD_HEADER_BYTES, RECORD_TIMESTAMP_AT) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The distance of the next record magic in `bytes` bytes at `pointer`, or `bytes` when there is none. */
export function findMagic(pointer: usize, bytes: u32): u32 {
  assert(pointer + bytes <= (<usize>memory.size()) << 16, "findMagic: the bytes reach beyond memory");
  const first = i8x16.splat(<i8>(RECORD_MAGIC & 0xff));
  let at: u32 = 0;
  for (; at + 20 <= bytes; at += 16) {
    let candidates = i8x16.bitmask(v128.eq<i8>(v128.load(pointer + at), first));
    for (; candidates != 0; candidates &= candidates - 1) {
      const index = at + <u32>ctz(candidates);
      if (load<u32>(pointer + index) == RECORD_MAGIC) return index;
    }
  }
  for (; at + 4 <= bytes; at++) {
    if (load<u32>(pointer + at) == RECORD_MAGIC) return at;
  }
  return bytes;
}

/** How many zero bytes there are at `pointer` before the first other one, at most `bytes`. */
export function countZeros(pointer: usize, bytes: u32): u32 {
  assert(pointer + bytes <= (<usize>memory.size()) << 16, "countZeros: the bytes reach beyond memory");
  let at: u32 = 0;
  while (at + 16 <= bytes && !v128.any_true(v128.load(pointer + at))) at += 16;
  while (at < bytes && load<u8>(pointer + at) == 0) at++;
  return at;
}
