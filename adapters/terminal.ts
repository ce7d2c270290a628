// The process's arguments, streams and signals, the same on Node, Deno and Bun.

import { open, unlink } from "node:fs/promises";
import type { ReadStream, WriteStream } from "node:tty";
import * as util from "node:util";
import { CommandError } from "../src/cli/command-error.ts";
import { type Inlet, type Outlet, OutputClosed, type Paint, type Terminal } from "../src/cli/terminal.ts";
import { EXIT_SYSTEM, EXIT_USAGE } from "../src/errors.ts";
import { nativeCode } from "./storage-failure.ts";

const CHUNK_BYTES = 256 << 10;

/** The terminal of this process. */
export function processTerminal(): Terminal {
  return {
    args: process.argv.slice(2),
    input: standardInput(process.stdin),
    output: standardOutput(process.stdout, "standard output"),
    errors: standardOutput(process.stderr, "standard error"),
    openFile,
    createSecretFile,
    variable,
    onInterrupt,
    monotonicMs: () => performance.now(),
    pause: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

function standardInput(stream: ReadStream): Inlet {
  return {
    isInteractive: stream.isTTY === true,
    chunks: { [Symbol.asyncIterator]: () => standardInputChunks(stream) },
  };
}

async function* standardInputChunks(stream: ReadStream): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (error) {
    throw unreadable(error, "standard input");
  }
}

async function openFile(path: string): Promise<AsyncIterable<Uint8Array>> {
  const file = await open(path, "r").catch((error: unknown) => {
    throw unreadable(error, path);
  });
  if ((await file.stat()).isDirectory()) {
    await file.close();
    throw unreadable({ code: "EISDIR" }, path);
  }
  return { [Symbol.asyncIterator]: () => chunksOf(file, path) };
}

// Deno without --allow-env throws: then nobody has said anything there.
function variable(name: string): string | undefined {
  try {
    return process.env[name];
  } catch {
    return undefined;
  }
}

async function* chunksOf(file: Awaited<ReturnType<typeof open>>, path: string): AsyncGenerator<Uint8Array> {
  try {
    for (;;) {
      const chunk = new Uint8Array(CHUNK_BYTES);
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, null);
      if (bytesRead === 0) return;
      yield bytesRead === CHUNK_BYTES ? chunk : chunk.subarray(0, bytesRead);
    }
  } catch (error) {
    throw unreadable(error, path);
  } finally {
    await file.close();
  }
}

async function createSecretFile(path: string, text: string): Promise<void> {
  const file = await open(path, "wx", 0o600).catch((error: unknown) => {
    if (nativeCode(error) !== "EEXIST") throw writeFailure(error, path);
    const message = `${path} is there already. It was not touched: name a new file.`;
    throw new CommandError("OUTPUT_EXISTS", EXIT_USAGE, message, { path }, error);
  });
  try {
    await file.writeFile(text);
    await file.sync();
  } catch (error) {
    // Half a key is of no use, and would be in the way of the next try.
    await unlink(path).catch(() => {});
    throw writeFailure(error, path);
  } finally {
    await file.close();
  }
}

function unreadable(error: unknown, path: string): CommandError {
  const message = `Cannot read ${path}: ${REASONS[nativeCode(error)] ?? messageOf(error)}.`;
  return new CommandError("INPUT_UNREADABLE", EXIT_SYSTEM, message, { path }, error);
}

const REASONS: { readonly [code: string]: string } = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EISDIR: "it is a folder",
  EACCES: "permission denied",
  EPERM: "permission denied",
};

function standardOutput(stream: WriteStream, name: string): Outlet {
  // After a failure Deno's stream says nothing at all any more, to nobody.
  let failed: { readonly error: unknown } | null = null;
  // Each failed write is told to who wrote; without a listener the stream's event would end the process besides.
  stream.on("error", () => {});
  const isInteractive = stream.isTTY === true;
  const coloured = isInteractive && showsColours();
  return {
    isInteractive,
    columns: stream.columns ?? 80,
    write: (bytes) =>
      new Promise((resolve, reject) => {
        const settle = (error?: unknown) => {
          if (error === undefined || error === null) setImmediate(resolve);
          else reject(writeFailure(error, name));
        };
        if (failed !== null) {
          settle(failed.error);
          return;
        }
        try {
          stream.write(bytes, settle);
        } catch (error) {
          // Deno throws here where the others call back.
          failed = { error };
          settle(error);
        }
      }),
    paint: (paint, text) => (coloured ? util.styleText(STYLES[paint], text, { validateStream: false }) : text),
  };
}

// https://no-color.org; a dumb terminal shows escapes as rubbish.
function showsColours(): boolean {
  return (variable("NO_COLOR") ?? "") === "" && variable("TERM") !== "dumb" && typeof util.styleText === "function";
}

const STYLES: { readonly [P in Paint]: Parameters<typeof util.styleText>[0] } = {
  good: "green",
  bad: ["bold", "red"],
  quiet: "gray",
  strong: "bold",
};

function writeFailure(error: unknown, name: string): Error {
  const code = nativeCode(error);
  if (code === "EPIPE" || code === "ERR_STREAM_DESTROYED") return new OutputClosed(error);
  return new CommandError("OUTPUT_FAILED", EXIT_SYSTEM, `Cannot write to ${name}: ${messageOf(error)}.`, {}, error);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

// `once`: after it the system's own handling is back, so that a second Ctrl-C ends the process.
function onInterrupt(listener: (exitStatus: number) => void): void {
  process.once("SIGINT", () => listener(130));
  process.once("SIGTERM", () => listener(143));
}
