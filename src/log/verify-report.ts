// What a verification is asked for and what it answers: shapes and sentences, no work.
import type { PublicKey } from "../crypto/public-key.ts";
import type { DiatremeError, ErrorCode } from "../errors.ts";
import type { CheckpointCounts } from "./checkpoint-check.ts";
import type { EvidenceFound, OutsideEvidence } from "./outside-evidence.ts";
import type { StreamEnd } from "./stream-end.ts";

export interface VerifyOptions {
  /** Exported checkpoints (their notes) that were kept elsewhere. With `publicKeys`, one of those must have signed each. */
  readonly against?: string | readonly string[];
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
  readonly [fact: string]: unknown;
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
  /** The checkpoints that the log itself holds. */
  readonly checkpoints: CheckpointCounts;
  /** The checkpoints from outside with which the records agree, by how many records they cover. */
  readonly evidence: readonly EvidenceFound[];
  /** Ids of the keys that were trusted. */
  readonly publicKeys: readonly string[];
  /** What was held against what. */
  readonly checked: readonly string[];
  /** What this cannot show. */
  readonly notProved: readonly string[];
  readonly elapsedMs: number;
}

/** What a verification came to know. */
export interface Findings {
  readonly end: StreamEnd;
  readonly fault: DiatremeError | null;
  readonly checkpoints: CheckpointCounts;
  readonly outside: OutsideEvidence;
  readonly publicKeys: readonly PublicKey[];
}

const CHECKED: readonly string[] = [
  "every record's CRC-32",
  "every record's SHA-256 against the link in its successor, from the stream's identity on",
  "offsets without gaps, timestamps that never go back",
  "every segment's header, against the log's id and the stream's name",
];

/** A report must not let anybody believe more than was shown. */
export function statementsOn(findings: Findings): Pick<VerifyReport, "checked" | "notProved"> {
  const { checkpoints, outside, publicKeys } = findings;
  const isTrusting = publicKeys.length > 0;
  const checked = [...CHECKED];
  if (checkpoints.agreed > 0) {
    checked.push(isTrusting ? "the log's own checkpoints that a trusted key signed" : "the log's own checkpoints");
  }
  if (outside.found.length > 0) checked.push("checkpoints from outside, against the records that they cover");
  const notProved = [...unprovedBy(findings)];
  if (!isTrusting && (checkpoints.agreed > 0 || outside.found.length > 0)) {
    notProved.push("who made the checkpoints: no public key was given");
  }
  return { checked, notProved };
}

function* unprovedBy({ end, fault, outside }: Findings): Generator<string> {
  if (outside.unmet > 0) {
    yield `that the records agree with ${outside.unmet} of the checkpoints from outside: they were not reached`;
  }
  const vouched = outside.found.at(-1)?.nextOffset;
  if (vouched === undefined) {
    yield "that nothing was cut off the end, and that the whole was not made anew: " +
      "keep a checkpoint elsewhere and verify against it";
  } else if (fault === null && vouched < end.offset) {
    yield `that nothing was cut off or replaced from record ${vouched} on: no checkpoint from outside covers more`;
  } else if (fault === null) {
    yield `that nothing was cut off behind record ${vouched - 1}: no checkpoint from outside covers more`;
  }
}

export function problemOf(fault: DiatremeError): VerifyProblem {
  const { name: _name, exitStatus: _exitStatus, code, ...facts } = fault;
  return { ...facts, code, message: fault.message };
}
