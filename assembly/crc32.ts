// CRC-32 (IEEE 802.3, as zlib): crc32(0, data) is the CRC, and crc32(crc32(0, a), b) that of a followed by b.
//
// Most of the input meets no table. Where a multiple of the polynomial has few terms, its first bit can be cleared from
// the input by flipping the few others further on, and the CRC stays what it was (Russell, "Chorba: A novel CRC32
// implementation", 2024). The shortest of all multiples with five terms is, in the order in which bits arrive,
//
//     1 + x^145 + x^183 + x^211 + x^300                      (test/assembly/crc32.test.ts divides it)
//
// Its eighth power has the same terms at eight times the distance, so the same numbers serve twice: counted in bytes for
// vectors, which fold long inputs, and counted in bits for words, which fold the rest. Forty bytes are left to tables.

const GAP_1 = 145;
const GAP_2 = 183;
const GAP_3 = 211;
const GAP_4 = 300;

// The polynomial with its bits in the order in which they arrive.
const POLYNOMIAL: u32 = 0xedb88320;

// tables[k][b]: what the byte b does to the CRC when k more bytes follow. Filled at the first call: 8 KiB of data would
// make every instance slower to load.
const tables = memory.data(8 * 1024, 16);
let tablesReady = false;

// What vectors cannot fold: the longest distance, in whole vectors.
const REST_BYTES: u32 = 304;
// What words cannot fold: the longest distance, in whole words.
const WORDS_REST_BYTES: u32 = 40;
// Below this words alone are faster (bench/kernels).
const VECTORS_FROM_BYTES: u32 = 512;

// Folded vectors: REST_BYTES of those before the piece, the piece, then zeros for the rest, which folds no further.
const PIECE_BYTES: u32 = 4096;
const folded = memory.data(REST_BYTES + PIECE_BYTES + REST_BYTES, 16);
const rest = memory.data(REST_BYTES, 16);

export function crc32(seed: u32, pointer: usize, bytes: u32): u32 {
  assert(<u64>pointer + bytes <= (<u64>memory.size()) << 16, "crc32: input outside memory");
  if (!tablesReady) fillTables();
  const vectors = bytes >= VECTORS_FROM_BYTES;
  const odd = bytes & (vectors ? 15 : 7);
  const crc = lookUp(~seed, pointer, odd);
  pointer += odd;
  bytes -= odd;
  if (!vectors) return ~foldWords(crc, pointer, bytes);
  foldVectors(crc, pointer, bytes);
  return ~foldWords(0, rest, REST_BYTES);
}

// Leaves in `rest` the REST_BYTES that have the same CRC as `bytes`, a multiple of sixteen.
function foldVectors(crc: u32, pointer: usize, bytes: u32): void {
  const piece = folded + REST_BYTES;
  clear(folded);
  v128.store(piece, v128.xor(v128.load(pointer), i32x4(crc, 0, 0, 0)));
  pointer += 16;
  let at = piece + 16;
  let left = bytes - 16 - REST_BYTES;
  while (true) {
    const end = min(piece + PIECE_BYTES, at + left);
    left -= <u32>(end - at);
    for (; at < end; at += 16, pointer += 16) v128.store(at, v128.xor(v128.load(pointer), flipped(at)));
    if (!left) break;
    memory.copy(folded, folded + PIECE_BYTES, REST_BYTES);
    at = piece;
  }
  clear(at);
  for (let i: usize = 0; i < REST_BYTES; i += 16) {
    v128.store(rest + i, v128.xor(v128.load(pointer + i), flipped(at + i)));
  }
}

function clear(from: usize): void {
  for (const end = from + REST_BYTES; from < end; from += 16) v128.store(from, i64x2.splat(0));
}

// What the vectors cleared before `at` flip there. The least distance leaves nine vectors independent of each other.
// @ts-ignore: decorator
@inline
function flipped(at: usize): v128 {
  return v128.xor(
    v128.xor(v128.load(at - GAP_1), v128.load(at - GAP_2)),
    v128.xor(v128.load(at - GAP_3), v128.load(at - GAP_4)),
  );
}

// The CRC of `bytes`, a multiple of eight.
function foldWords(crc: u32, pointer: usize, bytes: u32): u32 {
  // What the words cleared so far flip in the next word and the four after it.
  let next0: u64 = crc;
  let next1: u64 = 0;
  let next2: u64 = 0;
  let next3: u64 = 0;
  let next4: u64 = 0;
  for (; bytes > WORDS_REST_BYTES; bytes -= 8, pointer += 8) {
    const word = load<u64>(pointer) ^ next0;
    next0 = next1;
    next1 = next2 ^ (word << (GAP_1 - 128)) ^ (word << (GAP_2 - 128));
    next2 = next3 ^ (word >> (192 - GAP_1)) ^ (word >> (192 - GAP_2)) ^ (word << (GAP_3 - 192));
    next3 = next4 ^ (word >> (256 - GAP_3)) ^ (word << (GAP_4 - 256));
    next4 = word >> (320 - GAP_4);
  }
  crc = 0;
  for (; bytes; bytes -= 8, pointer += 8) {
    crc = lookUpWord(load<u64>(pointer) ^ next0 ^ crc);
    next0 = next1;
    next1 = next2;
    next2 = next3;
    next3 = next4;
    next4 = 0;
  }
  return crc ^ (<u32>next0);
}

function lookUp(crc: u32, pointer: usize, bytes: u32): u32 {
  for (; bytes >= 8; bytes -= 8, pointer += 8) crc = lookUpWord(load<u64>(pointer) ^ crc);
  for (; bytes; --bytes, ++pointer) crc = (crc >>> 8) ^ entry(0, (crc ^ load<u8>(pointer)) & 255);
  return crc;
}

// The bytes that waited for the CRC come last.
// @ts-ignore: decorator
@inline
function lookUpWord(word: u64): u32 {
  const low = <u32>word;
  const high = <u32>(word >> 32);
  return (
    entry(3, high & 255) ^
    entry(2, (high >>> 8) & 255) ^
    entry(1, (high >>> 16) & 255) ^
    entry(0, high >>> 24) ^
    (entry(7, low & 255) ^ entry(6, (low >>> 8) & 255) ^ (entry(5, (low >>> 16) & 255) ^ entry(4, low >>> 24)))
  );
}

// @ts-ignore: decorator
@inline
function entry(k: usize, byte: u32): u32 {
  return load<u32>(tables + (k << 10) + (byte << 2));
}

function fillTables(): void {
  for (let byte: u32 = 0; byte < 256; ++byte) {
    let crc = byte;
    for (let bit = 0; bit < 8; ++bit) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
    store<u32>(tables + (byte << 2), crc);
  }
  for (let at = tables; at < tables + 7 * 1024; at += 4) {
    const crc = load<u32>(at);
    store<u32>(at, (crc >>> 8) ^ entry(0, crc & 255), 1024);
  }
  tablesReady = true;
}
