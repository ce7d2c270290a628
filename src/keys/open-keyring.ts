// Opens the keys of a log, or makes them.
import { failure } from "../errors.ts";
import { KEY_FILE, KEY_FILE_VERSION, type KeyLine } from "../format/key-line.ts";
import { runBeside } from "../log/segments/sync-steps.ts";
import type { Runtime } from "../runtime.ts";
import type { EncryptionSettings } from "./encryption-options.ts";
import { encodeKeyFile, KeyFile, loadKeyFile } from "./key-file.ts";
import type { KeyTable } from "./key-table.ts";
import { Keyring, newNumber } from "./keyring.ts";
import { type CryptoRuntime, knownMaster, type Master, newMaster, wipeChoice } from "./master.ts";
import { KeyVault, newDataKey, newKek } from "./vault.ts";

export interface KeyPlace {
  readonly runtime: Runtime;
  readonly directory: string;
  readonly logId: string;
}

/**
 * Opens the keys in a log's folder.
 *
 * @param how.mayCreate - whether keys are made where there are none; asked only then
 * @throws {KeyError} `KEYS_NOT_FOUND`, `KEY_WRONG`
 * @throws {CorruptionError} `KEY_FILE_INVALID`
 * @throws {UsageError} `ENCRYPTION_UNAVAILABLE`
 */
export async function openKeyring(
  place: KeyPlace,
  settings: EncryptionSettings,
  how: { readonly writable: boolean; readonly mayCreate: () => boolean },
): Promise<Keyring> {
  try {
    return await openOrMake(place, settings, how);
  } finally {
    wipeChoice(settings.master);
  }
}

async function openOrMake(
  place: KeyPlace,
  settings: EncryptionSettings,
  how: { readonly writable: boolean; readonly mayCreate: () => boolean },
): Promise<Keyring> {
  const { directory, logId } = place;
  const runtime = cryptoRuntime(place.runtime);
  const path = keyFilePath(directory);
  let read = loadKeyFile(runtime.files, path, logId);
  if (read === null) {
    if (!how.writable || !(settings.create ?? how.mayCreate())) throw failure("KEYS_NOT_FOUND", { path });
    await makeKeys(runtime, directory, logId, settings);
    read = loadKeyFile(runtime.files, path, logId);
    if (read === null) throw failure("KEYS_NOT_FOUND", { path });
  }
  if (how.writable) removeLeftovers(runtime, directory);
  const { table } = read;
  const { master, vault } = await unlock(runtime, table, settings);
  let file: KeyFile | null = null;
  try {
    file = how.writable ? new KeyFile(runtime.files, read) : null;
    if (file !== null) await runBeside(file.settle());
    return new Keyring({ runtime, directory, logId, settings, file, table, vault, master });
  } catch (error) {
    file?.close();
    vault.drop();
    master.drop();
    throw error;
  }
}

/** The streams that have a key: whoever has none must not append to them. `null`: there is no file of keys. */
export function encryptedStreams({ runtime, directory, logId }: KeyPlace): ReadonlySet<string> | null {
  const read = loadKeyFile(runtime.files, keyFilePath(directory), logId);
  if (read === null) return null;
  const lines = [...read.table.keys.values()].map(({ place }) => place.line);
  return new Set(lines.filter(({ purpose }) => purpose === "stream").map(({ of }) => of));
}

// What a process that died while it made the file has left: another name of the same file, which a copy of the folder would
// turn into another file that no erasure reaches.
function removeLeftovers({ files }: CryptoRuntime, directory: string): void {
  for (const { name, kind } of files.list(directory)) {
    if (kind === "file" && /^\.keys\.json\..+\.tmp$/.test(name)) files.remove(`${directory}/${name}`);
  }
}

function keyFilePath(directory: string): string {
  return `${directory}/${KEY_FILE}`;
}

function cryptoRuntime(runtime: Runtime): CryptoRuntime {
  const { aead, description } = runtime;
  if (aead === null) throw failure("ENCRYPTION_UNAVAILABLE", { runtime: description, lacks: "AES-256-GCM" });
  return { ...runtime, aead };
}

// The file comes into being whole, so there is never one without its first keys.
async function makeKeys(
  runtime: CryptoRuntime,
  directory: string,
  logId: string,
  settings: EncryptionSettings,
): Promise<void> {
  const master = await newMaster(runtime, settings.master);
  const [kekNumber, tagsNumber] = [newNumber(runtime.random, () => true), newNumber(runtime.random, () => true)];
  const { raw, ...kek } = newKek(runtime, kekNumber);
  try {
    const wrapped = await master.wrap(raw, { logId, kek: kek.number });
    const lines: KeyLine[] = [
      { type: "log", version: KEY_FILE_VERSION, id: logId },
      { type: "kek", kek: kek.number, from: master.description, wrapped },
      newDataKey(runtime, logId, kek, { key: tagsNumber, purpose: "tags", of: "" }, ""),
      { type: "rotated", kek: kek.number },
    ];
    runtime.files.publish(keyFilePath(directory), encodeKeyFile(lines), "synced");
    runtime.files.folder(directory).syncNow();
  } finally {
    raw.fill(0);
    kek.key.drop();
    master.drop();
  }
}

async function unlock(
  runtime: CryptoRuntime,
  table: KeyTable,
  settings: EncryptionSettings,
): Promise<{ master: Master; vault: KeyVault }> {
  const { path, logId } = table;
  const { line } = table.kek as NonNullable<typeof table.kek>;
  const master = await knownMaster(runtime, settings.master, line.from, path);
  try {
    const raw = await master.unwrap(line, logId);
    if (raw === null) throw failure("KEY_WRONG", { path, reason: "it is another one than the one in force" });
    const kek = { number: line.kek, key: runtime.aead.prepareKey(raw) };
    raw.fill(0);
    const tags = table.keys.get(table.keyOf("tags", "") as string);
    const vault = tags === undefined ? null : KeyVault.open(runtime, logId, kek, tags.place.line);
    if (vault !== null) return { master, vault };
    kek.key.drop();
    throw failure("KEY_WRONG", { path, reason: "what it opens is not the key that is in force" });
  } catch (error) {
    master.drop();
    throw error;
  }
}
