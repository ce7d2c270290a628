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

export class StreamCipher {
  readonly #stream: string;
  readonly #state: EncryptionState;
  // Why this stream must not be appended to without keys, or `null`.
  readonly #locked: string | null;
  readonly #ciphers = new Map<KeyChoice, PayloadCipher>();
  #epoch: Epoch | null = null;
  // Epochs before this one have seen offsets that are used again.
  #leastGeneration = 0;

  constructor(stream: string, state: EncryptionState, endsEncrypted: boolean) {
    this.#stream = stream;
    this.#state = state;
    this.#locked = lockedBy(stream, state, endsEncrypted);
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
      const reason = choice !== undefined ? "the append has a keyId" : this.#locked;
      if (reason === null) return null;
      throw failure("ENCRYPTION_REQUIRED", { stream: this.#stream, reason });
    }
    const known = this.#ciphers.get(choice);
    if (known !== undefined) return known;
    if (choice === undefined && !keyring.encrypts(this.#stream)) return null;
    this.#epoch ??= keyring.epochSince(this.#leastGeneration);
    if (this.#epoch === null) return undefined;
    const cipher = keyring.sealing(this.#stream, choice, this.#epoch);
    if (cipher === null) return undefined;
    if (this.#ciphers.size >= KEPT_CIPHERS) this.#dropAll();
    this.#ciphers.set(choice, cipher);
    return cipher;
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

function lockedBy(stream: string, { lockedStreams }: EncryptionState, endsEncrypted: boolean): string | null {
  if (lockedStreams === null) return endsEncrypted ? "its last record is encrypted, and keys.json is missing" : null;
  return lockedStreams.has(stream) ? "it has a key" : null;
}
