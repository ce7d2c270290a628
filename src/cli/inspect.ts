// diatreme inspect: what a log is made of. Looks at headers and ends, not at every record: that is verify's work.
import { DiatremeError, EXIT_BAD_DATA, EXIT_GOOD } from "../errors.ts";
import type { StreamInspection } from "../log/inspect.ts";
import type { Log } from "../log/log.ts";
import { factsOf } from "./failure-report.ts";
import { limitOf } from "./record-limit.ts";
import { say } from "./say.ts";
import type { Host, Outlet } from "./terminal.ts";
import { formatBytes, formatCount, formatPlural, formatTime } from "./units.ts";

export interface InspectArguments {
  readonly maxRecordBytes: number | undefined;
  readonly directory: string;
  /** `undefined`: all streams. */
  readonly stream: string | undefined;
  readonly json: boolean;
}

type Finding = StreamInspection | { readonly stream: string; readonly error: { readonly message: string } };

/** Returns the exit status. */
export async function inspect({ terminal, openLog }: Host, args: InspectArguments): Promise<number> {
  await using log = await openLog(args.directory, { readOnly: true, ...limitOf(args) });
  const names = args.stream === undefined ? await log.streams() : [args.stream];
  const streams: Finding[] = [];
  for (const name of names) {
    // Opened for each: what a stream holds, it holds until its log is closed.
    await using one = await openLog(args.directory, { readOnly: true, ...limitOf(args) });
    streams.push(await findingOn(one, name));
  }
  const { id, directory, created } = log;
  const text = args.json
    ? JSON.stringify({ id, directory, created, createdTime: formatTime(created), streams })
    : describe(log, streams, terminal.output);
  await say(terminal.output, text);
  return streams.some((stream) => "error" in stream || stream.damage !== null) ? EXIT_BAD_DATA : EXIT_GOOD;
}

async function findingOn(log: Log, name: string): Promise<Finding> {
  try {
    return await log.stream(name).inspect();
  } catch (error) {
    if (!(error instanceof DiatremeError) || error.exitStatus !== EXIT_BAD_DATA) throw error;
    return { stream: name, error: factsOf(error) };
  }
}

function describe({ id, directory, created }: Log, streams: readonly Finding[], output: Outlet): string {
  const lines = [
    `log      ${id}`,
    `folder   ${directory}`,
    `created  ${formatTime(created)}`,
    `streams  ${formatCount(streams.length)}`,
  ];
  for (const stream of streams) lines.push("", ...describeStream(stream, output));
  return lines.join("\n");
}

function describeStream(stream: Finding, output: Outlet): string[] {
  const name = output.paint("strong", stream.stream);
  if ("error" in stream) return [`${name}  ${output.paint("bad", "BAD:")} ${stream.error.message}`];
  const { nextOffset, head, damage, bytes, segments, hashEngine } = stream;
  const size = `${formatPlural(nextOffset, "record")}, ${formatBytes(bytes)}, ${formatPlural(segments.length, "segment")}`;
  const rows = segments.map(({ file, firstOffset, records, bytes, created, indexPages }) => [
    file,
    String(firstOffset),
    formatCount(records),
    formatCount(bytes),
    formatCount(indexPages),
    formatTime(created),
  ]);
  const titles = ["segment", "first offset", "records", "bytes", "index pages", "created"];
  return [
    `${name}  ${size}`,
    ...(damage === null ? [] : [`  ${output.paint("bad", "BAD:")} ${damage.message}`]),
    `  head          ${head}`,
    `  hashing       ${describeEngine(hashEngine)}`,
    ...alignColumns([titles, ...rows]).map((line, index) => (index === 0 ? output.paint("quiet", line) : line)),
  ];
}

function describeEngine({ choice, nativeFromBytes, nativeFromBytesForOne }: StreamInspection["hashEngine"]): string {
  if (nativeFromBytes === null && nativeFromBytesForOne === null) return `${choice}: WebAssembly for every payload`;
  const from = (bytes: number | null) => (bytes === null ? "never" : `from ${formatPlural(bytes, "byte")}`);
  return `${choice}: the runtime's SHA-256 ${from(nativeFromBytes)} in batches, ${from(nativeFromBytesForOne)} alone; WebAssembly below`;
}

// Text to the left, numbers to the right.
function alignColumns(rows: readonly string[][]): string[] {
  const last = (rows[0]?.length ?? 0) - 1;
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows.map((row) => {
    const cells = row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return column === 0 || column === last ? cell.padEnd(width) : cell.padStart(width);
    });
    return `  ${cells.join("  ")}`.trimEnd();
  });
}
