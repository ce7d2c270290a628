// Making a file whole or not at all, once among several processes, over node:fs.

import { randomBytes } from "node:crypto";
import { closeSync, fdatasyncSync, linkSync, openSync, renameSync, unlinkSync } from "node:fs";
import { basename, dirname } from "node:path";
import { writeOnce } from "./node-file.ts";
import { nativeCode, storageFailure, syncFailure } from "./storage-failure.ts";

/**
 * Writes `bytes`, and syncs them when asked to, under a temporary name in the same folder, then gives them their own name with link(2),
 * which refuses a name that is taken. `false` when it is.
 *
 * A process that dies in between leaves `.<name>.<16 hex digits>.tmp` behind and nothing else.
 */
export function publishFile(path: string, bytes: Uint8Array, durability: "synced" | "cached"): boolean {
  const temporary = `${dirname(path)}/.${basename(path)}.${randomBytes(8).toString("hex")}.tmp`;
  try {
    writeNewFile(temporary, bytes, durability);
    return giveName(temporary, path);
  } catch (error) {
    throw storageFailure(error, "publish", path);
  } finally {
    removeTemporary(temporary);
  }
}

function writeNewFile(path: string, bytes: Uint8Array, durability: "synced" | "cached"): void {
  const descriptor = openSync(path, "wx");
  try {
    let written = 0;
    while (written < bytes.length) {
      written += writeOnce(descriptor, bytes.subarray(written), written);
    }
    if (durability === "synced") sync(descriptor, path);
  } finally {
    closeSync(descriptor);
  }
}

function sync(descriptor: number, path: string): void {
  try {
    fdatasyncSync(descriptor);
  } catch (error) {
    throw syncFailure(error, path);
  }
}

function giveName(temporary: string, path: string): boolean {
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if (nativeCode(error) === "EEXIST") return false;
    if (!isLinkUnknown(error)) throw error;
    return claimAndReplace(temporary, path);
  }
}

/**
 * For file systems without links (FAT, exFAT, some network ones): an empty file claims the name, then the whole one
 * replaces it. Still exactly one caller wins; but one that dies in between leaves an empty file.
 */
function claimAndReplace(temporary: string, path: string): boolean {
  try {
    closeSync(openSync(path, "wx"));
  } catch (error) {
    if (nativeCode(error) === "EEXIST") return false;
    throw error;
  }
  renameSync(temporary, path);
  return true;
}

function isLinkUnknown(error: unknown): boolean {
  const code = nativeCode(error);
  return code === "EPERM" || code === "ENOTSUP" || code === "EOPNOTSUPP" || code === "ENOSYS" || code === "EMLINK";
}

/** Whether the file is published is decided by now: a name that stays behind must not turn that answer around. */
function removeTemporary(temporary: string): void {
  try {
    unlinkSync(temporary);
  } catch {
    // Never made, renamed away, or left for the next one who clears `.tmp` names.
  }
}
