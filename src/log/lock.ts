// One writer at a time. A claim is a file in <dir>/lock/ whose name is a generation number; the highest generation
// holds the log. A claim is made whole or not at all, for a generation that nobody has had, and only when the highest
// one is released or its process is gone. So of several processes that find the same dead holder exactly one makes the
// next generation, and one that comes late with an old number sees a higher one and withdraws.

import { failure, isFailure, StorageError } from "../errors.ts";
import type { Files, ProcessIdentity, Runtime } from "../runtime.ts";
import { timeNotBefore } from "./segments/stored-time.ts";

export interface WriteLock {
  /** Lets the next writer in. Calling it again does nothing. */
  release(): void;
}

interface Claim extends ProcessIdentity {
  readonly since: string;
}

const CLAIM_MAX_BYTES = 4096;
const RELEASED = ".free";
// So many digits that all generations are exact numbers.
const CLAIM_NAME = /^(\d{8,15})(\.free)?$/;
// How often to look again when others come and go between two looks.
const TRIES = 100;

/** What a look at the lock finds. */
export interface LockState {
  /** `"left"`: its holder is surely gone, and the next writer takes it over. */
  readonly state: "free" | "held" | "left";
  /** Who made the claim; `null` when there is none, or none that makes sense. */
  readonly holder: { readonly pid: number; readonly host: string; readonly since: string } | null;
  /** The claim's file; `null` when there is none. */
  readonly path: string | null;
}

export function lockFolder(directory: string): string {
  return `${directory}/lock`;
}

/** Looks who holds a log's lock. Takes nothing and changes nothing. */
export function lookAtLock(runtime: Runtime, directory: string): LockState {
  const { files } = runtime;
  const folder = lockFolder(directory);
  const free: LockState = { state: "free", holder: null, path: null };
  const kind = files.kind(folder);
  if (kind === null) return free;
  if (kind !== "folder") throw failure("FILE_NOT_REGULAR", { path: folder, kind });
  for (let tries = 0; tries < TRIES; tries++) {
    const highest = highestOf(files, folder);
    if (highest === null || highest.released) return free;
    const path = `${folder}/${highest.name}`;
    const claim = readClaim(files, path);
    if (claim === "gone") continue;
    if (claim === null) return { state: "left", holder: null, path };
    const { pid, host, since } = claim;
    return { state: isSurelyGone(runtime, claim) ? "left" : "held", holder: { pid, host, since }, path };
  }
  return free;
}

/** @throws {ConflictError} `LOG_LOCKED`, naming the holder */
export function lockForWriting(runtime: Runtime, directory: string): WriteLock {
  const { files } = runtime;
  const folder = lockFolder(directory);
  const kind = files.kind(folder) ?? (files.makeFolder(folder) ? "folder" : files.kind(folder));
  // Behind a link, what looks like claims would be somebody else's files.
  if (kind !== null && kind !== "folder") throw failure("FILE_NOT_REGULAR", { path: folder, kind });
  const since = new Date(timeNotBefore(runtime.clock, 0) / 1000).toISOString();
  const claim: Claim = { ...runtime.processes.self(), since };
  const bytes = new TextEncoder().encode(`${JSON.stringify(claim)}\n`);
  for (let tries = 0; tries < TRIES; tries++) {
    const highest = highestOf(files, folder);
    if (highest !== null && !highest.released) {
      const path = `${folder}/${highest.name}`;
      const holder = readClaim(files, path);
      if (holder === "gone") continue;
      // What cannot be read was torn by a power loss, so its process is gone.
      if (holder !== null && !isSurelyGone(runtime, holder) && !isGivenUp(files, path, holder)) {
        const { pid, host, since: begun } = holder;
        throw failure("LOG_LOCKED", { directory, pid, host, since: begun, path });
      }
    }
    const generation = (highest?.generation ?? 0) + 1;
    if (!CLAIM_NAME.test(claimName(generation))) {
      throw failure("IO_FAILED", { path: folder, operation: "lock", reason: `it holds claim ${generation - 1}` });
    }
    const path = `${folder}/${claimName(generation)}`;
    // After a power loss the boot is another one, so a claim that is lost or torn by it claims nothing.
    if (!files.publish(path, bytes, "cached")) continue;
    const lock = makeLock(files, path, claim);
    try {
      const others = claims(files, folder);
      // Somebody went past meanwhile, or had this very generation and has let go of it.
      if (others.some((one) => one.generation > generation || `${folder}/${one.name}` === path + RELEASED)) {
        files.remove(path);
        continue;
      }
      for (const one of others) if (one.generation < generation) files.remove(`${folder}/${one.name}`);
    } catch (error) {
      // Nobody would know of it, and this process is alive.
      releaseIfPossible(lock);
      throw error;
    }
    return lock;
  }
  throw failure("IO_FAILED", { path: folder, operation: "lock", reason: "other processes claim it all the time" });
}

function isSurelyGone(runtime: Runtime, holder: Claim): boolean {
  return runtime.processes.isAlive(holder) === false;
}

function makeLock(files: Files, path: string, claim: Claim): WriteLock {
  let held = true;
  return {
    release() {
      if (!held) return;
      try {
        // The name stays, marked: the next generation must be a higher one.
        files.rename(path, `${path}${RELEASED}`);
      } catch (error) {
        giveUp(files, path, claim);
        throw error;
      }
      held = false;
    },
  };
}

// Claims that could not be released. Others must believe them for as long as this process lives; this one knows better.
const givenUp = new WeakMap<Files, Set<string>>();

function giveUp(files: Files, path: string, claim: Claim): void {
  const all = givenUp.get(files) ?? new Set();
  givenUp.set(files, all.add(nameOfClaim(path, claim)));
}

function isGivenUp(files: Files, path: string, claim: Claim): boolean {
  return givenUp.get(files)?.has(nameOfClaim(path, claim)) === true;
}

function nameOfClaim(path: string, { pid, started, boot, host, since }: Claim): string {
  return JSON.stringify([path, pid, started, boot, host, since]);
}

function releaseIfPossible(lock: WriteLock): void {
  try {
    lock.release();
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
  }
}

function claimName(generation: number): string {
  return String(generation).padStart(8, "0");
}

interface Found {
  readonly name: string;
  readonly generation: number;
  readonly released: boolean;
}

function claims(files: Files, folder: string): Found[] {
  const found: Found[] = [];
  for (const { name, kind } of files.list(folder)) {
    const match = CLAIM_NAME.exec(name);
    if (match === null || kind !== "file") continue;
    found.push({ name, generation: Number(match[1]), released: match[2] !== undefined });
  }
  return found;
}

function highestOf(files: Files, folder: string): Found | null {
  let highest: Found | null = null;
  for (const found of claims(files, folder)) {
    if (highest === null || found.generation > highest.generation) highest = found;
  }
  return highest;
}

// `null` for a claim that makes no sense; "gone" when its holder has just released it.
function readClaim(files: Files, path: string): Claim | null | "gone" {
  let text: string;
  try {
    text = new TextDecoder().decode(files.readSmall(path, CLAIM_MAX_BYTES));
  } catch (error) {
    if (isFailure(error, "FILE_NOT_FOUND")) return "gone";
    throw error;
  }
  try {
    const { pid, started, boot, host, since } = JSON.parse(text) as Claim;
    const strings = [started, boot, host, since].every((one) => typeof one === "string");
    // It is shown to people, and comes from whoever can write to the folder.
    const isTime = strings && new Date(since).toISOString() === since;
    return Number.isSafeInteger(pid) && isTime ? { pid, started, boot, host, since } : null;
  } catch {
    return null;
  }
}
