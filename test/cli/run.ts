// Runs the command line: as a function in this process, which takes a tenth of the time, or as it is built, in a process
// of the runtime that runs the tests. `npm run build` makes what that needs.

import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { processTerminal } from "../../adapters/terminal.ts";
import { main } from "../../src/cli/main.ts";
import type { Inlet, Outlet } from "../../src/cli/terminal.ts";
import { argumentsToRun, currentRuntime } from "../contract/current-runtime.ts";

const BIN = built("adapters/bin.js");

/** How a run ended and what it printed. */
export interface Outcome {
  readonly status: number | null;
  readonly output: Buffer;
  readonly errors: string;
}

/** The path of a built file. */
export function built(path: string): string {
  const file = fileURLToPath(new URL(`../../dist/${path}`, import.meta.url));
  if (!existsSync(file)) throw new Error(`${file} is not there: run npm run build first`);
  return file;
}

type Input = string | Uint8Array | Uint8Array[];

/** Runs the program `diatreme` with arguments, and with bytes or chunks of bytes on standard input. */
export function diatremeProcess(args: readonly string[], input: Input = ""): Promise<Outcome> {
  const run = startDiatreme(args);
  for (const chunk of Array.isArray(input) ? input : [input]) run.child.stdin.write(chunk);
  run.child.stdin.end();
  return run.ended;
}

// Once: what makes it listens for errors of the process's own streams.
const TERMINAL = processTerminal();

/** The same in this process, but for its arguments, streams and signals: tests that start the program try those. */
export async function diatreme(args: readonly string[], input: Input = ""): Promise<Outcome> {
  const [output, errors] = [new Collected(), new Collected()];
  const terminal = { ...TERMINAL, args, input: inletOf(input), output, errors, onInterrupt: () => {} };
  const status = await main(terminal, currentRuntime());
  return { status, output: output.bytes(), errors: errors.bytes().toString() };
}

function inletOf(input: Input): Inlet {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (const chunk of Array.isArray(input) ? input : [input]) yield new Uint8Array(Buffer.from(chunk as Uint8Array));
  }
  return { isInteractive: false, chunks: chunks() };
}

class Collected implements Outlet {
  readonly isInteractive = false;
  readonly columns = 80;
  readonly #chunks: Buffer[] = [];

  write(bytes: Uint8Array | string): Promise<void> {
    this.#chunks.push(Buffer.from(bytes as Uint8Array));
    return new Promise((resolve) => setImmediate(resolve));
  }
  paint(_paint: unknown, text: string): string {
    return text;
  }
  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

/** A run that is under way. */
export interface Run {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Outcome>;
  /** The next line of standard output. */
  nextLine(): Promise<string>;
}

export interface StartOptions {
  readonly binary?: string;
  /** Arguments before the program's path. */
  readonly before?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts `diatreme` and leaves its standard input open. */
export function startDiatreme(args: readonly string[]): Run {
  return start(BIN, args);
}

/** Runs `diatreme` with its standard output redirected to a file. */
export function diatremeInto(file: string, args: readonly string[]): Promise<Outcome> {
  const fd = openSync(file, "w");
  const child = spawn(process.execPath, argumentsToRun(BIN, ...args), { stdio: ["ignore", fd, "pipe"] });
  closeSync(fd);
  return outcomeOf(child);
}

/** Starts a program, in this runtime or the one that is given. */
export function start(
  program: string,
  args: readonly string[],
  { binary = process.execPath, before = argumentsToRun("").slice(0, -1), env = process.env }: StartOptions = {},
): Run {
  const child = spawn(binary, [...before, program, ...args], { env });
  // A program that ends early does not read its input to the end.
  child.stdin.on("error", () => {});
  const ended = outcomeOf(child);
  let lines: AsyncIterator<string> | undefined;
  return {
    child,
    ended,
    nextLine: async () => {
      lines ??= createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`it ended: ${(await ended).errors}`);
      return value;
    },
  };
}

async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => errors.push(chunk));
  const [status] = (await once(child, "close")) as [number | null];
  return { status, output: Buffer.concat(output), errors: Buffer.concat(errors).toString() };
}

/** Each line of output as JSON. */
export function jsonLines(output: Buffer): unknown[] {
  return output
    .toString()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as unknown);
}
