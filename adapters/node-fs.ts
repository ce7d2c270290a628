// The file system over node:fs, shared by Node, Deno and Bun. Knows paths and bytes, not what they mean.

import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
} from "node:fs";
import { resolve, sep } from "node:path";
import { failure } from "../src/errors.ts";
import type { EntryKind, FileAccess, Files, FolderEntry, RuntimeFile, Syncable } from "../src/runtime.ts";
import { DIRECT_BLOCK_BYTES, NodeDirectFile } from "./node-direct-file.ts";
import { NodeFile } from "./node-file.ts";
import { NodeFolder } from "./node-folder.ts";
import { publishFile } from "./node-publish.ts";
import { watchFolder } from "./node-watch.ts";
import { nativeCode, storageFailure } from "./storage-failure.ts";

/** The file system that node:fs gives. */
export const nodeFiles: Files = {
  resolve(path: string): string {
    const absolute = resolve(path);
    return sep === "/" ? absolute : absolute.replaceAll(sep, "/");
  },

  followLinks(path: string): string {
    try {
      return this.resolve(realpathSync(path));
    } catch (error) {
      throw storageFailure(error, "follow", path);
    }
  },

  makeFolder(path: string): boolean {
    // Mostly it is there, and the error that says so takes longer than looking.
    if (isFolder(path)) return false;
    try {
      mkdirSync(path);
      return true;
    } catch (error) {
      if (nativeCode(error) === "EEXIST" && isFolder(path)) return false;
      throw storageFailure(error, "make folder", path);
    }
  },

  list(path: string): FolderEntry[] {
    try {
      return readdirSync(path, { withFileTypes: true })
        .map((entry) => ({ name: entry.name, kind: listedKind(path, entry) }))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    } catch (error) {
      throw storageFailure(error, "list", path);
    }
  },

  kind: kindAt,

  open(path: string, access: FileAccess): RuntimeFile {
    // Asked first, so that a pipe, a device or what a link points at is not even opened. The flags and the second
    // look hold against a path that changes in between.
    if (access !== "create") checkRegular(path, lstatOf(path));
    return openRegular(path, openDescriptor(path, access));
  },

  openDirect(path: string, staging: Uint8Array): RuntimeFile | null {
    if (DIRECT === undefined) return null;
    checkRegular(path, lstatOf(path));
    const descriptor = openDirectly(path, DIRECT);
    if (descriptor === null) return null;
    const file = openRegular(path, descriptor);
    try {
      // Some file systems say no only when something is read.
      file.readOnce(staging.subarray(0, DIRECT_BLOCK_BYTES), 0);
      return new NodeDirectFile(file, staging);
    } catch (error) {
      file.close();
      if (isRefusedAsInvalid(error)) return null;
      throw error;
    }
  },

  publish(path: string, bytes: Uint8Array, durability: "synced" | "cached"): boolean {
    // Most calls that lose find the name taken already: no need to sync for them.
    if (durability === "synced" && kindAt(path) !== null) return false;
    return publishFile(path, bytes, durability);
  },

  readSmall(path: string, limit: number): Uint8Array {
    const file = this.open(path, "read");
    try {
      const bytes = file.size();
      if (bytes > limit) throw failure("FILE_TOO_LARGE", { path, bytes, limit });
      const content = new Uint8Array(bytes);
      return content.subarray(0, file.read(content, 0));
    } finally {
      file.close();
    }
  },

  rename(from: string, to: string): void {
    try {
      renameSync(from, to);
    } catch (error) {
      throw storageFailure(error, `rename to ${to} what is at`, from);
    }
  },

  remove(path: string): boolean {
    // Asked first: on Deno, unlink removes an empty folder.
    if (kindAt(path) === "folder") throw failure("FILE_NOT_REGULAR", { path, kind: "folder" });
    try {
      unlinkSync(path);
      return true;
    } catch (error) {
      if (nativeCode(error) === "ENOENT") return false;
      throw storageFailure(error, "remove", path);
    }
  },

  folder(path: string): Syncable {
    return new NodeFolder(path);
  },

  watch: watchFolder,
};

/** O_NOFOLLOW refuses a link and O_NONBLOCK does not wait for a pipe's other end; Windows has neither flag. */
const GUARDS = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

const OPEN_FLAGS: { readonly [A in FileAccess]: number } = {
  read: constants.O_RDONLY | GUARDS,
  write: constants.O_RDWR | GUARDS,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | GUARDS,
};

function openDescriptor(path: string, access: FileAccess): number {
  try {
    return openSync(path, OPEN_FLAGS[access]);
  } catch (error) {
    throw storageFailure(error, access === "create" ? "create" : "open", path);
  }
}

/** Linux alone has it. */
const DIRECT: number | undefined = constants.O_DIRECT;

// `null` where the file system cannot do that.
function openDirectly(path: string, direct: number): number | null {
  try {
    return openSync(path, constants.O_RDONLY | GUARDS | direct);
  } catch (error) {
    if (nativeCode(error) === "EINVAL" || nativeCode(error) === "EOPNOTSUPP") return null;
    throw storageFailure(error, "open", path);
  }
}

function isRefusedAsInvalid(error: unknown): boolean {
  return error instanceof Error && nativeCode(error.cause) === "EINVAL";
}

function openRegular(path: string, descriptor: number): NodeFile {
  try {
    checkRegular(path, fstatSync(descriptor));
    return new NodeFile(path, descriptor);
  } catch (error) {
    closeSync(descriptor);
    throw storageFailure(error, "open", path);
  }
}

/** What the kind of something is read from: `Stats` and `Dirent` both have these. */
interface KindSource {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

function kindOf(source: KindSource): EntryKind {
  if (source.isFile()) return "file";
  if (source.isDirectory()) return "folder";
  return source.isSymbolicLink() ? "link" : "other";
}

function kindAt(path: string): EntryKind | null {
  try {
    // Making an error for what is not there takes longer than looking.
    const found = lstatSync(path, { throwIfNoEntry: false });
    return found === undefined ? null : kindOf(found);
  } catch (error) {
    if (nativeCode(error) === "ENOTDIR") return null;
    throw storageFailure(error, "look at", path);
  }
}

/** Some file systems do not say in a listing what their entries are: then each is asked for. */
function listedKind(folder: string, entry: KindSource & { readonly name: string }): EntryKind {
  const listed = kindOf(entry);
  return listed === "other" ? (kindAt(`${folder}/${entry.name}`) ?? listed) : listed;
}

function lstatOf(path: string): KindSource {
  try {
    return lstatSync(path);
  } catch (error) {
    throw storageFailure(error, "open", path);
  }
}

function checkRegular(path: string, found: KindSource): void {
  const kind = kindOf(found);
  if (kind !== "file") throw failure("FILE_NOT_REGULAR", { path, kind: kind === "other" ? "special file" : kind });
}

/** Whether a folder is at `path`, or behind a link there. */
function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    return false;
  }
}
