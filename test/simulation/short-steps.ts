// Short words for programs that are written by hand. What they leave out is as plain as it can be.
import type { OpenOptions } from "../../src/index.ts";
import type { Program, Step, Survival } from "./step.ts";

type Append = Extract<Step, { do: "append" }>;
type Fault = Extract<Step, { do: "fault" }>;

/** A program on one stream of a log that is opened like this from the start. */
export function program(options: OpenOptions, ...steps: readonly Step[]): Program {
  return { sectorBytes: 512, streams: 1, steps: [{ do: "options", options }, ...steps] };
}

/** Appends records of these lengths in one call, and waits until it has resolved. */
export function append(sizes: readonly number[], more: Partial<Append> = {}): Step {
  return { do: "append", stream: 0, sizes, expect: "nothing", wait: true, head: false, abort: false, ...more };
}

/** The same without waiting. */
export function appendSoon(sizes: readonly number[], more: Partial<Append> = {}): Step {
  return append(sizes, { wait: false, ...more });
}

export function appendSync(sizes: readonly number[]): Step {
  return { do: "appendSync", stream: 0, sizes };
}

/** Opens the log, if it is not open, and makes durable what was appended. */
export function flush(): Step {
  return { do: "flush", stream: 0, wait: true };
}

export function flushSoon(): Step {
  return { do: "flush", stream: 0, wait: false };
}

export function checkpoint(): Step {
  return { do: "checkpoint", stream: 0, wait: true };
}

/** Reads from the first record on, in the process that writes. */
export function read(): Step {
  return { do: "read", stream: 0, from: 0, limit: 20 };
}

export function verify(): Step {
  return { do: "verify", stream: 0 };
}

export function close(): Step {
  return { do: "close" };
}

/** How the log will be opened the next time. */
export function options(next: OpenOptions): Step {
  return { do: "options", options: next };
}

/** Syncs stay in flight … */
export function hold(): Step {
  return { do: "hold" };
}

/** … until so many have been let go. */
export function release(count: number): Step {
  return { do: "release", count };
}

/** Lets promises have some turns. */
export function turns(count = 12): Step {
  return { do: "turns", count };
}

/** After `skip` calls of a kind one fails. */
export function fails(on: Fault["on"], skip = 0): Step {
  return { do: "fault", on, skip, times: 1, manner: { fail: "IO_FAILED" } };
}

/** The next write fails when it has written so many bytes. */
export function writeFailsAfter(bytes: number): Step {
  return { do: "fault", on: "write", skip: 0, times: 1, manner: { failAfter: bytes, code: "IO_FAILED" } };
}

/** The next write writes so many bytes, and says so. */
export function writeIsShort(bytes: number): Step {
  return { do: "fault", on: "write", skip: 0, times: 1, manner: { short: bytes } };
}

/** The process dies after so many more calls to the disk. */
export function kill(skip = 0): Step {
  return { do: "kill", skip };
}

/** Power is lost after so many more calls to the disk; `survival`: what remains of what was not synced. */
export function crash(survival: Survival, skip = 0, after = false): Step {
  return { do: "crash", skip, after, survival };
}
