// diatreme erase: destroys a subject's key and says what that took away, and what it did not.
import type { ErasureReport } from "../log/erase.ts";
import { type KeySource, requiredMasterKey } from "./master-key.ts";
import type { Host } from "./terminal.ts";
import { formatCount, formatPlural } from "./units.ts";

export interface EraseArguments {
  readonly directory: string;
  readonly subject: string;
  readonly by: string;
  readonly key: KeySource;
  readonly json: boolean;
}

export async function erase({ terminal, openLog }: Host, args: EraseArguments): Promise<void> {
  const encryption = await requiredMasterKey(terminal, args.key);
  await using log = await openLog(args.directory, { encryption });
  const report = await log.eraseSubject(args.subject, { by: args.by });
  await terminal.output.write(args.json ? `${JSON.stringify(report)}\n` : textOf(report));
}

function textOf({ fingerprint, records, streams }: ErasureReport): string {
  const lines = [`erased ${formatPlural(records, "record")}; key ${fingerprint} is destroyed`];
  for (const { stream, erased, receipt, plain, readable, unreadable } of streams) {
    const said = receipt === null ? "" : `, receipt at offset ${receipt}`;
    const rest = [
      [readable, "encrypted with other keys"],
      [plain, "not encrypted"],
      [unreadable, "unreadable before"],
    ].flatMap(([count, what]) => (count === 0 ? [] : [`${formatCount(count as number)} ${what}`]));
    lines.push(`${stream}: ${formatCount(erased)} erased${said}; left: ${rest.join(", ") || "nothing"}`);
  }
  return `${lines.join("\n")}\n`;
}
