// The words of which simulated programs are made. A program is a list of steps and nothing else decides what happens, so
// a failing one can be printed, replayed and shrunk. Every number may be anything from 0 on: steps mean something in any
// order and whatever was left out between them.
import type { FaultCode, OperationKind } from "../../adapters/memory.ts";
import type { OpenOptions } from "../../src/index.ts";

/** What survives a power loss: nothing or all of what was not synced, or what follows from a number. */
export type Survival = "nothing" | "all" | number;

export type Step =
  /**
   * Appends records of these lengths in one call. `wait`: goes on when it has resolved; otherwise it stays in flight.
   * `head`: asks for the head at once, which makes the writer seal at once. `abort`: gives it up right after the call.
   */
  | {
      readonly do: "append";
      readonly stream: number;
      readonly sizes: readonly number[];
      readonly expect: "nothing" | "right" | "wrong";
      readonly wait: boolean;
      readonly head: boolean;
      readonly abort: boolean;
    }
  /** Appends if there is room at once. */
  | { readonly do: "tryAppend"; readonly stream: number; readonly sizes: readonly number[] }
  | { readonly do: "appendSync"; readonly stream: number; readonly sizes: readonly number[] }
  /** Appends many small records in one call: more than a page of the index holds. */
  | { readonly do: "appendMany"; readonly stream: number; readonly count: number }
  | { readonly do: "flush"; readonly stream: number; readonly wait: boolean }
  /** Makes a checkpoint, and keeps it: from then on the log must contain what it claims. */
  | { readonly do: "checkpoint"; readonly stream: number; readonly wait: boolean }
  /** Waits for all that is in flight. */
  | { readonly do: "settle" }
  /** Lets promises have some turns. */
  | { readonly do: "turns"; readonly count: number }
  | { readonly do: "read"; readonly stream: number; readonly from: number; readonly limit: number }
  | { readonly do: "get"; readonly stream: number; readonly offset: number }
  | { readonly do: "verify"; readonly stream: number }
  /** A reader in another process, which keeps the log open from one of these steps to the next. */
  | { readonly do: "beside"; readonly stream: number }
  /** From now on somebody follows the stream, in this process or in another. */
  | { readonly do: "follow"; readonly stream: number; readonly beside: boolean }
  /** Another process tries to write. */
  | { readonly do: "rival" }
  | { readonly do: "close" }
  /** How the log will be opened the next time. */
  | { readonly do: "options"; readonly options: OpenOptions }
  /** Syncs stay in flight … */
  | { readonly do: "hold" }
  /** … until this many have been let go; 0: all, and no more are held. */
  | { readonly do: "release"; readonly count: number }
  /** Lets time pass. */
  | { readonly do: "time"; readonly ms: number }
  /** Sets the clock forward or back. */
  | { readonly do: "clock"; readonly micros: number }
  /** Of the calls of a kind to come, `skip` go well, then `times` fail in this manner. */
  | {
      readonly do: "fault";
      readonly on: OperationKind | "any";
      readonly skip: number;
      readonly times: number;
      readonly manner: FaultManner;
    }
  /** The disk has room for this much more; `null`: for all. */
  | { readonly do: "room"; readonly bytes: number | null }
  /** Nothing fails any more. */
  | { readonly do: "heal" }
  /**
   * One bit of some file turns around, on a copy of the disk: after the log was closed, or as a killed process leaves it.
   * `place` counts over all files.
   */
  | {
      readonly do: "decay";
      readonly stream: number;
      readonly place: number;
      readonly bit: number;
      readonly closed: boolean;
    }
  /** Repairs the log, as a process of its own, which must be refused while the log is open. */
  | { readonly do: "repair" }
  /**
   * One bit turns around as in `decay`, and the log is repaired, on a copy of the disk; power is lost after `skip` calls of
   * that, if it makes so many, and then it is repaired once more.
   */
  | {
      readonly do: "mend";
      readonly stream: number;
      readonly place: number;
      readonly bit: number;
      readonly closed: boolean;
      readonly skip: number;
      readonly survival: Survival;
    }
  /** Replaces the keys that protect the others, in a log that is encrypted. */
  | { readonly do: "rotate"; readonly to: number; readonly wait: boolean }
  /** The process dies after `skip` more calls to the disk, without a chance to do anything; 0: now. */
  | { readonly do: "kill"; readonly skip: number }
  /** The machine goes down likewise; `after`: when the call has done its work, and before it has returned. */
  | { readonly do: "crash"; readonly skip: number; readonly after: boolean; readonly survival: Survival };

/** How calls go wrong: they fail, or after some bytes; or they do less than asked, and say so. */
export type FaultManner =
  | { readonly fail: FaultCode }
  | { readonly failAfter: number; readonly code: FaultCode }
  | { readonly short: number };

export interface Program {
  readonly sectorBytes: number;
  /** How many streams there are. */
  readonly streams: number;
  readonly steps: readonly Step[];
}
