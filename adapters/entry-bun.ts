// The package on Bun: everything public, with `openLog` bound to this runtime.
import {
  type Log,
  type OpenOptions,
  openLogOn,
  type RepairOptions,
  type RepairReport,
  repairLogOn,
} from "../src/index.ts";
import { bunRuntime } from "./bun.ts";

export * from "../src/index.ts";

const runtime = bunRuntime();

/** Opens the log in a folder, or makes one there. See `openLogOn`, which also says what can go wrong. */
export function openLog(directory: string, options?: OpenOptions): Promise<Log> {
  return openLogOn(runtime, directory, options);
}

/** Repairs the log in a folder, or says what a repair would do. See `repairLogOn`. */
export function repairLog(directory: string, options?: RepairOptions): Promise<RepairReport> {
  return repairLogOn(runtime, directory, options);
}
