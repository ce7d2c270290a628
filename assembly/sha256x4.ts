// SHA-256 of many messages, four at a time in the lanes of SIMD vectors:
//
//     vector of W[t]    | lane 0    | lane 1    | lane 2    | lane 3    |
//                       | message p | message q | message r | message s |
//
// A lane whose message ends takes the next one at once. What too few lanes would share goes to the scalar twin.

import { MESSAGE_BYTES, MESSAGE_LENGTH_AT, MESSAGE_POINTER_AT } from "./control";
import { DIGEST_BYTES, RECORD_HEADER_BYTES } from "./layout";
import {
  BLOCK_BYTES,
  INITIAL_STATE,
  ROUND_CONSTANTS,
  TAIL_BYTES,
  compress,
  sha256Entry,
  storeDigest,
  swapWords,
  writeEntryTail,
  writeTail,
} from "./sha256";

/** In place of a length: leave this digest as it is, the host knows it already. */
export const SKIPPED: u32 = 0xffffffff;

// Four lanes take as long as 2.3 scalar runs on V8 and 3.4 on JavaScriptCore: two are better off alone.
const LANES_WORTHWHILE: u32 = 3;

// The eight state words, then the schedule, each a vector of four lanes.
const states = memory.data(128, 16);
const schedule = memory.data(1024, 16);
// One message's state for the scalar twin.
const single = memory.data(DIGEST_BYTES, 16);

// One padded end of message for each lane.
const tails = memory.data(4 * TAIL_BYTES, 16);

// A lane hashes two stretches: the message's whole blocks where they lie, then its padded tail.
//
//     | pointer u32 | blocks u32 | tail blocks u32 | digest u32 |   blocks: left in this stretch; 0 in both: idle
const lanes = memory.data(64, 16);
const LANE_BYTES: u32 = 16;
const LANE_BLOCKS_AT = 4;
const LANE_TAIL_BLOCKS_AT = 8;
const LANE_DIGEST_AT = 12;

// The next message of the table and the first after its end.
let next: usize = 0;
let end: usize = 0;
let nextDigest: usize = 0;

/**
 * The digest of messages[i] to digests + 32 × i, for `count` messages of any length at any address.
 */
export function sha256Many(messages: usize, count: u32, digests: usize): void {
  assert(inMemory(messages, <u64>count * MESSAGE_BYTES), "sha256Many: table outside memory");
  assert(inMemory(digests, <u64>count * DIGEST_BYTES), "sha256Many: digests outside memory");
  next = messages;
  end = messages + count * MESSAGE_BYTES;
  nextDigest = digests;

  let active: u32 = 0;
  for (let lane: u32 = 0; lane < 4; ++lane) active += u32(refill(lane));
  while (active >= LANES_WORTHWHILE) {
    const step = blocksInStep();
    compressLanes(step);
    for (let lane: u32 = 0; lane < 4; ++lane) {
      const at = lanes + lane * LANE_BYTES;
      const blocks = load<u32>(at, LANE_BLOCKS_AT);
      if (!blocks) continue;
      store<u32>(at, load<u32>(at) + step * BLOCK_BYTES);
      store<u32>(at, blocks - step, LANE_BLOCKS_AT);
      if (blocks == step && !startTail(lane)) {
        takeState(lane);
        storeDigest(single, load<u32>(at, LANE_DIGEST_AT));
        active -= u32(!refill(lane));
      }
    }
  }
  for (let lane: u32 = 0; lane < 4; ++lane) finishAlone(lane);
}

/**
 * The digest of each entry to hashes + 32 × i: the 64 bytes before messages[i].pointer, then 32 bytes at digests + 32 × i.
 */
export function sha256Entries(messages: usize, count: u32, digests: usize, hashes: usize): void {
  assert(inMemory(messages, <u64>count * MESSAGE_BYTES), "sha256Entries: table outside memory");
  assert(inMemory(digests, <u64>count * DIGEST_BYTES), "sha256Entries: digests outside memory");
  assert(inMemory(hashes, <u64>count * DIGEST_BYTES), "sha256Entries: hashes outside memory");
  let left = count;
  for (; left >= 4; left -= 4) {
    for (let lane: u32 = 0; lane < 4; ++lane) {
      const tail = tails + lane * TAIL_BYTES;
      writeEntryTail(tail, digests + lane * DIGEST_BYTES);
      resetLane(lane);
      store<u32>(
        lanes + lane * LANE_BYTES,
        load<u32>(messages + lane * MESSAGE_BYTES, MESSAGE_POINTER_AT) - RECORD_HEADER_BYTES,
      );
    }
    compressLanes(1);
    for (let lane: u32 = 0; lane < 4; ++lane) store<u32>(lanes + lane * LANE_BYTES, tails + lane * TAIL_BYTES);
    compressLanes(1);
    for (let lane: u32 = 0; lane < 4; ++lane) {
      takeState(lane);
      storeDigest(single, hashes + lane * DIGEST_BYTES);
    }
    messages += 4 * MESSAGE_BYTES;
    digests += 4 * DIGEST_BYTES;
    hashes += 4 * DIGEST_BYTES;
  }
  for (; left; --left) {
    sha256Entry(load<u32>(messages, MESSAGE_POINTER_AT) - RECORD_HEADER_BYTES, digests, hashes);
    messages += MESSAGE_BYTES;
    digests += DIGEST_BYTES;
    hashes += DIGEST_BYTES;
  }
}

function inMemory(pointer: usize, bytes: u64): bool {
  return <u64>pointer + bytes <= (<u64>memory.size()) << 16;
}

// Gives the lane the next message that is not skipped. False, and an idle lane, when there is none.
function refill(lane: u32): bool {
  const at = lanes + lane * LANE_BYTES;
  while (next < end) {
    const pointer = load<u32>(next, MESSAGE_POINTER_AT);
    const bytes = load<u32>(next, MESSAGE_LENGTH_AT);
    const digest = nextDigest;
    next += MESSAGE_BYTES;
    nextDigest += DIGEST_BYTES;
    if (bytes == SKIPPED) continue;
    assert(inMemory(pointer, bytes), "sha256Many: message outside memory");
    const whole = bytes >>> 6;
    store<u32>(at, pointer);
    store<u32>(at, whole, LANE_BLOCKS_AT);
    store<u32>(at, writeTail(tails + lane * TAIL_BYTES, pointer + whole * BLOCK_BYTES, bytes), LANE_TAIL_BLOCKS_AT);
    store<u32>(at, digest, LANE_DIGEST_AT);
    resetLane(lane);
    if (!whole) startTail(lane);
    return true;
  }
  store<u32>(at, 0); // an idle lane hashes along, unread: address 0 is readable as far as any message is
  store<u32>(at, 0, LANE_BLOCKS_AT);
  return false;
}

// Moves the lane from its whole blocks to its tail. False when the tail is behind it: the message is done.
function startTail(lane: u32): bool {
  const at = lanes + lane * LANE_BYTES;
  const blocks = load<u32>(at, LANE_TAIL_BLOCKS_AT);
  store<u32>(at, tails + lane * TAIL_BYTES);
  store<u32>(at, blocks, LANE_BLOCKS_AT);
  store<u32>(at, 0, LANE_TAIL_BLOCKS_AT);
  return blocks != 0;
}

// How many blocks all active lanes can take before one of them needs attention.
function blocksInStep(): u32 {
  let least = u32.MAX_VALUE;
  for (let lane: u32 = 0; lane < 4; ++lane) {
    const blocks = load<u32>(lanes + lane * LANE_BYTES, LANE_BLOCKS_AT);
    // An idle lane's 0 wraps to the greatest number.
    least = min(least, blocks - 1);
  }
  return least + 1;
}

function finishAlone(lane: u32): void {
  const at = lanes + lane * LANE_BYTES;
  const blocks = load<u32>(at, LANE_BLOCKS_AT);
  if (!blocks) return;
  takeState(lane);
  compress(single, load<u32>(at), blocks);
  compress(single, tails + lane * TAIL_BYTES, load<u32>(at, LANE_TAIL_BLOCKS_AT));
  storeDigest(single, load<u32>(at, LANE_DIGEST_AT));
}

function resetLane(lane: u32): void {
  for (let word: usize = 0; word < 8; ++word) {
    store<u32>(states + (word << 4) + (lane << 2), load<u32>(INITIAL_STATE + (word << 2)));
  }
}

function takeState(lane: u32): void {
  for (let word: usize = 0; word < 8; ++word) {
    store<u32>(single + (word << 2), load<u32>(states + (word << 4) + (lane << 2)));
  }
}

// FIPS 180-4 §6.2.2 for `count` blocks of each lane.
function compressLanes(count: u32): void {
  let offset: u32 = 0;
  for (; count; --count, offset += BLOCK_BYTES) {
    for (let at: u32 = 0; at < BLOCK_BYTES; at += 16) transpose(offset + at, schedule + (at << 2));

    let a = v128.load(states);
    let b = v128.load(states, 16);
    let c = v128.load(states, 32);
    let d = v128.load(states, 48);
    let e = v128.load(states, 64);
    let f = v128.load(states, 80);
    let g = v128.load(states, 96);
    let h = v128.load(states, 112);

    for (let t: usize = 0; t < 64; t += 8) {
      const w = schedule + (t << 4);
      const k = ROUND_CONSTANTS + (t << 2);
      if (t < 48) {
        extend(w);
        extend(w + 16);
        extend(w + 32);
        extend(w + 48);
        extend(w + 64);
        extend(w + 80);
        extend(w + 96);
        extend(w + 112);
      }
      // Eight rounds, after which each letter names its own word again.
      h = sum(h, e, f, g, v128.load(w), v128.load_splat<i32>(k));
      d = i32x4.add(d, h);
      h = i32x4.add(h, spread(a, b, c));
      g = sum(g, d, e, f, v128.load(w, 16), v128.load_splat<i32>(k, 4));
      c = i32x4.add(c, g);
      g = i32x4.add(g, spread(h, a, b));
      f = sum(f, c, d, e, v128.load(w, 32), v128.load_splat<i32>(k, 8));
      b = i32x4.add(b, f);
      f = i32x4.add(f, spread(g, h, a));
      e = sum(e, b, c, d, v128.load(w, 48), v128.load_splat<i32>(k, 12));
      a = i32x4.add(a, e);
      e = i32x4.add(e, spread(f, g, h));
      d = sum(d, a, b, c, v128.load(w, 64), v128.load_splat<i32>(k, 16));
      h = i32x4.add(h, d);
      d = i32x4.add(d, spread(e, f, g));
      c = sum(c, h, a, b, v128.load(w, 80), v128.load_splat<i32>(k, 20));
      g = i32x4.add(g, c);
      c = i32x4.add(c, spread(d, e, f));
      b = sum(b, g, h, a, v128.load(w, 96), v128.load_splat<i32>(k, 24));
      f = i32x4.add(f, b);
      b = i32x4.add(b, spread(c, d, e));
      a = sum(a, f, g, h, v128.load(w, 112), v128.load_splat<i32>(k, 28));
      e = i32x4.add(e, a);
      a = i32x4.add(a, spread(b, c, d));
    }

    v128.store(states, i32x4.add(v128.load(states), a));
    v128.store(states, i32x4.add(v128.load(states, 16), b), 16);
    v128.store(states, i32x4.add(v128.load(states, 32), c), 32);
    v128.store(states, i32x4.add(v128.load(states, 48), d), 48);
    v128.store(states, i32x4.add(v128.load(states, 64), e), 64);
    v128.store(states, i32x4.add(v128.load(states, 80), f), 80);
    v128.store(states, i32x4.add(v128.load(states, 96), g), 96);
    v128.store(states, i32x4.add(v128.load(states, 112), h), 112);
  }
}

// Four words of each lane's block become four vectors of one word from each lane.
// @ts-ignore: decorator
@inline
function transpose(offset: u32, output: usize): void {
  const x0 = swapWords(v128.load(load<u32>(lanes) + offset));
  const x1 = swapWords(v128.load(load<u32>(lanes, LANE_BYTES) + offset));
  const x2 = swapWords(v128.load(load<u32>(lanes, 2 * LANE_BYTES) + offset));
  const x3 = swapWords(v128.load(load<u32>(lanes, 3 * LANE_BYTES) + offset));
  const low01 = v128.shuffle<i32>(x0, x1, 0, 4, 1, 5);
  const high01 = v128.shuffle<i32>(x0, x1, 2, 6, 3, 7);
  const low23 = v128.shuffle<i32>(x2, x3, 0, 4, 1, 5);
  const high23 = v128.shuffle<i32>(x2, x3, 2, 6, 3, 7);
  v128.store(output, v128.shuffle<i64>(low01, low23, 0, 2));
  v128.store(output, v128.shuffle<i64>(low01, low23, 1, 3), 16);
  v128.store(output, v128.shuffle<i64>(high01, high23, 0, 2), 32);
  v128.store(output, v128.shuffle<i64>(high01, high23, 1, 3), 48);
}

// W[t+16] from W[t], W[t+1], W[t+9] and W[t+14].
// @ts-ignore: decorator
@inline
function extend(w: usize): void {
  const w1 = v128.load(w, 16);
  const w14 = v128.load(w, 224);
  const sigma0 = v128.xor(v128.xor(rotate(w1, 7), rotate(w1, 18)), i32x4.shr_u(w1, 3));
  const sigma1 = v128.xor(v128.xor(rotate(w14, 17), rotate(w14, 19)), i32x4.shr_u(w14, 10));
  const plain = i32x4.add(v128.load(w), v128.load(w, 144));
  v128.store(w, i32x4.add(i32x4.add(plain, sigma0), sigma1), 256);
}

// T1 of FIPS 180-4: h + Σ1(e) + Ch(e, f, g) + K + W.
// @ts-ignore: decorator
@inline
function sum(h: v128, e: v128, f: v128, g: v128, w: v128, k: v128): v128 {
  const sum1 = v128.xor(v128.xor(rotate(e, 6), rotate(e, 11)), rotate(e, 25));
  const choose = v128.xor(v128.and(v128.xor(f, g), e), g);
  return i32x4.add(i32x4.add(i32x4.add(h, i32x4.add(w, k)), choose), sum1);
}

// T2 of FIPS 180-4: Σ0(a) + Maj(a, b, c). Its a ^ b is the next round's b ^ c: three operations where and, or take four.
// @ts-ignore: decorator
@inline
function spread(a: v128, b: v128, c: v128): v128 {
  const sum0 = v128.xor(v128.xor(rotate(a, 2), rotate(a, 13)), rotate(a, 22));
  const majority = v128.xor(v128.and(v128.xor(a, b), v128.xor(b, c)), b);
  return i32x4.add(sum0, majority);
}

// @ts-ignore: decorator
@inline
function rotate(x: v128, bits: i32): v128 {
  return v128.or(i32x4.shr_u(x, bits), i32x4.shl(x, 32 - bits));
}
