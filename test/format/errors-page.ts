// docs/errors.md, made from the table in src/errors.ts and from one example of each code's facts.
import { type DiatremeError, ERROR_TABLE, type ErrorCode, type ErrorFacts, failure } from "../../src/errors.ts";

const directory = "/srv/audit";
const stream = "orders";
const segment = { stream, segment: 2 };
const record = { ...segment, offset: 8123, position: 1_048_640 };
const path = `${directory}/${stream}/segment_000002.log`;
const keys = `${directory}/keys.json`;
const fingerprint = "c2a4f6d81b3e5f709182a3b4c5d6e7f8";
const oneHash = "9a0c77e1d3f5b2a4c6e8f0123456789abcdef0123456789abcdef0123456789a";
const otherHash = "1f3a90c25b7d9e1f3a5c7e90b2d4f6a8c0e2143658a9bcdef0123456789abcde";
const oneLog = "f6a8ef9c-1b40-4c33-95a4-7d5c4b6f3a10";
const otherLog = "0b1d5e7c-9a3f-4c51-8e6d-2f4a6b8c0d1e";
const shortened = {
  stream,
  nextOffset: 8000,
  found: otherHash,
  claimedOffset: 8124,
  claimed: oneHash,
  key: "5c0f1e7a",
};

/** Facts that each code might have. A code that lacks them does not compile. */
const EXAMPLES: { readonly [C in ErrorCode]: ErrorFacts[C] } = {
  STREAM_NAME_INVALID: { stream: "Orders", reason: 'it has the character "O"' },
  OPTION_INVALID: { option: "segmentBytes", value: "12", expected: "a whole number from 200 to 2147483647" },
  EVENT_INVALID: { stream, index: 3, reason: "is undefined, which JSON cannot hold" },
  RECORD_TOO_LARGE: { stream, bytes: 70_000_000, limit: 67_108_864, index: 0 },
  APPEND_TOO_LARGE: { stream, bytes: 300_000_000, limit: 268_435_456 },
  APPEND_IN_FLIGHT: { stream },
  LOG_CLOSED: { directory },
  LOG_READ_ONLY: { directory },
  LOG_NOT_FOUND: { directory },
  NOT_A_LOG: { directory: "/srv/photos", reason: 'it has no log.json and holds "beach.jpg"' },
  LOG_VERSION_UNSUPPORTED: { path: `${directory}/log.json`, found: 2, supported: 1 },
  STREAM_NOT_FOUND: { directory, stream: "odrers" },
  VIEW_EXPIRED: { stream, offset: 8123 },
  PAYLOAD_NOT_JSON: { stream, offset: 8123 },
  KEY_INVALID: { kind: "public", reason: "it is a block of PRIVATE KEY, where PUBLIC KEY is wanted" },
  SIGNATURES_MISSING: { runtime: "pocket 1.0" },
  ENCRYPTION_UNAVAILABLE: { runtime: "memory", lacks: "AES-256-GCM" },
  ENCRYPTION_OFF: { directory },
  ENCRYPTION_REQUIRED: { stream, reason: "the append has a keyId" },
  KEYS_NOT_FOUND: { path: keys },
  KEY_WRONG: { path: keys, reason: "it is another one than the one in force" },
  KEYS_ROTATED: { path: keys },
  SUBJECT_UNKNOWN: { directory },
  SUBJECT_ERASED: { directory, fingerprint },
  PAYLOAD_ENCRYPTED: { stream, offset: 8123 },
  PAYLOAD_KEY_MISSING: { stream, offset: 8123, key: "5f3a90c2", epoch: "9a0c77e1" },
  PAYLOAD_ERASED: { stream, offset: 8123, fingerprint },
  OFFSET_MISMATCH: { stream, expected: 8123, actual: 8125 },
  FOLLOWED_RECORD_REPLACED: { stream, offset: 8123, shown: oneHash, found: otherHash },
  LOG_LOCKED: {
    directory,
    pid: 4711,
    host: "ledger-1",
    since: "2026-11-22T14:00:00.000Z",
    path: `${directory}/lock/00000007`,
  },
  LOG_IDENTITY_INVALID: { path: `${directory}/log.json`, reason: "it is not JSON" },
  SEGMENT_HEADER_INVALID: { ...segment, condition: "S7", reason: "it belongs to another log" },
  SEGMENT_MISSING: segment,
  SEGMENT_OFFSET_WRONG: { ...segment, found: 8200, expected: 8100 },
  RECORD_HEADER_INVALID: { ...record, condition: "R1", reason: "its magic is not DTR1" },
  RECORD_TRUNCATED: { ...record, bytes: 328, available: 100 },
  RECORD_OFFSET_WRONG: { ...record, found: 8124 },
  RECORD_TIMESTAMP_BACKWARDS: { ...record, found: 1_790_000_000_000_000, previous: 1_790_000_000_000_001 },
  RECORD_CRC_MISMATCH: { ...record, stored: "1f3a90c2", computed: "9a0c77e1" },
  RECORD_CHAIN_BROKEN: { ...record, linked: otherHash, computed: oneHash },
  RECORD_LINK_WRONG: { ...record, linked: otherHash, expected: oneHash },
  APPEND_INCOMPLETE: record,
  KEY_FILE_INVALID: {
    path: keys,
    line: 4,
    condition: "W3",
    reason: "it is not as it was written: its CRC does not fit",
  },
  PAYLOAD_UNREADABLE: { stream, offset: 8123 },
  CHECKPOINT_INVALID: { condition: "T6", reason: "its fifth line is not a hash" },
  CHECKPOINT_NOT_SIGNED: { keys: "5c0f1e7a" },
  CHECKPOINT_SIGNATURE_WRONG: { key: "5c0f1e7a" },
  CHECKPOINT_CONTRADICTED: { ...segment, nextOffset: 8124, claimed: oneHash, found: otherHash, key: "5c0f1e7a" },
  LOG_OTHER: { stream, log: oneLog, claimedStream: stream, claimedLog: otherLog },
  LOG_TRUNCATED: { ...shortened },
  LOG_ROLLED_BACK: { ...shortened },
  LOG_FORKED: { stream, nextOffset: 8124, claimed: oneHash, found: otherHash, agreesTo: 8000, key: "5c0f1e7a" },
  EXPORT_INVALID: {
    line: 8125,
    condition: "X8",
    reason: "it links to 1f3a90c25b7d9e1f…, and record 8122 is another: 9a0c77e1d3f5b2a4…",
  },
  FILE_NOT_FOUND: { path },
  FILE_EXISTS: { path },
  FILE_NOT_REGULAR: { path, kind: "link" },
  FILE_TOO_LARGE: { path: `${directory}/log.json`, bytes: 5000, limit: 4096 },
  ACCESS_DENIED: { path, reason: "EACCES: permission denied" },
  NO_SPACE: { path },
  TOO_MANY_OPEN_FILES: { path },
  IO_FAILED: { path, operation: "read", reason: "EIO: i/o error" },
  SYNC_FAILED: { path, reason: "EIO: i/o error" },
  LOG_POISONED: { stream, reason: `Cannot make ${path} durable: EIO: i/o error.` },
  INTERNAL: { detail: "a walk ended with verdict 42" },
};

const INTRODUCTION = `# Errors

What Diatreme finds wrong it throws as a \`DiatremeError\` (a signal's reason, and what a caller's own code throws, come as they are): switch on \`code\`, catch by class. The facts of a code are fields of
the error; \`cause\` is the system's own error where there is one. The exit status is that of the command line. A
condition (S1, R3, …) is one of [format.md](format.md).

This page is made from the table in \`src/errors.ts\`: \`DIATREME_REWRITE_DOCS=1 npx vitest run test/format\`.
`;

/** The text of docs/errors.md. */
export function errorsPage(): string {
  const parts = [INTRODUCTION];
  const codes = Object.keys(ERROR_TABLE) as ErrorCode[];
  const kinds = new Set(codes.map((code) => ERROR_TABLE[code].type.name));
  for (const kind of kinds) {
    const rows = codes.filter((code) => ERROR_TABLE[code].type.name === kind);
    parts.push(`## ${kind}\n`, ...rows.map(entryOf));
  }
  return parts.join("\n");
}

function entryOf(code: ErrorCode): string {
  const example: DiatremeError = failure(code, EXAMPLES[code]);
  const facts = Object.entries(EXAMPLES[code]).map(([name, value]) => `\`${name}\` ${typeof value}`);
  return `### ${code}\n\nExit status ${example.exitStatus}. Facts: ${facts.join(", ")}.\n\n> ${example.message}\n`;
}

/** The codes of the table that have no example, and examples whose code is not in the table. */
export function codesWithoutPartner(): string[] {
  const known = new Set(Object.keys(ERROR_TABLE));
  const shown = new Set(Object.keys(EXAMPLES));
  return [...[...known].filter((code) => !shown.has(code)), ...[...shown].filter((code) => !known.has(code))];
}
