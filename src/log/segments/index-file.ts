// The index file beside a segment. What it holds is checked by whoever reads it.
import { PAGE_BYTES } from "../../../assembly/layout.ts";
import { StorageError } from "../../errors.ts";
import type { RuntimeFile } from "../../runtime.ts";

export function indexPath(segmentPath: string): string {
  return `${segmentPath}.idx`;
}

/** The length of an index in bytes, for whoever can do without it: 0 when it cannot be told. */
export function sizeOf(file: RuntimeFile): number {
  try {
    return file.size();
  } catch (error) {
    if (error instanceof StorageError) return 0;
    throw error;
  }
}

/** Reads a page for whoever can do without it: how many of its bytes there are, `null` when they cannot be read. */
export function readPage(file: RuntimeFile, bytes: Uint8Array, page: number): number | null {
  try {
    return file.read(bytes, page * PAGE_BYTES);
  } catch (error) {
    if (error instanceof StorageError) return null;
    throw error;
  }
}
