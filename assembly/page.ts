// Builds and checks pages of the offset index.
import {
  PAGE_BYTES,
  PAGE_COUNT_AT,
  PAGE_CRC_AT,
  PAGE_DISTANCES_AT,
  PAGE_ENTRIES,
  PAGE_FLAGS_AT,
  PAGE_OFFSET_AT,
  PAGE_POSITION_AT,
  PAGE_TIMESTAMP_AT,
  RECORD_EXTRA_BYTES,
  RECORD_LENGTH_AT,
  RECORD_OFFSET_AT,
  RECORD_TIMESTAMP_AT,
} from "./layout";
import { crc32 } from "./crc32";

/**
 * Enters records that lie one after the other at `records`, the first of them at byte `position` of its segment,
 * into a page that may be empty. Returns how many found room; less than `count` means that the page is full.
 */
export function pageAdd(page: usize, records: usize, count: u32, position: f64): u32 {
  assert(page + PAGE_BYTES <= (<usize>memory.size()) << 16, "pageAdd: the page reaches beyond memory");
  const held = <u32>load<u16>(page, PAGE_COUNT_AT);
  if (held == 0) {
    memory.fill(page, 0, PAGE_BYTES);
    store<u64>(page, <u64>position, PAGE_POSITION_AT);
    store<u64>(page, load<u64>(records, RECORD_OFFSET_AT), PAGE_OFFSET_AT);
    store<u64>(page, load<u64>(records, RECORD_TIMESTAMP_AT), PAGE_TIMESTAMP_AT);
  }
  const added = min<u32>(count, PAGE_ENTRIES - held);
  let distance = <u32>(<u64>position - load<u64>(page, PAGE_POSITION_AT));
  let record = records;
  for (let i: u32 = 0; i < added; i++) {
    store<u32>(page + ((held + i) << 2), distance, PAGE_DISTANCES_AT);
    const bytes = RECORD_EXTRA_BYTES + load<u32>(record, RECORD_LENGTH_AT);
    record += bytes;
    distance += bytes;
  }
  store<u16>(page, <u16>(held + added), PAGE_COUNT_AT);
  return added;
}

/** Sets a page's flags and its CRC, which starts from that of the segment's salt: the last thing before it is written. */
export function pageFinish(page: usize, flags: u32, crcSeed: u32): void {
  store<u16>(page, <u16>flags, PAGE_FLAGS_AT);
  store<u32>(page, crc32(crcSeed, page + PAGE_COUNT_AT, PAGE_BYTES - PAGE_COUNT_AT), PAGE_CRC_AT);
}

/** Whether a page's CRC, count and order of distances are right: conditions 1 to 3 of an index page. */
export function pageIsGood(page: usize, crcSeed: u32): bool {
  assert(page + PAGE_BYTES <= (<usize>memory.size()) << 16, "pageIsGood: the page reaches beyond memory");
  if (load<u32>(page, PAGE_CRC_AT) != crc32(crcSeed, page + PAGE_COUNT_AT, PAGE_BYTES - PAGE_COUNT_AT)) return false;
  const count = <u32>load<u16>(page, PAGE_COUNT_AT);
  if (count == 0 || count > <u32>PAGE_ENTRIES) return false;
  if (load<u32>(page, PAGE_DISTANCES_AT) != 0) return false;
  for (let i: u32 = 1; i < count; i++) {
    const before = load<u32>(page + ((i - 1) << 2), PAGE_DISTANCES_AT);
    if (<u64>load<u32>(page + (i << 2), PAGE_DISTANCES_AT) < <u64>before + RECORD_EXTRA_BYTES) return false;
  }
  return true;
}
