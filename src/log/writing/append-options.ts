// What a caller may say with an append, checked.
import { failure } from "../../errors.ts";
import { checkSignal, checkWhole, type OptionNames, optionsOf } from "../call-options.ts";

export interface AppendOptions {
  /** Append only if this is the next offset; else `OFFSET_MISMATCH` and nothing is written. */
  readonly expectedOffset?: number;
  /**
   * Gives up an append that still waits for room: it rejects with the signal's reason and nothing of it is written. An
   * append whose records have been taken is no longer stopped by it.
   */
  readonly signal?: AbortSignal;
  /**
   * Encrypts the payloads with a key of this subject's own, which `eraseSubject` destroys: 1 to 255 bytes of UTF-8. The
   * first append for a subject makes its key, which takes a sync of its own. Needs a log that was opened with encryption.
   */
  readonly keyId?: string;
}

/** What was said with an append, read once and checked. Getters run here, before anything is decided. */
export interface AppendChoice {
  readonly expectedOffset: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly keyId: string | undefined;
}

/** What a caller says who says nothing. */
export const NO_OPTIONS: AppendOptions = {};

export const NO_CHOICE: AppendChoice = { expectedOffset: undefined, signal: undefined, keyId: undefined };

const OPTION_NAMES: OptionNames<AppendOptions> = { expectedOffset: true, signal: true, keyId: true };

/**
 * @throws {UsageError} `OPTION_INVALID`
 * @throws the signal's reason when it has been aborted
 */
export function readAppendOptions(options: AppendOptions | null | undefined): AppendChoice {
  if (options === NO_OPTIONS) return NO_CHOICE;
  const { signal, expectedOffset, keyId } = optionsOf(options, OPTION_NAMES);
  checkSignal(signal);
  signal?.throwIfAborted();
  checkWhole("expectedOffset", expectedOffset);
  return { signal, expectedOffset, keyId: checkKeyId(keyId) };
}

const MOST_KEY_ID_BYTES = 255;

/** A subject's name, or none. It is never shown in an error: it may be personal. */
export function checkKeyId(keyId: unknown): string | undefined {
  if (keyId === undefined) return undefined;
  if (typeof keyId === "string" && keyId !== "" && keyId.length <= MOST_KEY_ID_BYTES && keyId.isWellFormed()) {
    if (new TextEncoder().encode(keyId).length <= MOST_KEY_ID_BYTES) return keyId;
  }
  throw failure("OPTION_INVALID", {
    option: "keyId",
    value: "something else",
    expected: `a string of 1 to ${MOST_KEY_ID_BYTES} bytes of UTF-8`,
  });
}
