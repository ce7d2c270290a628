// Who watches which folder of a disk in memory.

import type { Watch } from "../src/runtime.ts";
import type { OperationKind } from "./memory-faults.ts";

const CHANGING: ReadonlySet<OperationKind> = new Set<OperationKind>([
  "create",
  "makeFolder",
  "publish",
  "remove",
  "rename",
  "truncate",
  "write",
]);

/** The watches on the folders of one machine. */
export class MemoryWatches {
  readonly #watches = new Set<{ readonly folder: string; readonly onChange: () => void }>();

  add(folder: string, onChange: () => void): Watch {
    const watch = { folder, onChange };
    this.#watches.add(watch);
    return { close: () => void this.#watches.delete(watch) };
  }

  /** A call to the disk was made: calls back, a little later, those whose folder it may have changed. */
  tell(kind: OperationKind, path: string): void {
    if (this.#watches.size === 0 || !CHANGING.has(kind)) return;
    const folder = path.slice(0, path.lastIndexOf("/"));
    for (const watch of this.#watches) {
      if (watch.folder !== folder) continue;
      void Promise.resolve().then(() => {
        if (this.#watches.has(watch)) watch.onChange();
      });
    }
  }
}
