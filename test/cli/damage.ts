// Changes a record in a segment file as a bad disk would.

import { readFileSync, writeFileSync } from "node:fs";

/** Flips one bit of the first place where the file holds `text`. Returns that place. */
export function flipBitIn(file: string, text: string): number {
  const bytes = readFileSync(file);
  const at = bytes.indexOf(text);
  if (at < 0) throw new Error(`${file} does not hold ${text}`);
  bytes[at] = (bytes[at] as number) ^ 1;
  writeFileSync(file, bytes);
  return at;
}
