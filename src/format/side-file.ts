// Names of what repair has set aside: `<file>.removed-<position>-<n>`. Everything else passes over such files.

const PATTERN = /\.removed-\d+-\d+$/;

/** The name for bytes that lay at `position` of the file `name`; `attempt`, from 1 on, keeps names apart. */
export function sideFileName(name: string, position: number, attempt: number): string {
  return `${name}.removed-${position}-${attempt}`;
}

export function isSideFileOf(sideFile: string, name: string): boolean {
  return sideFile.replace(PATTERN, "") === name && isSideFile(sideFile);
}

export function isSideFile(name: string): boolean {
  return PATTERN.test(name);
}
