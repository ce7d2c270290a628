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
export type { EraseOptions, ErasureReceipt, ErasureReport, StreamErasure } from "./log/erase.ts";
export type { ExportOptions } from "./log/export/export.ts";
export { type VerifyExportOptions, type VerifyExportReport, verifyExport } from "./log/export/verify-export.ts";
export type { SegmentInspection, StreamInspection } from "./log/inspect.ts";
export type { LockState } from "./log/lock.ts";
export { Log } from "./log/log.ts";
export { openLogOn } from "./log/open.ts";
export type { OpenOptions } from "./log/options.ts";
export type { RangeOptions } from "./log/reading/checked-runs.ts";
export type { LogEntry } from "./log/reading/entries.ts";
export { RecordRange } from "./log/reading/read.ts";
export type { FollowOptions, ReadOptions, ReadVerify } from "./log/reading/read-options.ts";
export { LogRecord } from "./log/reading/record.ts";
export type { TornTail } from "./log/recovery/torn-tail.ts";
export { type RepairOptions, type RepairReport, repairLogOn } from "./log/repair/repair.ts";
export type { RepairFinding, RepairPlan, RepairStep, StreamRepair } from "./log/repair/repair-plan.ts";
export { Stream, type StreamHead } from "./log/stream.ts";
export type { StreamCheckpoint } from "./log/stream-checkpoint.ts";
export type { CheckpointCounts } from "./log/verification/checkpoint-check.ts";
export type { GoodRange } from "./log/verification/good-after.ts";
export type { EvidenceFound } from "./log/verification/outside-evidence.ts";
export type {
  VerifyBasis,
  VerifyOptions,
  VerifyProblem,
  VerifyProgress,
  VerifyReport,
  VerifyWork,
} from "./log/verification/verify-report.ts";
export type { WholeRecords } from "./log/verification/whole-records.ts";
export type { AppendOptions } from "./log/writing/append-options.ts";
export { AppendResult } from "./log/writing/append-result.ts";
export type { JsonValue, LogEvent } from "./log/writing/stage.ts";
export type { GroupCommit, SyncPolicy } from "./log/writing/sync-policy.ts";
export type * from "./runtime.ts";
export type { HashEngineName } from "./wasm/hash-engine.ts";
