// diatreme keys: makes keys and shows their public halves. A private key is printed only when there is no other place for it.
import { PrivateKey } from "../crypto/private-key.ts";
import { PublicKey } from "../crypto/public-key.ts";
import { generateKeyOn, publicKeyOn } from "../crypto/signer.ts";
import { EXIT_SYSTEM, isFailure } from "../errors.ts";
import type { Runtime } from "../runtime.ts";
import { CommandError } from "./command-error.ts";
import { tell } from "./say.ts";
import { readSmallText } from "./small-text.ts";
import { type Host, OutputClosed, type Terminal } from "./terminal.ts";

export interface GenerateKeysArguments {
  /** Where the private key goes; `undefined`: to standard output. */
  readonly out: string | undefined;
  readonly jwk: boolean;
  readonly json: false;
}

export interface PublicKeyArguments {
  readonly file: string;
  readonly jwk: boolean;
  readonly id: boolean;
  readonly json: false;
}

export async function generateKeys({ terminal, runtime }: Host, { out, jwk }: GenerateKeysArguments): Promise<void> {
  const key = generateKeyOn(runtime);
  const publicKey = publicKeyOn(runtime, key);
  const text = jwk ? `${JSON.stringify(key.toJwk(publicKey))}\n` : key.toPem();
  if (out === undefined) {
    // It is nowhere else: who does not get it must know.
    await terminal.output.write(text).catch((error: unknown) => {
      if (!(error instanceof OutputClosed)) throw error;
      const message =
        "Nobody has read the private key from standard output: it is lost. Say --out FILE, or make another.";
      throw new CommandError("OUTPUT_FAILED", EXIT_SYSTEM, message, {}, error);
    });
  } else {
    await terminal.createSecretFile(out, text);
    await terminal.output.write(publicText(publicKey, jwk));
  }
  await tell(terminal, `diatreme: made key ${publicKey.id}${out === undefined ? "" : `, private in ${out}`}`);
}

export async function showPublicKey({ terminal, runtime }: Host, args: PublicKeyArguments): Promise<void> {
  const key = publicKeyIn(runtime, await readSmallText(terminal, args.file));
  await terminal.output.write(args.id ? `${key.id}\n` : publicText(key, args.jwk));
}

/** The private key in a file; `-` is standard input. */
export async function readPrivateKey(terminal: Terminal, file: string): Promise<PrivateKey> {
  return PrivateKey.parse(await readSmallText(terminal, file));
}

/** The public keys in files, private ones refused. */
export async function readPublicKeys(terminal: Terminal, files: readonly string[]): Promise<PublicKey[]> {
  const keys: PublicKey[] = [];
  for (const file of files) keys.push(PublicKey.parse(await readSmallText(terminal, file)));
  return keys;
}

function publicKeyIn(runtime: Runtime, text: string): PublicKey {
  try {
    return publicKeyOn(runtime, PrivateKey.parse(text));
  } catch (error) {
    if (!isFailure(error, "KEY_INVALID") || !isPublic(text)) throw error;
    return PublicKey.parse(text);
  }
}

function isPublic(text: string): boolean {
  return text.includes("BEGIN PUBLIC KEY") || (text.trimStart().startsWith("{") && !/"d"\s*:/.test(text));
}

function publicText(key: PublicKey, jwk: boolean): string {
  return jwk ? `${JSON.stringify(key.toJwk())}\n` : key.toPem();
}
