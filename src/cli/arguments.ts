// What was asked for. The only file that knows the package that parses arguments; it decides and does nothing.
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { EXIT_USAGE } from "../errors.ts";
import type { SyncPolicy } from "../log/writing/sync-policy.ts";
import type { AppendArguments } from "./append.ts";
import type { CheckpointArguments } from "./checkpoint.ts";
import { CommandError } from "./command-error.ts";
import type { CompareArguments } from "./compare.ts";
import {
  type EncryptionInvocation,
  eraseCommand,
  type KeyFlags,
  keySource,
  logKeyCommands,
  withKey,
} from "./encryption-arguments.ts";
import type { ExportArguments, VerifyExportArguments } from "./export.ts";
import type { InspectArguments } from "./inspect.ts";
import type { GenerateKeysArguments, PublicKeyArguments } from "./keys.ts";
import type { ReadArguments } from "./read.ts";
import type { RepairArguments } from "./repair.ts";
import type { VerifyArguments } from "./verify.ts";
import { VERSION } from "./version.ts";

/** One use of the program. */
export type Invocation =
  | { readonly command: "append"; readonly args: AppendArguments }
  | { readonly command: "read"; readonly args: ReadArguments }
  | { readonly command: "verify"; readonly args: VerifyArguments }
  | { readonly command: "export"; readonly args: ExportArguments }
  | { readonly command: "verify-export"; readonly args: VerifyExportArguments }
  | { readonly command: "inspect"; readonly args: InspectArguments }
  | { readonly command: "repair"; readonly args: RepairArguments }
  | { readonly command: "checkpoint"; readonly args: CheckpointArguments }
  | { readonly command: "compare"; readonly args: CompareArguments }
  | { readonly command: "keys generate"; readonly args: GenerateKeysArguments }
  | { readonly command: "keys public"; readonly args: PublicKeyArguments }
  | EncryptionInvocation
  | { readonly command: "print"; readonly text: string };

const HELP_COLUMNS = 88;

const STATUSES = `
Exit status:
  0  good
  1  the data is bad
  2  wrong usage
  3  the system failed: input or output, the lock, permissions`;

const INTERRUPT_STATUSES = "\n  130  interrupted by Ctrl-C (143: by SIGTERM); what was taken is durable";

const ERRORS_AS_JSON = `
Errors go to standard error. With --json the last line of standard output is also
{"error":{"code":…,"message":…,"exitStatus":…}} with the error's facts.`;

/** @throws {CommandError} `ARGUMENT_INVALID` */
export function parseArguments(args: readonly string[]): Invocation {
  let chosen: Invocation | undefined;
  let printed = "";
  const program = makeProgram((invocation) => {
    chosen = invocation;
  });
  for (const command of [program, ...program.commands.flatMap((one) => [one, ...one.commands])]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => {
        printed += text;
      },
      writeErr: () => {},
      outputError: () => {},
      getOutHelpWidth: () => HELP_COLUMNS,
      getErrHelpWidth: () => HELP_COLUMNS,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  }
  try {
    program.parse(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (printed !== "") return { command: "print", text: printed };
    throw usageError(error, program, args);
  }
  return chosen ?? { command: "print", text: printed };
}

function usageError(error: CommanderError, program: Command, args: readonly string[]): CommandError {
  const command = program.commands.find((one) => one.name() === args[0]);
  const help = `diatreme ${command === undefined ? "" : `${command.name()} `}--help`;
  // Commander's own word for a program called without a command.
  const isBare = error.code === "commander.help";
  const said = isBare ? sayWhatToDo(command ?? program) : error.message.replace(/^error: /, "");
  const message = `${said.replaceAll("\n", " ").replace(/\.$/, "")}. See: ${help}`;
  return new CommandError("ARGUMENT_INVALID", EXIT_USAGE, message);
}

function sayWhatToDo({ commands }: Command): string {
  const names = commands.map((one) => one.name());
  return `say what to do: ${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

type Choose = (invocation: Invocation) => void;

function makeProgram(choose: Choose): Command {
  const program = new Command("diatreme")
    .description("Tamper-evident, append-only logs: write them, read them, prove that nobody changed them.")
    .version(VERSION, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print a command's help")
    .showSuggestionAfterError(true)
    .addHelpText("after", `\nEach command has its own help with examples: diatreme append --help\n${STATUSES}`);
  program.addCommand(appendCommand(choose));
  program.addCommand(readCommand(choose));
  program.addCommand(verifyCommand(choose));
  program.addCommand(exportCommand(choose));
  program.addCommand(verifyExportCommand(choose));
  program.addCommand(inspectCommand(choose));
  program.addCommand(repairCommand(choose));
  program.addCommand(checkpointCommand(choose));
  program.addCommand(compareCommand(choose));
  program.addCommand(eraseCommand(choose, STATUSES));
  program.addCommand(keysCommand(choose));
  return program;
}

function command(name: string, description: string): Command {
  return new Command(name).description(description).helpOption("-h, --help", "print this help");
}

const directory = () => new Argument("<dir>", "the log's folder");
// Readers and writers of one log must agree on it: a longer record is not held in memory, and ends what is done.
const maxRecordBytes = () =>
  new Option("--max-record-bytes <bytes>", "longest payload that a record may have (default: 64 MiB)").argParser(
    atLeastOne,
  );
const optionalStream = () => new Argument("[stream]", "the stream's name; default: all streams");

function appendCommand(choose: Choose): Command {
  return withKey(command("append", "Append one record a line. Makes the log and the stream when they are not there."))
    .addArgument(directory())
    .addArgument(new Argument("<stream>", "the stream's name: a-z, 0-9, '.', '_', '-'"))
    .addArgument(new Argument("[file]", "where the lines come from; - is standard input").default("-"))
    .addOption(
      new Option("--sync <when>", "when records are made durable; see below")
        .choices(["everyRecord", "everyBatch", "groupCommit", "onFlush"])
        .default("everyBatch"),
    )
    .addOption(
      new Option("--max-delay <ms>", "how long groupCommit waits for company, in milliseconds")
        .argParser(wholeNumber)
        .default(5),
    )
    .addOption(
      new Option("--batch <lines>", "most lines of one append, which is atomic; 256 KiB end one too")
        .argParser(atLeastOne)
        .default(1000),
    )
    .addOption(new Option("--subject <name>", "encrypt with a key of this subject's own, which erase destroys"))
    .addOption(maxRecordBytes())
    .option("--ack", 'print "ACK <next offset>" for each append once it is durable')
    .option("--json", 'print the outcome, and each ACK as {"ack":<next offset>}, as JSON')
    .addHelpText(
      "after",
      `
A record is a line's bytes without the \\n; a \\r stays. What follows the last \\n is a record
too, unless it is nothing. Lines of up to --max-record-bytes; any number of them in constant memory.

--sync everyRecord   one batch at a time, each with a sync of its own
       everyBatch    a sync begins at once; what comes meanwhile shares the next
       groupCommit   a sync waits up to --max-delay for more: fewer syncs, later ACKs
       onFlush       one sync at the end: for bulk loads

With --key or --passphrase records are encrypted: see diatreme keys init --help.

Examples:
  diatreme append ./audit orders orders.ndjson
  tail -F access.log | diatreme append ./audit access --ack
  zcat dump.gz | diatreme append ./audit import --sync onFlush
${STATUSES}${INTERRUPT_STATUSES}
${ERRORS_AS_JSON}`,
    )
    .action((dir: string, stream: string, input: string, options: AppendFlags) => {
      const { batch, maxRecordBytes, ack = false, json = false } = options;
      const sync = options.sync === "groupCommit" ? { groupCommit: { maxDelayMs: options.maxDelay } } : options.sync;
      const { subject } = options;
      const key = keySource(options, input);
      const how = { sync, batch, key, subject, maxRecordBytes, ack, json };
      choose({ command: "append", args: { directory: dir, stream, input, ...how } });
    });
}

interface AppendFlags extends KeyFlags {
  maxRecordBytes?: number;
  subject?: string;
  sync: Extract<SyncPolicy, string> | "groupCommit";
  maxDelay: number;
  batch: number;
  ack?: boolean;
  json?: boolean;
}

function readCommand(choose: Choose): Command {
  return withKey(command("read", "Print a stream's records, one a line, each checked before it is shown."))
    .addArgument(directory())
    .addArgument(new Argument("<stream>", "the stream's name"))
    .addOption(new Option("--from <offset>", "first offset wanted (default: 0)").argParser(wholeNumber))
    .addOption(new Option("--to <offset>", "first offset no longer wanted (default: the end)").argParser(wholeNumber))
    .addOption(new Option("--limit <records>", "at most so many records").argParser(wholeNumber))
    .addOption(
      new Option(
        "--verify <level>",
        "each record alone (crc), also its link (chain), all links from the nearest checkpoint, or from the first record on " +
          "(genesis); default: checkpoint where one is near, else chain",
      ).choices(["crc", "chain", "checkpoint", "genesis"]),
    )
    .addOption(maxRecordBytes())
    .option("-f, --follow", "go on as records are added, until --to, --limit or Ctrl-C")
    .option("--json", "print records as JSON: offset, timestamp (µs), time, kind, hash, and text or base64")
    .addHelpText(
      "after",
      `
Payloads are printed as they are, with a \\n behind each. The log is opened read-only, so a
writer may be at work. A bad record ends the reading; those before it are printed.

With --key or --passphrase encrypted payloads are read; without, they end the reading. What
was erased is passed over. With --json all records are printed, with "unreadable" for payloads
that cannot be read, and receipts of erasures with kind "tombstone".

Examples:
  diatreme read ./audit orders
  diatreme read ./audit orders --from 1000 --limit 10 --json
  diatreme read ./audit orders --verify genesis > orders.ndjson
  diatreme read ./audit orders --follow --json | your-consumer
${STATUSES}
  130  --follow was ended by Ctrl-C (143: by SIGTERM)
${ERRORS_AS_JSON}`,
    )
    .action((dir: string, stream: string, options: ReadFlags) => {
      const { from, to, limit, verify, maxRecordBytes, follow = false, json = false } = options;
      const how = { from, to, limit, verify, maxRecordBytes, follow, key: keySource(options), json };
      choose({ command: "read", args: { directory: dir, stream, ...how } });
    });
}

interface ReadFlags extends KeyFlags {
  maxRecordBytes?: number;
  from?: number;
  to?: number;
  limit?: number;
  verify?: Exclude<ReadArguments["verify"], undefined>;
  follow?: boolean;
  json?: boolean;
}

function verifyCommand(choose: Choose): Command {
  return command("verify", "Check every record and every link of a stream, or of all streams.")
    .addArgument(directory())
    .addArgument(optionalStream())
    .addOption(
      new Option("--against <file>", "a checkpoint that was kept elsewhere; may be given several times").argParser(
        severalFiles,
      ),
    )
    .addOption(publicKeyOption())
    .addOption(new Option("--from <offset>", "first offset to check (default: 0)").argParser(wholeNumber))
    .addOption(new Option("--to <offset>", "first offset no longer to check (default: the end)").argParser(wholeNumber))
    .addOption(
      new Option("--jobs <threads>", "threads that may work at once (default: one a core)").argParser(atLeastOne),
    )
    .addOption(maxRecordBytes())
    .option("--direct", "read past the system's cache, so that nothing is pushed out of it")
    .option("--stop-at-first", "end at the first bad record, without looking for what is good behind it")
    .option("--json", "print one report a line as JSON")
    .addHelpText(
      "after",
      `
The first bad record is named with its offset, its place and what is wrong with it, whatever
the number of threads. Only a checkpoint that was kept elsewhere shows that nothing was cut off
or replaced: each is held against the stream that it names.

Examples:
  diatreme verify ./audit
  diatreme verify ./audit orders --json
  diatreme verify ./audit --against monday.txt --against tuesday.txt --public-key audit.pub
  diatreme verify ./audit orders --from 100000 --to 200000
  nice diatreme verify ./archive --jobs 1 --direct
${STATUSES}
${ERRORS_AS_JSON}`,
    )
    .action((dir: string, stream: string | undefined, options: VerifyFlags) => {
      const {
        against = [],
        publicKey = [],
        from,
        to,
        jobs,
        direct = false,
        stopAtFirst = false,
        maxRecordBytes,
        json = false,
      } = options;
      const range = { from, to, jobs, direct, stopAtFirst, maxRecordBytes };
      choose({ command: "verify", args: { directory: dir, stream, against, publicKeys: publicKey, ...range, json } });
    });
}

interface VerifyFlags extends CompareFlags {
  against?: string[];
  from?: number;
  to?: number;
  jobs?: number;
  direct?: boolean;
  stopAtFirst?: boolean;
  maxRecordBytes?: number;
}

function exportCommand(choose: Choose): Command {
  return command("export", "Print records as lines that verify without the log, with or without their payloads.")
    .addArgument(directory())
    .addArgument(new Argument("<stream>", "the stream's name"))
    .addOption(new Option("--from <offset>", "first offset wanted (default: 0)").argParser(wholeNumber))
    .addOption(new Option("--to <offset>", "first offset no longer wanted (default: the end)").argParser(wholeNumber))
    .addOption(
      new Option(
        "--withhold <offsets>",
        "leave these payloads out: all, or offsets like 3,17,20-29; may be given several times",
      ).argParser((more: string, before: string | undefined) => (before === undefined ? more : `${before},${more}`)),
    )
    .addOption(maxRecordBytes())
    .addHelpText(
      "after",
      `
A payload that is withheld is represented by its SHA-256: the history stays provable to the
same head without its contents. Payloads are exported as they are stored.

Examples:
  diatreme export ./audit orders > orders.ndjson
  diatreme export ./audit orders --from 100 --to 200 --withhold 117,150-159 > part.ndjson
  diatreme export ./audit orders --withhold all | gzip > history.ndjson.gz
${STATUSES}`,
    )
    .action((dir: string, stream: string, { from, to, withhold, maxRecordBytes }: ExportFlags) => {
      choose({ command: "export", args: { directory: dir, stream, from, to, withhold, maxRecordBytes, json: false } });
    });
}

interface ExportFlags {
  from?: number;
  to?: number;
  maxRecordBytes?: number;
  withhold?: string;
}

function verifyExportCommand(choose: Choose): Command {
  return command("verify-export", "Check an export: every payload, every link, up to its head. Needs no log.")
    .addArgument(new Argument("[file]", "the export; - is standard input").default("-"))
    .addOption(new Option("--head <hex>", "the hash that its last record must have, known from elsewhere"))
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      `
Nothing in the export is believed. What it proves is as good as the head that you compare it
with: one that was kept elsewhere, or a signed one.

Examples:
  diatreme verify-export orders.ndjson
  zcat history.ndjson.gz | diatreme verify-export --head 5f0c…
${STATUSES}
${ERRORS_AS_JSON}`,
    )
    .action((file: string, { head, json = false }: { head?: string; json?: boolean }) => {
      choose({ command: "verify-export", args: { file, head, json } });
    });
}

function checkpointCommand(choose: Choose): Command {
  return command("checkpoint", "Print a checkpoint of a stream: a text that proves its records, to be kept elsewhere.")
    .addArgument(directory())
    .addArgument(new Argument("<stream>", "the stream's name"))
    .addOption(new Option("--key <file>", "sign it with this private key, PEM or JWK; - is standard input"))
    .option("--latest", "print the newest that the log holds, and change nothing: a writer may be at work")
    .addOption(publicKeyOption("with --latest, the newest that this key signed; may be given several times"))
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      `
Everything before it is made durable, and the checkpoint too. Keep it where nobody can put it
who can write to the log's folder: print it, mail it, hand it to your auditor.

Examples:
  diatreme checkpoint ./audit orders --key ~/keys/audit.key > monday.txt
  diatreme checkpoint ./audit orders --latest --public-key audit.pub
${STATUSES}
${ERRORS_AS_JSON}`,
    )
    .action((dir: string, stream: string, options: CheckpointFlags) => {
      const { key, latest = false, publicKey = [], json = false } = options;
      choose({ command: "checkpoint", args: { directory: dir, stream, key, latest, publicKeys: publicKey, json } });
    });
}

interface CheckpointFlags extends CompareFlags {
  key?: string;
  latest?: boolean;
}

function inspectCommand(choose: Choose): Command {
  return command("inspect", "Show what a log is made of: its id, streams, segments and sizes.")
    .addArgument(directory())
    .addArgument(optionalStream())
    .addOption(maxRecordBytes())
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      `
Examples:
  diatreme inspect ./audit
  diatreme inspect ./audit orders --json
${STATUSES}
${ERRORS_AS_JSON}`,
    )
    .action((dir: string, stream: string | undefined, { maxRecordBytes, json = false }: InspectFlags) => {
      choose({ command: "inspect", args: { directory: dir, stream, maxRecordBytes, json } });
    });
}

interface InspectFlags {
  maxRecordBytes?: number;
  json?: boolean;
}

function repairCommand(choose: Choose): Command {
  return command("repair", "Say what is wrong with a log and what a repair would do; do it with --apply.")
    .addArgument(directory())
    .addArgument(optionalStream())
    .option("--apply", "do it; the log must not be open for writing elsewhere")
    .addOption(maxRecordBytes())
    .option("--json", "print one JSON object: findings, steps, and what is kept of each stream")
    .addHelpText(
      "after",
      `
Each stream keeps all records up to the last complete append that is good and joins to all
before it. What follows is cut off or renamed, and goes on beside the stream's files as
<file>.removed-<position>-<n>: nothing is lost, and taking the names back undoes it. Without
--apply nothing at all is changed. What cannot be explained is left as it is.

Examples:
  diatreme repair ./audit
  diatreme repair ./audit orders --json
  diatreme repair ./audit --apply

Exit status:
  0  nothing needs repair, or all of it was repaired
  1  something needs repair, or could not be repaired
  2  wrong usage
  3  the system failed: input or output, the lock, permissions
${ERRORS_AS_JSON}`,
    )
    .action((dir: string, stream: string | undefined, options: RepairFlags) => {
      const { apply = false, maxRecordBytes, json = false } = options;
      choose({ command: "repair", args: { directory: dir, stream, apply, maxRecordBytes, json } });
    });
}

type RepairFlags = { apply?: boolean; maxRecordBytes?: number; json?: boolean };

function compareCommand(choose: Choose): Command {
  return command("compare", "Hold two exported checkpoints against each other, without their log.")
    .addArgument(new Argument("<first>", "a file with a checkpoint; - is standard input"))
    .addArgument(new Argument("<second>", "another one"))
    .addOption(publicKeyOption())
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      `
Two checkpoints of one log, stream and offset with different heads prove that the log forked:
somebody was shown another history. Signed by the same key, that is a proof against its holder.

Examples:
  diatreme compare monday.txt tuesday.txt --public-key auditor.pub
  diatreme compare mine.txt theirs.txt --json

Exit status:
  0  no contradiction
  1  they contradict each other, or one of them is not what it should be
  2  wrong usage
  3  the system failed: input or output
${ERRORS_AS_JSON}`,
    )
    .action((first: string, second: string, { publicKey = [], json = false }: CompareFlags) => {
      choose({ command: "compare", args: { files: [first, second], publicKeys: publicKey, json } });
    });
}

interface CompareFlags {
  publicKey?: string[];
  json?: boolean;
}

/** May be given more than once. */
function publicKeyOption(description = "a key that is trusted to sign; may be given several times"): Option {
  return new Option("--public-key <file>", description).argParser(severalFiles);
}

function severalFiles(file: string, before: string[] | undefined): string[] {
  return [...(before ?? []), file];
}

function keysCommand(choose: Choose): Command {
  const keys = command("keys", "Keys that sign checkpoints: generate, public. Keys that encrypt: init, list, rotate.");
  keys.addCommand(
    command("generate", "Make a new Ed25519 key. Keep it where nobody who can write to the log can read it.")
      .option("--out <file>", "write the private key there, for its owner's eyes only, and print the public one")
      .option("--jwk", "as JWK instead of PEM")
      .addHelpText(
        "after",
        `
Without --out the private key is printed. A file that is there is never replaced. openssl
reads these keys and makes such: openssl genpkey -algorithm ed25519.

Examples:
  diatreme keys generate --out ~/keys/audit.key > audit.pub
  diatreme keys generate | vault kv put secret/audit key=-
${STATUSES}`,
      )
      .action(({ out, jwk = false }: { out?: string; jwk?: boolean }) => {
        choose({ command: "keys generate", args: { out, jwk, json: false } });
      }),
  );
  keys.addCommand(
    command("public", "Print the public key of a private one, which may be given away.")
      .addArgument(new Argument("<file>", "the key, PEM or JWK, private or public; - is standard input"))
      .option("--jwk", "as JWK instead of PEM")
      .option("--id", "print the key's id, by which reports call it")
      .addHelpText(
        "after",
        `
Examples:
  diatreme keys public ~/keys/audit.key > audit.pub
  diatreme keys public audit.pub --id
${STATUSES}`,
      )
      .action((file: string, { jwk = false, id = false }: { jwk?: boolean; id?: boolean }) => {
        choose({ command: "keys public", args: { file, jwk, id, json: false } });
      }),
  );
  for (const one of logKeyCommands(choose, STATUSES)) keys.addCommand(one);
  return keys;
}

function wholeNumber(text: string): number {
  return parseNumber(text, 0);
}

function atLeastOne(text: string): number {
  return parseNumber(text, 1);
}

function parseNumber(text: string, least: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new InvalidArgumentError(`It must be a whole number, ${least} or more.`);
}
