// Repairs a log, or only says what a repair would do. Nothing is lost: what is taken out of use goes on under another
// name and is durable there before anything is cut. A repair that is cut short can be made again.

import { SEGMENT_HEADER_BYTES } from "../../../assembly/layout.ts";
import { failure } from "../../errors.ts";
import { encodeIdentity } from "../../format/log-identity.ts";
import { folderOf } from "../../format/path.ts";
import { segmentNumber } from "../../format/segment-header.ts";
import { isSideFile, partsOfSideFile } from "../../format/side-file.ts";
import { checkStreamName, isStreamName } from "../../format/stream-name.ts";
import type { FileAccess, Files, Runtime, RuntimeFile } from "../../runtime.ts";
import { crc32 } from "../../wasm/hashing-core.ts";
import { checkFlag, invalidOption, type OptionNames, optionsOf } from "../call-options.ts";
import { lockForWriting, lookAtLock } from "../lock.ts";
import { type LogSettings, settingsFrom } from "../options.ts";
import type { StreamPlace } from "../segments/segment.ts";
import { isOfSegment } from "../segments/segment-files.ts";
import { writeWhole } from "../segments/write-whole.ts";
import { Stream } from "../stream.ts";
import { findIdentity } from "./identity-repair.ts";
import { planRepair, type RepairFinding, type RepairPlan, type RepairStep, type StreamRepair } from "./repair-plan.ts";
import { copyAside, renewName, setAside, temporaryPath, wholeOf } from "./set-aside.ts";

export interface RepairOptions {
  /** This stream only. Default: all. */
  readonly stream?: string;
  /** Do it. Default `false`: only look, change nothing, take no lock. */
  readonly apply?: boolean;
  /** Longest payload that a record may have; as for `openLog`. Default 64 MiB. */
  readonly maxRecordBytes?: number;
}

export interface RepairReport extends RepairPlan {
  /** Whether the steps were done. */
  readonly applied: boolean;
  /**
   * Whether the log is good now: nothing was found, or all of it was repaired, opened for writing and verified since.
   */
  readonly ok: boolean;
}

// What one repair brings to light (an index behind a header that was mended) is repaired in the next round.
const ROUNDS = 4;

/**
 * Looks at the log in `directory` and says what is wrong with it and what a repair would do; does it when told to.
 * `repairLog` of the package is this with the current runtime.
 *
 * Each stream is kept up to the last complete append that is good and joins to all before it. What follows is cut off or
 * renamed and goes on beside the stream's files, as `<file>.removed-<position>-<n>`; it is durable there before anything
 * is cut. Good records are never touched, and what cannot be explained is left as it is. With `apply` the writer's lock is
 * held meanwhile, so that no writer can be at work; without it, nothing at all is changed.
 *
 * @throws {ConflictError} `LOG_LOCKED` with `apply`, when a writer is at work
 * @throws {CorruptionError} `LOG_IDENTITY_INVALID` when log.json is bad and no segment says which log this is
 * @throws {UsageError} `OPTION_INVALID`, `STREAM_NOT_FOUND`, `LOG_NOT_FOUND`, `NOT_A_LOG`, `LOG_VERSION_UNSUPPORTED`
 * @throws {StorageError} when the folder cannot be read or written: nothing is lost, and the repair can be made again
 * @example
 * const { ok, findings } = await repairLog("./audit");
 * if (!ok) await repairLog("./audit", { apply: true });
 */
export async function repairLogOn(
  runtime: Runtime,
  directory: string,
  options: RepairOptions = {},
): Promise<RepairReport> {
  const { stream: only, apply, settings } = checkOptions(runtime, directory, options);
  const path = runtime.files.resolve(directory);
  const kind = runtime.files.kind(path);
  if (kind === "file" || kind === "other") throw failure("NOT_A_LOG", { directory: path, reason: "it is no folder" });
  if (!apply) {
    const plan = await planRepair(runtime, path, settings, { only, isOurs: false });
    return { ...plan, applied: false, ok: plan.findings.length === 0 };
  }
  // Nothing but a log's folder gets a lock.
  findIdentity(runtime, path);
  const before = lookAtLock(runtime, path);
  const lock = lockForWriting(runtime, path);
  try {
    return { ...(await applyInRounds(runtime, path, settings, only)), lock: before };
  } finally {
    lock.release();
  }
}

async function applyInRounds(
  runtime: Runtime,
  directory: string,
  settings: LogSettings,
  only: string | undefined,
): Promise<RepairReport> {
  const findings = new Map<string, RepairFinding>();
  const steps: RepairStep[] = [];
  const streams = new Map<string, StreamRepair>();
  for (let round = 1; ; round++) {
    const plan = await planRepair(runtime, directory, settings, { only, isOurs: true });
    for (const finding of plan.findings) findings.set(`${finding.stream}\n${finding.message}`, finding);
    for (const stream of plan.streams) addStream(streams, stream);
    const isDone = plan.steps.length === 0 && plan.streams.every((stream) => stream.steps.length === 0);
    if (isDone) makeDurable(runtime, directory, only);
    if (isDone || round > ROUNDS) {
      const all = { findings: [...findings.values()], steps, streams: [...streams.values()] };
      return { ...plan, ...all, applied: true, ok: plan.findings.length === 0 };
    }
    steps.push(...plan.steps);
    applyToLog(runtime, directory, plan.steps);
    for (const { stream, steps: own } of plan.streams) {
      const place = { runtime, logId: plan.id, stream, folder: `${directory}/${stream}` };
      if (own.length > 0) await applyToStream(place, settings, own);
    }
  }
}

// What an earlier repair did looks done, and it may have been ended before all of it was durable: names, and what it wrote or
// cut in segments of which it has kept the old bytes.
function makeDurable(runtime: Runtime, directory: string, only: string | undefined): void {
  const { files } = runtime;
  // A stream of which all was set aside is none any more: every folder is looked at that may have been one.
  for (const { name, kind } of files.list(directory)) {
    if (kind === "folder" && isStreamName(name) && (only ?? name) === name)
      renewSideFiles(files, `${directory}/${name}`);
  }
  renewSideFiles(files, directory);
}

function renewSideFiles(files: Files, folder: string): void {
  const names = files
    .list(folder)
    .filter(({ kind }) => kind === "file")
    .map(({ name }) => name);
  const sides = names.filter(isSideFile);
  const origins = new Set(sides.map((side) => partsOfSideFile(side)?.name));
  for (const side of sides) renewName(files, `${folder}/${side}`);
  for (const name of names) {
    if (segmentNumber(name) !== null && origins.has(name)) rewriteStart(files, `${folder}/${name}`);
  }
  files.folder(folder).syncNow();
}

// A later sync alone would not do: one that failed has left the system in the belief that all is written.
function rewriteStart(files: Files, path: string): void {
  change(files, path, (file) => {
    const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
    writeWhole(file, bytes.subarray(0, file.read(bytes, 0)), 0);
    file.truncate(file.size());
  });
}

// A later round finds what an earlier one has left; what was set aside only the earlier one has seen.
function addStream(streams: Map<string, StreamRepair>, found: StreamRepair): void {
  const before = streams.get(found.stream);
  if (before === undefined) {
    streams.set(found.stream, found);
    return;
  }
  const wholeBehind = [...before.wholeBehind, ...found.wholeBehind];
  streams.set(found.stream, { ...found, wholeBehind, steps: [...before.steps, ...found.steps] });
}

function applyToLog(runtime: Runtime, directory: string, steps: readonly RepairStep[]): void {
  const { files } = runtime;
  removeFiles(files, steps);
  for (const step of steps) {
    if (step.kind !== "writeIdentity") continue;
    const { path, identity } = step;
    if (step.keptAs !== null) copyAside(runtime, wholeOf(files, path));
    const temporary = temporaryPath(runtime, path);
    change(files, temporary, (file) => writeWhole(file, encodeIdentity(identity, crc32), 0), "create");
    // In one step: there is never a time without log.json.
    files.rename(temporary, path);
  }
  if (steps.length > 0) files.folder(directory).syncNow();
}

// In this order. What is to be cut is kept before anything is cut. Then the cut comes before later segments go: it may be
// the link in one of them that shows a record to be altered, and who begins again half-way must still see it.
async function applyToStream(place: StreamPlace, settings: LogSettings, steps: readonly RepairStep[]): Promise<void> {
  const { runtime, folder } = place;
  const { files } = runtime;
  removeFiles(files, steps);
  for (const step of steps) {
    if (step.kind === "cut") copyAside(runtime, step);
    if (step.kind === "writeHeader") copyAside(runtime, { ...step, position: 0, bytes: step.headerBytes.length });
  }
  for (const step of steps) {
    if (step.kind === "writeHeader") change(files, step.path, (file) => writeWhole(file, step.headerBytes, 0));
    if (step.kind === "cut") change(files, step.path, (file) => file.truncate(step.position));
  }
  for (const step of steps) if (step.kind === "setAside") setAside(files, step.path);
  files.folder(folder).syncNow();
  const entries = files.list(folder);
  if (!entries.some(({ name }) => isOfSegment(name))) return;
  // The shipping code makes durable what is left, brings the indexes up to it and closes it.
  const stream = new Stream(place, { ...settings, readOnly: false }, folderOf(folder));
  try {
    await stream.head();
  } finally {
    await stream.close();
  }
}

// First: on a full disk their room is needed.
function removeFiles(files: Files, steps: readonly RepairStep[]): void {
  for (const step of steps) if (step.kind === "remove") files.remove(step.path);
}

/** Does something to a file, and makes it durable. */
function change(files: Files, path: string, act: (file: RuntimeFile) => void, access: FileAccess = "write"): void {
  const file = files.open(path, access);
  try {
    act(file);
    file.syncNow();
  } finally {
    file.close();
  }
}

const OPTION_NAMES: OptionNames<RepairOptions> = { stream: true, apply: true, maxRecordBytes: true };

function checkOptions(
  runtime: Runtime,
  directory: string,
  options: RepairOptions,
): { stream: string | undefined; apply: boolean; settings: LogSettings } {
  if (typeof directory !== "string" || directory === "") {
    throw invalidOption("directory", directory, "the path of a folder");
  }
  const { stream, apply = false, maxRecordBytes } = optionsOf(options, OPTION_NAMES);
  checkFlag("apply", apply);
  if (stream !== undefined) checkStreamName(stream);
  const limit = maxRecordBytes === undefined ? {} : { maxRecordBytes };
  return { stream, apply, settings: settingsFrom({ ...limit, readOnly: true }, runtime) };
}
