// What makes the names in a folder durable, over node:fs.

import { closeSync, constants, fsync, fsyncSync, openSync } from "node:fs";
import type { Syncable } from "../src/runtime.ts";
import { nativeCode, storageFailure, syncFailure } from "./storage-failure.ts";

/**
 * A folder's names, to be synced by opening the folder and syncing it like a file.
 *
 * Windows cannot do that, and a few file systems (some FUSE and network ones) say that they do not know the call.
 * There is nothing else to call there: the names are as durable as that file system makes them by itself, and
 * `sync` returns without having done anything.
 */
export class NodeFolder implements Syncable {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      const descriptor = this.#open();
      if (descriptor === null) {
        resolve();
        return;
      }
      fsync(descriptor, (error) => {
        try {
          closeSync(descriptor);
          if (error === null || error === undefined || isUnknownCall(error)) resolve();
          else reject(syncFailure(error, this.#path));
        } catch (closing) {
          reject(syncFailure(closing, this.#path));
        }
      });
    });
  }

  syncNow(): void {
    const descriptor = this.#open();
    if (descriptor === null) return;
    try {
      fsyncSync(descriptor);
    } catch (error) {
      if (!isUnknownCall(error)) throw syncFailure(error, this.#path);
    } finally {
      closeSync(descriptor);
    }
  }

  /** The open folder, or `null` where folders cannot be opened. */
  #open(): number | null {
    if (process.platform === "win32") return null;
    try {
      return openSync(this.#path, constants.O_RDONLY | constants.O_DIRECTORY);
    } catch (error) {
      throw storageFailure(error, "open folder", this.#path);
    }
  }
}

function isUnknownCall(error: unknown): boolean {
  const code = nativeCode(error);
  return code === "EINVAL" || code === "ENOTSUP" || code === "EOPNOTSUPP" || code === "ENOSYS";
}
