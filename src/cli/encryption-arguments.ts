// The arguments that have to do with encryption. Knows the package that parses arguments, as its neighbour does.
import { Argument, Command, Option } from "commander";
import { EXIT_USAGE } from "../errors.ts";
import { CommandError } from "./command-error.ts";
import type { EraseArguments } from "./erase.ts";
import type { LogKeysArguments, RotateKeysArguments } from "./log-keys.ts";
import type { KeySource } from "./master-key.ts";

/** One use of the program that has to do with encryption. */
export type EncryptionInvocation =
  | { readonly command: "erase"; readonly args: EraseArguments }
  | { readonly command: "keys init"; readonly args: LogKeysArguments }
  | { readonly command: "keys list"; readonly args: LogKeysArguments }
  | { readonly command: "keys rotate"; readonly args: RotateKeysArguments };

type Choose = (invocation: EncryptionInvocation) => void;

export interface KeyFlags {
  readonly key?: string;
  readonly passphrase?: string;
}

export const KEY_HELP = `
The key is never an argument: --key names a file with 32 bytes or 64 hexadecimal digits (one
way to make it: openssl rand -hex 32 > FILE), --passphrase one with a line of text; - is
standard input. Without either, DIATREME_KEY (digits) or DIATREME_PASSPHRASE is used.`;

/** Adds what says where the key is. */
export function withKey(command: Command): Command {
  return command
    .addOption(new Option("--key <file>", "the master key is in this file"))
    .addOption(new Option("--passphrase <file>", "the passphrase is in this file").conflicts("key"));
}

/** Where the key is. `input` is what reads standard input already. */
export function keySource({ key, passphrase }: KeyFlags, input?: string): KeySource {
  const path = key ?? passphrase;
  if (path === undefined) return { kind: "environment" };
  if (path === "-" && input === "-") {
    throw new CommandError("ARGUMENT_INVALID", EXIT_USAGE, "Standard input can be the lines or the key, not both.");
  }
  return { kind: key === undefined ? "passphrase" : "key", path };
}

const directory = () => new Argument("<dir>", "the log's folder");

function plain(name: string, description: string): Command {
  return new Command(name).description(description).helpOption("-h, --help", "print this help");
}

export function eraseCommand(choose: Choose, statuses: string): Command {
  return withKey(plain("erase", "Erase a subject: destroy its key, for good, and say so in the log."))
    .addArgument(directory())
    .addArgument(new Argument("<subject>", "the keyId that its records were appended with"))
    .addOption(new Option("--by <text>", "who wants it: a person, a ticket; it stays in the log").makeOptionMandatory())
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      `
Its payloads become unreadable for everybody. The records stay, and verify as before; each
stream that has some gets one more that says who erased what and when. Copies of the folder
made before, and what was read before, are not reached. It cannot be undone.
${KEY_HELP}

Examples:
  diatreme erase ./audit subject-42 --by "request 1189" --key master.key
${statuses}`,
    )
    .action((dir: string, subject: string, options: KeyFlags & { by: string; json?: boolean }) => {
      const { by, json = false } = options;
      choose({ command: "erase", args: { directory: dir, subject, by, key: keySource(options), json } });
    });
}

/** The commands of `diatreme keys` that are about a log's own keys. */
export function logKeyCommands(choose: Choose, statuses: string): Command[] {
  const help = (example: string) => `${KEY_HELP}\n\nExamples:\n  diatreme keys ${example}\n${statuses}`;
  const init = withKey(plain("init", "Make keys for a log, so that what is appended with them is encrypted."))
    .addArgument(directory())
    .option("--json", "print the outcome as JSON")
    .addHelpText("after", help("init ./audit --key master.key"))
    .action((dir: string, options: KeyFlags & { json?: boolean }) => {
      choose({ command: "keys init", args: { directory: dir, key: keySource(options), json: options.json ?? false } });
    });
  const list = withKey(plain("list", "List a log's keys by number, purpose, state, fingerprint and name."))
    .addArgument(directory())
    .option("--json", "print one JSON object a line")
    .addHelpText("after", help("list ./audit --key master.key"))
    .action((dir: string, options: KeyFlags & { json?: boolean }) => {
      choose({ command: "keys list", args: { directory: dir, key: keySource(options), json: options.json ?? false } });
    });
  const rotate = withKey(plain("rotate", "Replace what protects a log's keys; with --to-…, the master key too."))
    .addArgument(directory())
    .addOption(new Option("--to-key <file>", "the new master key is in this file"))
    .addOption(new Option("--to-passphrase <file>", "the new passphrase is in this file").conflicts("toKey"))
    .option("--json", "print the outcome as JSON")
    .addHelpText("after", help("rotate ./audit --key old.key --to-key new.key"))
    .action((dir: string, options: RotateFlags) => {
      const { toKey: key, toPassphrase: passphrase, json = false } = options;
      const to = key === undefined && passphrase === undefined ? undefined : keySource(given({ key, passphrase }));
      choose({ command: "keys rotate", args: { directory: dir, key: keySource(options), to, json } });
    });
  return [init, list, rotate];
}

interface RotateFlags extends KeyFlags {
  readonly toKey?: string;
  readonly toPassphrase?: string;
  readonly json?: boolean;
}

function given({ key, passphrase }: { key: string | undefined; passphrase: string | undefined }): KeyFlags {
  return key !== undefined ? { key } : passphrase !== undefined ? { passphrase } : {};
}
