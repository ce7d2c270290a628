// A short text out of a file or from standard input: a key, a checkpoint.
import { EXIT_USAGE } from "../errors.ts";
import { CommandError } from "./command-error.ts";
import type { Terminal } from "./terminal.ts";

const MOST_BYTES = 128 << 10;

/**
 * All of a small file's text; `-` is standard input.
 *
 * @throws {CommandError} `INPUT_UNREADABLE`, also when it is not UTF-8; `INPUT_TOO_LONG`
 */
export async function readSmallText(terminal: Terminal, path: string): Promise<string> {
  const chunks = path === "-" ? terminal.input.chunks : await terminal.openFile(path);
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) {
      const message = `${path} has more than ${MOST_BYTES} bytes: it is neither a key nor a checkpoint.`;
      throw new CommandError("INPUT_TOO_LONG", EXIT_USAGE, message, { path, limit: MOST_BYTES });
    }
    parts.push(chunk);
  }
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  try {
    return parts.map((part) => decoder.decode(part, { stream: true })).join("") + decoder.decode();
  } catch (error) {
    throw new CommandError("INPUT_UNREADABLE", EXIT_USAGE, `${path} is not UTF-8 text.`, { path }, error);
  }
}
