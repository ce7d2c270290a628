// What goes wrong with calls to the disk: armed by steps, fired by the disk's own hook.
import type { Fault, Operation, OperationKind } from "../../adapters/memory.ts";
import type { FaultManner, Survival } from "./step.ts";

interface ArmedFault {
  readonly on: OperationKind | "any";
  skip: number;
  times: number;
  readonly manner: FaultManner;
}

/** The numbers of processes that only read. */
export const BESIDE = 90;
export const BEFORE = 91;
const READERS: ReadonlySet<number> = new Set([BESIDE, BEFORE]);

/** Calls that change something on the disk. */
export const CHANGING: ReadonlySet<OperationKind> = new Set<OperationKind>([
  "create",
  "makeFolder",
  "publish",
  "remove",
  "rename",
  "sync",
  "syncFolder",
  "truncate",
  "write",
]);

/** An end that comes in the middle of a call. */
export type End =
  | { readonly of: "process" }
  | { readonly of: "machine"; readonly after: boolean; readonly survival: Survival };

export class Troubles {
  /** Some call has failed since this was last set to `false`. */
  fired = false;
  /** Some call of a reader in another process has. */
  firedBeside = false;
  /** A sync or a cut has failed since: then a rejected append may be in the file. */
  leftDoubt = false;
  /** What has ended, if anything did. */
  ended: End | null = null;
  /** What was changed by a process that must not change anything. */
  forbidden: Operation | null = null;
  #faults: ArmedFault[] = [];
  #end: { skip: number; readonly end: End } | null = null;
  // A folder's sync has failed. File systems with a journal let nothing more be changed then.
  #frozen = false;
  readonly #kill: () => void;
  readonly #onCall: (operation: Operation) => void;

  constructor(kill: () => void, onCall: (operation: Operation) => void) {
    this.#kill = kill;
    this.#onCall = onCall;
  }

  arm(on: OperationKind | "any", skip: number, times: number, manner: FaultManner): void {
    this.#faults.push({ on, skip, times, manner });
  }

  armEnd(skip: number, end: End): void {
    this.#end = { skip, end };
  }

  heal(): void {
    this.#faults = [];
  }

  /** Whether nothing can be changed any more before the machine starts again. */
  get frozen(): boolean {
    return this.#frozen;
  }

  /** Another process starts. Faults and ends that are armed wait for it. */
  restartProcess(): void {
    this.ended = null;
  }

  /** The machine starts again. */
  restartMachine(): void {
    this.ended = null;
    this.firedBeside = false;
    this.#frozen = false;
  }

  /** For `disk.onOperation`. */
  readonly ask = (operation: Operation): Fault | undefined => {
    this.#onCall(operation);
    if (READERS.has(operation.pid) && CHANGING.has(operation.kind)) this.forbidden ??= operation;
    if (this.ended !== null) return undefined;
    const end = this.#end;
    const concerned = end?.end.of === "machine" || operation.pid < BESIDE;
    if (end !== null && concerned && end.skip-- <= 0) return this.#finish(end.end);
    if (this.#frozen && CHANGING.has(operation.kind)) return this.#fire(operation, { fail: "IO_FAILED" });
    for (const fault of this.#faults) {
      if (fault.times === 0 || (fault.on !== "any" && fault.on !== operation.kind)) continue;
      if (fault.skip > 0) {
        fault.skip--;
        continue;
      }
      fault.times--;
      const manner = mannerFor(operation, fault.manner);
      return this.#fire(operation, manner);
    }
    return undefined;
  };

  #fire(operation: Operation, fault: Fault): Fault {
    if ("short" in fault) return fault;
    this.fired = true;
    this.firedBeside ||= operation.pid === BESIDE;
    if (operation.kind === "sync" || operation.kind === "truncate") this.leftDoubt = true;
    if (operation.kind === "syncFolder") this.#frozen = true;
    return fault;
  }

  #finish(end: End): Fault | undefined {
    this.#end = null;
    this.ended = end;
    if (end.of === "machine") return { crash: end.after ? "after" : true };
    this.#kill();
    return undefined;
  }
}

// Only reads and writes can be short or fail midway.
function mannerFor(operation: Operation, manner: FaultManner): Fault {
  if ("fail" in manner) return manner;
  if ((operation.kind !== "write" && operation.kind !== "read") || operation.bytes === 0)
    return { fail: "short" in manner ? "IO_FAILED" : manner.code };
  // A short write has written something: else it has failed.
  if ("short" in manner) return { short: Math.min(Math.max(1, manner.short), operation.bytes) };
  return { failAfter: Math.min(manner.failAfter, operation.bytes), code: manner.code };
}
