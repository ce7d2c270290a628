// The master key for a command: out of a file, standard input or the environment, never out of the arguments, which every
// user of the machine can see.
import { EXIT_USAGE } from "../errors.ts";
import { fromHex } from "../format/hex.ts";
import type { MasterKeyOptions } from "../keys/encryption-options.ts";
import { CommandError } from "./command-error.ts";
import type { Terminal } from "./terminal.ts";

/** Where the key comes from. `-` is standard input. */
export type KeySource =
  | { readonly kind: "key"; readonly path: string }
  | { readonly kind: "passphrase"; readonly path: string }
  /** What the environment says, if it says something. */
  | { readonly kind: "environment" };

export const KEY_VARIABLE = "DIATREME_KEY";
export const PASSPHRASE_VARIABLE = "DIATREME_PASSPHRASE";
const KEY_BYTES = 32;
const MOST_BYTES = 4096;

/**
 * The key, or `undefined` when none is said.
 *
 * @throws {CommandError} `KEY_UNUSABLE`, `INPUT_UNREADABLE`
 */
export async function masterKeyFrom(terminal: Terminal, source: KeySource): Promise<MasterKeyOptions | undefined> {
  if (source.kind === "environment") return fromEnvironment(terminal);
  const bytes = await readSecret(terminal, source.path);
  if (source.kind === "key") {
    const key = bytes.length === KEY_BYTES ? bytes : fromHex(withoutLineEnd(new TextDecoder().decode(bytes)));
    if (key?.length !== KEY_BYTES) throw unusable(source.path, "it is neither 32 bytes nor 64 hexadecimal digits");
    return { masterKey: key };
  }
  let text: string;
  try {
    text = withoutLineEnd(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw unusable(source.path, "it is not UTF-8");
  }
  bytes.fill(0);
  if (text === "" || text.includes("\n")) throw unusable(source.path, "a passphrase is one line that is not empty");
  return { passphrase: text };
}

/**
 * The same where a command cannot do without.
 *
 * @throws {CommandError} `KEY_UNUSABLE`, `INPUT_UNREADABLE`
 */
export async function requiredMasterKey(terminal: Terminal, source: KeySource): Promise<MasterKeyOptions> {
  const key = await masterKeyFrom(terminal, source);
  if (key !== undefined) return key;
  const message = `Say where the key is: --key FILE, --passphrase FILE, ${KEY_VARIABLE} or ${PASSPHRASE_VARIABLE}.`;
  throw new CommandError("KEY_UNUSABLE", EXIT_USAGE, message);
}

function fromEnvironment(terminal: Terminal): MasterKeyOptions | undefined {
  const [digits, passphrase] = [terminal.variable(KEY_VARIABLE), terminal.variable(PASSPHRASE_VARIABLE)];
  if (digits === undefined) return passphrase === undefined || passphrase === "" ? undefined : { passphrase };
  const masterKey = fromHex(digits);
  if (masterKey?.length !== KEY_BYTES) throw unusable(KEY_VARIABLE, "it has not 64 hexadecimal digits");
  return { masterKey };
}

async function readSecret(terminal: Terminal, path: string): Promise<Uint8Array> {
  const chunks = path === "-" ? terminal.input.chunks : await terminal.openFile(path);
  const secret = new Uint8Array(MOST_BYTES);
  let bytes = 0;
  for await (const chunk of chunks) {
    if (bytes + chunk.length > MOST_BYTES) throw unusable(path, `it has more than ${MOST_BYTES} bytes`);
    secret.set(chunk, bytes);
    bytes += chunk.length;
    chunk.fill(0);
  }
  return secret.subarray(0, bytes);
}

function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, "");
}

function unusable(place: string, reason: string): CommandError {
  const name = place === "-" ? "standard input" : place;
  return new CommandError("KEY_UNUSABLE", EXIT_USAGE, `Cannot use the key in ${name}: ${reason}.`, { place: name });
}
