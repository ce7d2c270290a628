// Looks at a log and decides what would have to be done to it so that it opens for writing and verifies, with nothing
// lost: a plan as a value. Changes nothing.

import { DiatremeError, failure, isFailure, StorageError } from "../../errors.ts";
import { toHex } from "../../format/hex.ts";
import { KEY_FILE } from "../../format/key-line.ts";
import { IDENTITY_FILE, type LogIdentity } from "../../format/log-identity.ts";
import { nameOf } from "../../format/path.ts";
import { segmentFileName, segmentNumber } from "../../format/segment-header.ts";
import { isStreamName } from "../../format/stream-name.ts";
import { loadKeyFile } from "../../keys/key-file.ts";
import type { FolderEntry, Runtime } from "../../runtime.ts";
import { type LockState, lookAtLock } from "../lock.ts";
import type { LogSettings } from "../options.ts";
import type { StreamPlace } from "../segments/segment.ts";
import { countSegments, isOfSegment, SegmentFiles, segmentOfFile } from "../segments/segment-files.ts";
import { isOutOfPlace } from "../segments/stream-names.ts";
import type { WholeRecords } from "../verification/whole-records.ts";
import { findGoodPrefix, type GoodPrefix } from "./good-prefix.ts";
import { findIdentity } from "./identity-repair.ts";
import { isTemporary, pathToCopyTo, pathToMoveTo, wholeOf } from "./set-aside.ts";

/** Something that is not as it should be. */
export interface RepairFinding {
  /**
   * `"identity"`: log.json. `"header"`: a segment's header that can be mended. `"tornTail"`: an append that never
   * completed. `"damage"`: from here on the stream is not good. `"surplus"`: bytes that belong to nothing. `"index"`.
   * `"leftover"`: a file that was being made when a process died. `"unexplained"`: left as it is, for a person to judge.
   */
  readonly kind: "identity" | "header" | "tornTail" | "damage" | "surplus" | "index" | "leftover" | "unexplained";
  /** `null` when it is about the whole log. */
  readonly stream: string | null;
  readonly message: string;
  readonly code?: string;
  readonly segment?: number;
  readonly offset?: number;
  readonly position?: number;
}

/** Something to be done. What it takes away goes on under the name `keptAs`. */
export type RepairStep =
  /** Writes log.json. */
  | {
      readonly kind: "writeIdentity";
      readonly path: string;
      readonly keptAs: string | null;
      readonly identity: LogIdentity;
    }
  /** Writes a segment's header as it was. */
  | {
      readonly kind: "writeHeader";
      readonly path: string;
      readonly keptAs: string;
      readonly segment: number;
      readonly headerBytes: Uint8Array;
    }
  /** Cuts a file at `position`. */
  | {
      readonly kind: "cut";
      readonly path: string;
      readonly keptAs: string;
      readonly position: number;
      readonly bytes: number;
    }
  /** Renames a file. */
  | { readonly kind: "setAside"; readonly path: string; readonly keptAs: string }
  /** Makes an index anew from the records. */
  | { readonly kind: "rebuildIndex"; readonly path: string; readonly keptAs: null }
  /** Removes a file that was never finished. */
  | { readonly kind: "remove"; readonly path: string; readonly keptAs: null };

/** What is good of a stream, and what is to be done to it. */
export interface StreamRepair {
  readonly stream: string;
  /** How many records are good, from the first on: what is there after the repair. */
  readonly records: number;
  /** Hash of the last of them, 64 hexadecimal digits; `null` when not even the first segment can be used. */
  readonly head: string | null;
  /** Records behind the damage that are whole by themselves. They go on in the files that are set aside. */
  readonly wholeBehind: readonly WholeRecords[];
  readonly steps: readonly RepairStep[];
}

export interface RepairPlan {
  readonly directory: string;
  readonly id: string;
  readonly lock: LockState;
  readonly findings: readonly RepairFinding[];
  /** Steps that are not about one stream. */
  readonly steps: readonly RepairStep[];
  readonly streams: readonly StreamRepair[];
}

/**
 * @param isOurs - whether this process holds the log's lock: nobody is writing, so that an unfinished end is no one's
 *   work in progress
 */
export async function planRepair(
  runtime: Runtime,
  directory: string,
  settings: LogSettings,
  { only, isOurs }: { only: string | undefined; isOurs: boolean },
): Promise<RepairPlan> {
  const found = findIdentity(runtime, directory);
  const lock = lookAtLock(runtime, directory);
  const isBusy = !isOurs && lock.state === "held";
  const findings: RepairFinding[] = [];
  const steps: RepairStep[] = [];
  const { files } = runtime;
  const entries = files.list(directory);
  if (found.problem !== null) {
    const path = `${directory}/${IDENTITY_FILE}`;
    const message = `${found.problem.message} But ${found.evidence}.`;
    findings.push({ kind: "identity", stream: null, code: found.problem.code, message });
    const keptAs = found.isThere ? pathToCopyTo(files, wholeOf(files, path)) : null;
    steps.push({ kind: "writeIdentity", path, keptAs, identity: found.identity });
  }
  if (!isBusy) planLeftovers(directory, null, entries, findings, steps);
  findKeyTroubles(runtime, directory, found.identity.id, findings);

  const streams: StreamRepair[] = [];
  for (const { name, kind } of entries) {
    if (!isStreamName(name) || (only !== undefined && name !== only)) continue;
    if (isOutOfPlace(kind)) {
      findings.push(notRegular(name, { path: `${directory}/${name}`, kind }));
      continue;
    }
    if (kind !== "folder") continue;
    const place = { runtime, logId: found.identity.id, stream: name, folder: `${directory}/${name}` };
    const planned = await planOrLeave(place, settings, isBusy, findings);
    if (planned !== null) streams.push(planned);
  }
  if (only !== undefined && streams.length === 0 && !findings.some(({ stream }) => stream === only))
    throw failure("STREAM_NOT_FOUND", { directory, stream: only });
  return { directory, id: found.identity.id, lock, findings, steps, streams };
}

// Without its keys what is encrypted cannot be read, and nothing here can bring them back.
function findKeyTroubles(runtime: Runtime, directory: string, logId: string, findings: RepairFinding[]): void {
  try {
    loadKeyFile(runtime.files, `${directory}/${KEY_FILE}`, logId);
  } catch (error) {
    if (!(error instanceof DiatremeError)) throw error;
    findings.push(leftAlone(null, error));
  }
}

function notRegular(stream: string, at: { path: string; kind: string }): RepairFinding {
  return { kind: "unexplained", stream, code: "FILE_NOT_REGULAR", message: failure("FILE_NOT_REGULAR", at).message };
}

// What cannot be read says nothing about what is good, and keeps no other stream from being repaired.
async function planOrLeave(
  place: StreamPlace,
  settings: LogSettings,
  isBusy: boolean,
  findings: RepairFinding[],
): Promise<StreamRepair | null> {
  const own: RepairFinding[] = [];
  try {
    const planned = await planStream(place, settings, isBusy, own);
    findings.push(...own);
    return planned;
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    findings.push(leftAlone(place.stream, error));
    return null;
  }
}

// `null` when the folder is no stream's.
async function planStream(
  place: StreamPlace,
  settings: LogSettings,
  isBusy: boolean,
  findings: RepairFinding[],
): Promise<StreamRepair | null> {
  const { stream, folder, runtime } = place;
  const listed = runtime.files.list(folder);
  if (!listed.some(({ name }) => isOfSegment(name))) return null;
  const nothing: StreamRepair = { stream, records: 0, head: null, wholeBehind: [], steps: [] };
  const odd = listed.filter(({ name, kind }) => kind !== "file" && isOfSegment(name));
  for (const { name, kind } of odd) findings.push(notRegular(stream, { path: `${folder}/${name}`, kind }));
  if (odd.some(({ name }) => isReadBeside(name))) return nothing;
  const entries = listed.filter((entry) => !odd.includes(entry));

  const { count, gap } = countSegments(place, entries);
  const later = numbersIn(entries).filter((number) => number >= count);
  const prefix = await findGoodPrefix(new SegmentFiles(place, count), settings, { gap, later });
  const good = { stream, records: prefix.offset, head: prefix.head === null ? null : toHex(prefix.head) };
  const doubt = reasonToLeave(prefix);
  if (doubt !== null) {
    findings.push({ ...factsOf(prefix.fault as DiatremeError), kind: "unexplained", stream, message: doubt });
    return { ...nothing, ...good };
  }
  const steps: RepairStep[] = [];
  planHeaders(place, prefix, findings, steps);
  planSurplus(place, prefix, findings, steps);
  planEnd(place, prefix, { entries, isBusy }, findings, steps);
  planIndexes(place, prefix, { entries, isBusy }, findings, steps);
  if (prefix.contradiction !== null) findings.push(leftAlone(stream, prefix.contradiction));
  if (!isBusy) planLeftovers(folder, stream, entries, findings, steps);
  return { ...good, wholeBehind: prefix.wholeBehind, steps };
}

// Whether a file with this name would be read: a segment, or what stands beside one. Others only begin like one.
function isReadBeside(name: string): boolean {
  return segmentNumber(name.replace(/\.(idx|ckpt)$/, "")) !== null;
}

// Why what follows the good part may be something else than damage; `null` when it is nothing else.
function reasonToLeave({ fault, segment }: GoodPrefix): string | null {
  if (fault === null) return null;
  const { message } = fault;
  if (isFailure(fault, "RECORD_HEADER_INVALID")) {
    if (fault.condition === "R2") return `${message} Say a larger maxRecordBytes to judge it. It was left as it is.`;
    if (/^R[45678]$/.test(fault.condition)) {
      return `${message} Yet its CRC is right: a newer version may have written it. It was left as it is.`;
    }
  }
  if (isFailure(fault, "SEGMENT_HEADER_INVALID") && /^S[78]$/.test(fault.condition) && segment < 0) {
    return `${message} Its CRC is right: the file, or log.json, may be in the wrong place. It was left as it is.`;
  }
  return null;
}

// As a checkpoint that contradicts good records: which of them is true no file of the log tells.
function leftAlone(stream: string | null, problem: DiatremeError): RepairFinding {
  return { ...factsOf(problem), kind: "unexplained", stream, message: `${problem.message} It was left as it is.` };
}

function planHeaders(place: StreamPlace, prefix: GoodPrefix, findings: RepairFinding[], steps: RepairStep[]): void {
  const { stream, folder, runtime } = place;
  for (const { segment, headerBytes, reason } of prefix.mended) {
    const path = `${folder}/${segmentFileName(segment)}`;
    const message = `${reason} But its other bytes prove what it was: the CRC that it carries fits them.`;
    findings.push({ kind: "header", stream, code: "SEGMENT_HEADER_INVALID", segment, message });
    const keptAs = pathToCopyTo(runtime.files, { path, position: 0, bytes: headerBytes.length });
    steps.push({ kind: "writeHeader", path, keptAs, segment, headerBytes });
  }
}

function planSurplus(place: StreamPlace, prefix: GoodPrefix, findings: RepairFinding[], steps: RepairStep[]): void {
  const { stream, folder } = place;
  for (const { segment, position, bytes } of prefix.surplus) {
    const path = `${folder}/${segmentFileName(segment)}`;
    const message =
      `${stream}/${segmentFileName(segment)} has ${bytes} bytes behind its last record, at byte ${position}, ` +
      "and the next segment goes on from that record: they belong to nothing.";
    findings.push({ kind: "surplus", stream, segment, position, message });
    steps.push(...cut(place, { path, position, bytes }));
  }
}

/** What stands in a stream's folder, and whether a writer is at work there. */
interface StreamFolder {
  readonly entries: readonly FolderEntry[];
  readonly isBusy: boolean;
}

// The end of what is good: what follows it goes aside.
function planEnd(
  place: StreamPlace,
  prefix: GoodPrefix,
  { entries, isBusy }: StreamFolder,
  findings: RepairFinding[],
  steps: RepairStep[],
): void {
  const { stream, folder } = place;
  const { segment, position, bytesBehind, fault, torn } = prefix;
  const path = `${folder}/${segmentFileName(segment)}`;
  if (torn !== null && !isBusy) {
    const message =
      `The last append to "${stream}" never completed: ${bytesBehind} bytes from byte ${position} of ` +
      `${segmentFileName(segment)} on. ${torn.reason} (Opening the log for writing cuts them too, and keeps no copy.)`;
    findings.push({ kind: "tornTail", stream, segment, offset: torn.offset, position, message });
    steps.push(...cut(place, { path, position, bytes: bytesBehind }));
  }
  if (fault === null) return;
  findings.push({ ...factsOf(fault), kind: "damage", stream, message: fault.message });
  if (segment >= 0 && bytesBehind > 0) steps.push(...cut(place, { path, position, bytes: bytesBehind }));
  // The newest first: should this end half-way, no later segment is left without those before it.
  for (const { name } of [...entries].reverse()) {
    const number = segmentOfFile(name);
    if (number !== null && number > segment) steps.push(aside(place, name));
  }
  // With all its records there, what stands beside a segment is as true as ever.
  if (segment < 0 || (bytesBehind === 0 && !prefix.isMissed)) return;
  // What stands beside the segment speaks of records that are not there any more.
  for (const { name } of entries) {
    if (segmentOfFile(name) === segment && segmentNumber(name) === null) steps.push(aside(place, name));
  }
  steps.push({ kind: "rebuildIndex", path: `${path}.idx`, keptAs: null });
}

function planIndexes(
  place: StreamPlace,
  prefix: GoodPrefix,
  { entries, isBusy }: StreamFolder,
  findings: RepairFinding[],
  steps: RepairStep[],
): void {
  const { stream, folder } = place;
  const planned = new Set(steps.map(({ path }) => path));
  for (const { segment, reason } of prefix.indexes) {
    const path = `${folder}/${segmentFileName(segment)}.idx`;
    if (planned.has(path) || (isBusy && segment === prefix.segment)) continue;
    const message = `${reason} Reading is not affected. (Opening the log for writing mends most of this too.)`;
    findings.push({ kind: "index", stream, segment, message });
    if (entries.some(({ name }) => name === nameOf(path))) steps.push(aside(place, nameOf(path)));
    steps.push({ kind: "rebuildIndex", path, keptAs: null });
  }
}

function planLeftovers(
  folder: string,
  stream: string | null,
  entries: readonly FolderEntry[],
  findings: RepairFinding[],
  steps: RepairStep[],
): void {
  for (const { name, kind } of entries) {
    if (kind !== "file" || !isTemporary(name)) continue;
    const path = `${folder}/${name}`;
    const message = `${path} was being made when a process died. It never became part of the log.`;
    findings.push({ kind: "leftover", stream, message });
    steps.push({ kind: "remove", path, keptAs: null });
  }
}

function cut({ runtime }: StreamPlace, part: { path: string; position: number; bytes: number }): RepairStep[] {
  return [{ kind: "cut", ...part, keptAs: pathToCopyTo(runtime.files, part) }];
}

function aside({ runtime, folder }: StreamPlace, name: string): RepairStep {
  const path = `${folder}/${name}`;
  return { kind: "setAside", path, keptAs: pathToMoveTo(runtime.files, path) };
}

function numbersIn(entries: readonly FolderEntry[]): number[] {
  return entries.map(({ name }) => segmentNumber(name)).filter((number) => number !== null);
}

function factsOf(error: DiatremeError): Omit<RepairFinding, "kind" | "stream" | "message"> {
  const { code, segment, offset, position } = error;
  return {
    code,
    ...(segment === undefined ? {} : { segment }),
    ...(offset === undefined ? {} : { offset }),
    ...(position === undefined ? {} : { position }),
  };
}
