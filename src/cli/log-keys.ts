// diatreme keys init, list and rotate: the keys that a log's payloads are encrypted with. What is printed is never a key.
import { printable } from "../printable.ts";
import { type KeySource, requiredMasterKey } from "./master-key.ts";
import type { Host } from "./terminal.ts";
import { formatPlural } from "./units.ts";

export interface LogKeysArguments {
  readonly directory: string;
  readonly key: KeySource;
  readonly json: boolean;
}

export interface RotateKeysArguments extends LogKeysArguments {
  /** The master key from now on; `undefined`: the same as before. */
  readonly to: KeySource | undefined;
}

export async function initKeys({ terminal, openLog }: Host, { directory, key, json }: LogKeysArguments): Promise<void> {
  const encryption = { ...(await requiredMasterKey(terminal, key)), create: true };
  await using log = await openLog(directory, { encryption });
  const { id } = log;
  await terminal.output.write(
    json ? `${JSON.stringify({ directory: log.directory, id })}\n` : `${log.directory} has keys now\n`,
  );
}

export async function listKeys({ terminal, openLog }: Host, { directory, key, json }: LogKeysArguments): Promise<void> {
  const encryption = await requiredMasterKey(terminal, key);
  await using log = await openLog(directory, { encryption, readOnly: true });
  for (const one of await log.keys()) {
    const { key: number, purpose, name, fingerprint, state } = one;
    const shown = `${number}  ${purpose.padEnd(7)}  ${state.padEnd(7)}  ${fingerprint}  ${name === null ? "-" : printable(name)}`;
    await terminal.output.write(`${json ? JSON.stringify(one) : shown}\n`);
  }
}

export async function rotateKeys({ terminal, openLog }: Host, args: RotateKeysArguments): Promise<void> {
  const { directory, key, to, json } = args;
  const encryption = await requiredMasterKey(terminal, key);
  const next = to === undefined ? undefined : await requiredMasterKey(terminal, to);
  await using log = await openLog(directory, { encryption });
  await log.rotateKeys(next === undefined ? {} : { to: next });
  const { length } = (await log.keys()).filter(({ state }) => state === "live");
  const text = json ? JSON.stringify({ rewrapped: length }) : `rewrapped ${formatPlural(length, "key")}`;
  await terminal.output.write(`${text}\n`);
}
