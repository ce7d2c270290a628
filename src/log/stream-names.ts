// Which streams a log's folder holds.
import { isStreamName } from "../format/stream-name.ts";
import type { Files } from "../runtime.ts";
import { isOfSegment } from "./segment-files.ts";

/** Sorted. */
export function streamNames(files: Files, directory: string): string[] {
  const names: string[] = [];
  for (const { name, kind } of files.list(directory)) {
    if (kind !== "folder" || !isStreamName(name)) continue;
    // A folder of something else is no stream; one that has lost its first segment still is.
    if (files.list(`${directory}/${name}`).some((entry) => isOfSegment(entry.name))) names.push(name);
  }
  return names;
}
