// diatreme export: a range of a stream as text that verifies without the log; diatreme verify-export: does that.
import { EXIT_BAD_DATA, EXIT_GOOD, EXIT_USAGE } from "../errors.ts";
import type { ExportOptions } from "../log/export/export.ts";
import { type VerifyExportReport, verifyExport } from "../log/export/verify-export.ts";
import { CommandError } from "./command-error.ts";
import { limitOf } from "./record-limit.ts";
import { say } from "./say.ts";
import type { Host } from "./terminal.ts";
import { formatCount, formatPlural } from "./units.ts";

export interface ExportArguments {
  readonly maxRecordBytes: number | undefined;
  readonly directory: string;
  readonly stream: string;
  readonly from: number | undefined;
  readonly to: number | undefined;
  /** `"all"`, or offsets and ranges of them: `3,17,20-29`. */
  readonly withhold: string | undefined;
  readonly json: boolean;
}

export async function exportStream({ terminal, openLog }: Host, args: ExportArguments): Promise<void> {
  const options = exportOptions(args);
  await using log = await openLog(args.directory, { readOnly: true, ...limitOf(args) });
  for await (const chunk of log.stream(args.stream).exportRange(options)) await terminal.output.write(chunk);
}

function exportOptions({ from, to, withhold }: ExportArguments): ExportOptions {
  return {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(withhold === undefined ? {} : { withhold: isAll(withhold) ? "all" : chosenBy(withhold) }),
  };
}

function isAll(withhold: string): boolean {
  return withhold.split(",").some((part) => part.trim() === "all");
}

function chosenBy(text: string): (offset: number) => boolean {
  const ranges = text.split(",").map((part) => {
    const [, first, last] = /^(\d+)(?:-(\d+))?$/.exec(part.trim()) ?? [];
    if (first === undefined) {
      const message = `--withhold takes all, or offsets and ranges like 3,17,20-29; not ${JSON.stringify(text)}.`;
      throw new CommandError("ARGUMENT_INVALID", EXIT_USAGE, `${message} See: diatreme export --help`);
    }
    const range = { first: Number(first), last: Number(last ?? first) };
    // Nothing may go out by mistake.
    if (range.last >= range.first && Number.isSafeInteger(range.last)) return range;
    const message = `--withhold ${part.trim()} leaves out nothing: a range goes from the lower offset to the higher.`;
    throw new CommandError("ARGUMENT_INVALID", EXIT_USAGE, `${message} See: diatreme export --help`);
  });
  return (offset) => ranges.some(({ first, last }) => offset >= first && offset <= last);
}

export interface VerifyExportArguments {
  /** A path, or `-` for standard input. */
  readonly file: string;
  readonly head: string | undefined;
  readonly json: boolean;
}

/** Returns the exit status: a bad export is an outcome here, not a failure. */
export async function verifyExported({ terminal }: Host, { file, head, json }: VerifyExportArguments): Promise<number> {
  const chunks = file === "-" ? terminal.input.chunks : await terminal.openFile(file);
  const report = await verifyExport(chunks, head === undefined ? {} : { head });
  const text = json ? JSON.stringify(report) : describe(report, terminal.output.paint);
  await say(terminal.output, text);
  return report.ok ? EXIT_GOOD : EXIT_BAD_DATA;
}

function describe(report: VerifyExportReport, paint: Host["terminal"]["output"]["paint"]): string {
  const { ok, heading, records, withheld, head, problem, checked, notProved } = report;
  const lines: string[] = [];
  const contents = `${formatPlural(records, "record")}, ${formatCount(withheld)} of them without payload`;
  if (ok) lines.push(`${paint("good", "good:")} ${contents}`);
  else {
    lines.push(`${paint("bad", "BAD:")} ${problem?.message}`);
    lines.push(`  good before that: ${contents}`);
  }
  if (heading !== null) {
    lines.push(`  of stream ${heading.stream} of log ${heading.logId}, from offset ${heading.from}`);
    lines.push(
      `  head ${head} ${records === 0 ? "before the first record" : `at offset ${heading.from + records - 1}`}`,
    );
  }
  lines.push("");
  if (checked.length > 0) lines.push(paint("quiet", "checked"), ...checked.map((item) => paint("quiet", `  ${item}`)));
  lines.push(paint("quiet", "not proved"), ...notProved.map((item) => paint("quiet", `  ${item}`)));
  return lines.join("\n");
}
