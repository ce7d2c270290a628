// diatreme read: payloads one a line, or records as JSON; to the end, or on and on.

import { isFailure } from "../errors.ts";
import type { FollowOptions, ReadOptions, ReadVerify } from "../log/reading/read-options.ts";
import type { LogRecord } from "../log/reading/record.ts";
import type { Stream } from "../log/stream.ts";
import { CommandError } from "./command-error.ts";
import { type KeySource, masterKeyFrom } from "./master-key.ts";
import { OutputBuffer } from "./output-buffer.ts";
import { recordToJson } from "./record-json.ts";
import { limitOf } from "./record-limit.ts";
import type { Host, Terminal } from "./terminal.ts";

export interface ReadArguments {
  readonly maxRecordBytes: number | undefined;
  readonly directory: string;
  readonly stream: string;
  readonly from: number | undefined;
  readonly to: number | undefined;
  readonly limit: number | undefined;
  readonly verify: ReadVerify | undefined;
  readonly follow: boolean;
  readonly key: KeySource;
  readonly json: boolean;
}

export async function read({ terminal, openLog }: Host, args: ReadArguments): Promise<void> {
  const encryption = await masterKeyFrom(terminal, args.key);
  await using log = await openLog(args.directory, {
    ...limitOf(args),
    readOnly: true,
    ...(encryption === undefined ? {} : { encryption }),
  });
  const output = new OutputBuffer(terminal.output);
  const stream = log.stream(args.stream);
  try {
    if (args.follow) await printComing(stream, args, output, terminal);
    else await printPresent(stream, args, output);
  } finally {
    // Also when a bad record ends the reading: those before it are good.
    await output.flush();
  }
}

async function printPresent(stream: Stream, args: ReadArguments, output: OutputBuffer): Promise<void> {
  // A plain loop: a step costs less than with `for await`, and each write gives the event loop its turn.
  for (const record of stream.read(readOptions(args))) {
    const writing = print(record, args, output);
    if (writing !== null) await writing;
  }
}

async function printComing(
  stream: Stream,
  args: ReadArguments,
  output: OutputBuffer,
  terminal: Terminal,
): Promise<void> {
  const { to = Number.POSITIVE_INFINITY, limit = Number.POSITIVE_INFINITY } = args;
  const stop = new AbortController();
  terminal.onInterrupt((status) => stop.abort(new CommandError("INTERRUPTED", status, "Interrupted.")));
  const records = stream.follow(followOptions(args, stop.signal));
  try {
    for (let left = limit, offset = args.from ?? 0; left > 0 && offset < to; left--, offset++) {
      const { value: record } = await flushUnlessSettled(records.next(), output, terminal);
      if (record === undefined) return;
      const writing = print(record, args, output);
      if (writing !== null) await writing;
    }
  } finally {
    await records.return();
  }
}

// Whoever watches sees each record as soon as no other is at hand.
async function flushUnlessSettled<T>(next: Promise<T>, output: OutputBuffer, terminal: Terminal): Promise<T> {
  let isSettled = false;
  const settle = (): void => {
    isSettled = true;
  };
  next.then(settle, settle);
  await terminal.pause();
  if (!isSettled) await output.flush();
  return next;
}

function print(record: LogRecord, { json }: ReadArguments, output: OutputBuffer): Promise<void> | null {
  if (json) return output.addText(recordToJson(record));
  // Receipts are of interest to programs; without --json they would be taken for data.
  if (record.kind === "tombstone") return null;
  try {
    return output.addLine(record.payload);
  } catch (error) {
    if (!isFailure(error, "PAYLOAD_ERASED")) throw error;
    return null;
  }
}

function readOptions({ from, to, limit, verify }: ReadArguments): ReadOptions {
  return {
    zeroCopy: true,
    ...(verify === undefined ? {} : { verify }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(limit === undefined ? {} : { limit }),
  };
}

function followOptions({ from, verify }: ReadArguments, signal: AbortSignal): FollowOptions {
  return { signal, ...(verify === undefined ? {} : { verify }), ...(from === undefined ? {} : { from }) };
}
