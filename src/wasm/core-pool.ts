// Cores that nobody uses at the moment. Making one costs about as much as reading a hundred records, and opening,
// looking up and reading each need one for a short while. Nothing that an owner left in a core means anything to the
// next: each sets the chain state and fills the arena before it reads from there.
import { Core } from "./core.ts";

const IDLE_CORES = 4;
// One that a long record has grown is let go, so that its memory is too.
const KEPT_BYTES = 8 << 20;

const idle: Core[] = [];

/** A core for the caller alone, until it is given back. */
export function takeCore(): Core {
  return idle.pop() ?? new Core();
}

/** Gives a core back. The caller has no more views on it that anybody may use. */
export function giveCore(core: Core): void {
  if (idle.length < IDLE_CORES && core.bytes.length <= KEPT_BYTES) idle.push(core);
}
