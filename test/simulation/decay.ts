// One bit of a log turns around, on a copy of the disk. Then it is noticed or makes no difference, for readers and for
// writers: nobody is shown what was not written, and nobody is shown less without being told.
import type { MemoryDisk } from "../../adapters/memory.ts";
import type { Log } from "../../src/index.ts";
import { type Shown, shownBy } from "./shown.ts";
import type { System } from "./system.ts";
import { Violation } from "./violation.ts";

/** What a stream holds, and what of it may look like a torn write when it is damaged. */
export interface Intact {
  readonly name: string;
  readonly shown: readonly Shown[];
  /** How many records there are up to the end of each append. */
  readonly ends: readonly number[];
  /** Records before this one are known to have been synced by what lies behind them. */
  readonly provenRecords: number;
}

export interface Decay {
  readonly path: string;
  readonly position: number;
  readonly bit: number;
}

/** `copy` makes a machine on which nothing has happened yet. */
export async function checkDecay(
  system: System,
  copy: () => MemoryDisk,
  directory: string,
  streams: readonly Intact[],
  decay: Decay,
): Promise<void> {
  for (const readOnly of [true, false]) {
    const disk = copy();
    disk.flip(decay.path, decay.position, decay.bit);
    const log = await opened(system, disk, directory, readOnly);
    if (log === null) continue;
    for (const intact of streams) await checkStream(system, log, intact);
    await log.close();
  }
}

/** `null` when the log says that it is damaged. */
export async function opened(
  system: System,
  disk: MemoryDisk,
  directory: string,
  readOnly: boolean,
): Promise<Log | null> {
  try {
    return await system.openLogOn(disk.runtime({ pid: 50 }), directory, { readOnly, create: false });
  } catch (error) {
    if (isNotice(system, error)) return null;
    // A claim that names another host now.
    if (system.isFailure(error, "LOG_LOCKED")) return null;
    throw error;
  }
}

async function checkStream(system: System, log: Log, intact: Intact): Promise<void> {
  const { records, noticed } = lookAt(system, log, intact);
  if (noticed) return;
  if (records < intact.provenRecords) {
    throw new Violation(`${intact.name}: lacks records from ${records} on, and says nothing`);
  }
  const report = await log.stream(intact.name).verify();
  if (report.problem !== null)
    throw new Violation(`${intact.name}: verify finds what read does not: ${report.problem.message}`);
}

/** Reads all that is shown, which is what was written, and ends by itself or with a notice. */
export function lookAt(system: System, log: Log, intact: Intact): { records: number; noticed: boolean } {
  const shown: Shown[] = [];
  let noticed = false;
  try {
    for (const record of shownBy(log.stream(intact.name), "genesis")) shown.push(record);
  } catch (error) {
    if (!isNotice(system, error)) throw error;
    noticed = true;
  }
  checkShown(shown, intact);
  return { records: shown.length, noticed };
}

/** What is shown is what was written, from the first record on. */
export function checkShown(shown: readonly Shown[], intact: Intact): void {
  for (const [offset, { text, hash }] of shown.entries()) {
    const wanted = intact.shown[offset];
    if (wanted?.text !== text || wanted.hash !== hash) throw new Violation(`${intact.name}: shows a wrong ${offset}`);
  }
}

/** A log or a stream that is not what it was says so in one of these ways. */
export function isNotice(system: System, error: unknown): boolean {
  if (error instanceof system.CorruptionError) return true;
  return error instanceof system.UsageError && error.code === "LOG_VERSION_UNSUPPORTED";
}
