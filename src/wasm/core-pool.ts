// Cores that nobody uses at the moment. Making one costs about as much as reading a hundred records, and opening,
// looking up and reading each need one for a short while. Nothing that an owner left in a core means anything to the
// next: each sets the chain state and fills the arena before it reads from there.
import { Core } from "./core.ts";

// A log of a few streams holds two for each, and opens them all at once: so many are kept, if they are small.
const IDLE_BYTES = 16 << 20;
// One that a long record has grown is let go, so that its memory is too.
const KEPT_BYTES = 8 << 20;

const idle: Core[] = [];
let idleBytes = 0;

/** A core for the caller alone, until it is given back. */
export function takeCore(): Core {
  const core = idle.pop();
  if (core === undefined) return new Core();
  idleBytes -= core.bytes.length;
  return core;
}

/** Gives a core back. The caller has no more views on it that anybody may use. */
export function giveCore(core: Core): void {
  const { length } = core.bytes;
  if (length > KEPT_BYTES || idleBytes + length > IDLE_BYTES) return;
  idle.push(core);
  idleBytes += length;
}
