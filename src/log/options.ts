// What a caller may choose when opening a log, checked once and turned into settings.
import { RECORD_EXTRA_BYTES, SEGMENT_HEADER_BYTES, SEGMENT_MAX_BYTES } from "../../assembly/layout.ts";
import { PrivateKey } from "../crypto/private-key.ts";
import { PublicKey } from "../crypto/public-key.ts";
import { Signer, Verifier } from "../crypto/signer.ts";
import { failure } from "../errors.ts";
import { type EncryptionOptions, type EncryptionSettings, encryptionSettings } from "../keys/encryption-options.ts";
import type { Clock, Runtime } from "../runtime.ts";
import { HashEngine, type HashEngineName } from "../wasm/hash-engine.ts";
import { checkFunction, invalidOption, invalidSecret, type OptionNames, optionsOf } from "./call-options.ts";
import type { TornTail } from "./recovery/torn-tail.ts";
import type { CheckpointSettings } from "./writing/checkpoint-writer.ts";
import type { IndexLimits } from "./writing/index-writer.ts";
import type { EncryptionState } from "./writing/stream-cipher.ts";
import {
  type GroupCommit,
  groupCommitRule,
  SYNC_RULES,
  type SyncPolicy,
  type SyncRule,
} from "./writing/sync-policy.ts";

export interface OpenOptions {
  /** Change nothing, take no lock; a writer may be at work. Default `false`. */
  readonly readOnly?: boolean;
  /** Make the log when the folder is missing or empty. Default: `true` unless `readOnly`. */
  readonly create?: boolean;
  /** Default `"everyBatch"`. */
  readonly sync?: SyncPolicy;
  /** A new segment file is begun before one grows past this; an append that is longer gets one of its own. Default 256 MiB. */
  readonly segmentBytes?: number;
  /** Longest payload, for appending and for reading. Default 64 MiB. */
  readonly maxRecordBytes?: number;
  /** All records of one append together. Default 256 MiB. */
  readonly maxAppendBytes?: number;
  /** Appended and not yet durable; past it, appends wait, except under `onFlush`. Default 16 MiB. */
  readonly maxPendingBytes?: number;
  /** The same in records. Default 65,536. */
  readonly maxPendingRecords?: number;
  /** The index file is written when it lacks this many records … Default 100. */
  readonly indexEveryRecords?: number;
  /** … or this many bytes of records. Default 1 MiB. */
  readonly indexEveryBytes?: number;
  /** How much of a segment a reader holds in memory. Default 128 KiB. */
  readonly windowBytes?: number;
  /** Who computes payload digests. Both give the same bytes. Default `"auto"`: the faster for each size. */
  readonly hashEngine?: HashEngineName;
  /** Write zeros ahead of small synced appends, which makes their syncs cheaper. Default `true`. */
  readonly spaceAhead?: boolean;
  /**
   * Encrypts payloads, and reads those that are encrypted. Without it what is encrypted can be verified and not be read.
   * See docs/encryption.md.
   */
  readonly encryption?: EncryptionOptions;
  /** A checkpoint is made when so many records have been synced since the last, and on close. Default 1,000. */
  readonly checkpointEvery?: number;
  /** Signs the checkpoints that this writer makes. Keep it where the log's folder is not. */
  readonly signer?: PrivateKey;
  /**
   * Whose checkpoints are believed: in the log by readers, and from outside by `verify`. Default: the signer's alone,
   * or without a signer any, signed or not. Recovery takes any for a sign that records had been synced: it refuses to write
   * where they are missing.
   */
  readonly publicKeys?: readonly PublicKey[];
  /** Told when a stream that is opened for writing ends in an append that never completed, which is then cut off. */
  readonly onTornTail?: (torn: TornTail) => void;
}

/** The same, complete and checked. The keys are added when they have been opened. */
export interface LogSettings extends EncryptionState {
  readonly encryption: EncryptionSettings | null;
  readonly readOnly: boolean;
  readonly create: boolean;
  readonly sync: SyncRule;
  readonly segmentBytes: number;
  readonly maxRecordBytes: number;
  readonly maxAppendBytes: number;
  readonly maxPendingBytes: number;
  readonly maxPendingRecords: number;
  readonly index: IndexLimits;
  readonly windowBytes: number;
  readonly engine: HashEngine;
  readonly spaceAhead: boolean;
  readonly checkpoints: CheckpointSettings;
  readonly onTornTail: ((torn: TornTail) => void) | undefined;
  readonly clock: Clock;
}

const KIB = 1024;
const MIB = 1024 * KIB;
// An append that waits longer than a minute for company is a mistake in the unit.
const MAX_GROUP_DELAY_MS = 60_000;
const LARGEST_APPEND = SEGMENT_MAX_BYTES - SEGMENT_HEADER_BYTES;

/** @throws {UsageError} `OPTION_INVALID` */
export function settingsFrom(given: OpenOptions, runtime: Runtime): LogSettings {
  const options = optionsOf(given, OPTION_NAMES);
  checkFunction("onTornTail", options.onTornTail);
  const readOnly = flag(options, "readOnly", false);
  const leastRecord = options.encryption === undefined || readOnly ? 1 : LONGEST_RECEIPT;
  return {
    readOnly,
    create: flag(options, "create", !readOnly) && !readOnly,
    sync: syncRule(options),
    segmentBytes: whole(
      options,
      "segmentBytes",
      256 * MIB,
      SEGMENT_HEADER_BYTES + RECORD_EXTRA_BYTES,
      SEGMENT_MAX_BYTES,
    ),
    maxRecordBytes: whole(options, "maxRecordBytes", 64 * MIB, leastRecord, LARGEST_APPEND - RECORD_EXTRA_BYTES),
    maxAppendBytes: whole(options, "maxAppendBytes", 256 * MIB, leastRecord + RECORD_EXTRA_BYTES, LARGEST_APPEND),
    maxPendingBytes: whole(options, "maxPendingBytes", 16 * MIB, 1, Number.MAX_SAFE_INTEGER),
    maxPendingRecords: whole(options, "maxPendingRecords", 65_536, 1, Number.MAX_SAFE_INTEGER),
    index: {
      records: whole(options, "indexEveryRecords", 100, 1, Number.MAX_SAFE_INTEGER),
      bytes: whole(options, "indexEveryBytes", MIB, 1, Number.MAX_SAFE_INTEGER),
    },
    windowBytes: whole(options, "windowBytes", 128 * KIB, 4 * KIB, 1024 * MIB),
    engine: new HashEngine(choice(options, "hashEngine", ["auto", "wasm", "native"]), runtime.nativeHashing),
    spaceAhead: flag(options, "spaceAhead", true),
    checkpoints: checkpointSettings(options, runtime),
    onTornTail: options.onTornTail,
    encryption: options.encryption === undefined ? null : encryptionSettings(options.encryption),
    keyring: null,
    lockedStreams: new Set(),
    clock: runtime.clock,
  };
}

// Of an erasure: a log that encrypts must be able to append it, whatever its limits.
const LONGEST_RECEIPT = 8 * KIB;

const OPTION_NAMES: OptionNames<OpenOptions> = {
  readOnly: true,
  create: true,
  sync: true,
  segmentBytes: true,
  maxRecordBytes: true,
  maxAppendBytes: true,
  maxPendingBytes: true,
  maxPendingRecords: true,
  indexEveryRecords: true,
  indexEveryBytes: true,
  windowBytes: true,
  hashEngine: true,
  spaceAhead: true,
  encryption: true,
  checkpointEvery: true,
  signer: true,
  publicKeys: true,
  onTornTail: true,
};

function whole(options: OpenOptions, option: keyof OpenOptions, fallback: number, least: number, most: number): number {
  const value = options[option] ?? fallback;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw invalidOption(option, value, `a whole number from ${least} to ${most}`);
}

function checkpointSettings(options: OpenOptions, runtime: Runtime): CheckpointSettings {
  const { signer: key, publicKeys } = options;
  if (key !== undefined && !(key instanceof PrivateKey)) throw invalidSecret("signer", key, "a PrivateKey");
  const signer = key === undefined ? null : new Signer(runtime, key);
  const trusted: unknown = publicKeys ?? (signer === null ? [] : [signer.publicKey]);
  if (!Array.isArray(trusted) || !trusted.every((one) => one instanceof PublicKey)) {
    throw invalidSecret("publicKeys", trusted, "an array of PublicKey");
  }
  return {
    every: whole(options, "checkpointEvery", 1000, 1, Number.MAX_SAFE_INTEGER),
    signer,
    verifiers: trusted.map((one) => new Verifier(runtime, one)),
  };
}

const SYNC_EXPECTED =
  '"everyRecord", "everyBatch", "onFlush" or { groupCommit: { maxDelayMs: 0 to 60000, maxAppends?: 1 or more } }';

function syncRule(options: OpenOptions): SyncRule {
  const policy: unknown = options.sync ?? "everyBatch";
  if (typeof policy === "string" && Object.hasOwn(SYNC_RULES, policy))
    return SYNC_RULES[policy as keyof typeof SYNC_RULES];
  if (typeof policy === "object" && policy !== null && "groupCommit" in policy) {
    const { groupCommit } = policy as { groupCommit: GroupCommit };
    if (isGroupCommit(groupCommit)) return groupCommitRule(groupCommit);
  }
  throw failure("OPTION_INVALID", {
    option: "sync",
    value: JSON.stringify(policy) ?? String(policy),
    expected: SYNC_EXPECTED,
  });
}

function isGroupCommit(value: unknown): value is GroupCommit {
  if (typeof value !== "object" || value === null) return false;
  const { maxDelayMs, maxAppends = 1, ...others } = value as GroupCommit;
  const delays = typeof maxDelayMs === "number" && maxDelayMs >= 0 && maxDelayMs <= MAX_GROUP_DELAY_MS;
  return delays && Number.isSafeInteger(maxAppends) && maxAppends >= 1 && Object.keys(others).length === 0;
}

function flag(options: OpenOptions, option: keyof OpenOptions, fallback: boolean): boolean {
  const value = options[option] ?? fallback;
  if (typeof value === "boolean") return value;
  throw invalidOption(option, value, "true or false");
}

// The first of the choices is the default.
function choice<T extends string>(options: OpenOptions, option: keyof OpenOptions, choices: readonly [T, ...T[]]): T {
  const value = options[option] ?? choices[0];
  const found = choices.find((one) => one === value);
  if (found !== undefined) return found;
  throw invalidOption(option, value, choices.map((one) => JSON.stringify(one)).join(" or "));
}
