/// <reference lib="esnext.disposable" preserve="true" />
// An open log: its identity, its streams, its lock.

import { failure } from "../errors.ts";
import type { LogIdentity } from "../format/log-identity.ts";
import { checkStreamName } from "../format/stream-name.ts";
import { type MasterKeyOptions, masterChoice } from "../keys/encryption-options.ts";
import type { KeyDescription, Keyring } from "../keys/keyring.ts";
import type { Runtime } from "../runtime.ts";
import { optionsOf } from "./call-options.ts";
import { type EraseOptions, type ErasureReport, eraseSubject } from "./erase.ts";
import type { WriteLock } from "./lock.ts";
import type { LogSettings } from "./options.ts";
import { streamNames } from "./segments/stream-names.ts";
import { Stream } from "./stream.ts";
import { checkKeyId } from "./writing/append-options.ts";

export class Log {
  /** The log's folder, absolute. */
  readonly directory: string;
  /** UUID that every segment of the log carries. */
  readonly id: string;
  /** When the log was made, µs since the Unix epoch. */
  readonly created: number;
  readonly readOnly: boolean;
  readonly #runtime: Runtime;
  readonly #settings: LogSettings;
  readonly #lock: WriteLock | null;
  readonly #streams = new Map<string, Stream>();
  // Erasures go one after the other: each looks for what the one before has said.
  #erasing: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | null = null;

  /** Made by `openLog`. */
  constructor(
    runtime: Runtime,
    directory: string,
    identity: LogIdentity,
    settings: LogSettings,
    lock: WriteLock | null,
  ) {
    this.directory = directory;
    this.id = identity.id;
    this.created = identity.created;
    this.readOnly = settings.readOnly;
    this.#runtime = runtime;
    this.#settings = settings;
    this.#lock = lock;
  }

  /**
   * A stream of the log. A writable log makes it when it is first appended to or read; the same name gives the same object.
   *
   * @throws {UsageError} `STREAM_NAME_INVALID`, `LOG_CLOSED`
   */
  stream(name: string): Stream {
    if (this.#closing !== null) throw failure("LOG_CLOSED", { directory: this.directory });
    checkStreamName(name);
    let stream = this.#streams.get(name);
    if (stream === undefined) {
      const folder = `${this.directory}/${name}`;
      const place = { runtime: this.#runtime, logId: this.id, stream: name, folder };
      stream = new Stream(place, this.#settings, this.directory);
      this.#streams.set(name, stream);
    }
    return stream;
  }

  /** The names of the streams that the folder holds, sorted. */
  async streams(): Promise<string[]> {
    return streamNames(this.#runtime.files, this.directory);
  }

  /**
   * Erases a subject: destroys its key, in memory and in every byte of the log's folder, so that nobody can read what was
   * appended with this `keyId`. Its records stay and verify as before; each stream that has some gets a record of kind
   * `tombstone` that says who erased what and when. Resolves when all of that is durable. It cannot be undone, and the
   * `keyId` cannot be used again.
   *
   * Once the erasure has begun it is gone on with, whatever fails: by the next call, or by the next opening for writing.
   * What was read before, copies of the folder and other processes' memory are not reached: see docs/encryption.md.
   *
   * @throws {KeyError} `SUBJECT_UNKNOWN`, `SUBJECT_ERASED`
   * @throws {CorruptionError} when a stream is damaged: the key is gone, and the receipts wait
   * @throws {UsageError} `ENCRYPTION_OFF`, `LOG_READ_ONLY`, `LOG_CLOSED`, `OPTION_INVALID`
   * @throws {StorageError} when a step could not be made durable
   */
  async eraseSubject(keyId: string, options: EraseOptions): Promise<ErasureReport> {
    const keyring = this.#writableKeys();
    const subject = checkKeyId(keyId ?? "") as string;
    const erased = this.#erasing.then(() => eraseSubject(this, keyring, this.#settings.clock, subject, options));
    this.#erasing = erased.catch(() => undefined);
    return erased;
  }

  /**
   * Replaces the keys that protect data keys: the key-encryption key, and with `to` the master key too, for which this is
   * the only way. Records are not touched. The old master key then opens nothing in this folder any more; in copies it
   * does.
   *
   * @throws {UsageError} `ENCRYPTION_OFF`, `LOG_READ_ONLY`, `LOG_CLOSED`, `OPTION_INVALID`, `ENCRYPTION_UNAVAILABLE`
   * @throws {KeyError} `KEYS_ROTATED`
   * @throws {CorruptionError} `KEY_FILE_INVALID` when one of the keys does not open
   * @throws {StorageError} when it could not be made durable
   */
  async rotateKeys(options: { readonly to?: MasterKeyOptions } = {}): Promise<void> {
    const { to } = optionsOf(options, { to: true });
    await this.#writableKeys().rotate(to === undefined ? null : masterChoice(to, "to"));
  }

  /** The keys for payloads, as far as they may be shown: never the keys themselves. Needs encryption. */
  async keys(): Promise<KeyDescription[]> {
    return this.#keys().list();
  }

  #keys(): Keyring {
    if (this.#closing !== null) throw failure("LOG_CLOSED", { directory: this.directory });
    const { keyring } = this.#settings;
    if (keyring === null) throw failure("ENCRYPTION_OFF", { directory: this.directory });
    return keyring;
  }

  #writableKeys(): Keyring {
    const keyring = this.#keys();
    if (this.readOnly) throw failure("LOG_READ_ONLY", { directory: this.directory });
    return keyring;
  }

  /** Makes durable what was appended to any stream before the call. */
  async flush(): Promise<void> {
    if (this.#settings.readOnly) return;
    await Promise.all([...this.#streams.values()].map((stream) => stream.flushIfOpen()));
  }

  /**
   * Waits for what is pending, makes all of it durable and lets the next writer in. Calling it again does nothing.
   *
   * @throws {StorageError} when something could not be made durable; the log is closed all the same
   */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #closeAll(): Promise<void> {
    const closed = await Promise.allSettled([...this.#streams.values()].map((stream) => stream.close()));
    closed.push(...(await Promise.allSettled([this.#settings.keyring?.close()])));
    try {
      this.#lock?.release();
    } catch (reason) {
      closed.push({ status: "rejected", reason });
    }
    for (const result of closed) if (result.status === "rejected") throw result.reason;
  }
}
