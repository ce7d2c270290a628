// The public names and nothing else.

export type { OpenedCheckpoint } from "./crypto/checkpoint-note.ts";
export { type CheckpointComparison, compareCheckpointsOn } from "./crypto/compare-notes.ts";
export type { KeyJwk } from "./crypto/key-text.ts";
export { PrivateKey } from "./crypto/private-key.ts";
export { PublicKey } from "./crypto/public-key.ts";
export { generateKeyOn, publicKeyOn } from "./crypto/signer.ts";
export {
  ConflictError,
  CorruptionError,
  DiatremeError,
  type ErrorCode,
  type ErrorFacts,
  EvidenceError,
  InternalError,
  isFailure,
  KeyError,
  StorageError,
  UsageError,
} from "./errors.ts";
export type { CheckpointClaim, CheckpointRelation } from "./format/checkpoint.ts";
export type { ExportHeading } from "./format/export-lines.ts";
export type { LogIdentity } from "./format/log-identity.ts";
export type {
  EncryptionOptions,
  KeyContext,
  KeyProvider,
  MasterKeyOptions,
} from "./keys/encryption-options.ts";
export type { KeyDescription } from "./keys/keyring.ts";
export type { AppendOptions } from "./log/append-options.ts";
export { AppendResult } from "./log/append-result.ts";
export type { RangeOptions } from "./log/checked-runs.ts";
export type { CheckpointCounts } from "./log/checkpoint-check.ts";
export type { LogEntry } from "./log/entries.ts";
export type { EraseOptions, ErasureReceipt, ErasureReport, StreamErasure } from "./log/erase.ts";
export type { ExportOptions } from "./log/export.ts";
export type { FollowOptions } from "./log/follow.ts";
export type { GoodRange } from "./log/good-after.ts";
export type { SegmentInspection, StreamInspection } from "./log/inspect.ts";
export type { LockState } from "./log/lock.ts";
export { Log } from "./log/log.ts";
export { openLogOn } from "./log/open.ts";
export type { OpenOptions } from "./log/options.ts";
export type { EvidenceFound } from "./log/outside-evidence.ts";
export { type ReadOptions, type ReadVerify, RecordRange } from "./log/read.ts";
export { LogRecord } from "./log/record.ts";
export { type RepairOptions, type RepairReport, repairLogOn } from "./log/repair.ts";
export type { RepairFinding, RepairPlan, RepairStep, StreamRepair } from "./log/repair-plan.ts";
export type { JsonValue, LogEvent } from "./log/stage.ts";
export { Stream, type StreamHead } from "./log/stream.ts";
export type { StreamCheckpoint } from "./log/stream-checkpoint.ts";
export type { GroupCommit, SyncPolicy } from "./log/sync-policy.ts";
export type { TornTail } from "./log/torn-tail.ts";
export { type VerifyExportOptions, type VerifyExportReport, verifyExport } from "./log/verify-export.ts";
export type {
  VerifyBasis,
  VerifyOptions,
  VerifyProblem,
  VerifyProgress,
  VerifyReport,
  VerifyWork,
} from "./log/verify-report.ts";
export type { WholeRecords } from "./log/whole-records.ts";
export type * from "./runtime.ts";
export type { HashEngineName } from "./wasm/hash-engine.ts";
