// The master key: wraps key-encryption keys and nothing else. It is a key of this process, or somebody's whom it asks.
import { KEY_BYTES, randomBytes, unwrap, wrap } from "../crypto/wrapping.ts";
import { failure } from "../errors.ts";
import { fromHex, toHex } from "../format/hex.ts";
import type { KekLine, MasterDescription } from "../format/key-line.ts";
import type { Aead, AeadKey, Runtime, StretchCost } from "../runtime.ts";
import type { KeyProvider, MasterChoice } from "./encryption-options.ts";

/** A runtime that can encrypt. */
export interface CryptoRuntime
  extends Pick<Runtime, "random" | "files" | "passphrases" | "description" | "nativeHashing"> {
  readonly aead: Aead;
}

/** Where a key-encryption key belongs. */
export interface KekPlace {
  readonly logId: string;
  readonly kek: string;
}

/** A master key, ready to use. */
export interface Master {
  readonly description: MasterDescription;
  wrap(kek: Uint8Array, place: KekPlace): Promise<string>;
  /** `null` when the key was wrapped by another master, as far as that can be told. */
  unwrap(line: KekLine, logId: string): Promise<Uint8Array | null>;
  /** Lets go of the key. */
  drop(): void;
}

const SALT_BYTES = 16;
const KEY_FILE_MAX_BYTES = 4096;
const MOST_WRAPPED_BYTES = 16_384;

/** Wipes the key that was given, once it is ready to use. A passphrase is a text, which nobody can wipe. */
export function wipeChoice(choice: MasterChoice): void {
  if (choice.kind === "key") choice.key.fill(0);
}

/** Readies a master that will wrap a new key. */
export function newMaster(runtime: CryptoRuntime, choice: MasterChoice): Promise<Master> {
  const salt = toHex(randomBytes(runtime.random, SALT_BYTES));
  const description: MasterDescription =
    choice.kind === "passphrase"
      ? { master: "passphrase", salt, ...choice.cost }
      : { master: choice.kind === "provider" ? "provider" : "key" };
  return makeMaster(runtime, choice, description);
}

/**
 * Readies the master that is said to have wrapped a key.
 *
 * @throws {KeyError} `KEY_WRONG` when what was given is of another kind
 */
export async function knownMaster(
  runtime: CryptoRuntime,
  choice: MasterChoice,
  description: MasterDescription,
  path: string,
): Promise<Master> {
  const kind = choice.kind === "file" ? "key" : choice.kind;
  if (kind === description.master) return makeMaster(runtime, choice, description);
  const [wanted, given] = [WORDS[description.master], WORDS[kind]];
  throw failure("KEY_WRONG", { path, reason: `it is kept by ${wanted}, and ${given} was given` });
}

const WORDS = { key: "a master key", passphrase: "a passphrase", provider: "a provider" };

async function makeMaster(
  runtime: CryptoRuntime,
  choice: MasterChoice,
  description: MasterDescription,
): Promise<Master> {
  if (choice.kind === "provider") return new ProvidedMaster(choice.provider);
  const key = await keyOf(runtime, choice, description);
  const master = new KeyMaster(runtime, runtime.aead.prepareKey(key), description);
  key.fill(0);
  return master;
}

async function keyOf(
  runtime: CryptoRuntime,
  choice: Exclude<MasterChoice, { kind: "provider" }>,
  description: MasterDescription,
): Promise<Uint8Array> {
  if (choice.kind === "key") return new Uint8Array(choice.key);
  if (choice.kind === "file") return readKey(runtime, choice.path);
  if (runtime.passphrases === null) {
    throw failure("ENCRYPTION_UNAVAILABLE", { runtime: runtime.description, lacks: "Argon2id" });
  }
  const { salt, ...cost } = description as StretchCost & { salt: string };
  const { memoryKib, passes, lanes } = cost;
  // One text has several encodings; people cannot see which one their keyboard makes.
  const text = new TextEncoder().encode(choice.passphrase.normalize("NFC"));
  const key = await runtime.passphrases.stretch(text, fromHex(salt) as Uint8Array, { memoryKib, passes, lanes });
  text.fill(0);
  return key;
}

function readKey({ files }: CryptoRuntime, path: string): Uint8Array {
  // What was named by the caller may be a link, as secrets that a system mounts are.
  const place = files.followLinks(files.resolve(path));
  if (files.kind(place) !== "file") throw notKeyFile(`${path}, which is none`);
  const bytes = files.readSmall(place, KEY_FILE_MAX_BYTES);
  if (bytes.length === KEY_BYTES) return bytes;
  const key = fromHex(
    new TextDecoder()
      .decode(bytes)
      .replace(/\r?\n$/, "")
      .toLowerCase(),
  );
  bytes.fill(0);
  if (key?.length === KEY_BYTES) return key;
  throw notKeyFile("a file with something else");
}

function notKeyFile(value: string): Error {
  const expected = "a file with 32 bytes, or 64 hexadecimal digits in one line";
  return failure("OPTION_INVALID", { option: "masterKeyFile", value, expected });
}

class KeyMaster implements Master {
  readonly description: MasterDescription;
  readonly #runtime: CryptoRuntime;
  readonly #key: AeadKey;

  constructor(runtime: CryptoRuntime, key: AeadKey, description: MasterDescription) {
    this.#runtime = runtime;
    this.#key = key;
    this.description = description;
  }

  async wrap(kek: Uint8Array, { logId, kek: number }: KekPlace): Promise<string> {
    return wrap(this.#key, this.#runtime.random, ["kek", logId, number], kek);
  }

  async unwrap({ kek, wrapped }: KekLine, logId: string): Promise<Uint8Array | null> {
    return unwrap(this.#key, ["kek", logId, kek], wrapped);
  }

  drop(): void {
    this.#key.drop();
  }
}

class ProvidedMaster implements Master {
  readonly description: MasterDescription = { master: "provider" };
  readonly #provider: KeyProvider;

  constructor(provider: KeyProvider) {
    this.#provider = provider;
  }

  async wrap(kek: Uint8Array, { logId, kek: keyId }: KekPlace): Promise<string> {
    const copy = new Uint8Array(kek);
    const wrapped = await this.#provider.wrap(copy, { logId, keyId });
    copy.fill(0);
    if (wrapped instanceof Uint8Array && wrapped.length > 0 && wrapped.length <= MOST_WRAPPED_BYTES) {
      // As many zeros mean that it was wiped.
      if (wrapped.some((byte) => byte !== 0)) return toHex(wrapped);
    }
    throw failure("OPTION_INVALID", {
      option: "encryption.provider",
      value: "one whose wrap returned something else",
      expected: `one whose wrap returns 1 to ${MOST_WRAPPED_BYTES} bytes`,
    });
  }

  async unwrap({ kek: keyId, wrapped }: KekLine, logId: string): Promise<Uint8Array | null> {
    const key = await this.#provider.unwrap(fromHex(wrapped) as Uint8Array, { logId, keyId });
    // The provider's own may be kept there, and this one will be wiped.
    return key instanceof Uint8Array && key.length === KEY_BYTES ? new Uint8Array(key) : null;
  }

  drop(): void {
    // There is nothing to let go of.
  }
}
