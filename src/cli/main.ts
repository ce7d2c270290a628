// The command line as a function: a terminal in, an exit status out.
import { EXIT_GOOD } from "../errors.ts";
import { openLogOn } from "../log/open.ts";
import { repairLogOn } from "../log/repair/repair.ts";
import type { Runtime } from "../runtime.ts";
import { append } from "./append.ts";
import { type Invocation, parseArguments } from "./arguments.ts";
import { checkpoint } from "./checkpoint.ts";
import { compare } from "./compare.ts";
import { erase } from "./erase.ts";
import { exportStream, verifyExported } from "./export.ts";
import { factsOf } from "./failure-report.ts";
import { inspect } from "./inspect.ts";
import { generateKeys, showPublicKey } from "./keys.ts";
import { initKeys, listKeys, rotateKeys } from "./log-keys.ts";
import { read } from "./read.ts";
import { repair } from "./repair.ts";
import { type Host, type Library, OutputClosed, type Terminal } from "./terminal.ts";
import { verify } from "./verify.ts";

/** Runs one command. Resolves with the exit status when all output is written; never rejects because of what was asked. */
export async function main(terminal: Terminal, runtime: Runtime): Promise<number> {
  // Arguments that cannot be understood are told of as they seem to be meant.
  let json = terminal.args.includes("--json");
  try {
    const invocation = parseArguments(terminal.args);
    json = invocation.command !== "print" && invocation.args.json;
    return await run({ ...libraryOn(runtime), terminal, runtime }, invocation);
  } catch (error) {
    if (error instanceof OutputClosed) return EXIT_GOOD;
    return report(terminal, error, json);
  }
}

function libraryOn(runtime: Runtime): Library {
  return {
    openLog: (directory, options) => openLogOn(runtime, directory, options),
    repairLog: (directory, options) => repairLogOn(runtime, directory, options),
  };
}

async function run(host: Host, invocation: Invocation): Promise<number> {
  switch (invocation.command) {
    case "append":
      await append(host, invocation.args);
      return EXIT_GOOD;
    case "read":
      await read(host, invocation.args);
      return EXIT_GOOD;
    case "verify":
      return verify(host, invocation.args);
    case "export":
      await exportStream(host, invocation.args);
      return EXIT_GOOD;
    case "verify-export":
      return verifyExported(host, invocation.args);
    case "inspect":
      return inspect(host, invocation.args);
    case "repair":
      return repair(host, invocation.args);
    case "checkpoint":
      await checkpoint(host, invocation.args);
      return EXIT_GOOD;
    case "compare":
      return compare(host, invocation.args);
    case "keys generate":
      await generateKeys(host, invocation.args);
      return EXIT_GOOD;
    case "keys public":
      await showPublicKey(host, invocation.args);
      return EXIT_GOOD;
    case "erase":
      await erase(host, invocation.args);
      return EXIT_GOOD;
    case "keys init":
      await initKeys(host, invocation.args);
      return EXIT_GOOD;
    case "keys list":
      await listKeys(host, invocation.args);
      return EXIT_GOOD;
    case "keys rotate":
      await rotateKeys(host, invocation.args);
      return EXIT_GOOD;
    case "print":
      await host.terminal.output.write(invocation.text);
      return EXIT_GOOD;
  }
}

async function report(terminal: Terminal, error: unknown, json: boolean): Promise<number> {
  const facts = factsOf(error);
  const told = [terminal.errors.write(`diatreme: ${facts.message}\n`)];
  if (json) told.push(terminal.output.write(`${JSON.stringify({ error: facts })}\n`));
  // Where even this cannot be written, the exit status still says it.
  await Promise.allSettled(told);
  return facts.exitStatus;
}
