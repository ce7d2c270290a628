// The keys of an open log: which cipher seals and opens which payload, and what has to reach the key file before. What a
// writer uses was durable before: a key that could be lost in a crash would take its records with it.
import { PayloadCipher } from "../crypto/payload-cipher.ts";
import { type Random, randomBytes } from "../crypto/wrapping.ts";
import { failure } from "../errors.ts";
import { toHex } from "../format/hex.ts";
import type { KeyLine } from "../format/key-line.ts";
import { runBeside, type SyncSteps } from "../log/segments/sync-steps.ts";
import type { EncryptionSettings, MasterChoice } from "./encryption-options.ts";
import type { KeyFile } from "./key-file.ts";
import { loadKeyFile } from "./key-file.ts";
import type { DataKeyEntry, KeyTable } from "./key-table.ts";
import { type CryptoRuntime, type Master, newMaster, wipeChoice } from "./master.ts";
import { type KeyVault, newKek } from "./vault.ts";

/** An epoch that was begun by this opening of the log, and is durable. */
export interface Epoch {
  readonly number: string;
  readonly salt: string;
  /** Which one since the log was opened: 0, 1, 2, … */
  readonly generation: number;
}

/** Whose key encrypts: a subject's, or the stream's. */
export type KeyChoice = string | undefined;

/** A key as it may be shown to people. */
export interface KeyDescription {
  /** What the records that it encrypted name. */
  readonly key: string;
  readonly purpose: "stream" | "subject";
  /** The stream or the subject; `null` when it was erased: the name went with the key. */
  readonly name: string | null;
  readonly fingerprint: string;
  readonly state: "live" | "erasing" | "erased";
}

/** An erasure that was begun. */
export interface Erasure {
  readonly key: string;
  readonly fingerprint: string;
  readonly by: string;
  /** µs since the Unix epoch. */
  readonly at: number;
}

interface KeyringParts {
  readonly runtime: CryptoRuntime;
  readonly directory: string;
  readonly logId: string;
  readonly settings: EncryptionSettings;
  /** `null` for readers. */
  readonly file: KeyFile | null;
  readonly table: KeyTable;
  readonly vault: KeyVault;
  readonly master: Master;
}

const SALT_BYTES = 32;
// Ciphers for reading that are kept ready.
const KEPT_CIPHERS = 256;

export class Keyring {
  readonly #parts: KeyringParts;
  readonly #vault: KeyVault;
  readonly #ciphers = new Map<string, PayloadCipher>();
  readonly #users = new Set<KeyringUser>();
  // Keys whose erasure was begun. When it failed, the next opening may find it on the disk and end it: what is encrypted
  // with them from then on would be lost.
  readonly #doomed = new Set<string>();
  #table: KeyTable;
  #master: Master;
  #epoch: Epoch | null = null;
  #closed = false;
  #rotating: Promise<unknown> = Promise.resolve();
  // Work on the key file, one after the other.
  #work: Promise<unknown> = Promise.resolve();
  #working = 0;

  constructor(parts: KeyringParts) {
    this.#parts = parts;
    this.#vault = parts.vault;
    this.#table = parts.table;
    this.#master = parts.master;
  }

  /** Whether the key file is being written to. */
  get isBusy(): boolean {
    return this.#working > 0;
  }

  /** Runs work on the key file after all that was asked for before. */
  run<T>(work: () => SyncSteps<T>): Promise<T> {
    this.#working++;
    const done = this.#work.then(async () => {
      try {
        return await runBeside(work());
      } finally {
        this.#working--;
      }
    });
    this.#work = done.catch(() => undefined);
    return done;
  }

  /** Waits for work on the key file, and lets go of all keys. */
  async close(): Promise<void> {
    const { file } = this.#parts;
    this.#closed = true;
    try {
      if (file !== null) await this.run(() => file.seal());
    } finally {
      file?.close();
      this.#vault.drop();
      this.#master.drop();
      for (const cipher of this.#ciphers.values()) cipher.drop();
      this.#ciphers.clear();
    }
  }

  // Writing.

  /** Tells `user` when a key must not be used any more. */
  register(user: KeyringUser): void {
    this.#users.add(user);
  }

  unregister(user: KeyringUser): void {
    this.#users.delete(user);
  }

  /** Whether what is appended to a stream without a `keyId` is encrypted. */
  encrypts(stream: string): boolean {
    return this.#table.keyOf("stream", stream) !== undefined || this.#parts.settings.isChosen(stream);
  }

  /** Whether the epoch with this number was begun with these keys. */
  hasEpoch(epoch: number): boolean {
    return this.#table.epochs.has(numberText(epoch));
  }

  /**
   * The cipher for a stream's payloads under a key, in an epoch; `null` when there is no such key yet.
   *
   * @throws {KeyError} `SUBJECT_ERASED`
   * @throws {CorruptionError} `KEY_FILE_INVALID`
   */
  sealing(stream: string, choice: KeyChoice, epoch: Epoch): PayloadCipher | null {
    const entry = this.#entryOf(stream, choice);
    if (entry === null) return null;
    const { line } = entry.place;
    const aead = this.#vault.payloadKey(line, epoch.salt, stream);
    if (aead === null) throw this.#notOpened(entry);
    const numbers = { key: numberOf(line.key), epoch: numberOf(epoch.number) };
    return new PayloadCipher({ logId: this.#parts.logId, stream }, numbers, aead);
  }

  /** The newest epoch that this opening has begun, unless it is older than `generation`. */
  epochSince(generation: number): Epoch | null {
    return this.#epoch !== null && this.#epoch.generation >= generation ? this.#epoch : null;
  }

  /** Makes the keys and the epoch that a stream needs and that are not there yet. They are durable when it has ended. */
  *make(stream: string, choices: Iterable<KeyChoice>, generation: number): SyncSteps {
    const lines: KeyLine[] = [];
    const numbers = new Set<string>();
    const names = new Set<string>();
    for (const choice of choices) {
      if (choice === undefined && !this.encrypts(stream)) continue;
      const [purpose, of] = this.#nameOf(stream, choice);
      if (names.has(`${purpose}:${of}`) || this.#table.keyOf(purpose, of) !== undefined) continue;
      names.add(`${purpose}:${of}`);
      lines.push(this.#vault.makeKey(this.#newNumber(numbers), purpose, of, choice ?? ""));
    }
    let epoch: Epoch | null = null;
    if (this.epochSince(generation) === null) {
      const salt = toHex(randomBytes(this.#parts.runtime.random, SALT_BYTES));
      epoch = { number: this.#newNumber(numbers), salt, generation: (this.#epoch?.generation ?? -1) + 1 };
      lines.push({ type: "epoch", epoch: epoch.number, salt });
    }
    yield* this.#writable.append(lines);
    this.#epoch = epoch ?? this.#epoch;
  }

  get #writable(): KeyFile {
    const { file, directory } = this.#parts;
    if (file === null) throw failure("LOG_READ_ONLY", { directory });
    return file;
  }

  #nameOf(stream: string, choice: KeyChoice): ["stream" | "subject", string] {
    return choice === undefined ? ["stream", stream] : ["subject", this.#vault.tag(choice)];
  }

  #entryOf(stream: string, choice: KeyChoice): DataKeyEntry | null {
    const key = this.#table.keyOf(...this.#nameOf(stream, choice));
    if (key === undefined) return null;
    const entry = this.#table.keys.get(key) as DataKeyEntry;
    if (entry.state === "live" && !this.#doomed.has(key)) return entry;
    const { fingerprint } = entry.place.line;
    throw failure("SUBJECT_ERASED", { directory: this.#parts.directory, fingerprint });
  }

  // Random, not counted: a key file that was restored from an older copy, or copied and written to twice, must not make a
  // number mean something else than in the records that name it.
  #newNumber(taken: Set<string>): string {
    return newNumber(this.#parts.runtime.random, (number) => {
      if (taken.has(number) || this.#table.keys.has(number) || this.#table.epochs.has(number)) return false;
      taken.add(number);
      return true;
    });
  }

  // Reading.

  /**
   * The payload of the encrypted record of a stream whose header is at `header`.
   *
   * @throws {KeyError} `PAYLOAD_ERASED`, `PAYLOAD_KEY_MISSING`, `KEYS_ROTATED`
   * @throws {CorruptionError} `PAYLOAD_UNREADABLE`
   * @throws {UsageError} `LOG_CLOSED`
   */
  open(stream: string, offset: number, numbers: { key: number; epoch: number }, open: OpenWith): Uint8Array {
    this.#checkOpen();
    const name = `${numbers.key}.${numbers.epoch}.${stream}`;
    let cipher = this.#ciphers.get(name);
    if (cipher === undefined) {
      cipher = this.#opening(stream, offset, numbers);
      this.#keep(name, cipher);
    }
    const payload = open(cipher);
    if (payload === null) throw failure("PAYLOAD_UNREADABLE", { stream, offset });
    return payload;
  }

  #checkOpen(): void {
    if (this.#closed) throw failure("LOG_CLOSED", { directory: this.#parts.directory });
  }

  #opening(stream: string, offset: number, numbers: { key: number; epoch: number }): PayloadCipher {
    const [key, epoch] = [numberText(numbers.key), numberText(numbers.epoch)];
    if (!this.#table.keys.has(key) || !this.#table.epochs.has(epoch)) this.#lookAgain();
    const entry = this.#table.keys.get(key);
    if (entry !== undefined && entry.state !== "live") {
      throw failure("PAYLOAD_ERASED", { stream, offset, fingerprint: entry.place.line.fingerprint });
    }
    const salt = this.#table.epochs.get(epoch);
    if (entry === undefined || salt === undefined) {
      throw failure("PAYLOAD_KEY_MISSING", { stream, offset, key, epoch });
    }
    const aead = this.#vault.payloadKey(entry.place.line, salt, stream);
    if (aead === null) throw this.#notOpened(entry);
    return new PayloadCipher({ logId: this.#parts.logId, stream }, numbers, aead);
  }

  #notOpened({ place }: DataKeyEntry): Error {
    if (place.line.kek !== this.#vault.kek) return failure("KEYS_ROTATED", { path: this.#table.path });
    return this.#table.invalid(place.n, "W9", "its key does not open");
  }

  #keep(name: string, cipher: PayloadCipher): void {
    if (this.#ciphers.size >= KEPT_CIPHERS) {
      const [oldest] = this.#ciphers.keys() as Iterable<string>;
      this.#forget(oldest as string);
    }
    this.#ciphers.set(name, cipher);
  }

  #forget(name: string): void {
    this.#ciphers.get(name)?.drop();
    this.#ciphers.delete(name);
  }

  // A writer in another process may have made keys since.
  #lookAgain(): void {
    if (this.#parts.file !== null) return;
    const read = loadKeyFile(this.#parts.runtime.files, this.#table.path, this.#parts.logId);
    if (read !== null) this.#table = read.table;
  }

  // Rotation and erasure.

  /**
   * Replaces the key-encryption key, and the master when another is given. Records stay as they are.
   *
   * @throws {StorageError} when it could not be made durable. Where only the wiping of the old keys has failed, the new
   *   ones are in force all the same, and the next opening for writing wipes the old.
   */
  rotate(choice: MasterChoice | null): Promise<void> {
    // In the order of the calls: one without a master keeps that which the one before has put in force.
    const rotated = this.#rotating.then(() => this.#rotateNow(choice));
    this.#rotating = rotated.catch(() => undefined);
    return rotated;
  }

  async #rotateNow(choice: MasterChoice | null): Promise<void> {
    const { runtime, logId } = this.#parts;
    let master = this.#master;
    try {
      this.#checkOpen();
      if (choice !== null) master = await newMaster(runtime, choice);
    } finally {
      if (choice !== null) wipeChoice(choice);
    }
    const { raw, ...kek } = newKek(runtime, this.#newNumber(new Set()));
    let isInForce = false;
    try {
      const wrapped = await master.wrap(raw, { logId, kek: kek.number });
      this.#checkOpen();
      await this.run(() =>
        this.#rotateTo(kek, { type: "kek", kek: kek.number, from: master.description, wrapped }, () => {
          isInForce = true;
          if (master !== this.#master) this.#master.drop();
          this.#master = master;
        }),
      );
    } finally {
      raw.fill(0);
      if (!isInForce) kek.key.drop();
      if (!isInForce && master !== this.#master) master.drop();
    }
  }

  *#rotateTo(kek: { number: string; key: PreparedKey }, line: KeyLine, onForce: () => void): SyncSteps {
    const lines: KeyLine[] = [line];
    for (const { place, state } of this.#table.keys.values()) {
      if (state !== "live") continue;
      const rewrapped = this.#vault.rewrap(place.line, kek);
      if (rewrapped === null) throw this.#notOpened({ place, state, sealed: "" });
      lines.push(rewrapped);
    }
    yield* this.#writable.append([...lines, { type: "rotated", kek: kek.number }]);
    this.#vault.use(kek);
    onForce();
    yield* this.#writable.wipeDead();
  }

  /**
   * Destroys a subject's key on the disk and in memory; from its first durable step on nobody can use it.
   *
   * @throws {KeyError} `SUBJECT_UNKNOWN`, `SUBJECT_ERASED`
   */
  async destroy(keyId: string, { by, at }: { by: string; at: number }): Promise<Erasure> {
    const key = await this.run(() => this.#destroy(keyId, by, at));
    return this.#erasureOf(key, this.#table.keys.get(key) as DataKeyEntry);
  }

  // Its key may just have been being made when this was asked for.
  *#destroy(keyId: string, by: string, at: number): SyncSteps<string> {
    this.#checkOpen();
    const key = this.#table.keyOf("subject", this.#vault.tag(keyId));
    if (key === undefined) throw failure("SUBJECT_UNKNOWN", { directory: this.#parts.directory });
    const { state, place } = this.#table.keys.get(key) as DataKeyEntry;
    const { fingerprint } = place.line;
    if (state === "erased") throw failure("SUBJECT_ERASED", { directory: this.#parts.directory, fingerprint });
    this.#doomed.add(key);
    const number = numberOf(key);
    for (const user of this.#users) user.forgetKey(number);
    // One that was begun before and did not end is gone on with.
    if (state === "live") {
      const sealed = this.#vault.sealErasure(key, JSON.stringify({ by, at }));
      yield* this.#writable.append([{ type: "erase", key, sealed }]);
    }
    for (const name of [...this.#ciphers.keys()]) if (name.startsWith(`${number}.`)) this.#forget(name);
    yield* this.#writable.wipeDead();
    return key;
  }

  /** The erasures whose receipts may be missing. */
  unfinishedErasures(): Erasure[] {
    return [...this.#table.keys].flatMap(([key, entry]) =>
      entry.state === "erasing" ? [this.#erasureOf(key, entry)] : [],
    );
  }

  #erasureOf(key: string, { place, sealed }: DataKeyEntry): Erasure {
    const text = this.#vault.openErasure(key, sealed);
    if (text === null) throw this.#table.invalid(place.n, "W9", "its erasure was not wanted by a holder of the keys");
    const { by, at } = JSON.parse(text) as { by: string; at: number };
    return { key, fingerprint: place.line.fingerprint, by, at };
  }

  /** All receipts of an erasure are durable. */
  finishErasure({ key }: Erasure): Promise<void> {
    return this.run(() => this.#finishErasure(key));
  }

  *#finishErasure(key: string): SyncSteps {
    this.#checkOpen();
    if (this.#table.keys.get(key)?.state === "erasing") yield* this.#writable.append([{ type: "erased", key }]);
  }

  /** All keys for payloads, in the order in which they were made. */
  list(): KeyDescription[] {
    return [...this.#table.keys].flatMap(([key, { place, state }]) => {
      const { purpose, of, fingerprint } = place.line;
      if (purpose === "tags") return [];
      const name = purpose === "stream" ? of : state === "live" ? this.#vault.nameOf(place.line) : null;
      return [{ key, purpose, name, fingerprint, state }];
    });
  }

  /** Whether the key with this number is there and not erased. */
  isLive(key: number): boolean {
    return this.#table.keys.get(numberText(key))?.state === "live";
  }
}

type PreparedKey = Parameters<KeyVault["use"]>[0]["key"];
type OpenWith = (cipher: PayloadCipher) => Uint8Array | null;

/** Has ciphers of its own. */
export interface KeyringUser {
  forgetKey(key: number): void;
}

/** A random number for a key or an epoch that nobody has had. */
export function newNumber(random: Random, isFree: (number: string) => boolean): string {
  for (;;) {
    const number = toHex(randomBytes(random, 4));
    if (number !== NONE && isFree(number)) return number;
  }
}

const NONE = "00000000";

export function numberOf(text: string): number {
  return Number.parseInt(text, 16);
}

export function numberText(number: number): string {
  return number.toString(16).padStart(8, "0");
}
