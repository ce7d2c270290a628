// The package on Deno: everything public, with `openLog` bound to this runtime.
import { type Log, type OpenOptions, openLogOn } from "../src/index.ts";
import { denoRuntime } from "./deno.ts";

export * from "../src/index.ts";

const runtime = denoRuntime();

/** Opens the log in a folder, or makes one there. See `openLogOn`, which also says what can go wrong. */
export function openLog(directory: string, options?: OpenOptions): Promise<Log> {
  return openLogOn(runtime, directory, options);
}
