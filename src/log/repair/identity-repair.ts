// Finds out which log a folder holds when log.json does not say so any more: every segment's header carries the log's id.
import { SEGMENT_HEADER_BYTES, SEGMENT_LOG_ID_AT, SEGMENT_LOG_ID_BYTES } from "../../../assembly/layout.ts";
import { DiatremeError, failure, isFailure } from "../../errors.ts";
import {
  decodeIdentity,
  encodeIdentity,
  IDENTITY_FILE,
  IDENTITY_MAX_BYTES,
  type LogIdentity,
  uuidText,
} from "../../format/log-identity.ts";
import { decodeSegmentHeader, type SegmentHeader, segmentNumber } from "../../format/segment-header.ts";
import { isStreamName } from "../../format/stream-name.ts";
import { quoted } from "../../printable.ts";
import type { Runtime } from "../../runtime.ts";
import { crc32 } from "../../wasm/hashing-core.ts";

export interface IdentityFinding {
  readonly identity: LogIdentity;
  /** What is wrong with log.json; `null` when it is good. */
  readonly problem: DiatremeError | null;
  /** Whether there is a log.json to be replaced. */
  readonly isThere: boolean;
  /** How the identity is known, when log.json does not tell. */
  readonly evidence: string;
}

/**
 * Changes nothing.
 *
 * @throws {CorruptionError} `LOG_IDENTITY_INVALID` when nothing else tells, or the segments disagree
 * @throws {UsageError} `LOG_NOT_FOUND`, `NOT_A_LOG`, `LOG_VERSION_UNSUPPORTED`
 */
export function findIdentity(runtime: Runtime, directory: string): IdentityFinding {
  const { files } = runtime;
  const path = `${directory}/${IDENTITY_FILE}`;
  let problem: DiatremeError;
  try {
    const identity = decodeIdentity(files.readSmall(path, IDENTITY_MAX_BYTES), path, crc32);
    return { identity, problem: null, isThere: true, evidence: "" };
  } catch (error) {
    if (!(error instanceof DiatremeError) || !RECOVERABLE.has(error.code)) throw error;
    problem = error;
  }
  const isThere = problem.code !== "FILE_NOT_FOUND";
  const headers = headersIn(runtime, directory);
  const proved = isThere ? provedBy(startOf(runtime, path), headers) : null;
  if (proved !== null) {
    return { identity: proved, problem, isThere, evidence: "its id and time fit the CRC that it carries" };
  }
  // What says that it is of another version must not be overwritten by this one without proof.
  if (problem.code === "LOG_VERSION_UNSUPPORTED") throw problem;
  const ids = [...new Set(headers.map(({ logId }) => logId))];
  const [id] = ids;
  if (id === undefined) throw isThere ? problem : notALog(runtime, directory);
  if (ids.length > 1) {
    const reason = `${problem.message} The segments name different logs: ${ids.join(", ")}`;
    throw failure("LOG_IDENTITY_INVALID", { path, reason }, problem);
  }
  const first = headers.reduce((one, other) => (other.created < one.created ? other : one));
  const from = `${first.stream}/segment ${first.number}`;
  const evidence =
    `all ${headers.length} good segment headers carry this id; its time, which nothing else holds, ` +
    `is taken from the oldest of them (${from})`;
  return { identity: { id, created: first.created }, problem, isThere, evidence };
}

const RECOVERABLE: ReadonlySet<string> = new Set([
  "FILE_NOT_FOUND",
  "FILE_TOO_LARGE",
  "LOG_IDENTITY_INVALID",
  "LOG_VERSION_UNSUPPORTED",
]);

// The headers of segments that are good by themselves, each where it belongs.
function headersIn({ files }: Runtime, directory: string): SegmentHeader[] {
  const headers: SegmentHeader[] = [];
  if (files.kind(directory) === null) return headers;
  for (const { name: stream, kind } of files.list(directory)) {
    if (kind !== "folder" || !isStreamName(stream)) continue;
    for (const entry of files.list(`${directory}/${stream}`)) {
      const segment = segmentNumber(entry.name);
      if (segment === null || entry.kind !== "file") continue;
      const path = `${directory}/${stream}/${entry.name}`;
      const file = files.open(path, "read");
      try {
        const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
        const read = bytes.subarray(0, file.read(bytes, 0));
        const id = bytes.subarray(SEGMENT_LOG_ID_AT, SEGMENT_LOG_ID_AT + SEGMENT_LOG_ID_BYTES);
        headers.push(decodeSegmentHeader(read, { logId: uuidText(id), stream, segment, path }, crc32));
      } catch (error) {
        if (!isFailure(error, "SEGMENT_HEADER_INVALID")) throw error;
      } finally {
        file.close();
      }
    }
  }
  return headers;
}

// An id and a time that give the very CRC that a damaged log.json carries are those that were written.
function provedBy(text: string, headers: readonly SegmentHeader[]): LogIdentity | null {
  const stored = /"crc":"([0-9a-f]{8})"/.exec(text)?.[1];
  const created = /"created":(\d{1,16})/.exec(text)?.[1];
  const own = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(text)?.[0];
  if (stored === undefined || created === undefined || !Number.isSafeInteger(Number(created))) return null;
  const ids = headers.map(({ logId }) => logId);
  for (const id of new Set(own === undefined ? ids : [own, ...ids])) {
    const identity = { id, created: Number(created) };
    const line = new TextDecoder().decode(encodeIdentity(identity, crc32));
    if (line.includes(`"crc":"${stored}"`)) return identity;
  }
  return null;
}

function startOf({ files }: Runtime, path: string): string {
  const file = files.open(path, "read");
  try {
    const bytes = new Uint8Array(IDENTITY_MAX_BYTES);
    return new TextDecoder().decode(bytes.subarray(0, file.read(bytes, 0)));
  } finally {
    file.close();
  }
}

function notALog({ files }: Runtime, directory: string): DiatremeError {
  const first = files.kind(directory) === null ? undefined : files.list(directory)[0]?.name;
  if (first === undefined) return failure("LOG_NOT_FOUND", { directory });
  return failure("NOT_A_LOG", { directory, reason: `it has no ${IDENTITY_FILE} and holds ${quoted(first)}` });
}
