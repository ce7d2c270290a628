// Opens the log in a folder, or makes one there.

import { failure, isFailure, StorageError } from "../errors.ts";
import {
  decodeIdentity,
  encodeIdentity,
  IDENTITY_FILE,
  IDENTITY_MAX_BYTES,
  type LogIdentity,
  uuidFrom,
} from "../format/log-identity.ts";
import { folderOf } from "../format/path.ts";
import { encryptedStreams, openKeyring } from "../keys/open-keyring.ts";
import { quoted } from "../printable.ts";
import type { Runtime } from "../runtime.ts";
import { crc32 } from "../wasm/hashing-core.ts";
import { invalidOption } from "./call-options.ts";
import { finishErasures } from "./erase.ts";
import { lockFolder, lockForWriting, type WriteLock } from "./lock.ts";
import { Log } from "./log.ts";
import { type LogSettings, type OpenOptions, settingsFrom } from "./options.ts";
import { timeNotBefore } from "./segments/stored-time.ts";
import { streamNames } from "./segments/stream-names.ts";
import type { EncryptionState } from "./writing/stream-cipher.ts";

/**
 * Opens the log in `directory` on a given runtime. `openLog` of the package is this with the current runtime.
 *
 * A missing or empty folder becomes a new log, unless `create` is `false` or `readOnly` is `true`. One process at a time
 * may write; any number may read beside it.
 *
 * @throws {UsageError} `LOG_NOT_FOUND`, `NOT_A_LOG`, `LOG_VERSION_UNSUPPORTED`, `OPTION_INVALID`,
 *   `KEY_INVALID`, `SIGNATURES_MISSING`, `ENCRYPTION_UNAVAILABLE`
 * @throws {KeyError} `KEYS_NOT_FOUND`, `KEY_WRONG`
 * @throws {ConflictError} `LOG_LOCKED`
 * @throws {CorruptionError} `LOG_IDENTITY_INVALID`, `KEY_FILE_INVALID`
 * @throws {StorageError} when the folder cannot be read or written
 */
export async function openLogOn(runtime: Runtime, directory: string, options: OpenOptions = {}): Promise<Log> {
  const settings = settingsFrom(options ?? {}, runtime);
  if (typeof directory !== "string" || directory === "") {
    throw invalidOption("directory", directory, "the path of a folder");
  }
  const path = runtime.files.resolve(directory);
  const kind = runtime.files.kind(path);
  if (kind === "file" || kind === "other") throw failure("NOT_A_LOG", { directory: path, reason: "it is no folder" });
  const found = readIdentity(runtime, path);
  const identity = found ?? makeLog(runtime, path, settings.create);
  if (found !== null && !settings.readOnly) syncNameBeforeOthers(runtime, path);
  const lock = settings.readOnly ? null : lockForWriting(runtime, path);
  let keys: EncryptionState;
  try {
    keys = await openKeys(runtime, path, identity.id, settings);
  } catch (error) {
    releaseQuietly(lock);
    throw error;
  }
  const log = new Log(runtime, path, identity, { ...settings, ...keys }, lock);
  if (lock !== null) {
    try {
      await finishErasures(log, keys.keyring);
    } catch (error) {
      await log.close().catch(() => undefined);
      throw error;
    }
  }
  return log;
}

async function openKeys(
  runtime: Runtime,
  directory: string,
  logId: string,
  settings: LogSettings,
): Promise<EncryptionState> {
  const place = { runtime, directory, logId };
  const writable = !settings.readOnly;
  if (settings.encryption === null) {
    return { keyring: null, lockedStreams: writable ? encryptedStreams(place) : new Set() };
  }
  const mayCreate = () => streamNames(runtime.files, directory).length === 0;
  return { keyring: await openKeyring(place, settings.encryption, { writable, mayCreate }), lockedStreams: new Set() };
}

function readIdentity({ files }: Runtime, directory: string): LogIdentity | null {
  const path = `${directory}/${IDENTITY_FILE}`;
  let bytes: Uint8Array;
  try {
    bytes = files.readSmall(path, IDENTITY_MAX_BYTES);
  } catch (error) {
    if (isFailure(error, "FILE_NOT_FOUND")) return null;
    throw error;
  }
  return decodeIdentity(bytes, path, crc32);
}

function makeLog(runtime: Runtime, directory: string, create: boolean): LogIdentity {
  const { files } = runtime;
  const there = contents(runtime, directory);
  if (there !== null && there.length > 0) {
    // Another process may have made the log between the two looks.
    const made = readIdentity(runtime, directory);
    if (made !== null) return made;
    const reason = `it has no ${IDENTITY_FILE} and holds ${quoted(there[0] as string)}`;
    throw failure("NOT_A_LOG", { directory, reason });
  }
  if (!create) throw failure("LOG_NOT_FOUND", { directory });
  makeFolders(runtime, directory);
  const random = new Uint8Array(16);
  runtime.random(random);
  const identity = { id: uuidFrom(random), created: timeNotBefore(runtime.clock, 0) };
  const path = `${directory}/${IDENTITY_FILE}`;
  const made = files.publish(path, encodeIdentity(identity, crc32), "synced");
  files.folder(directory).syncNow();
  // Another process may have been first: then it is that one's log.
  return made ? identity : decodeIdentity(files.readSmall(path, IDENTITY_MAX_BYTES), path, crc32);
}

// What is made beside log.json must not outlive it: alone it would make the folder no log. The process that made the log may
// have died before that name was durable; the lock is what comes next.
function syncNameBeforeOthers({ files }: Runtime, directory: string): void {
  if (files.kind(lockFolder(directory)) === null) files.folder(directory).syncNow();
}

// The names in a folder; `null` when there is no folder. Files that are just being made do not count.
function contents({ files }: Runtime, directory: string): string[] | null {
  try {
    return files
      .list(directory)
      .map(({ name }) => name)
      .filter((name) => !/^\..+\.tmp$/.test(name));
  } catch (error) {
    if (isFailure(error, "FILE_NOT_FOUND")) return null;
    throw error;
  }
}

// Makes a folder and those above it that are missing; each is durable before the next is made in it.
function makeFolders(runtime: Runtime, directory: string): void {
  const { files } = runtime;
  const parent = folderOf(directory);
  if (parent !== "" && files.kind(parent) === null) makeFolders(runtime, parent);
  if (files.makeFolder(directory)) files.folder(parent === "" ? "/" : parent).syncNow();
}

// What made it necessary is what the caller is told. A lock that stays is its dead process's, once that has ended.
function releaseQuietly(lock: WriteLock | null): void {
  try {
    lock?.release();
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
  }
}
