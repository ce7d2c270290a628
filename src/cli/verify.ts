// diatreme verify: checks one stream or all, and says what was and was not proved.
import { openCheckpoint } from "../crypto/checkpoint-note.ts";
import { Verifier } from "../crypto/signer.ts";
import {
  DiatremeError,
  ERROR_TABLE,
  type ErrorCode,
  EXIT_BAD_DATA,
  EXIT_GOOD,
  EXIT_SYSTEM,
  failure,
  isFailure,
  StorageError,
} from "../errors.ts";
import type { Log } from "../log/log.ts";
import type { VerifyOptions, VerifyProgress, VerifyReport } from "../log/verification/verify-report.ts";
import { factsOf } from "./failure-report.ts";
import { readPublicKeys } from "./keys.ts";
import { Progress } from "./progress.ts";
import { limitOf } from "./record-limit.ts";
import { say } from "./say.ts";
import { readSmallText } from "./small-text.ts";
import type { Host, Outlet } from "./terminal.ts";
import { formatBytes, formatCount, formatDuration, formatPlural, formatRate, formatTime } from "./units.ts";

export interface VerifyArguments {
  readonly maxRecordBytes: number | undefined;
  readonly directory: string;
  /** `undefined`: all streams. */
  readonly stream: string | undefined;
  /** Files of checkpoints that were kept elsewhere. */
  readonly against: readonly string[];
  /** Files of keys that are trusted. */
  readonly publicKeys: readonly string[];
  readonly from: number | undefined;
  readonly to: number | undefined;
  /** `undefined`: as many as there are cores. */
  readonly jobs: number | undefined;
  readonly direct: boolean;
  readonly stopAtFirst: boolean;
  readonly json: boolean;
}

/** A stream's report, or why there is none: its files are too damaged to be opened as a stream, or cannot be read. */
type Verdict =
  | VerifyReport
  | {
      readonly stream: string;
      readonly ok: false;
      readonly problem: { readonly code: ErrorCode; readonly message: string };
    };

/** Returns the exit status: damage is an outcome here, not a failure. */
export async function verify({ terminal, openLog, runtime }: Host, args: VerifyArguments): Promise<number> {
  const publicKeys = await readPublicKeys(terminal, args.publicKeys);
  const verifiers = publicKeys.map((key) => new Verifier(runtime, key));
  const evidence: Evidence[] = [];
  for (const file of args.against) {
    const text = await readSmallText(terminal, file);
    const { stream, logId } = openCheckpoint(text, verifiers);
    evidence.push({ text, stream, logId });
  }
  await using log = await openLog(args.directory, { readOnly: true, publicKeys, ...limitOf(args) });
  const names = args.stream === undefined ? await streamsOf(log, evidence) : [args.stream];
  const { output } = terminal;
  const progress = new Progress(terminal, { readsInput: false });
  const verdicts: Verdict[] = [];
  for (const name of names) {
    // Opened for each: what a stream holds, it holds until its log is closed.
    await using one = await openLog(args.directory, { readOnly: true, publicKeys, ...limitOf(args) });
    // A stream that is named is to answer for all of it; else each answers for its own.
    const held = evidence.filter(({ stream }) => args.stream !== undefined || stream === name);
    const against = held.map(({ text }) => text);
    const onProgress = (state: VerifyProgress) => progress.show(() => describeProgress(name, state));
    const verdict = await verdictOn(one, name, { ...verifyOptions(args), against, onProgress }, held);
    progress.clear();
    verdicts.push(verdict);
    await say(output, args.json ? JSON.stringify(verdict) : describe(verdict, output));
  }
  if (!args.json) await say(output, describeAll(log, verdicts, output));
  if (verdicts.some(isBad)) return EXIT_BAD_DATA;
  return verdicts.every(({ ok }) => ok) ? EXIT_GOOD : EXIT_SYSTEM;
}

// What cannot be read, for want of permission or because the disk fails, may be as good as ever. A link or a folder in the
// place of a file is not: no log makes one.
function isBad({ problem }: Verdict): boolean {
  if (problem === null) return false;
  return problem.code === "FILE_NOT_REGULAR" || ERROR_TABLE[problem.code].exit !== EXIT_SYSTEM;
}

interface Evidence {
  readonly text: string;
  readonly stream: string;
  readonly logId: string;
}

/** All streams that are there, and those that should be. */
async function streamsOf(log: Log, evidence: readonly Evidence[]): Promise<string[]> {
  return [...new Set([...(await log.streams()), ...evidence.map(({ stream }) => stream)])].sort();
}

function verifyOptions({ from, to, jobs, direct, stopAtFirst }: VerifyArguments): VerifyOptions {
  return {
    directIo: direct,
    stopAtFirst,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(jobs === undefined ? {} : { jobs }),
  };
}

async function verdictOn(
  log: Log,
  name: string,
  options: VerifyOptions,
  evidence: readonly Evidence[],
): Promise<Verdict> {
  try {
    return await log.stream(name).verify(options);
  } catch (error) {
    if (!(error instanceof DiatremeError)) throw error;
    const isMissed = isFailure(error, "STREAM_NOT_FOUND") && evidence.length > 0;
    if (!isMissed && error.exitStatus !== EXIT_BAD_DATA && !(error instanceof StorageError)) throw error;
    const other = isMissed ? evidence.find(({ logId }) => logId !== log.id) : undefined;
    const { id } = log;
    const shown =
      other === undefined
        ? error
        : failure("LOG_OTHER", { stream: name, log: id, claimedStream: other.stream, claimedLog: other.logId });
    return { stream: name, ok: false, problem: { ...factsOf(shown), code: shown.code } };
  }
}

function describeProgress(
  stream: string,
  { records, totalRecords, bytes, elapsedMs, remainingMs }: VerifyProgress,
): string {
  const share = totalRecords === 0 ? 100 : Math.floor((records / totalRecords) * 100);
  const left = Number.isFinite(remainingMs) ? `, ${formatDuration(remainingMs)} left` : "";
  return `verifying ${stream}: ${share}%, ${formatRate(records, bytes, elapsedMs)}${left}`;
}

function describe(verdict: Verdict, output: Outlet): string {
  const { stream, ok, problem } = verdict;
  const lines: string[] = [];
  const name = output.paint("strong", stream);
  if (ok) {
    lines.push(`${name}  ${output.paint("good", "good:")} ${describeContents(verdict)}`);
  } else {
    const word = isBad(verdict) ? "BAD:" : "NOT READABLE:";
    lines.push(`${name}  ${output.paint("bad", word)} ${problem?.message}`);
    if ("records" in verdict) {
      for (const { message } of verdict.further) lines.push(`  ${output.paint("bad", "and:")} ${message}`);
      lines.push(`  good before that: ${describeContents(verdict)}`);
      if (verdict.goodAfter.length > 0) lines.push(`  good among themselves after that: ${describeAfter(verdict)}`);
    }
  }
  if ("range" in verdict && describeRange(verdict) !== null) lines.push(`  ${describeRange(verdict)}`);
  if ("head" in verdict) {
    if (verdict.head !== "") lines.push(`  head ${verdict.head} ${describePlace(verdict)}`);
    lines.push(...describeProofs(verdict));
  }
  if ("index" in verdict) {
    for (const note of verdict.index) lines.push(`  ${note} Reading is not affected; opening to write mends it.`);
    for (const note of verdict.work.notes) lines.push(`  ${note}`);
  }
  return lines.join("\n");
}

function describeProofs({ checkpoints, evidence, publicKeys }: VerifyReport): string[] {
  const lines = evidence.map(({ nextOffset, timestamp, signedBy }) => {
    const by = signedBy.length === 0 ? "unsigned or not checked" : `signed by ${signedBy.join(", ")}`;
    return `  agrees with a checkpoint from outside: ${formatPlural(nextOffset, "record")}, ${formatTime(timestamp)}, ${by}`;
  });
  const { agreed, signed, passedOver } = checkpoints;
  if (agreed > 0) {
    const by = signed > 0 ? `, ${formatCount(signed)} signed by ${publicKeys.join(" or ")}` : "";
    lines.push(`  agrees with ${formatPlural(agreed, "checkpoint")} of its own${by}`);
  }
  if (passedOver > 0)
    lines.push(
      `  ${formatPlural(passedOver, "checkpoint")} of its own ${passedOver === 1 ? "counts" : "count"} for nothing`,
    );
  return lines;
}

function describePlace({ records, range }: VerifyReport): string {
  return records === 0 ? "before the first record" : `at offset ${range.from + records - 1}`;
}

const MOST_SHOWN = 5;

function describeAfter({ goodAfter }: VerifyReport): string {
  const shown = goodAfter
    .slice(0, MOST_SHOWN)
    .map(({ from, to }) => (to === from + 1 ? `${from}` : `${from} to ${to - 1}`));
  const more = goodAfter.length - shown.length;
  return `records ${shown.join(", ")}${more > 0 ? `, and ${formatPlural(more, "range")} more` : ""}`;
}

function describeRange({ range: { from, to }, nextOffset }: VerifyReport): string | null {
  if (from === 0 && to === nextOffset) return null;
  return from === to
    ? "no record was asked for"
    : `records ${from} to ${to - 1} of ${formatCount(nextOffset)} were asked for`;
}

function describeContents({ records, bytes, segments }: VerifyReport): string {
  return `${formatPlural(records, "record")}, ${formatBytes(bytes)}, ${formatPlural(segments, "segment")}`;
}

function describeAll(log: Log, verdicts: readonly Verdict[], output: Outlet): string {
  if (verdicts.length === 0) return `The log in ${log.directory} has no streams.`;
  const reports = verdicts.filter((verdict) => "checked" in verdict);
  const lines = [""];
  const list = (title: string, items: ReadonlySet<string>) => {
    if (items.size > 0) lines.push(output.paint("quiet", title));
    for (const item of items) lines.push(output.paint("quiet", `  ${item}`));
  };
  list("checked", new Set(reports.flatMap(({ checked }) => checked)));
  const unread = verdicts.filter((verdict) => !verdict.ok && !isBad(verdict));
  const unknown = unread.map(({ stream }) => `anything about ${stream} that could not be read`);
  list("not proved", new Set([...unknown, ...reports.flatMap(({ notProved }) => notProved)]));
  const sum = (pick: (report: VerifyReport) => number) => reports.reduce((total, report) => total + pick(report), 0);
  const records = sum((report) => report.records);
  const bytes = sum((report) => report.bytes);
  const elapsedMs = sum((report) => report.elapsedMs);
  lines.push(
    `${formatPlural(verdicts.length, "stream")}, ${formatPlural(records, "record")}, ${formatBytes(bytes)} ` +
      `in ${formatDuration(elapsedMs)}: ${formatRate(records, bytes, elapsedMs)}`,
  );
  return lines.join("\n");
}
