// Which cipher seals what is appended to one stream. Owns the stream's epoch: within one, an offset is sealed once at most.
import type { PayloadCipher } from "../../crypto/payload-cipher.ts";
import { failure } from "../../errors.ts";
import type { Epoch, KeyChoice, Keyring } from "../../keys/keyring.ts";
import type { SyncSteps } from "../segments/sync-steps.ts";

/** What a stream needs to know about encryption. */
export interface EncryptionState {
  /** `null`: the log was opened without keys. */
  readonly keyring: Keyring | null;
  /** Streams that must not be appended to without keys; `null`: those that end encrypted, for the file of keys is missing. */
  readonly lockedStreams: ReadonlySet<string> | null;
}

// Ciphers that are kept ready: as many subjects as may be appended for in turn without deriving their keys again.
const KEPT_CIPHERS = 1024;
// That of what is not encrypted.
const NO_EPOCH = 0;

export class StreamCipher {
  readonly #stream: string;
  readonly #state: EncryptionState;
  // Why this stream must not be appended to in plain text, or `null`.
  readonly #locked: string | null;
  readonly #ciphers = new Map<KeyChoice, PayloadCipher>();
  #epoch: Epoch | null = null;
  // Epochs before this one have seen offsets that are used again.
  #leastGeneration = 0;

  /** @param last - of the stream's last record, the epoch as `SegmentScan.epoch` tells it; `null` when there is none */
  constructor(stream: string, state: EncryptionState, last: { readonly epoch: number | null } | null) {
    this.#stream = stream;
    this.#state = state;
    this.#locked = lockedBy(stream, state, last);
    state.keyring?.register(this);
  }

  /**
   * What seals an append for `choice`: `null` when its payloads stay as they are, `undefined` when keys have to be made
   * first, by `makeKeys`.
   *
   * @throws {KeyError} `SUBJECT_ERASED`
   * @throws {UsageError} `ENCRYPTION_REQUIRED`
   */
  sealing(choice: KeyChoice): PayloadCipher | null | undefined {
    const { keyring } = this.#state;
    if (keyring === null) {
      const reason = choice !== undefined ? WANTS_KEY : this.#locked;
      return this.#plain(reason);
    }
    const known = this.#ciphers.get(choice);
    if (known !== undefined) return known;
    if (choice === undefined && !keyring.encrypts(this.#stream)) return this.#plain(this.#locked);
    this.#epoch ??= keyring.epochSince(this.#leastGeneration);
    if (this.#epoch === null) return undefined;
    const cipher = keyring.sealing(this.#stream, choice, this.#epoch);
    if (cipher === null) return undefined;
    if (this.#ciphers.size >= KEPT_CIPHERS) this.#dropAll();
    this.#ciphers.set(choice, cipher);
    return cipher;
  }

  #plain(objection: string | null): null {
    if (objection !== null) throw failure("ENCRYPTION_REQUIRED", { stream: this.#stream, reason: objection });
    return null;
  }

  /** Records that were sealed are given up: their offsets will be used again, so never again in this epoch. */
  spendEpoch(): void {
    this.#dropAll();
    if (this.#epoch !== null) this.#leastGeneration = this.#epoch.generation + 1;
    this.#epoch = null;
  }

  /** Makes what `sealing` lacked, for all of these. It is durable when it has ended. */
  *makeKeys(choices: Iterable<KeyChoice>): SyncSteps {
    yield* this.#state.keyring?.make(this.#stream, choices, this.#leastGeneration) ?? [];
  }

  /** Whether keys are being made at this moment, for whatever stream. */
  get isBusy(): boolean {
    return this.#state.keyring?.isBusy === true;
  }

  /** Runs `makeKeys` when it is its turn. */
  async keysMade(choices: () => Iterable<KeyChoice>): Promise<void> {
    await this.#state.keyring?.run(() => this.makeKeys(choices()));
  }

  /** A key must not be used any more. */
  forgetKey(key: number): void {
    for (const [choice, cipher] of this.#ciphers) {
      if (cipher.key !== key) continue;
      cipher.drop();
      this.#ciphers.delete(choice);
    }
  }

  close(): void {
    this.#dropAll();
    this.#state.keyring?.unregister(this);
  }

  #dropAll(): void {
    for (const cipher of this.#ciphers.values()) cipher.drop();
    this.#ciphers.clear();
  }
}

/**
 * Why an append must not begin a stream that is not there yet, with a key of its own or without; `null`: it may.
 *
 * @param keyId - the append's
 */
export function objectionToBegin({ keyring, lockedStreams }: EncryptionState, keyId: KeyChoice): string | null {
  if (keyring !== null) return null;
  if (keyId !== undefined) return WANTS_KEY;
  return lockedStreams === null ? null : BEGINS_STREAM;
}

const WANTS_KEY = "the append has a keyId";
// Only who has the keys can say whether it is to be encrypted.
const BEGINS_STREAM = "the log has keys, and this would be the stream's first record";

function lockedBy(
  stream: string,
  { keyring, lockedStreams }: EncryptionState,
  last: { readonly epoch: number | null } | null,
): string | null {
  const lastEpoch = last?.epoch ?? null;
  if (keyring !== null) {
    const isOfOtherKeys = lastEpoch !== null && lastEpoch !== NO_EPOCH && !keyring.hasEpoch(lastEpoch);
    return isOfOtherKeys ? "its last record is encrypted with keys that keys.json does not hold" : null;
  }
  if (lockedStreams !== null) {
    if (lockedStreams.has(stream)) return "it has a key";
    return last === null ? BEGINS_STREAM : null;
  }
  return lastEpoch === null ? null : "its last record shows that it was encrypted, and keys.json is missing";
}
