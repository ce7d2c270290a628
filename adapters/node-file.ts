// One open regular file over node:fs, which is complete and fastest on Node, Deno and Bun alike.

import { closeSync, fdatasync, fdatasyncSync, fstatSync, ftruncateSync, readSync, writeSync } from "node:fs";
import { failure } from "../src/errors.ts";
import type { RuntimeFile } from "../src/runtime.ts";
import { nativeCode, storageFailure, syncFailure } from "./storage-failure.ts";

/** What one call may transfer: node:fs refuses lengths of 2 GiB and more. */
const MAX_TRANSFER_BYTES = 1 << 30;

/** No descriptor: every call refuses it, so that a closed file never touches whatever got its number next. */
const CLOSED = -1;

/** An open file by its descriptor, which it owns from then on. */
export class NodeFile implements RuntimeFile {
  readonly #path: string;
  #descriptor: number;
  #syncsInFlight = 0;
  /** The descriptor to close when the last sync in flight has ended. */
  #leaving = CLOSED;

  constructor(path: string, descriptor: number) {
    this.#path = path;
    this.#descriptor = descriptor;
  }

  size(): number {
    try {
      return fstatSync(this.#descriptor).size;
    } catch (error) {
      throw this.#refusal(error, "measure");
    }
  }

  read(target: Uint8Array, position: number): number {
    let filled = 0;
    try {
      // The system may return less than asked for, and does on signals and network disks; only 0 means the end.
      while (filled < target.length) {
        const wanted = Math.min(target.length - filled, MAX_TRANSFER_BYTES);
        const at = filled;
        const count = retried(() => readSync(this.#descriptor, target, at, wanted, position + at));
        if (count === 0) break;
        filled += count;
      }
    } catch (error) {
      throw this.#refusal(error, "read");
    }
    return filled;
  }

  /** One read of the system, which may give less than asked for; 0 at the end. */
  readOnce(target: Uint8Array, position: number): number {
    try {
      const wanted = Math.min(target.length, MAX_TRANSFER_BYTES);
      return retried(() => readSync(this.#descriptor, target, 0, wanted, position));
    } catch (error) {
      throw this.#refusal(error, "read");
    }
  }

  write(source: Uint8Array, position: number): number {
    try {
      return writeOnce(this.#descriptor, source, position);
    } catch (error) {
      throw this.#refusal(error, "write");
    }
  }

  truncate(bytes: number): void {
    try {
      ftruncateSync(this.#descriptor, bytes);
    } catch (error) {
      throw this.#refusal(error, "truncate");
    }
  }

  // fdatasync leaves out times, and includes a changed size: that is needed to read the data.
  // Off the thread it costs 5 to 85 µs more than syncNow (Bun least), and the event loop runs on meanwhile.
  // The callback form and FileHandle.datasync cost the same.
  sync(): Promise<void> {
    if (this.#descriptor === CLOSED) return Promise.reject(this.#syncRefusal());
    return new Promise((resolve, reject) => {
      const finish = (error: unknown): void => {
        this.#syncsInFlight -= 1;
        try {
          if (this.#syncsInFlight === 0 && this.#leaving !== CLOSED) this.#release(this.#leaving);
        } catch (closing) {
          // Here nobody but the one who waits for the sync can be told.
          error ??= closing;
        }
        if (error === null || error === undefined) resolve();
        else reject(syncFailure(error, this.#path));
      };
      this.#syncsInFlight += 1;
      try {
        fdatasync(this.#descriptor, finish);
      } catch (error) {
        finish(error);
      }
    });
  }

  syncNow(): void {
    if (this.#descriptor === CLOSED) throw this.#syncRefusal();
    try {
      fdatasyncSync(this.#descriptor);
    } catch (error) {
      throw syncFailure(error, this.#path);
    }
  }

  close(): void {
    const descriptor = this.#descriptor;
    if (descriptor === CLOSED) return;
    this.#descriptor = CLOSED;
    // A thread may be about to sync this number: were it given to another file first, that one would be synced.
    if (this.#syncsInFlight > 0) this.#leaving = descriptor;
    else this.#release(descriptor);
  }

  #refusal(error: unknown, operation: string): Error {
    if (this.#descriptor !== CLOSED) return storageFailure(error, operation, this.#path);
    return failure("IO_FAILED", { path: this.#path, operation, reason: "it is closed" }, error);
  }

  #syncRefusal(): Error {
    return failure("SYNC_FAILED", { path: this.#path, reason: "it is closed" });
  }

  #release(descriptor: number): void {
    this.#leaving = CLOSED;
    try {
      closeSync(descriptor);
    } catch (error) {
      throw storageFailure(error, "close", this.#path);
    }
  }
}

/** One write of the system, which may take less than is given, but something. */
export function writeOnce(descriptor: number, source: Uint8Array, position: number): number {
  const wanted = Math.min(source.length, MAX_TRANSFER_BYTES);
  const count = retried(() => writeSync(descriptor, source, 0, wanted, position));
  // Whoever goes on with what is left would do so for ever.
  if (count === 0 && wanted > 0) throw new Error("the system took no byte, and gave no reason");
  return count;
}

// A signal may end a call before it has done anything: not all runtimes call again.
function retried(call: () => number): number {
  for (;;) {
    try {
      return call();
    } catch (error) {
      if (nativeCode(error) !== "EINTR") throw error;
    }
  }
}
