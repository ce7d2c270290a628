// What a verification is asked for and what it answers: shapes and sentences, no work.
import type { DiatremeError, ErrorCode } from "../errors.ts";

export interface VerifyOptions {
  /** Called about four times a second, and at the end. */
  readonly onProgress?: (progress: VerifyProgress) => void;
  /** Ends the verification with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface VerifyProgress {
  readonly records: number;
  readonly totalRecords: number;
  readonly bytes: number;
  readonly elapsedMs: number;
  readonly remainingMs: number;
}

/** The first thing found wrong; the facts that the code has are fields. */
export interface VerifyProblem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly segment?: number;
  readonly offset?: number;
  readonly position?: number;
}

export interface VerifyReport {
  readonly stream: string;
  /** Whether everything that was looked at is as it was written. */
  readonly ok: boolean;
  /** Records that passed: all of them, or those before the first bad one. Of an append that is not whole, none may. */
  readonly records: number;
  /** Bytes of those records. */
  readonly bytes: number;
  readonly segments: number;
  /** Offset that the next record will have. */
  readonly nextOffset: number;
  /** Hash of the last record that passed, 64 hexadecimal digits. */
  readonly head: string;
  readonly problem: VerifyProblem | null;
  /** What is wrong with the indexes. They are derived: this never changes what is read, and opening to write mends it. */
  readonly index: readonly string[];
  /** What was held against what. */
  readonly checked: readonly string[];
  /** What this cannot show. */
  readonly notProved: readonly string[];
  readonly elapsedMs: number;
}

export const CHECKED: readonly string[] = [
  "every record's CRC-32",
  "every record's SHA-256 against the link in its successor, from the stream's identity on",
  "offsets without gaps, timestamps that never go back",
  "every segment's header, against the log's id and the stream's name",
];
export const NOT_PROVED: readonly string[] = [
  "that nothing was cut off the end, and that the whole was not made anew: keep a head elsewhere and compare it",
];

export function problemOf(fault: DiatremeError): VerifyProblem {
  const { code, message, segment, offset, position } = fault;
  return {
    code,
    message,
    ...(segment === undefined ? {} : { segment }),
    ...(offset === undefined ? {} : { offset }),
    ...(position === undefined ? {} : { position }),
  };
}
