// diatreme read: payloads one a line, or records as JSON.
import type { ReadOptions, ReadVerify } from "../log/read.ts";
import { OutputBuffer } from "./output-buffer.ts";
import { recordToJson } from "./record-json.ts";
import type { Host } from "./terminal.ts";

export interface ReadArguments {
  readonly directory: string;
  readonly stream: string;
  readonly from: number | undefined;
  readonly to: number | undefined;
  readonly limit: number | undefined;
  readonly verify: ReadVerify;
  readonly json: boolean;
}

export async function read({ terminal, openLog }: Host, args: ReadArguments): Promise<void> {
  await using log = await openLog(args.directory, { readOnly: true });
  const output = new OutputBuffer(terminal.output);
  try {
    // A plain loop: a step costs less than with `for await`, and each write gives the event loop its turn.
    for (const record of log.stream(args.stream).read(readOptions(args))) {
      const writing = args.json ? output.addText(recordToJson(record)) : output.addLine(record.payload);
      if (writing !== null) await writing;
    }
  } finally {
    // Also when a bad record ends the reading: those before it are good.
    await output.flush();
  }
}

function readOptions({ from, to, limit, verify }: ReadArguments): ReadOptions {
  return {
    verify,
    zeroCopy: true,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(limit === undefined ? {} : { limit }),
  };
}
