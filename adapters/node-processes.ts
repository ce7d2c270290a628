// Who this process is and whether another still runs, from process numbers and, on Linux, /proc.

import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { Processes, ProcessIdentity } from "../src/runtime.ts";
import { nativeCode } from "./storage-failure.ts";

/** What this process may do without its user being asked in the middle of something else. */
export interface ProcessPermissions {
  readonly mayReadFile: (path: string) => boolean;
  readonly mayNameHost: () => boolean;
  readonly maySignal: () => boolean;
}

/** Node and Bun ask nobody: the system alone refuses. */
export const ALL_PERMITTED: ProcessPermissions = {
  mayReadFile: () => true,
  mayNameHost: () => true,
  maySignal: () => true,
};

/** The processes of this machine. What may not be read is left empty, and what cannot be told is `null`. */
export function nodeProcesses(permissions: ProcessPermissions): Processes {
  let known: ProcessIdentity | undefined;

  function self(): ProcessIdentity {
    known ??= {
      pid: process.pid,
      started: statusOf("self", permissions)?.started ?? "",
      boot: readSystemFile("/proc/sys/kernel/random/boot_id", permissions)?.trim() ?? "",
      host: permissions.mayNameHost() ? hostname() : "",
    };
    return known;
  }

  function isAlive(identity: ProcessIdentity): boolean | null {
    const here = self();
    if (identity.host === "" || identity.host !== here.host) return null;
    if (identity.boot !== "" && here.boot !== "" && identity.boot !== here.boot) return false;
    // Signal calls give 0 and negative numbers another meaning: whole groups.
    if (!Number.isSafeInteger(identity.pid) || identity.pid <= 0) return null;
    const status = statusOf(String(identity.pid), permissions);
    if (status === null) return identity.pid === here.pid || answersSignals(identity.pid, permissions);
    if (status.ended) return false;
    // The number may have been given to another process since: its start tells them apart.
    return identity.started === "" || identity.started === status.started;
  }

  return { self, isAlive };
}

interface ProcessStatus {
  /** Ticks from boot to its start. */
  readonly started: string;
  /** A zombie: it runs no more, only its parent has not asked yet how it ended. */
  readonly ended: boolean;
}

/** proc(5), /proc/pid/stat: field 2 is a name in parentheses that may hold anything, 3 the state, 22 the start. */
function statusOf(process: string, permissions: ProcessPermissions): ProcessStatus | null {
  const text = readSystemFile(`/proc/${process}/stat`, permissions);
  if (text === null) return null;
  const fromThird = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const state = fromThird[0];
  const started = fromThird[22 - 3];
  if (state === undefined || started === undefined) return null;
  return { started, ended: state === "Z" || state === "X" };
}

/** Whether the number is in use, by signal 0, which is checked and not sent. */
function answersSignals(pid: number, permissions: ProcessPermissions): boolean | null {
  if (!permissions.maySignal()) return null;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    const code = nativeCode(error);
    if (code === "ESRCH") return false;
    // It is there, and not ours to signal.
    return code === "EPERM" ? true : null;
  }
}

function readSystemFile(path: string, permissions: ProcessPermissions): string | null {
  if (!permissions.mayReadFile(path)) return null;
  try {
    return readFileSync(path, "latin1");
  } catch {
    // Not Linux, no such process, hidden from us, or refused: all the same here, it is not known.
    return null;
  }
}
