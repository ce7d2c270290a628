// What a verification is asked for and what it answers: shapes and sentences, no work.
import type { PublicKey } from "../../crypto/public-key.ts";
import type { DiatremeError, ErrorCode } from "../../errors.ts";
import {
  checkFlag,
  checkFunction,
  checkSignal,
  checkWhole,
  invalidOption,
  type OptionNames,
  optionsOf,
} from "../call-options.ts";
import type { StreamEnd } from "../segments/stream-end.ts";
import type { CheckpointCounts } from "./checkpoint-check.ts";
import type { GoodRange } from "./good-after.ts";
import type { EvidenceFound, OutsideEvidence } from "./outside-evidence.ts";

export interface VerifyOptions {
  /** First offset to check. Default 0. */
  readonly from?: number;
  /** First offset no longer to be checked. Default: the stream's end at the time of the call. */
  readonly to?: number;
  /** How many threads may work at once, with the caller's, which works too. Default: as many as there are cores. */
  readonly jobs?: number;
  /** How many bytes a thread checks in one go. Streams of fewer than eight times that have one thread. Default 8 MiB. */
  readonly rangeBytes?: number;
  /**
   * Read past the system's cache (O_DIRECT on Linux), so that checking a cold archive does not push out what an
   * application needs. Default `false`.
   */
  readonly directIo?: boolean;
  /** End at the first bad record, instead of going on to find what is good behind it. Default `false`. */
  readonly stopAtFirst?: boolean;
  /** Exported checkpoints (their notes) that were kept elsewhere. With `publicKeys`, one of those must have signed each. */
  readonly against?: string | readonly string[];
  /** Called about four times a second, and at the end. */
  readonly onProgress?: (progress: VerifyProgress) => void;
  /** Ends the verification, and its threads, with the signal's reason. */
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

/**
 * What records were held against. `"crc"`: each against its own checksum. `"chain"`: each against the link in its
 * successor. `"genesis"`: the first against the identity of log and stream.
 */
export type VerifyBasis = "crc" | "chain" | "genesis";

export interface VerifyReport {
  readonly stream: string;
  /** Whether everything that was looked at is as it was written. */
  readonly ok: boolean;
  /** The records that were to be checked: offset `from` to before `to`. */
  readonly range: GoodRange;
  /** Records that passed: all of them, or those before the first bad one. Of an append that is not whole, none may. */
  readonly records: number;
  /** Bytes of those records. */
  readonly bytes: number;
  readonly segments: number;
  /** Offset that the next record of the stream will have. */
  readonly nextOffset: number;
  /**
   * Hash of the last record that passed, 64 hexadecimal digits; of what the first links to when none has. Empty where
   * that is not known either, as for a range without records.
   */
  readonly head: string;
  readonly problem: VerifyProblem | null;
  /** What else was found wrong. What evidence says against records that passed comes before the first bad record. */
  readonly further: readonly VerifyProblem[];
  /** Behind the first bad record: records that are good among themselves. At most a hundred ranges. */
  readonly goodAfter: readonly GoodRange[];
  /** What is wrong with the indexes. They are derived: this never changes what is read, and opening to write mends it. */
  readonly index: readonly string[];
  readonly basis: readonly VerifyBasis[];
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
  readonly work: VerifyWork;
  readonly elapsedMs: number;
}

/** How the checking was done. It has no influence on what is found. */
export interface VerifyWork {
  /** How many threads have checked records; 1: the caller's own. */
  readonly threads: number;
  /** `"direct"`: past the system's cache. */
  readonly reading: "cached" | "direct";
  /** What was asked for and could not be done, and why. */
  readonly notes: readonly string[];
}

const OPTION_NAMES: OptionNames<VerifyOptions> = {
  from: true,
  to: true,
  jobs: true,
  rangeBytes: true,
  directIo: true,
  stopAtFirst: true,
  against: true,
  onProgress: true,
  signal: true,
};

/** @throws {UsageError} `OPTION_INVALID` */
export function checkVerifyOptions(given: VerifyOptions | null | undefined): VerifyOptions {
  const options = optionsOf(given, OPTION_NAMES);
  checkWhole("from", options.from);
  checkWhole("to", options.to);
  checkWhole("jobs", options.jobs, 1);
  checkWhole("rangeBytes", options.rangeBytes, 1);
  checkFlag("directIo", options.directIo);
  checkFlag("stopAtFirst", options.stopAtFirst);
  checkFunction("onProgress", options.onProgress);
  checkSignal(options.signal);
  const { against = [] } = options;
  const texts: readonly unknown[] = Array.isArray(against) ? against : [against];
  for (const text of texts) if (typeof text !== "string") throw invalidOption("against", text, "texts of checkpoints");
  return options;
}

/** What a verification came to know. */
export interface Findings {
  readonly range: GoodRange;
  readonly end: StreamEnd;
  readonly isGood: boolean;
  /** Whether a link was there to hold the last record against. */
  readonly isLastLinked: boolean;
  readonly checkpoints: CheckpointCounts;
  readonly outside: OutsideEvidence;
  readonly publicKeys: readonly PublicKey[];
}

/** A report must not let anybody believe more than was shown. */
export function statementsOn(findings: Findings): Pick<VerifyReport, "basis" | "checked" | "notProved"> {
  const { range, checkpoints, outside, publicKeys } = findings;
  const isTrusting = publicKeys.length > 0;
  const isFromGenesis = range.from === 0;
  const isEmpty = range.from === range.to;
  const checked = isEmpty
    ? []
    : [
        "every record's CRC-32",
        `every record's SHA-256 against the link in its successor${isFromGenesis ? ", from the stream's identity on" : ""}`,
        "offsets without gaps, timestamps that never go back",
        "the header of every segment of these records, against the log's id and the stream's name",
      ];
  if (checkpoints.agreed > 0) {
    checked.push(isTrusting ? "the log's own checkpoints that a trusted key signed" : "the log's own checkpoints");
  }
  if (outside.found.length > 0) checked.push("checkpoints from outside, against the records that they cover");
  const notProved = [...unprovedBy(findings)];
  if (!isTrusting && (checkpoints.agreed > 0 || outside.found.length > 0)) {
    notProved.push("who made the checkpoints: no public key was given");
  }
  const basis = isEmpty ? [] : (["crc", "chain", ...(isFromGenesis ? ["genesis" as const] : [])] as const);
  return { basis, checked, notProved };
}

function* unprovedBy({ range, end, isGood, isLastLinked, outside }: Findings): Generator<string> {
  const { from, to } = range;
  if (from === to) yield "anything about records: there was none to check";
  else if (from > 0) yield `that record ${from} joins what stands before it, and that it is of this stream`;
  if (to < end.offset && isGood && !isLastLinked) {
    yield `that record ${to - 1} is as it was written: nothing is left of the one behind it that links to it`;
  }
  if (to < end.offset) yield `anything about record ${to} and what follows it`;
  if (outside.unmet > 0) {
    yield `that the records agree with ${outside.unmet} of the checkpoints from outside: they were not reached`;
  }
  const vouched = outside.found.at(-1)?.nextOffset;
  if (vouched === undefined) {
    yield "that nothing was cut off the end, and that the whole was not made anew: " +
      "keep a checkpoint elsewhere and verify against it";
  } else if (isGood && vouched < end.offset) {
    yield `that nothing was cut off or replaced from record ${vouched} on: no checkpoint from outside covers more`;
  } else if (isGood) {
    const last = vouched === 0 ? "the stream's beginning" : `record ${vouched - 1}`;
    yield `that nothing was cut off behind ${last}: no checkpoint from outside covers more`;
  }
}

export function problemOf(fault: DiatremeError): VerifyProblem {
  const { name: _name, exitStatus: _exitStatus, code, ...facts } = fault;
  return { ...facts, code, message: fault.message };
}
