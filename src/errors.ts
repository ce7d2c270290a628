import { printable, quoted } from "./printable.ts";

// Every way in which Diatreme says no: one family, a stable code, the facts as fields. docs/errors.md is made from this table.

/** What each code's facts are. A throw site that forgets one does not compile. */
export interface ErrorFacts {
  // The caller must change the call.
  STREAM_NAME_INVALID: { stream: string; reason: string };
  OPTION_INVALID: { option: string; value: string; expected: string };
  EVENT_INVALID: { stream: string; index: number; reason: string };
  RECORD_TOO_LARGE: { stream: string; bytes: number; limit: number; index: number };
  APPEND_TOO_LARGE: { stream: string; bytes: number; limit: number };
  APPEND_IN_FLIGHT: { stream: string };
  LOG_CLOSED: { directory: string };
  LOG_READ_ONLY: { directory: string };
  LOG_NOT_FOUND: { directory: string };
  NOT_A_LOG: { directory: string; reason: string };
  LOG_VERSION_UNSUPPORTED: { path: string; found: number; supported: number };
  STREAM_NOT_FOUND: { directory: string; stream: string };
  VIEW_EXPIRED: { stream: string; offset: number };
  PAYLOAD_NOT_JSON: { stream: string; offset: number };
  KEY_INVALID: { kind: "private" | "public"; reason: string };
  SIGNATURES_MISSING: { runtime: string };
  ENCRYPTION_UNAVAILABLE: { runtime: string; lacks: string };
  ENCRYPTION_OFF: { directory: string };
  ENCRYPTION_REQUIRED: { stream: string; reason: string };
  // What is encrypted cannot be read, or not be encrypted, with the keys at hand. Nothing is damaged.
  KEYS_NOT_FOUND: { path: string };
  KEY_WRONG: { path: string; reason: string };
  KEYS_ROTATED: { path: string };
  SUBJECT_UNKNOWN: { directory: string };
  SUBJECT_ERASED: { directory: string; fingerprint: string };
  PAYLOAD_ENCRYPTED: { stream: string; offset: number };
  PAYLOAD_KEY_MISSING: { stream: string; offset: number; key: string; epoch: string };
  PAYLOAD_ERASED: { stream: string; offset: number; fingerprint: string };
  // Somebody else was first.
  OFFSET_MISMATCH: { stream: string; expected: number; actual: number };
  FOLLOWED_RECORD_REPLACED: { stream: string; offset: number; shown: string; found: string };
  LOG_LOCKED: { directory: string; pid: number; host: string; since: string; path: string };
  // The data is not what was written.
  LOG_IDENTITY_INVALID: { path: string; reason: string };
  SEGMENT_HEADER_INVALID: SegmentPlace & { condition: string; reason: string };
  SEGMENT_MISSING: { stream: string; segment: number };
  SEGMENT_OFFSET_WRONG: SegmentPlace & { found: number; expected: number };
  RECORD_HEADER_INVALID: RecordPlace & { condition: string; reason: string };
  RECORD_TRUNCATED: RecordPlace & { bytes: number; available: number };
  RECORD_OFFSET_WRONG: RecordPlace & { found: number };
  RECORD_TIMESTAMP_BACKWARDS: RecordPlace & { found: number; previous: number };
  RECORD_CRC_MISMATCH: RecordPlace & { stored: string; computed: string };
  RECORD_CHAIN_BROKEN: RecordPlace & { linked: string; computed: string };
  RECORD_LINK_WRONG: RecordPlace & { linked: string; expected: string };
  APPEND_INCOMPLETE: RecordPlace;
  KEY_FILE_INVALID: { path: string; line: number; condition: string; reason: string };
  PAYLOAD_UNREADABLE: { stream: string; offset: number };
  EXPORT_INVALID: { line: number; condition: string; reason: string };
  // The data does not agree with evidence from outside.
  CHECKPOINT_INVALID: { condition: string; reason: string };
  CHECKPOINT_NOT_SIGNED: { keys: string };
  CHECKPOINT_SIGNATURE_WRONG: { key: string };
  CHECKPOINT_CONTRADICTED: SegmentPlace & { nextOffset: number; claimed: string; found: string; key: string };
  LOG_OTHER: { stream: string; log: string; claimedStream: string; claimedLog: string };
  LOG_TRUNCATED: LogShortened;
  LOG_ROLLED_BACK: LogShortened;
  LOG_FORKED: { stream: string; nextOffset: number; claimed: string; found: string; agreesTo: number; key: string };
  // The system failed.
  FILE_NOT_FOUND: { path: string };
  FILE_EXISTS: { path: string };
  FILE_NOT_REGULAR: { path: string; kind: string };
  FILE_TOO_LARGE: { path: string; bytes: number; limit: number };
  ACCESS_DENIED: { path: string; reason: string };
  NO_SPACE: { path: string };
  TOO_MANY_OPEN_FILES: { path: string };
  IO_FAILED: { path: string; operation: string; reason: string };
  SYNC_FAILED: { path: string; reason: string };
  LOG_POISONED: { stream: string; reason: string };
  // Diatreme itself is wrong.
  INTERNAL: { detail: string };
}

interface SegmentPlace {
  stream: string;
  segment: number;
}

interface RecordPlace extends SegmentPlace {
  offset: number;
  position: number;
}

/** A stream that ends at `nextOffset` where evidence says that it reached `claimedOffset` with the head `claimed`. */
interface LogShortened {
  stream: string;
  nextOffset: number;
  found: string;
  claimedOffset: number;
  claimed: string;
  key: string;
}

export type ErrorCode = keyof ErrorFacts;

/** Exit statuses of the command line. */
export const EXIT_GOOD = 0;
export const EXIT_BAD_DATA = 1;
export const EXIT_USAGE = 2;
export const EXIT_SYSTEM = 3;

/** What every error of Diatreme is. Switch on `code`; the facts of the code are fields of the error. */
export class DiatremeError extends Error {
  readonly code: ErrorCode;
  /** What the command line ends with. */
  readonly exitStatus: number;
  declare readonly stream?: string;
  declare readonly segment?: number;
  declare readonly offset?: number;
  declare readonly position?: number;

  constructor(code: ErrorCode, exitStatus: number, message: string, facts: object, cause: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.exitStatus = exitStatus;
    this.name = new.target.name;
    Object.assign(this, facts);
  }

  /** Name, message, code and facts, for logs that are written as JSON. */
  toJSON(): object {
    return { ...this, message: this.message };
  }
}

/** The call must change. */
export class UsageError extends DiatremeError {}
/** What is encrypted cannot be read, or nothing be encrypted, with the keys at hand. The data is not damaged. */
export class KeyError extends DiatremeError {}
/** Somebody else was first. */
export class ConflictError extends DiatremeError {}
/** The data is not what was written. */
export class CorruptionError extends DiatremeError {}
/** The data and evidence from outside do not agree, or the evidence is none. */
export class EvidenceError extends DiatremeError {}
/** The disk, the system or the permissions stood in the way. */
export class StorageError extends DiatremeError {}
/** A defect of Diatreme: please report it with the message. */
export class InternalError extends DiatremeError {}

interface ErrorRow<C extends ErrorCode> {
  readonly type: typeof DiatremeError;
  readonly exit: number;
  readonly message: (facts: ErrorFacts[C]) => string;
}

const usage = { type: UsageError, exit: EXIT_USAGE };
const key = { type: KeyError, exit: EXIT_USAGE };
const corruption = { type: CorruptionError, exit: EXIT_BAD_DATA };
const evidence = { type: EvidenceError, exit: EXIT_BAD_DATA };
const storage = { type: StorageError, exit: EXIT_SYSTEM };

export const ERROR_TABLE: { readonly [C in ErrorCode]: ErrorRow<C> } = {
  STREAM_NAME_INVALID: {
    ...usage,
    message: (f) =>
      `Cannot use ${cited(f.stream)} as a stream name: ${f.reason}. ` +
      "A name is 1 to 64 characters of a-z, 0-9, '.', '_' and '-', and starts with a letter or digit.",
  },
  OPTION_INVALID: {
    ...usage,
    message: (f) => `Option ${f.option} is ${f.value}; it must be ${f.expected}.`,
  },
  EVENT_INVALID: {
    ...usage,
    message: (f) =>
      `Cannot append to "${f.stream}": event ${f.index} of the call ${f.reason}. ` +
      "An event is a Uint8Array, a string or a JSON value. Nothing was written.",
  },
  RECORD_TOO_LARGE: {
    ...usage,
    message: (f) =>
      `Record ${f.index} of the call for "${f.stream}" has ${f.bytes} bytes; the limit is ${f.limit}. ` +
      "Split it, or open the log with a larger maxRecordBytes.",
  },
  APPEND_TOO_LARGE: {
    ...usage,
    message: (f) =>
      `Cannot append to "${f.stream}": the records of the call take ${f.bytes} bytes together; ` +
      `one append may take ${f.limit}. Use several appends. Nothing was written.`,
  },
  APPEND_IN_FLIGHT: {
    ...usage,
    message: (f) =>
      `Cannot appendSync to "${f.stream}": appends made with append() are not durable yet. ` +
      "Await them first, or use append().",
  },
  LOG_CLOSED: {
    ...usage,
    message: (f) => `The log in ${f.directory} was closed. Open it again.`,
  },
  LOG_READ_ONLY: {
    ...usage,
    message: (f) => `The log in ${f.directory} was opened read-only. Open it without readOnly to write.`,
  },
  LOG_NOT_FOUND: {
    ...usage,
    message: (f) => `There is no log in ${f.directory}. Check the path, or open it for writing to make one.`,
  },
  NOT_A_LOG: {
    ...usage,
    message: (f) =>
      `${f.directory} is not a Diatreme log: ${f.reason}. Name a log's folder, or an empty or new one. Nothing was changed.`,
  },
  LOG_VERSION_UNSUPPORTED: {
    ...usage,
    message: (f) =>
      `${f.path} is of format version ${f.found}; this program reads version ${f.supported}. ` +
      "Use the version of Diatreme that wrote it, or a newer one. Nothing was changed.",
  },
  STREAM_NOT_FOUND: {
    ...usage,
    message: (f) => `The log in ${f.directory} has no stream "${f.stream}".`,
  },
  VIEW_EXPIRED: {
    ...usage,
    message: (f) =>
      `Record ${f.offset} of "${f.stream}" was read with zeroCopy and the reader has moved on. ` +
      "Use it before the next step, or read without zeroCopy.",
  },
  PAYLOAD_NOT_JSON: {
    ...usage,
    message: (f) => `The payload of record ${f.offset} of "${f.stream}" is not JSON. Use payload or text().`,
  },
  KEY_INVALID: {
    ...usage,
    message: (f) =>
      `This is not a ${f.kind} key that can be used: ${f.reason}. ` +
      "Keys are Ed25519, as PEM (PKCS#8 or SPKI) or JWK; diatreme keys generate makes one.",
  },
  SIGNATURES_MISSING: {
    ...usage,
    message: (f) => `${f.runtime} has no Ed25519, so nothing can be signed or checked with a key here.`,
  },
  ENCRYPTION_UNAVAILABLE: {
    ...usage,
    message: (f) => `${f.runtime} has no ${f.lacks}, so nothing can be encrypted or decrypted with it here.`,
  },
  ENCRYPTION_OFF: {
    ...usage,
    message: (f) => `The log in ${f.directory} was opened without encryption. Open it with encryption and its key.`,
  },
  ENCRYPTION_REQUIRED: {
    ...usage,
    message: (f) =>
      `Cannot append to "${f.stream}" without encryption: ${f.reason}. ` +
      "Open the log with encryption and its key. Nothing was written.",
  },
  KEYS_NOT_FOUND: {
    ...key,
    message: (f) =>
      `There is no ${f.path}, and the log has streams already. If it was encrypted, restore that file from a copy: ` +
      "without it nothing encrypted can be read. If it never was, make keys: diatreme keys init.",
  },
  KEY_WRONG: {
    ...key,
    message: (f) => `The key that was given does not open ${f.path}: ${f.reason}. Nothing was changed.`,
  },
  KEYS_ROTATED: {
    ...key,
    message: (f) => `The keys in ${f.path} were rotated since this log was opened. Open it again.`,
  },
  SUBJECT_UNKNOWN: {
    ...key,
    message: (f) => `The log in ${f.directory} has no key for this keyId: nothing was ever appended with it.`,
  },
  SUBJECT_ERASED: {
    ...key,
    message: (f) =>
      `The key for this keyId, ${f.fingerprint}, was erased from the log in ${f.directory}, or its erasure has begun. It is never made anew: ` +
      "use another keyId if the subject has come back.",
  },
  PAYLOAD_ENCRYPTED: {
    ...key,
    message: (f) =>
      `The payload of record ${f.offset} of "${f.stream}" is encrypted, and the log was opened without a key. ` +
      "Open it with encryption; without a key it can still be verified.",
  },
  PAYLOAD_KEY_MISSING: {
    ...key,
    message: (f) =>
      `The payload of record ${f.offset} of "${f.stream}" is encrypted with key ${f.key} in epoch ${f.epoch}, ` +
      "and the key file does not have both. It is older than the record, or another log's: restore the newest copy.",
  },
  PAYLOAD_ERASED: {
    ...key,
    message: (f) =>
      `The payload of record ${f.offset} of "${f.stream}" was erased: its key, ${f.fingerprint}, was destroyed. ` +
      "Nobody can read it any more. The record still verifies.",
  },
  OFFSET_MISMATCH: {
    type: ConflictError,
    exit: EXIT_USAGE,
    message: (f) =>
      `Cannot append to "${f.stream}": expected offset ${f.expected}, the next offset is ${f.actual}. ` +
      "Read what came in between and decide again. Nothing was written.",
  },
  FOLLOWED_RECORD_REPLACED: {
    type: ConflictError,
    exit: EXIT_BAD_DATA,
    message: (f) =>
      `Record ${f.offset} of "${f.stream}" was shown with hash ${short(f.shown)} and is not there any more (now: ${short(f.found)}). ` +
      "Its writer could not make it durable and went on without it, or somebody replaced the log. " +
      "Follow again from an offset that you know to be acknowledged.",
  },
  LOG_LOCKED: {
    type: ConflictError,
    exit: EXIT_SYSTEM,
    message: (f) =>
      `The log in ${f.directory} is being written by process ${f.pid} on ${cited(f.host)} since ${f.since}. ` +
      `Close it there, or open with readOnly. If that process is surely gone, remove ${f.path}.`,
  },
  LOG_IDENTITY_INVALID: {
    ...corruption,
    message: (f) => `${f.path} does not say which log this is: ${f.reason}. Restore it from a copy of the log.`,
  },
  SEGMENT_HEADER_INVALID: {
    ...corruption,
    message: (f) =>
      `The header of ${segmentFile(f)} fails condition ${f.condition}: ${f.reason}. Restore this segment from a copy.`,
  },
  SEGMENT_MISSING: {
    ...corruption,
    message: (f) => `${segmentFile(f)} is missing, though later ones or its index are there. Restore it from a copy.`,
  },
  SEGMENT_OFFSET_WRONG: {
    ...corruption,
    message: (f) =>
      `${segmentFile(f)} starts at offset ${f.found}; the segment before it ends at ${f.expected}. ` +
      "Restore both from a copy.",
  },
  RECORD_HEADER_INVALID: {
    ...corruption,
    message: (f) =>
      `${place(f)} fails condition ${f.condition}: ${f.reason}. ${f.condition === "R2" ? tooLong : remedy}`,
  },
  RECORD_TRUNCATED: {
    ...corruption,
    message: (f) => `${place(f)} needs ${f.bytes} bytes and ${f.available} are left. ${remedy}`,
  },
  RECORD_OFFSET_WRONG: {
    ...corruption,
    message: (f) => `${place(f)} says that it is record ${f.found}. ${remedy}`,
  },
  RECORD_TIMESTAMP_BACKWARDS: {
    ...corruption,
    message: (f) => `${place(f)} has timestamp ${f.found}, before its predecessor's ${f.previous}. ${remedy}`,
  },
  RECORD_CRC_MISMATCH: {
    ...corruption,
    message: (f) => `${place(f)} has CRC ${f.stored}, its bytes give ${f.computed}. ${remedy}`,
  },
  RECORD_CHAIN_BROKEN: {
    ...corruption,
    message: (f) =>
      `${place(f)} was altered: it hashes to ${short(f.computed)}, its successor links to ${short(f.linked)}. ${remedy}`,
  },
  RECORD_LINK_WRONG: {
    ...corruption,
    message: (f) =>
      `${place(f)} links to ${short(f.linked)}, its predecessor hashes to ${short(f.expected)}. ${remedy}`,
  },
  APPEND_INCOMPLETE: {
    ...corruption,
    message: (f) => `${place(f)} says that its append goes on, but the segment ends. ${remedy}`,
  },
  KEY_FILE_INVALID: {
    ...corruption,
    message: (f) =>
      `Line ${f.line} of ${f.path} fails condition ${f.condition}: ${f.reason}. ` +
      "Restore the file from a copy. Without it encrypted payloads cannot be read; all else can.",
  },
  PAYLOAD_UNREADABLE: {
    ...corruption,
    message: (f) =>
      `The payload of record ${f.offset} of "${f.stream}" is not what was encrypted for this place: it was moved or ` +
      "changed, or the key file belongs to another copy of the log. Verify the log; restore both from one copy.",
  },
  EXPORT_INVALID: {
    ...corruption,
    message: (f) =>
      `Line ${f.line} of the export fails condition ${f.condition}: ${f.reason}. ` +
      "It is no proof of what stands in it; have it made anew from the log.",
  },
  CHECKPOINT_INVALID: {
    ...evidence,
    message: (f) =>
      `This is not an exported checkpoint, by condition ${f.condition}: ${f.reason}. ` +
      "Use the text as it was handed out, unchanged.",
  },
  CHECKPOINT_NOT_SIGNED: {
    ...evidence,
    message: (f) =>
      `The checkpoint has no signature of key ${f.keys}. ` +
      "It proves nothing to who trusts only that; check that key and checkpoint belong together.",
  },
  CHECKPOINT_SIGNATURE_WRONG: {
    ...evidence,
    message: (f) =>
      `The checkpoint's signature of key ${f.key} is wrong: its text or its signature was changed. ` +
      "It is no evidence; get it anew from where it was kept.",
  },
  CHECKPOINT_CONTRADICTED: {
    ...evidence,
    message: (f) =>
      `A checkpoint beside ${segmentFile(f)}${signedBy(f.key)} says that the first ${f.nextOffset} records have head ` +
      `${short(f.claimed)}; those in the log have ${short(f.found)}. The records or the checkpoint were replaced: ` +
      "compare with a checkpoint that was kept elsewhere.",
  },
  LOG_OTHER: {
    ...evidence,
    message: (f) =>
      `The checkpoint is about stream "${f.claimedStream}" of log ${f.claimedLog}, ` +
      `this is "${f.stream}" of log ${f.log}. It proves nothing here, or the log was replaced as a whole.`,
  },
  LOG_TRUNCATED: {
    ...evidence,
    message: (f) =>
      `"${f.stream}" ends with ${f.nextOffset} records; a checkpoint${signedBy(f.key)} says that it had ` +
      `${f.claimedOffset}. Its end was cut off. Restore it from a copy.`,
  },
  LOG_ROLLED_BACK: {
    ...evidence,
    message: (f) =>
      `"${f.stream}" ends with ${f.nextOffset} records, and with a checkpoint of its own there; a later checkpoint` +
      `${signedBy(f.key)} says that it had ${f.claimedOffset}. An older state was put in its place. Restore the newer one.`,
  },
  LOG_FORKED: {
    ...evidence,
    message: (f) =>
      `The first ${f.nextOffset} records of "${f.stream}" have head ${short(f.found)}; a checkpoint${signedBy(f.key)} ` +
      `says ${short(f.claimed)}. ${whereForked(f)} Keep both: together they prove it.`,
  },
  FILE_NOT_FOUND: { ...storage, message: (f) => `${f.path} is not there.` },
  FILE_EXISTS: { ...storage, message: (f) => `${f.path} is there already.` },
  FILE_NOT_REGULAR: {
    ...storage,
    message: (f) =>
      `${f.path} is a ${f.kind === "other" ? "special file" : f.kind}, not a regular file or folder of a log. ` +
      "It was not touched. Remove it.",
  },
  FILE_TOO_LARGE: {
    ...storage,
    message: (f) =>
      `${f.path} has ${f.bytes} bytes where at most ${f.limit} are expected. Nothing was read or written.`,
  },
  ACCESS_DENIED: {
    ...storage,
    message: (f) => `The system does not let this process use ${f.path}: ${f.reason}. Check owner and permissions.`,
  },
  NO_SPACE: {
    ...storage,
    message: (f) => `No space left for ${f.path}. Nothing acknowledged is lost; free some space and try again.`,
  },
  TOO_MANY_OPEN_FILES: {
    ...storage,
    message: (f) => `Cannot open ${f.path}: this process has too many files open. Close some or raise the limit.`,
  },
  IO_FAILED: { ...storage, message: (f) => `Cannot ${f.operation} ${f.path}: ${f.reason}.` },
  SYNC_FAILED: {
    ...storage,
    message: (f) =>
      `Cannot make ${f.path} durable: ${f.reason}. What was not acknowledged may be lost. ` +
      "Check the disk, then open the log again.",
  },
  LOG_POISONED: {
    ...storage,
    message: (f) =>
      `"${f.stream}" accepts nothing more, because of an earlier failure: ${f.reason} ` +
      "Close the log and open it again: that trusts the disk, not the cache.",
  },
  INTERNAL: {
    type: InternalError,
    exit: EXIT_SYSTEM,
    message: (f) => `Diatreme has a defect: ${f.detail}. Please report it.`,
  },
};

/** Makes the error of a code. `throw failure("OFFSET_MISMATCH", { … })`. */
export function failure<C extends ErrorCode>(
  code: C,
  facts: ErrorFacts[C],
  cause?: unknown,
): DiatremeError & ErrorFacts[C] {
  const row: ErrorRow<C> = ERROR_TABLE[code];
  const error = new row.type(code, row.exit, printable(row.message(facts)), facts, cause);
  return error as DiatremeError & ErrorFacts[C];
}

/** Whether a caught value is an error of Diatreme with this code; its facts are then typed fields. */
export function isFailure<C extends ErrorCode>(error: unknown, code: C): error is DiatremeError & ErrorFacts[C] {
  return error instanceof DiatremeError && error.code === code;
}

const tooLong =
  "If it was written like that, open the log with a larger maxRecordBytes; else restore this segment from a copy.";
const remedy = "Restore this segment from a copy, or open read-only to export the records before it.";

function signedBy(key: string): string {
  return key === "none" ? "" : `, signed by key ${key},`;
}

function whereForked({ agreesTo, nextOffset }: { agreesTo: number; nextOffset: number }): string {
  if (agreesTo === nextOffset - 1) return `Record ${agreesTo} is the first that differs.`;
  return `The first record that differs is one of ${agreesTo} to ${nextOffset - 1}.`;
}

function place(facts: RecordPlace): string {
  return `Record ${facts.offset} of "${facts.stream}" at byte ${facts.position} of ${segmentFile(facts)}`;
}

function segmentFile(facts: SegmentPlace): string {
  return `${facts.stream}/segment_${String(facts.segment).padStart(6, "0")}.log`;
}

function short(hash: string): string {
  return `${hash.slice(0, 16)}…`;
}

function cited(text: string): string {
  return quoted(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

/** What there is to say of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
