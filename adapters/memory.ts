// A runtime in memory, for tests, simulation and places without a disk. Everything in it follows from a seed.
//
// The fault model: what may happen to the disk, and what may not.
//
//  1. A file's bytes are kept in sectors of 512 bytes (an option). A write is seen by every reader at once, but is on
//     the disk for sure only when a sync of that file has ended well that began after it.
//  2. When power is lost, each sector that was not synced is in any of the states that it went through since it last
//     was, independently of all others; or it is torn: up to some byte in one state, from there on in the next.
//  3. A sector that never was on the disk may then read as zeros, as noise, or as what an older sector holds.
//  4. A file's size settles by itself: it is any that the file had since its last sync, in their order. So a file may
//     be longer than what was written of it, and a cut may be undone.
//  5. The names of a folder (files and folders made, renamed, removed) are on the disk for sure only when a sync of that
//     folder has ended well. Before, each step survives or not, independently of all others. Syncing a file does not
//     sync its name. A rename within a folder is one step; from one folder to another it is two.
//  6. `publish` makes a file whose bytes are durable; its name is not before its folder is synced.
//  7. A sync that failed has written some, all or nothing, and the system now thinks that those sectors and names are
//     clean: a later sync that ends well does not make them durable, unless they were changed again.
//  8. A sync in flight covers what was written before it began; what is written meanwhile waits for the next.
//  9. What is durable stays: sectors that were synced and not written since are never lost or changed by a crash.
//     Only `flip` breaks that: decay, of any bit.
// 10. When a process is killed and the machine stays up, nothing is lost.
// 11. Any call may fail with any of the storage codes, reads and writes may be short or fail midway, the disk may be full,
//     a process may be killed at any call, and the machine may go down before or after any.
// 12. A crash stops the machine: its processes, open files and syncs in flight are gone, its clock goes on.

import type { Runtime } from "../src/runtime.ts";
import { seededChoose } from "./memory-choice.ts";
import { MemoryClock } from "./memory-clock.ts";
import { MemoryDisk } from "./memory-disk.ts";
import { MemoryFolder } from "./memory-tree.ts";

export { type Choose, keepAll, loseAll, seededChoose } from "./memory-choice.ts";
export type { MemoryClock } from "./memory-clock.ts";
export type { MemoryDisk, ProcessOptions } from "./memory-disk.ts";
export { CrashSignal, type Fault, type FaultCode, type Operation, type OperationKind } from "./memory-faults.ts";

/** How a machine in memory is made. */
export interface MemoryOptions {
  /** What random bytes and crashes follow from. */
  readonly seed: number;
  /** The wall clock at the start, µs since the Unix epoch. */
  readonly now?: number;
  /** What survives a crash as one: 512 by default, or 4096. */
  readonly sectorBytes?: number;
  /** What `clock.pause()` does. By default it only lets promises have their turn: the language alone has no timers. */
  readonly pause?: () => Promise<void>;
}

/** A process in memory, and the disk under it. */
export interface MemoryMachine {
  /** Process 1. Others are made by `disk.runtime({ pid })`. */
  readonly runtime: Runtime;
  readonly disk: MemoryDisk;
}

/**
 * Makes a machine in memory with an empty disk and one process on it.
 *
 * @example
 * const { runtime, disk } = memoryRuntime({ seed: 1 });
 * disk.onOperation = ({ kind }) => (kind === "sync" ? { crash: "after" } : undefined);
 * // … use `runtime` until it throws a CrashSignal …
 * const survived = disk.crash().runtime();
 */
export function memoryRuntime({ seed, now, sectorBytes, pause }: MemoryOptions): MemoryMachine {
  const disk = new MemoryDisk({
    root: new MemoryFolder(),
    sectorBytes: sectorBytes ?? 512,
    choose: seededChoose(seed),
    clock: new MemoryClock(now ?? DEFAULT_NOW_MICROS, pause ?? (() => Promise.resolve())),
    boots: 1,
  });
  return { runtime: disk.runtime(), disk };
}

/** 2026-01-01T00:00:00Z. */
const DEFAULT_NOW_MICROS = 1_767_225_600_000_000;
