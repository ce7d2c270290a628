// How followers of a stream come to know that there may be more.
import type { Clock, Files } from "../../runtime.ts";

/** Calls its listeners when a stream's end may have moved. */
export class StreamChanges {
  readonly #listeners = new Set<() => void>();

  /** Calls `listener` after each change, until the returned function is called. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Whether nobody listens. */
  get isUnheard(): boolean {
    return this.#listeners.size === 0;
  }

  tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

// Where the system tells of changes, looking as well costs nothing; where it does not, this is the delay.
const LOOK_MS = 200;

/** Calls `onChange` when a writer in another process may have added to the stream in `folder`. */
export function watchForChanges(files: Files, clock: Clock, folder: string, onChange: () => void): () => void {
  let cancel: () => void;
  const look = (): void => {
    cancel = clock.after(LOOK_MS, look);
    onChange();
  };
  const watch = files.watch(folder, onChange);
  cancel = clock.after(LOOK_MS, look);
  return () => {
    watch?.close();
    cancel();
  };
}
