// The parts of a path as `Files` takes it: absolute, with `/` between names.

/** The folder that something is in; empty for what is in the root. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

/** Its name in there. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
