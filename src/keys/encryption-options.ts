// What a caller may choose about encryption, checked once. Errors never show what was given.
import { failure } from "../errors.ts";
import { MOST_LANES, MOST_MEMORY_KIB, MOST_PASSES } from "../format/key-line.ts";
import { isStreamName } from "../format/stream-name.ts";
import type { StretchCost } from "../runtime.ts";

/** A key management service, or anything else that keeps a master key to itself. */
export interface KeyProvider {
  /** Encrypts a key of 32 bytes. What it returns, at most 16,384 bytes, is kept in the log's folder. */
  wrap(key: Uint8Array, context: KeyContext): Promise<Uint8Array>;
  /** Decrypts what `wrap` returned. Rejects when it cannot; that error is passed on as it is. */
  unwrap(wrapped: Uint8Array, context: KeyContext): Promise<Uint8Array>;
}

/** Which key is meant: the same for `wrap` and `unwrap`, so that it can be bound to the ciphertext. */
export interface KeyContext {
  readonly logId: string;
  readonly keyId: string;
}

/** The master key: exactly one of these. */
export interface MasterKeyOptions {
  /** 32 random bytes. Copied; the caller may wipe its own once the log is open. */
  readonly masterKey?: Uint8Array;
  /** A file with 32 bytes, or 64 hexadecimal digits in one line. It may be a link. Keep it where the log's folder is not. */
  readonly masterKeyFile?: string;
  /** Stretched with Argon2id, which takes about half a second at each open. */
  readonly passphrase?: string;
  /** What stretching a new passphrase costs. Default: 65,536 KiB, 3 passes, 4 lanes (RFC 9106, second choice). */
  readonly passphraseCost?: StretchCost;
  readonly provider?: KeyProvider;
}

export interface EncryptionOptions extends MasterKeyOptions {
  /**
   * Streams whose payloads are encrypted. Default `"all"`. A stream that was encrypted once stays so, whatever is said
   * here; `keyId` encrypts in any stream.
   */
  readonly streams?: "all" | readonly string[];
  /** Make keys when there are none. Default: only while the log has no stream. */
  readonly create?: boolean;
}

/** A master key, as it was given. */
export type MasterChoice =
  | { readonly kind: "key"; readonly key: Uint8Array }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "passphrase"; readonly passphrase: string; readonly cost: StretchCost }
  | { readonly kind: "provider"; readonly provider: KeyProvider };

export interface EncryptionSettings {
  readonly master: MasterChoice;
  readonly isChosen: (stream: string) => boolean;
  readonly create: boolean | undefined;
}

const DEFAULT_COST: StretchCost = { memoryKib: 65_536, passes: 3, lanes: 4 };
const MASTER_OPTIONS = ["masterKey", "masterKeyFile", "passphrase", "provider"] as const;
const KNOWN_OF_MASTER: ReadonlySet<string> = new Set([...MASTER_OPTIONS, "passphraseCost"]);
const KNOWN: ReadonlySet<string> = new Set([...KNOWN_OF_MASTER, "streams", "create"]);

/** @throws {UsageError} `OPTION_INVALID` */
export function encryptionSettings(options: EncryptionOptions): EncryptionSettings {
  const master = masterChoice(options, "encryption");
  const { streams = "all", create } = options;
  if (streams !== "all" && !(Array.isArray(streams) && streams.every((name) => isStreamName(name)))) {
    throw invalid("encryption.streams", '"all" or an array of stream names');
  }
  if (create !== undefined && typeof create !== "boolean") throw invalid("encryption.create", "true or false");
  const chosen = new Set(streams === "all" ? [] : streams);
  return { master, isChosen: (stream) => streams === "all" || chosen.has(stream), create };
}

/** @throws {UsageError} `OPTION_INVALID` */
export function masterChoice(options: MasterKeyOptions, name: string): MasterChoice {
  if (typeof options !== "object" || options === null) throw invalid(name, "an object");
  const known = name === "encryption" ? KNOWN : KNOWN_OF_MASTER;
  const unknown = Object.keys(options).find((key) => !known.has(key));
  if (unknown !== undefined) {
    const expected = `one of ${[...known].join(", ")}`;
    throw failure("OPTION_INVALID", { option: `${name}.${unknown}`, value: "not known", expected });
  }
  const given = MASTER_OPTIONS.filter((option) => options[option] !== undefined);
  if (given.length !== 1) throw invalid(name, `an object with exactly one of ${MASTER_OPTIONS.join(", ")}`);
  const { masterKey, masterKeyFile, passphrase, provider } = options;
  if (masterKey !== undefined) {
    // Not by slice: a Buffer's is a view, and this copy will be wiped.
    if (masterKey instanceof Uint8Array && masterKey.length === 32) {
      return { kind: "key", key: new Uint8Array(masterKey) };
    }
    throw invalid(`${name}.masterKey`, "a Uint8Array of 32 bytes");
  }
  if (masterKeyFile !== undefined) {
    if (typeof masterKeyFile === "string" && masterKeyFile !== "") return { kind: "file", path: masterKeyFile };
    throw invalid(`${name}.masterKeyFile`, "the path of a file");
  }
  if (passphrase !== undefined) {
    if (typeof passphrase !== "string" || passphrase === "" || !passphrase.isWellFormed()) {
      throw invalid(`${name}.passphrase`, "a string that is not empty");
    }
    return { kind: "passphrase", passphrase, cost: stretchCost(options.passphraseCost ?? DEFAULT_COST, name) };
  }
  if (typeof provider?.wrap !== "function" || typeof provider.unwrap !== "function") {
    throw invalid(`${name}.provider`, "an object with wrap and unwrap");
  }
  return { kind: "provider", provider };
}

function stretchCost(cost: StretchCost, name: string): StretchCost {
  const { memoryKib, passes, lanes } = cost;
  const isWhole = (value: number, least: number, most: number) =>
    Number.isSafeInteger(value) && value >= least && value <= most;
  if (
    isWhole(lanes, 1, MOST_LANES) &&
    isWhole(passes, 1, MOST_PASSES) &&
    isWhole(memoryKib, 8 * lanes, MOST_MEMORY_KIB)
  ) {
    return { memoryKib, passes, lanes };
  }
  const expected = `lanes of 1 to ${MOST_LANES}, passes of 1 to ${MOST_PASSES}, memoryKib of 8 for each lane to ${MOST_MEMORY_KIB}`;
  throw invalid(`${name}.passphraseCost`, expected);
}

// What was given may be a secret.
function invalid(option: string, expected: string): Error {
  return failure("OPTION_INVALID", { option, value: "something else", expected });
}
