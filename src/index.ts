// The public names and nothing else.

export {
  ConflictError,
  CorruptionError,
  DiatremeError,
  type ErrorCode,
  type ErrorFacts,
  InternalError,
  isFailure,
  StorageError,
  UsageError,
} from "./errors.ts";
export { AppendResult } from "./log/append-result.ts";
export type { SegmentInspection, StreamInspection } from "./log/inspect.ts";
export { Log } from "./log/log.ts";
export { openLogOn } from "./log/open.ts";
export type { OpenOptions, SyncPolicy } from "./log/options.ts";
export { type ReadOptions, type ReadVerify, RecordRange } from "./log/read.ts";
export { LogRecord } from "./log/record.ts";
export type { JsonValue, LogEvent } from "./log/stage.ts";
export { Stream, type StreamHead } from "./log/stream.ts";
export type { TornTail } from "./log/torn-tail.ts";
export type { VerifyOptions, VerifyProblem, VerifyProgress, VerifyReport } from "./log/verify.ts";
export type { AppendOptions } from "./log/writer.ts";
export type * from "./runtime.ts";
export type { HashEngineName } from "./wasm/hash-engine.ts";
