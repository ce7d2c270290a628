// The index file beside a segment. What it holds is checked by whoever reads it.
import type { Files, RuntimeFile } from "../../runtime.ts";

export function indexPath(segmentPath: string): string {
  return `${segmentPath}.idx`;
}

/** Opens an index file for writing, making it when it is missing. */
export function openIndexFile(files: Files, path: string): RuntimeFile {
  return files.open(path, files.kind(path) === null ? "create" : "write");
}
