// What an opened key-encryption key opens: data keys, and what is derived from them. Knows no files. Raw keys live here for
// as long as a call takes, apart from the one that makes tags.
import { hkdf, hmac } from "../crypto/hkdf.ts";
import { sha256Of } from "../crypto/sha256.ts";
import { KEY_BYTES, randomBytes, unwrap, wrap } from "../crypto/wrapping.ts";
import { fromHex, toHex } from "../format/hex.ts";
import type { DataKeyLine, KeyPurpose } from "../format/key-line.ts";
import type { AeadKey } from "../runtime.ts";
import type { CryptoRuntime } from "./master.ts";

const PAYLOAD_INFO = "diatreme.payload/v1";
const FINGERPRINT_INFO = "diatreme.fingerprint/v1";
const TAG_TITLE = "diatreme.tag/v1";
const ERASE_INFO = "diatreme.erase/v1";
const TAG_BYTES = 16;
const FINGERPRINT_BYTES = 16;
const NO_SALT = new Uint8Array(0);

const encoder = new TextEncoder();

/** A key-encryption key in use: its number, and the key itself. */
export interface OpenKek {
  readonly number: string;
  readonly key: AeadKey;
}

/** What a data key's line says beside what it wraps. */
export type DataKeyName = Pick<DataKeyLine, "key" | "purpose" | "of">;

export class KeyVault {
  readonly #runtime: CryptoRuntime;
  readonly #logId: string;
  readonly #sha256: ReturnType<typeof sha256Of>;
  readonly #tagKey: Uint8Array;
  #kek: OpenKek;

  private constructor(runtime: CryptoRuntime, logId: string, kek: OpenKek, tagKey: Uint8Array) {
    this.#runtime = runtime;
    this.#logId = logId;
    this.#sha256 = sha256Of(runtime);
    this.#tagKey = tagKey;
    this.#kek = kek;
  }

  /** Opens the vault by the line of the key that makes tags; `null` when that is not of this key-encryption key. */
  static open(runtime: CryptoRuntime, logId: string, kek: OpenKek, tagLine: DataKeyLine): KeyVault | null {
    const tagKey = unwrap(kek.key, purposeOf(tagLine, logId, kek.number), tagLine.wrapped);
    return tagKey?.length === KEY_BYTES ? new KeyVault(runtime, logId, kek, tagKey) : null;
  }

  /** Number of the key-encryption key in use. */
  get kek(): string {
    return this.#kek.number;
  }

  /** From now on another key-encryption key wraps. */
  use(kek: OpenKek): void {
    this.#kek.key.drop();
    this.#kek = kek;
  }

  drop(): void {
    this.#kek.key.drop();
    this.#tagKey.fill(0);
  }

  /** What stands for a subject's name, for whoever has not the key: it does not tell the name. */
  tag(keyId: string): string {
    return toHex(hmac(this.#sha256, this.#tagKey, encoder.encode(`${TAG_TITLE}\n${keyId}`)).subarray(0, TAG_BYTES));
  }

  /** The line of a new data key. `name` is kept with it, and is destroyed with it. */
  makeKey(key: string, purpose: KeyPurpose, of: string, name: string): DataKeyLine {
    return newDataKey(this.#runtime, this.#logId, this.#kek, { key, purpose, of }, name);
  }

  /** The line that wraps the same key with another key-encryption key; `null` when this one does not open it. */
  rewrap(line: DataKeyLine, kek: OpenKek): DataKeyLine | null {
    const secret = this.#unwrap(line);
    if (secret === null) return null;
    const purpose = purposeOf(line, this.#logId, kek.number);
    const wrapped = wrap(kek.key, this.#runtime.random, purpose, secret);
    secret.fill(0);
    return { ...line, kek: kek.number, wrapped };
  }

  /** The name that was kept with a key; `null` when the key does not open. */
  nameOf(line: DataKeyLine): string | null {
    const secret = this.#unwrap(line);
    if (secret === null) return null;
    const name = new TextDecoder().decode(secret.subarray(KEY_BYTES));
    secret.fill(0);
    return name;
  }

  /** The key for a stream's payloads in the epoch with this salt; `null` when the data key does not open. */
  payloadKey(line: DataKeyLine, salt: string, stream: string): AeadKey | null {
    const secret = this.#unwrap(line);
    if (secret === null) return null;
    const dataKey = secret.subarray(0, KEY_BYTES);
    const info = encoder.encode(`${PAYLOAD_INFO}\n${this.#logId}\n${stream}\n`);
    const derived = hkdf(this.#sha256, { secret: dataKey, salt: fromHex(salt) as Uint8Array, info, bytes: KEY_BYTES });
    secret.fill(0);
    return this.#prepared(derived);
  }

  /** Seals what belongs to the erasure of a key. It stays readable when keys are rotated. */
  sealErasure(key: string, text: string): string {
    const sealing = this.#erasureKey();
    const sealed = wrap(sealing, this.#runtime.random, ["erase", this.#logId, key], encoder.encode(text));
    sealing.drop();
    return sealed;
  }

  /** What was sealed; `null` when it was not by this vault. */
  openErasure(key: string, sealed: string): string | null {
    const opening = this.#erasureKey();
    const text = unwrap(opening, ["erase", this.#logId, key], sealed);
    opening.drop();
    return text === null ? null : new TextDecoder().decode(text);
  }

  #erasureKey(): AeadKey {
    const info = encoder.encode(`${ERASE_INFO}\n${this.#logId}\n`);
    return this.#prepared(hkdf(this.#sha256, { secret: this.#tagKey, salt: NO_SALT, info, bytes: KEY_BYTES }));
  }

  #prepared(raw: Uint8Array): AeadKey {
    const key = this.#runtime.aead.prepareKey(raw);
    raw.fill(0);
    return key;
  }

  #unwrap(line: DataKeyLine): Uint8Array | null {
    if (line.kek !== this.#kek.number) return null;
    const secret = unwrap(this.#kek.key, purposeOf(line, this.#logId, this.#kek.number), line.wrapped);
    return secret !== null && secret.length >= KEY_BYTES ? secret : null;
  }
}

/** The line of a new data key under a key-encryption key. */
export function newDataKey(
  runtime: CryptoRuntime,
  logId: string,
  kek: OpenKek,
  name: DataKeyName,
  kept: string,
): DataKeyLine {
  const text = encoder.encode(kept);
  const secret = new Uint8Array(KEY_BYTES + text.length);
  secret.set(text, KEY_BYTES);
  const dataKey = secret.subarray(0, KEY_BYTES);
  runtime.random(dataKey);
  const info = encoder.encode(`${FINGERPRINT_INFO}\n`);
  const parts = { secret: dataKey, salt: NO_SALT, info, bytes: FINGERPRINT_BYTES };
  const fingerprint = toHex(hkdf(sha256Of(runtime), parts));
  const wrapped = wrap(kek.key, runtime.random, purposeOf(name, logId, kek.number), secret);
  secret.fill(0);
  const { key, purpose, of } = name;
  return { type: "data", key, purpose, of, kek: kek.number, fingerprint, wrapped };
}

/** A new key-encryption key. The caller wipes `raw`. */
export function newKek(runtime: CryptoRuntime, number: string): OpenKek & { readonly raw: Uint8Array } {
  const raw = randomBytes(runtime.random, KEY_BYTES);
  return { number, key: runtime.aead.prepareKey(raw), raw };
}

function purposeOf({ key, purpose, of }: DataKeyName, logId: string, kek: string): readonly string[] {
  return [purpose, logId, kek, key, of];
}
