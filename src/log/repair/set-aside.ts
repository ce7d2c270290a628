// Takes bytes and files out of use without losing them: each goes on under a name that nothing had before. What is to be
// cut is durable there, name and all, before anything is cut.

import { failure } from "../../errors.ts";
import { toHex } from "../../format/hex.ts";
import { folderOf, nameOf } from "../../format/path.ts";
import { isSideFile, partsOfSideFile, sideFileName } from "../../format/side-file.ts";
import type { Files, Runtime, RuntimeFile } from "../../runtime.ts";
import { writeWhole } from "../segments/write-whole.ts";

/** Bytes of a file: from `position` on, `bytes` of them. */
export interface FilePart {
  readonly path: string;
  readonly position: number;
  readonly bytes: number;
}

/** All of a file. */
export function wholeOf(files: Files, path: string): FilePart {
  const file = files.open(path, "read");
  try {
    return { path, position: 0, bytes: file.size() };
  } finally {
    file.close();
  }
}

const PIECE_BYTES = 256 << 10;

/** The path where `copyAside` would keep a part now. */
export function pathToCopyTo(files: Files, part: FilePart): string {
  return firstPath(files, part, (path) => holdsPart(files, path, part));
}

/** The path to which `setAside` would rename a file now. */
export function pathToMoveTo(files: Files, path: string): string {
  return firstPath(files, { path, position: 0 }, () => false);
}

/**
 * Gives a side file another name and its own again: so the next sync of its folder makes the name durable. One that failed
 * may have left the system in the belief that it is.
 */
export function renewName(files: Files, path: string): void {
  const { folder, name, position } = sideFileParts(path);
  const other = firstPath(files, { path: `${folder}/${name}`, position }, () => false);
  files.rename(path, other);
  files.rename(other, path);
}

/**
 * Copies a part of a file beside it; durable when this returns. An earlier copy of the same bytes, made before a crash
 * say, serves again. Returns the copy's path.
 */
export function copyAside(runtime: Runtime, part: FilePart): string {
  const { files } = runtime;
  const target = pathToCopyTo(files, part);
  const there = files.kind(target) !== null;
  const temporary = there ? target : temporaryPath(runtime, target);
  const copy = files.open(temporary, there ? "write" : "create");
  try {
    if (!there) copyPart(files, part, copy);
    copy.syncNow();
    copy.close();
    if (there) renewName(files, target);
    else files.rename(temporary, target);
  } catch (error) {
    copy.close();
    if (!there) removeIfPossible(files, temporary);
    throw error;
  }
  files.folder(folderOf(target)).syncNow();
  return target;
}

/** Renames a file; durable when its folder is synced. Returns the new path. */
export function setAside(files: Files, path: string): string {
  const target = pathToMoveTo(files, path);
  files.rename(path, target);
  return target;
}

/** A name for a file that is being made. A process that dies leaves it behind, and it means nothing. */
export function temporaryPath(runtime: Runtime, path: string): string {
  const random = new Uint8Array(8);
  runtime.random(random);
  return `${folderOf(path)}/.${nameOf(path)}.${toHex(random)}.tmp`;
}

/** Whether a name is one of those. */
export function isTemporary(name: string): boolean {
  // A segment is made by the holder of the lock alone: its temporary name needs nothing random.
  const match = /^\.(.+?)(?:\.[0-9a-f]{16})?\.tmp$/.exec(name);
  return (
    match !== null && (isSideFile(match[1] as string) || /^(log\.json|segment_\d{6,}\.log)$/.test(match[1] as string))
  );
}

function sideFileParts(path: string): { folder: string; name: string; position: number } {
  const parts = partsOfSideFile(nameOf(path));
  if (parts === null) throw failure("INTERNAL", { detail: `${path} is no side file` });
  return { folder: folderOf(path), ...parts };
}

function firstPath(
  files: Files,
  { path, position }: Omit<FilePart, "bytes">,
  mayServe: (path: string) => boolean,
): string {
  for (let attempt = 1; ; attempt++) {
    const target = `${folderOf(path)}/${sideFileName(nameOf(path), position, attempt)}`;
    const kind = files.kind(target);
    if (kind === null || (kind === "file" && mayServe(target))) return target;
  }
}

function holdsPart(files: Files, path: string, part: FilePart): boolean {
  const copy = files.open(path, "read");
  const source = files.open(part.path, "read");
  try {
    if (copy.size() !== part.bytes) return false;
    const one = new Uint8Array(Math.min(PIECE_BYTES, part.bytes));
    const other = new Uint8Array(one.length);
    for (let done = 0; done < part.bytes; ) {
      const bytes = Math.min(one.length, part.bytes - done);
      const ours = copy.read(one.subarray(0, bytes), done);
      const theirs = source.read(other.subarray(0, bytes), part.position + done);
      if (ours !== bytes || theirs !== bytes || one.some((byte, i) => i < bytes && byte !== other[i])) return false;
      done += bytes;
    }
    return true;
  } finally {
    copy.close();
    source.close();
  }
}

function copyPart(files: Files, part: FilePart, copy: RuntimeFile): void {
  const source = files.open(part.path, "read");
  try {
    const piece = new Uint8Array(Math.min(PIECE_BYTES, part.bytes));
    for (let done = 0; done < part.bytes; ) {
      const read = source.read(piece.subarray(0, Math.min(piece.length, part.bytes - done)), part.position + done);
      // A file that has become shorter meanwhile has no more to keep.
      if (read === 0) return;
      writeWhole(copy, piece.subarray(0, read), done);
      done += read;
    }
  } finally {
    source.close();
  }
}

function removeIfPossible(files: Files, path: string): void {
  try {
    files.remove(path);
  } catch {
    // The next repair removes it.
  }
}
