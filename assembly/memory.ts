// The memory map, once. One instance of the core serves one owner (a writer or a reader), so addresses are fixed:
//
//   0 ┌──────────────────────────────┐
//     │ tables and scratch of the    │  memory.data of sha256, sha256x4, crc32
//     │ kernels                      │
//     ├──────────────────────────────┤
//     │ CONTROL      CONTROL_BYTES   │  chain state in, verdicts out: control.ts
//     ├──────────────────────────────┤
//     │ MESSAGES     8 × BATCH       │  payload pointer u32, payload bytes u32
//     │ DIGESTS     32 × BATCH       │  SHA-256 of each payload
//     │ HASHES      32 × BATCH       │  SHA-256 of each entry: the record's hash
//     │ ENTRY       96 + 32          │  one entry and its hash, for a host that hashes natively
//     ├──────────────────────────────┤  __heap_base, rounded up to a page: arenaStart()
//     │ ARENA: a writer's batch, a   │  laid out by src/wasm/, which alone may grow memory
//     │ reader's window, index pages │
//     └──────────────────────────────┘
import { DIGEST_BYTES, ENTRY_BYTES } from "./layout";
import { BATCH_RECORDS, CONTROL_BYTES, MESSAGE_BYTES } from "./control";

export const CONTROL: usize = memory.data(CONTROL_BYTES, 16);
export const MESSAGES: usize = memory.data(BATCH_RECORDS * MESSAGE_BYTES, 16);
export const DIGESTS: usize = memory.data(BATCH_RECORDS * DIGEST_BYTES, 16);
export const HASHES: usize = memory.data(BATCH_RECORDS * DIGEST_BYTES, 16);
export const ENTRY: usize = memory.data(ENTRY_BYTES + DIGEST_BYTES, 16);

export function controlPointer(): usize {
  return CONTROL;
}
export function messagesPointer(): usize {
  return MESSAGES;
}
export function digestsPointer(): usize {
  return DIGESTS;
}
export function hashesPointer(): usize {
  return HASHES;
}
export function entryPointer(): usize {
  return ENTRY;
}

/** Where src may begin to place its own buffers; a multiple of 4096. */
export function arenaStart(): usize {
  return (__heap_base + 4095) & ~4095;
}
