// Where tests step in between a program and the disk in memory.

import { type DiatremeError, failure } from "../src/errors.ts";
import { MemoryWatches } from "./memory-watches.ts";

/** What a call does to the disk. */
export type OperationKind =
  | "create"
  | "kind"
  | "list"
  | "makeFolder"
  | "open"
  | "publish"
  | "read"
  | "remove"
  | "rename"
  | "size"
  | "sync"
  | "syncFolder"
  | "truncate"
  | "write";

/** One call, as it is about to be made. */
export interface Operation {
  /** Its place among all calls to this disk, from 0. */
  readonly index: number;
  readonly kind: OperationKind;
  readonly path: string;
  /** The process that makes it. */
  readonly pid: number;
  /** How many bytes it wants to read or write, or to cut the file to; 0 for others. */
  readonly bytes: number;
}

/** The codes with which a disk may fail. */
export type FaultCode =
  | "ACCESS_DENIED"
  | "FILE_EXISTS"
  | "FILE_NOT_FOUND"
  | "IO_FAILED"
  | "NO_SPACE"
  | "SYNC_FAILED"
  | "TOO_MANY_OPEN_FILES";

/**
 * What goes wrong with a call.
 *
 * - `fail`: it throws with this code and does nothing. A sync throws `SYNC_FAILED` whatever the code.
 * - `short`: a write of which `short` bytes, at least one, are written, and that says so; or a read that gets no more and
 *   is followed by another for the rest.
 * - `failAfter`: a write or a read of which that many bytes are done, and that then throws (`IO_FAILED` if not told
 *   otherwise).
 * - `crash`: the machine goes down before the call, or after it has done its work and before it returned.
 */
export type Fault =
  | { readonly fail: FaultCode }
  | { readonly short: number }
  | { readonly failAfter: number; readonly code?: FaultCode }
  | { readonly crash: true | "after" };

/** The machine has gone down. Thrown by every call until `disk.crash()` starts another; no error of Diatreme. */
export class CrashSignal extends Error {
  constructor() {
    super("The machine in memory has crashed.");
    this.name = "CrashSignal";
  }
}

/** A call, before it has its place among the others. */
export type Call = Omit<Operation, "index" | "pid">;

/** One start of a program; its files close when it ends. */
export interface ProcessLife {
  readonly pid: number;
  ended: boolean;
}

/** What every call to the disk passes through. */
export class FaultGate {
  /** Asked before every call. */
  onOperation: ((operation: Operation) => Fault | undefined) | null = null;
  /** Told of every call that was made. */
  readonly watches: MemoryWatches = new MemoryWatches();
  #count = 0;
  #state: "up" | "crashed" | "replaced" = "up";

  get operations(): number {
    return this.#count;
  }

  /** The disk has gone on in another one: what is left of this one is dead. */
  replace(): void {
    this.#state = "replaced";
  }

  /** Does `action` unless something is wrong. Of a fault it is given what it has to do itself. */
  pass<T>(call: Call, life: ProcessLife, action: (fault: Fault | null) => T): T {
    this.checkUp(call, life);
    const index = this.#count++;
    const fault = this.onOperation?.({ index, pid: life.pid, ...call }) ?? null;
    // Who was asked may have ended the process: then the call is never made.
    if (life.ended) this.checkUp(call, life);
    if (fault !== null) this.#failBefore(call, fault);
    const result = action(fault);
    this.watches.tell(call.kind, call.path);
    if (fault !== null && "crash" in fault) this.#goDown();
    return result;
  }

  /** Throws when the machine is down or the process has ended. */
  checkUp(call: Call, life: ProcessLife): void {
    if (this.#state === "crashed") throw new CrashSignal();
    if (this.#state === "replaced" || life.ended) throw faultFailure("IO_FAILED", call, "the process is no more");
  }

  #failBefore(call: Call, fault: Fault): void {
    const isSync = call.kind === "sync" || call.kind === "syncFolder";
    if ("crash" in fault) {
      if (fault.crash === true) this.#goDown();
    } else if ("fail" in fault) {
      if (!isSync) throw faultFailure(fault.fail, call, "the test says so");
    } else if (call.kind !== "write" && call.kind !== "read") {
      throw new TypeError(`Only a read or a write can be short or fail midway, not ${call.kind}.`);
    } else if ("short" in fault && !(fault.short >= 1)) {
      throw new TypeError("What is short by everything has failed.");
    }
  }

  #goDown(): never {
    this.#state = "crashed";
    throw new CrashSignal();
  }
}

/** The error with which a call fails. */
export function faultFailure(code: FaultCode, call: Call, reason: string): DiatremeError {
  const { path, kind: operation } = call;
  switch (code) {
    case "IO_FAILED":
      return failure(code, { path, operation, reason });
    case "ACCESS_DENIED":
    case "SYNC_FAILED":
      return failure(code, { path, reason });
    default:
      return failure(code, { path });
  }
}
