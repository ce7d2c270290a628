// Watching a folder over node:fs.

import { type FSWatcher, watch } from "node:fs";
import type { Watch } from "../src/runtime.ts";

/** `null` when the system has no more watches to give, does not know them, or refuses. */
export function watchFolder(path: string, onChange: () => void): Watch | null {
  let watcher: FSWatcher;
  try {
    watcher = watch(path, () => onChange());
  } catch {
    // Watching is a convenience that its user can do without: why it is refused is the same to them.
    return null;
  }
  // A folder that goes away, say. Without a listener it would end the process.
  watcher.on("error", () => onChange());
  return { close: () => watcher.close() };
}
