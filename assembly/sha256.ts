// SHA-256 (FIPS 180-4) of one message at a time; of records it knows that an entry is 96 bytes.
// The message schedule is made four words at a time in SIMD lanes, eight words ahead of the scalar rounds that use it.

import { DIGEST_BYTES } from "./layout";

export const BLOCK_BYTES: u32 = 64;
// The last bytes of a message, the bit 1, zeros and the length take one block or two.
export const TAIL_BYTES: u32 = 128;

// FIPS 180-4 §4.2.2: the round constants.
export const ROUND_CONSTANTS = memory.data<u32>(
  [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
    0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
    0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
    0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2,
  ],
  16,
);

// FIPS 180-4 §5.3.3: the state before the first block.
export const INITIAL_STATE = memory.data<u32>(
  [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19],
  16,
);

const state = memory.data(DIGEST_BYTES, 16);
const tail = memory.data(TAIL_BYTES, 16);
// W[t] + K[t] of the block at work.
const schedule = memory.data(256, 16);

/** Writes the digest of one message, at any address, to `output`. */
export function sha256(input: usize, bytes: u32, output: usize): void {
  assert(<u64>input + bytes <= (<u64>memory.size()) << 16, "sha256: input outside memory");
  resetState(state);
  const whole = bytes >>> 6;
  compress(state, input, whole);
  compress(state, tail, writeTail(tail, input + (whole << 6), bytes));
  storeDigest(state, output);
}

/**
 * The digest of the 96 bytes of an entry: 64 of a record's header, then 32 of its payload's digest.
 */
export function sha256Entry(header: usize, digest: usize, output: usize): void {
  resetState(state);
  compress(state, header, 1);
  writeEntryTail(tail, digest);
  compress(state, tail, 1);
  storeDigest(state, output);
}

export function resetState(state: usize): void {
  v128.store(state, v128.load(INITIAL_STATE));
  v128.store(state, v128.load(INITIAL_STATE, 16), 16);
}

/** The state's words as the standard's big-endian bytes. */
export function storeDigest(state: usize, output: usize): void {
  v128.store(output, swapWords(v128.load(state)));
  v128.store(output, swapWords(v128.load(state, 16)), 16);
}

/** FIPS 180-4 §5.1.1: the padded end of a message of `bytes`, whose last `bytes % 64` are at `rest`. Returns its blocks. */
export function writeTail(tail: usize, rest: usize, bytes: u32): u32 {
  const left = bytes & 63;
  const blocks: u32 = left < 56 ? 1 : 2;
  memory.fill(tail, 0, TAIL_BYTES);
  memory.copy(tail, rest, left);
  store<u8>(tail + left, 0x80);
  store<u64>(tail + (blocks << 6) - 8, bswap<u64>((<u64>bytes) << 3));
  return blocks;
}

/** The second block of an entry: the digest, the bit 1, zeros, and the length of 768 bits. */
export function writeEntryTail(tail: usize, digest: usize): void {
  v128.store(tail, v128.load(digest));
  v128.store(tail, v128.load(digest, 16), 16);
  v128.store(tail, i32x4(0x80, 0, 0, 0), 32);
  v128.store(tail, i32x4(0, 0, 0, 0x30000), 48);
}

/** FIPS 180-4 §6.2.2 for `count` blocks in a row, at any address. `state` holds eight words in the machine's order. */
export function compress(state: usize, block: usize, count: u32): void {
  for (; count; --count, block += BLOCK_BYTES) {
    let x0 = swapWords(v128.load(block));
    let x1 = swapWords(v128.load(block, 16));
    let x2 = swapWords(v128.load(block, 32));
    let x3 = swapWords(v128.load(block, 48));
    v128.store(schedule, i32x4.add(x0, v128.load(ROUND_CONSTANTS)));
    v128.store(schedule, i32x4.add(x1, v128.load(ROUND_CONSTANTS, 16)), 16);

    let a = load<u32>(state);
    let b = load<u32>(state, 4);
    let c = load<u32>(state, 8);
    let d = load<u32>(state, 12);
    let e = load<u32>(state, 16);
    let f = load<u32>(state, 20);
    let g = load<u32>(state, 24);
    let h = load<u32>(state, 28);

    // a ^ b of this round and of the round before, taking turns.
    let ab: u32 = 0;
    let bc = b ^ c;

    for (let at: usize = 0; at < 256; at += 32) {
      // x0..x3 are W[t..t+16); the sums for the rounds t+8..t+16 are stored while the rounds t..t+8 run.
      if (at < 224) {
        v128.store(schedule + at, i32x4.add(x2, v128.load(ROUND_CONSTANTS + at, 32)), 32);
        v128.store(schedule + at, i32x4.add(x3, v128.load(ROUND_CONSTANTS + at, 48)), 48);
        if (at < 192) {
          const x4 = nextWords(x0, x1, x2, x3);
          const x5 = nextWords(x1, x2, x3, x4);
          x0 = x2;
          x1 = x3;
          x2 = x4;
          x3 = x5;
        }
      }
      // Eight rounds, after which each letter names its own word again. Maj(a, b, c) = b ^ ((a ^ b) & (b ^ c)), where
      // b ^ c is a ^ b of the round before. What is ready first is added first: a round is one chain of dependencies.
      // Together worth 10 % on V8 and 15 % on JavaScriptCore; unrolling all 64 rounds is slow on the latter.
      h = h + load<u32>(schedule + at) + choose(e, f, g) + sum1(e);
      d += h;
      ab = a ^ b;
      h += (b ^ (ab & bc)) + sum0(a);
      g = g + load<u32>(schedule + at, 4) + choose(d, e, f) + sum1(d);
      c += g;
      bc = h ^ a;
      g += (a ^ (ab & bc)) + sum0(h);
      f = f + load<u32>(schedule + at, 8) + choose(c, d, e) + sum1(c);
      b += f;
      ab = g ^ h;
      f += (h ^ (ab & bc)) + sum0(g);
      e = e + load<u32>(schedule + at, 12) + choose(b, c, d) + sum1(b);
      a += e;
      bc = f ^ g;
      e += (g ^ (ab & bc)) + sum0(f);
      d = d + load<u32>(schedule + at, 16) + choose(a, b, c) + sum1(a);
      h += d;
      ab = e ^ f;
      d += (f ^ (ab & bc)) + sum0(e);
      c = c + load<u32>(schedule + at, 20) + choose(h, a, b) + sum1(h);
      g += c;
      bc = d ^ e;
      c += (e ^ (ab & bc)) + sum0(d);
      b = b + load<u32>(schedule + at, 24) + choose(g, h, a) + sum1(g);
      f += b;
      ab = c ^ d;
      b += (d ^ (ab & bc)) + sum0(c);
      a = a + load<u32>(schedule + at, 28) + choose(f, g, h) + sum1(f);
      e += a;
      bc = b ^ c;
      a += (c ^ (ab & bc)) + sum0(b);
    }

    store<u32>(state, load<u32>(state) + a);
    store<u32>(state, load<u32>(state, 4) + b, 4);
    store<u32>(state, load<u32>(state, 8) + c, 8);
    store<u32>(state, load<u32>(state, 12) + d, 12);
    store<u32>(state, load<u32>(state, 16) + e, 16);
    store<u32>(state, load<u32>(state, 20) + f, 20);
    store<u32>(state, load<u32>(state, 24) + g, 24);
    store<u32>(state, load<u32>(state, 28) + h, 28);
  }
}

// The functions of FIPS 180-4 §4.1.2.

// @ts-ignore: decorator
@inline
function sum0(x: u32): u32 {
  return rotr(x, 2) ^ rotr(x, 13) ^ rotr(x, 22);
}

// @ts-ignore: decorator
@inline
function sum1(x: u32): u32 {
  return rotr(x, 6) ^ rotr(x, 11) ^ rotr(x, 25);
}

// @ts-ignore: decorator
@inline
function choose(x: u32, y: u32, z: u32): u32 {
  return ((y ^ z) & x) ^ z;
}

// W[t+16..t+20) from W[t..t+16): σ1 reaches two words back, so the upper two lanes wait for the lower two.
// @ts-ignore: decorator
@inline
function nextWords(x0: v128, x1: v128, x2: v128, x3: v128): v128 {
  const w1 = v128.shuffle<i32>(x0, x1, 1, 2, 3, 4);
  const w9 = v128.shuffle<i32>(x2, x3, 1, 2, 3, 4);
  const sigma0 = v128.xor(
    v128.xor(i32x4.shr_u(w1, 3), v128.xor(i32x4.shr_u(w1, 7), i32x4.shl(w1, 25))),
    v128.xor(i32x4.shr_u(w1, 18), i32x4.shl(w1, 14)),
  );
  let next = i32x4.add(i32x4.add(x0, w9), sigma0);
  const low = sigma1(v128.shuffle<i32>(x3, x3, 2, 2, 3, 3));
  next = i32x4.add(next, v128.shuffle<i32>(low, i64x2.splat(0), 0, 2, 4, 4));
  const high = sigma1(v128.shuffle<i32>(next, next, 0, 0, 1, 1));
  return i32x4.add(next, v128.shuffle<i32>(high, i64x2.splat(0), 4, 4, 0, 2));
}

// σ1 in the even lanes of [x x y y]: a 64-bit shift of a doubled word is a rotation.
// @ts-ignore: decorator
@inline
function sigma1(doubled: v128): v128 {
  return v128.xor(i32x4.shr_u(doubled, 10), v128.xor(i64x2.shr_u(doubled, 17), i64x2.shr_u(doubled, 19)));
}

/** Reverses the bytes of each 32-bit word. */
// @ts-ignore: decorator
@inline
export function swapWords(x: v128): v128 {
  return v128.shuffle<i8>(x, x, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
}
