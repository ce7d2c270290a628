// diatreme append: one record a line, from a file or a pipe of any length, in constant memory.
import { checkStreamName } from "../format/stream-name.ts";
import type { TornTail } from "../log/recovery/torn-tail.ts";
import type { Stream, StreamHead } from "../log/stream.ts";
import type { SyncPolicy } from "../log/writing/sync-policy.ts";
import { Appender } from "./appender.ts";
import { CommandError } from "./command-error.ts";
import { Interruptible } from "./interruptible.ts";
import { LineSplitter } from "./lines.ts";
import { type KeySource, masterKeyFrom } from "./master-key.ts";
import { Progress } from "./progress.ts";
import { say, tell } from "./say.ts";
import { type Host, OutputClosed, type Terminal } from "./terminal.ts";
import { formatBytes, formatCount, formatPlural, formatRate } from "./units.ts";

export interface AppendArguments {
  readonly maxRecordBytes: number | undefined;
  readonly directory: string;
  readonly stream: string;
  /** A path, or `-` for standard input. */
  readonly input: string;
  readonly sync: SyncPolicy;
  /** Most lines of one append. */
  readonly batch: number;
  readonly key: KeySource;
  /** Whose records these are, when they get a key of their own. */
  readonly subject: string | undefined;
  readonly ack: boolean;
  readonly json: boolean;
}

/** The longest line unless told otherwise: as much as the library lets one record have. */
const MAX_LINE_BYTES = 64 << 20;
const BATCH_BYTES = 256 << 10;

export async function append({ terminal, openLog }: Host, args: AppendArguments): Promise<void> {
  // First what may be wrong: a mistyped name or path must not make a log.
  checkStreamName(args.stream);
  const encryption = await masterKeyFrom(terminal, args.key);
  const chunks = args.input === "-" ? terminal.input.chunks : await terminal.openFile(args.input);
  const { maxRecordBytes = MAX_LINE_BYTES } = args;
  const torn: TornTail[] = [];
  const log = await openLog(args.directory, {
    sync: args.sync,
    maxRecordBytes,
    onTornTail: (tail) => torn.push(tail),
    ...(encryption === undefined ? {} : { encryption }),
  });
  let start: StreamHead | undefined;
  let appender: Appender | undefined;
  const failures: unknown[] = [];
  const attempt = (work: () => Promise<unknown>) => work().catch((error: unknown) => failures.push(error));
  const progress = new Progress(terminal);
  let closed = false;
  await attempt(async () => {
    const stream = log.stream(args.stream);
    start = await stream.head();
    for (const tail of torn) await tell(terminal, `diatreme: ${describeTorn(tail)}`);
    const waiting = new Interruptible();
    appender = makeAppender(terminal, args, stream, start, progress, waiting);
    terminal.onInterrupt((status) => waiting.stop(new CommandError("INTERRUPTED", status, "Interrupted.")));
    await pump(chunks, appender, waiting, maxRecordBytes);
  });
  // Whatever ended the input, the whole lines that came before it are kept.
  await attempt(async () => appender?.finish());
  await attempt(async () => {
    await log.close();
    closed = true;
  });
  progress.clear();
  if (start !== undefined && appender !== undefined) {
    // What onFlush has acknowledged is durable when the log could be closed.
    if (closed || args.sync !== "onFlush") await tellAppended(terminal, args, start, appender);
    else await tell(terminal, "diatreme: how much of it is durable is not known");
  }
  if (failures.length > 0) throw failures[0];
}

function makeAppender(
  terminal: Terminal,
  args: AppendArguments,
  stream: Stream,
  start: StreamHead,
  progress: Progress,
  waiting: Interruptible,
): Appender {
  const began = terminal.monotonicMs();
  const appender: Appender = new Appender(stream, start, {
    sync: args.sync,
    keyId: args.subject,
    limits: { lines: args.batch, bytes: BATCH_BYTES },
    onDurable: args.ack ? acknowledger(terminal, args.json) : null,
    onAppended: () =>
      progress.show(() => {
        const records = appender.end.nextOffset - start.nextOffset;
        const rate = formatRate(records, appender.bytes, terminal.monotonicMs() - began);
        return `${formatCount(records)} records, ${formatBytes(appender.bytes)}, ${rate}`;
      }),
    onFailure: (error) => waiting.stop(error),
  });
  return appender;
}

async function pump(
  chunks: AsyncIterable<Uint8Array>,
  appender: Appender,
  waiting: Interruptible,
  longest: number,
): Promise<void> {
  const splitter = new LineSplitter(longest);
  const iterator = chunks[Symbol.asyncIterator]();
  for (;;) {
    const { value, done } = await waiting.wait(iterator.next());
    if (done === true) break;
    splitter.feed(value);
    while (splitter.fill(appender.batch)) await appender.send();
    appender.sendIfIdle();
  }
  splitter.end(appender.batch);
}

// Whoever reads the acknowledgements may go away. The input is appended all the same: lines are worth more than news.
function acknowledger(terminal: Terminal, json: boolean): (nextOffset: number) => Promise<void> {
  let isRead = true;
  return async (nextOffset) => {
    if (!isRead) return;
    try {
      await terminal.output.write(json ? `{"ack":${nextOffset}}\n` : `ACK ${nextOffset}\n`);
    } catch (error) {
      if (!(error instanceof OutputClosed)) throw error;
      isRead = false;
    }
  };
}

async function tellAppended(
  terminal: Terminal,
  args: AppendArguments,
  { nextOffset: firstOffset }: StreamHead,
  { end, bytes }: Appender,
): Promise<void> {
  const { nextOffset, head } = end;
  const records = nextOffset - firstOffset;
  if (args.json) {
    const told = { stream: args.stream, records, bytes, firstOffset, nextOffset, head };
    await say(terminal.output, JSON.stringify(told));
    return;
  }
  const offsets = records === 0 ? `next offset ${nextOffset}` : `offsets ${firstOffset}..${nextOffset - 1}`;
  await tell(terminal, `appended ${formatPlural(records, "record")}, ${offsets}, head ${head}`);
}

function describeTorn({ stream, segment, position, offset, bytes }: TornTail): string {
  const file = `${stream}/segment_${String(segment).padStart(6, "0")}.log`;
  const cut = `cut ${formatPlural(bytes, "byte")} off ${file} at byte ${position}`;
  return `${cut}: an append that did not complete. The next offset is ${offset}.`;
}
