// diatreme repair: says what is wrong with a log and what would be done about it, and does it only when told to.
import { EXIT_BAD_DATA, EXIT_GOOD } from "../errors.ts";
import type { LockState } from "../log/lock.ts";
import type { RepairReport } from "../log/repair/repair.ts";
import type { RepairFinding, RepairStep, StreamRepair } from "../log/repair/repair-plan.ts";
import { printable, quoted } from "../printable.ts";
import { limitOf } from "./record-limit.ts";
import { say } from "./say.ts";
import type { Host, Outlet } from "./terminal.ts";
import { formatPlural } from "./units.ts";

export interface RepairArguments {
  readonly directory: string;
  /** `undefined`: all streams. */
  readonly stream: string | undefined;
  readonly apply: boolean;
  readonly maxRecordBytes: number | undefined;
  readonly json: boolean;
}

/** Returns the exit status: 0 when nothing is left to repair. */
export async function repair({ terminal, repairLog }: Host, args: RepairArguments): Promise<number> {
  const { directory, stream, apply, json } = args;
  const report = await repairLog(directory, {
    apply,
    ...(stream === undefined ? {} : { stream }),
    ...limitOf(args),
  });
  const text = json ? JSON.stringify(report, withoutBytes) : describe(report, terminal.output);
  await say(terminal.output, text);
  return report.ok ? EXIT_GOOD : EXIT_BAD_DATA;
}

// The bytes of a header would be an object with 128 keys.
function withoutBytes(key: string, value: unknown): unknown {
  return key === "headerBytes" ? undefined : value;
}

function describe(report: RepairReport, output: Outlet): string {
  const { directory, findings, steps, streams, applied } = report;
  const lines: string[] = [];
  const lock = describeLock(report.lock, applied);
  if (lock !== null) lines.push(lock, "");
  const show = (name: string, found: readonly RepairFinding[], own: readonly RepairStep[], stream?: StreamRepair) => {
    const strong = output.paint("strong", name);
    if (found.length === 0) {
      const rest = stream === undefined ? "" : `: ${formatPlural(stream.records, "record")}`;
      lines.push(`${strong}  ${output.paint("good", "good")}${rest}`);
      return;
    }
    lines.push(strong);
    for (const { message } of found) lines.push(`  ${output.paint("bad", "found")}  ${printable(message)}`);
    if (stream !== undefined) lines.push(...describeStream(stream, own));
    for (const step of own) lines.push(`  ${applied ? "did" : "would"}  ${printable(describeStep(step, directory))}`);
  };
  const ofLog = findings.filter(({ stream }) => stream === null);
  if (ofLog.length > 0) {
    const own = steps.filter(({ path }) => !path.slice(directory.length + 1).includes("/"));
    show("log", ofLog, own);
  }
  for (const stream of streams) {
    const own = findings.filter((finding) => finding.stream === stream.stream);
    show(stream.stream, own, stream.steps, stream);
  }
  return [...lines, "", conclusion(report)].join("\n");
}

function describeStream({ records, wholeBehind, stream }: StreamRepair, steps: readonly RepairStep[]): string[] {
  const lines = [`  keeps  ${formatPlural(records, "record")} from the first on`];
  const whole = wholeBehind.reduce((sum, row) => sum + row.records, 0);
  if (whole > 0) {
    const rows = wholeBehind.slice(0, 5).map(({ firstOffset, records, segment, position }) => {
      const last = firstOffset + records - 1;
      const offsets = last === firstOffset ? `offset ${last}` : `offsets ${firstOffset} to ${last}`;
      return `${offsets} from byte ${position} of segment ${segment} on`;
    });
    const more = wholeBehind.length > rows.length ? " and more" : "";
    lines.push(
      `  note   ${formatPlural(whole, "record")} behind the damage ${whole === 1 ? "is" : "are"} whole, and not joined ` +
        `to what is good: ${rows.join("; ")}${more}. They go on in what is set aside.`,
    );
  }
  if (records === 0 && steps.some(({ kind }) => kind === "setAside")) {
    lines.push(`  note   Nothing before the damage is good: the next append begins "${stream}" anew.`);
  }
  return lines;
}

function describeStep(step: RepairStep, directory: string): string {
  const name = (path: string) => path.slice(directory.length + 1);
  switch (step.kind) {
    case "writeIdentity": {
      const kept = step.keptAs === null ? "" : `; the old one is kept as ${name(step.keptAs)}`;
      return `write log.json with id ${step.identity.id}${kept}`;
    }
    case "writeHeader":
      return `write the header of ${name(step.path)} as it was; the damaged one is kept as ${name(step.keptAs)}`;
    case "cut": {
      const bytes = formatPlural(step.bytes, "byte");
      return `cut ${bytes} from byte ${step.position} of ${name(step.path)} on; they are kept as ${name(step.keptAs)}`;
    }
    case "setAside":
      return `rename ${name(step.path)} to ${name(step.keptAs)}`;
    case "rebuildIndex":
      return `make ${name(step.path)} anew from the records`;
    case "remove":
      return `remove ${name(step.path)}`;
  }
}

function describeLock({ state, holder, path }: LockState, applied: boolean): string | null {
  if (state === "free") return null;
  const who = holder === null ? "somebody unknown" : `process ${holder.pid} on ${quoted(holder.host)}`;
  const since = holder === null ? "" : ` since ${holder.since}`;
  if (state === "held") {
    return `lock  held by ${who}${since} (${path}): what it may be writing just now was not judged`;
  }
  return `lock  left behind by ${who}${since}, which is gone (${path}); ${applied ? "taken over" : "the next writer takes it over"}`;
}

function conclusion({ directory, findings, applied, ok }: RepairReport): string {
  if (findings.length === 0) return `Nothing needs repair in ${directory}.`;
  const unexplained = findings.filter(({ kind }) => kind === "unexplained").length;
  const rest = unexplained === 0 ? "" : ` ${formatPlural(unexplained, "finding")} of a kind that repair leaves alone.`;
  if (!applied) {
    const can = unexplained < findings.length ? " To do this, run it again with --apply." : "";
    return `Nothing was changed.${can}${rest}`;
  }
  if (ok)
    return "Done: the log opens for writing and verifies. What was set aside may be removed when nobody wants it.";
  return `Not all is repaired.${rest}`;
}
