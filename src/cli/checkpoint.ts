// diatreme checkpoint: makes a checkpoint and prints the text to keep elsewhere.
import { EXIT_USAGE } from "../errors.ts";
import type { StreamCheckpoint } from "../log/stream-checkpoint.ts";
import { CommandError } from "./command-error.ts";
import { readPrivateKey, readPublicKeys } from "./keys.ts";
import type { Host } from "./terminal.ts";

export interface CheckpointArguments {
  readonly directory: string;
  readonly stream: string;
  /** File of the private key; `undefined`: it is not signed. */
  readonly key: string | undefined;
  /** Look for one that is there instead of making one. */
  readonly latest: boolean;
  /** Files of keys that are trusted. */
  readonly publicKeys: readonly string[];
  readonly json: boolean;
}

export async function checkpoint(host: Host, args: CheckpointArguments): Promise<void> {
  const { signedBy, ...found } = args.latest ? await latest(host, args) : await made(host, args);
  const told = args.json ? `${JSON.stringify({ ...found, signedBy: signedBy?.id ?? null })}\n` : found.note;
  await host.terminal.output.write(told);
}

async function made(
  { terminal, openLog }: Host,
  { directory, stream, key }: CheckpointArguments,
): Promise<StreamCheckpoint> {
  const signer = key === undefined ? {} : { signer: await readPrivateKey(terminal, key) };
  // A mistyped name must not make a log or a stream.
  await using log = await openLog(directory, { create: false, ...signer });
  await log.stream(stream).inspect();
  return await log.stream(stream).checkpoint();
}

async function latest({ terminal, openLog }: Host, args: CheckpointArguments): Promise<StreamCheckpoint> {
  const publicKeys = await readPublicKeys(terminal, args.publicKeys);
  await using log = await openLog(args.directory, { readOnly: true, publicKeys });
  const found = await log.stream(args.stream).latestCheckpoint();
  if (found !== null) return found;
  const by = publicKeys.length === 0 ? "" : ` signed by ${publicKeys.map(({ id }) => id).join(" or ")}`;
  const message = `"${args.stream}" holds no checkpoint${by}. Make one: diatreme checkpoint ${args.directory} ${args.stream}.`;
  throw new CommandError("NO_CHECKPOINT", EXIT_USAGE, message, { stream: args.stream });
}
