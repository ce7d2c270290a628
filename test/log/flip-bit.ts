// Damage to the files of a log on a real disk.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

export interface BytePlace {
  readonly file: string;
  readonly at: number;
}

/** Where in a log's stream "orders" a text stands. */
export function payloadPlace(log: string, text: string): BytePlace {
  for (const name of readdirSync(`${log}/orders`)) {
    const file = `${log}/orders/${name}`;
    const at = readFileSync(file).indexOf(text);
    if (at >= 0) return { file, at };
  }
  throw new Error(`no file holds ${text}`);
}

export function flipBit({ file, at }: BytePlace): void {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] as number) ^ 1;
  writeFileSync(file, bytes);
}
