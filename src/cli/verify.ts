// diatreme verify: checks one stream or all, and says what was and was not proved.
import { DiatremeError, EXIT_BAD_DATA, EXIT_GOOD } from "../errors.ts";
import type { Log } from "../log/log.ts";
import type { VerifyProgress, VerifyReport } from "../log/verify-report.ts";
import { factsOf } from "./failure-report.ts";
import { Progress } from "./progress.ts";
import { type Host, type Outlet, OutputClosed } from "./terminal.ts";
import { formatBytes, formatDuration, formatPlural, formatRate } from "./units.ts";

export interface VerifyArguments {
  readonly directory: string;
  /** `undefined`: all streams. */
  readonly stream: string | undefined;
  readonly json: boolean;
}

/** A stream's report, or why there is none: its files are too damaged to be opened as a stream. */
type Verdict =
  | VerifyReport
  | { readonly stream: string; readonly ok: false; readonly problem: { readonly message: string } };

/** Returns the exit status: damage is an outcome here, not a failure. */
export async function verify({ terminal, openLog }: Host, args: VerifyArguments): Promise<number> {
  await using log = await openLog(args.directory, { readOnly: true });
  const names = args.stream === undefined ? await log.streams() : [args.stream];
  const say = sayer(terminal.output);
  const progress = new Progress(terminal);
  const verdicts: Verdict[] = [];
  for (const name of names) {
    const verdict = await verdictOn(log, name, (state) => progress.show(() => describeProgress(name, state)));
    progress.clear();
    verdicts.push(verdict);
    await say(args.json ? JSON.stringify(verdict) : describe(verdict, terminal.output));
  }
  if (!args.json) await say(describeAll(log, verdicts, terminal.output));
  return verdicts.every(({ ok }) => ok) ? EXIT_GOOD : EXIT_BAD_DATA;
}

async function verdictOn(log: Log, name: string, onProgress: (state: VerifyProgress) => void): Promise<Verdict> {
  try {
    return await log.stream(name).verify({ onProgress });
  } catch (error) {
    if (!(error instanceof DiatremeError) || error.exitStatus !== EXIT_BAD_DATA) throw error;
    return { stream: name, ok: false, problem: factsOf(error) };
  }
}

// The verdict is in the exit status too: it must not be lost because nobody reads the rest of the output.
function sayer(output: Outlet): (text: string) => Promise<void> {
  return (text) =>
    output.write(`${text}\n`).catch((error: unknown) => {
      if (!(error instanceof OutputClosed)) throw error;
    });
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
    lines.push(`${name}  ${output.paint("bad", "BAD:")} ${problem?.message}`);
    if ("records" in verdict) lines.push(`  good before that: ${describeContents(verdict)}`);
  }
  if ("head" in verdict) lines.push(`  head ${verdict.head} ${describePlace(verdict)}`);
  if ("index" in verdict) {
    for (const note of verdict.index) lines.push(`  ${note} Reading is not affected; opening to write mends it.`);
  }
  return lines.join("\n");
}

function describePlace({ records }: VerifyReport): string {
  return records === 0 ? "before the first record" : `at offset ${records - 1}`;
}

function describeContents({ records, bytes, segments }: VerifyReport): string {
  return `${formatPlural(records, "record")}, ${formatBytes(bytes)}, ${formatPlural(segments, "segment")}`;
}

function describeAll(log: Log, verdicts: readonly Verdict[], output: Outlet): string {
  if (verdicts.length === 0) return `The log in ${log.directory} has no streams.`;
  const reports = verdicts.filter((verdict) => "checked" in verdict);
  const lines = [""];
  const list = (title: string, items: Iterable<string>) => {
    lines.push(output.paint("quiet", title));
    for (const item of items) lines.push(output.paint("quiet", `  ${item}`));
  };
  list("checked", new Set(reports.flatMap(({ checked }) => checked)));
  list("not proved", new Set(reports.flatMap(({ notProved }) => notProved)));
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
