// What a reader hands out: one record, decoded when asked.
import {
  DIGEST_BYTES,
  ENTRY_BYTES,
  FLAG_ENCRYPTED,
  KIND_TOMBSTONE,
  PAYLOAD_EXTRA_BYTES,
  RECORD_EPOCH_AT,
  RECORD_FLAGS_AT,
  RECORD_HEADER_BYTES,
  RECORD_KIND_AT,
  RECORD_LENGTH_AT,
  RECORD_PREVIOUS_AT,
  RECORD_TIMESTAMP_AT,
} from "../../../assembly/layout.ts";
import { failure } from "../../errors.ts";
import { toHex } from "../../format/hex.ts";
import { readU32 } from "../../format/u32.ts";
import { readU64 } from "../../format/u64.ts";
import type { Keyring } from "../../keys/keyring.ts";
import { hashingCore } from "../../wasm/hashing-core.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Checked records that lie one after the other, and their hashes. */
export interface RecordRun {
  readonly stream: string;
  readonly bytes: Uint8Array;
  /** `bytes` is the reader's memory, not a copy. */
  readonly zeroCopy: boolean;
  /** Holds the hash of each, one after the other, from `hashesAt` on; `null` when they were checked without hashing. */
  readonly hashes: Uint8Array | null;
  readonly hashesAt: number;
  /** What opens encrypted payloads. */
  readonly keyring: Keyring | null;
  /** Set when that memory is in use for something else by now. */
  expired: boolean;
}

/** A record of a stream. */
export class LogRecord {
  /** Ordinal of the record in its stream, from 0. */
  readonly offset: number;
  readonly #run: RecordRun;
  readonly #at: number;
  readonly #index: number;
  // The payload, once it was decrypted.
  #opened: Uint8Array | null = null;

  /** The record that begins `at` bytes into a run and is its `index`-th. */
  constructor(run: RecordRun, at: number, index: number, offset: number) {
    this.offset = offset;
    this.#run = run;
    this.#at = at;
    this.#index = index;
  }

  /** When it was appended, µs since the Unix epoch; never less than the record before. */
  get timestamp(): number {
    return readU64(this.#live().bytes, this.#at + RECORD_TIMESTAMP_AT);
  }

  get kind(): "data" | "tombstone" {
    return this.#live().bytes[this.#at + RECORD_KIND_AT] === KIND_TOMBSTONE ? "tombstone" : "data";
  }

  /** Length of the payload in bytes; when it is encrypted, of what it says. */
  get payloadBytes(): number {
    return this.isEncrypted ? Math.max(0, this.#storedBytes - PAYLOAD_EXTRA_BYTES) : this.#storedBytes;
  }

  /** Whether the payload is encrypted, and can be read with the right key only. All else of a record never is. */
  get isEncrypted(): boolean {
    return ((this.#live().bytes[this.#at + RECORD_FLAGS_AT] as number) & FLAG_ENCRYPTED) !== 0;
  }

  /** The payload as it is stored, encrypted or not: what the chain covers. Like `payload` the caller's, or a view. */
  get storedPayload(): Uint8Array {
    return this.#stored();
  }

  /** Number of the key that the payload is encrypted with; `null` when it is not. */
  get keyNumber(): number | null {
    if (!this.isEncrypted || this.#storedBytes < PAYLOAD_EXTRA_BYTES) return null;
    return readU32(this.#live().bytes, this.#at + RECORD_HEADER_BYTES);
  }

  /**
   * The payload. It is the caller's: nothing else writes to it. Small payloads that were read together share an
   * `ArrayBuffer` of about 16 KiB, those from `get` one of 4 KiB, which stays in memory as long as one of them is kept
   * (`slice()` makes one alone). Read with `zeroCopy` it is a view on the reader's memory, valid until the reader's next step.
   *
   * @throws {UsageError} `VIEW_EXPIRED`; `LOG_CLOSED` when it is encrypted: the keys are gone then
   * @throws {KeyError} `PAYLOAD_ENCRYPTED`, `PAYLOAD_ERASED`, `PAYLOAD_KEY_MISSING`, `KEYS_ROTATED`: nothing is damaged
   * @throws {CorruptionError} `PAYLOAD_UNREADABLE`
   */
  get payload(): Uint8Array {
    return this.isEncrypted ? this.#decrypted() : this.#stored();
  }

  /** The payload as UTF-8 text. Throws like `payload`. */
  text(): string {
    return decoder.decode(this.payload);
  }

  /**
   * The payload as a JSON value.
   *
   * @throws {UsageError} `PAYLOAD_NOT_JSON`
   */
  json(): unknown {
    const text = this.text();
    try {
      return JSON.parse(text);
    } catch (error) {
      throw failure("PAYLOAD_NOT_JSON", { stream: this.#run.stream, offset: this.offset }, error);
    }
  }

  /** The record's chain hash, 64 hexadecimal digits: SHA-256 of its header and its payload's SHA-256. */
  get hash(): string {
    const { hashes, hashesAt, bytes } = this.#live();
    const at = hashesAt + this.#index * DIGEST_BYTES;
    if (hashes !== null) return toHex(hashes.subarray(at, at + DIGEST_BYTES));
    const core = hashingCore();
    const entry = new Uint8Array(ENTRY_BYTES);
    entry.set(bytes.subarray(this.#at, this.#at + RECORD_HEADER_BYTES));
    entry.set(core.sha256(this.#stored()), RECORD_HEADER_BYTES);
    return toHex(core.sha256(entry));
  }

  /** The hash of the record before it, to which it is chained; of the stream's identity for record 0. */
  get previousHash(): string {
    const start = this.#at + RECORD_PREVIOUS_AT;
    return toHex(this.#live().bytes.subarray(start, start + DIGEST_BYTES));
  }

  get #storedBytes(): number {
    return readU32(this.#live().bytes, this.#at + RECORD_LENGTH_AT);
  }

  #stored(): Uint8Array {
    const start = this.#at + RECORD_HEADER_BYTES;
    return this.#live().bytes.subarray(start, start + this.#storedBytes);
  }

  #decrypted(): Uint8Array {
    if (this.#opened !== null) return this.#opened;
    const { keyring, stream, bytes } = this.#live();
    const { offset } = this;
    if (keyring === null) throw failure("PAYLOAD_ENCRYPTED", { stream, offset });
    const key = this.keyNumber;
    if (key === null) throw failure("PAYLOAD_UNREADABLE", { stream, offset });
    const epoch = readU32(bytes, this.#at + RECORD_EPOCH_AT);
    this.#opened = keyring.open(stream, offset, { key, epoch }, (cipher) => cipher.open(bytes, this.#at));
    return this.#opened;
  }

  #live(): RecordRun {
    if (this.#run.expired) throw failure("VIEW_EXPIRED", { stream: this.#run.stream, offset: this.offset });
    return this.#run;
  }
}
