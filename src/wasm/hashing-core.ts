// An instance for hashing single messages from outside: its arena is free at all times.
import { Core } from "./core.ts";

// One that a long message has grown is let go, so that its memory is too.
const KEPT_BYTES = 8 << 20;

let core: Core | undefined;

/** For one call at a time: the next may get another. */
export function hashingCore(): Core {
  if (core === undefined || core.bytes.length > KEPT_BYTES) core = new Core();
  return core;
}

/** CRC-32 (IEEE 802.3) of bytes anywhere. */
export function crc32(bytes: Uint8Array): number {
  return hashingCore().crc32(bytes);
}
