// Names of what repair has set aside: `<file>.removed-<position>-<n>`. Everything else passes over such files.

const PATTERN = /^(.+)\.removed-(\d+)-\d+$/;

/** The name for bytes that lay at `position` of the file `name`; `attempt`, from 1 on, keeps names apart. */
export function sideFileName(name: string, position: number, attempt: number): string {
  return `${name}.removed-${position}-${attempt}`;
}

/** Which file the bytes of a side file were taken from, and from where in it; `null` when it is none. */
export function partsOfSideFile(sideFile: string): { readonly name: string; readonly position: number } | null {
  const match = PATTERN.exec(sideFile);
  return match === null ? null : { name: match[1] as string, position: Number(match[2]) };
}

export function isSideFile(name: string): boolean {
  return PATTERN.test(name);
}
