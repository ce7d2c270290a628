// What the command line needs of the program that hosts it. Adapters implement it; nothing here prints or exits.
import type { Log } from "../log/log.ts";
import type { OpenOptions } from "../log/options.ts";
import type { RepairOptions, RepairReport } from "../log/repair/repair.ts";
import type { Runtime } from "../runtime.ts";

/** The hosting process, as far as commands see it. */
export interface Terminal {
  /** Arguments behind the program's name. */
  readonly args: readonly string[];
  readonly input: Inlet;
  readonly output: Outlet;
  readonly errors: Outlet;
  /**
   * Opens a file to read it once from its start, in chunks that are the caller's to keep. Anything that can be read will
   * do: a regular file, a pipe's path, a device.
   *
   * @throws {CommandError} `INPUT_UNREADABLE`, when it is opened or while it is read
   */
  openFile(path: string): Promise<AsyncIterable<Uint8Array>>;
  /**
   * Makes a file that only its owner may read and write, and makes it durable. Nothing that is there is replaced.
   *
   * @throws {CommandError} `OUTPUT_EXISTS`, `OUTPUT_FAILED`
   */
  createSecretFile(path: string, text: string): Promise<void>;
  /** What the environment says under a name; `undefined` when nothing, or when it may not be asked. */
  variable(name: string): string | undefined;
  /** Calls once when somebody wants the program to end, with the exit status for that. A second wish ends it at once. */
  onInterrupt(listener: (exitStatus: number) => void): void;
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonicMs(): number;
  /** Resolves after the event loop has had a turn. */
  pause(): Promise<void>;
}

export interface Inlet {
  /** Whether a person is typing. */
  readonly isInteractive: boolean;
  /** To be read once. A chunk is given as soon as it is there, and is the caller's to keep. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

export interface Outlet {
  /** Whether a person is watching. */
  readonly isInteractive: boolean;
  /** Width in characters, where known. */
  readonly columns: number;
  /**
   * Resolves when the system has taken the bytes, which may then be changed, and the event loop has had a turn. Writes
   * take effect in the order of the calls.
   *
   * @throws {OutputClosed} when nobody reads any more
   * @throws {CommandError} `OUTPUT_FAILED`
   */
  write(bytes: Uint8Array | string): Promise<void>;
  /** The text coloured, where colours are shown and wanted; else the text. */
  paint(paint: Paint, text: string): string;
}

export type Paint = "good" | "bad" | "quiet" | "strong";

/** `openLog` of the package, on the hosting runtime. */
export type OpenLog = (directory: string, options?: OpenOptions) => Promise<Log>;

/** `repairLog` of the package, on the hosting runtime. */
export type RepairLog = (directory: string, options?: RepairOptions) => Promise<RepairReport>;

/** What the package does, on the hosting runtime. */
export interface Library {
  readonly openLog: OpenLog;
  readonly repairLog: RepairLog;
}

/** What every command gets. */
export interface Host extends Library {
  readonly terminal: Terminal;
  readonly runtime: Runtime;
}

/** Who read our output has gone, as `head` does. Not an error: nobody wants more. */
export class OutputClosed extends Error {
  constructor(cause?: unknown) {
    super("The output is closed.", { cause });
    this.name = "OutputClosed";
  }
}
