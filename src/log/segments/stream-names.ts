// Which streams a log's folder holds.
import { isFailure, StorageError } from "../../errors.ts";
import { isStreamName } from "../../format/stream-name.ts";
import type { Files, FolderEntry } from "../../runtime.ts";
import { isOfSegment } from "./segment-files.ts";

/** Sorted. Whoever opens one that is not as it should be is told so: none is passed over for it. */
export function streamNames(files: Files, directory: string): string[] {
  return files
    .list(directory)
    .filter(({ name, kind }) => isStreamName(name) && mayBeStream(files, `${directory}/${name}`, kind))
    .map(({ name }) => name);
}

function mayBeStream(files: Files, path: string, kind: FolderEntry["kind"]): boolean {
  // Files that lie about are no streams, and a log never makes links: one stands where a stream was.
  if (kind !== "folder") return isOutOfPlace(kind);
  try {
    // A folder of something else is none; one that has lost its first segment still is.
    return files.list(path).some(({ name }) => isOfSegment(name));
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return !isFailure(error, "FILE_NOT_FOUND");
  }
}

/** Whether something with a stream's name is neither its folder nor anybody's file. */
export function isOutOfPlace(kind: FolderEntry["kind"]): boolean {
  return kind === "link" || kind === "other";
}
