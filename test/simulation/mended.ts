// A log in which one bit has turned around is repaired, on a copy of the disk, and the repair is cut short by a power loss.
// Then all appends that could be read are there, whatever was not damaged goes on to be so, and the log can be written to.
import type { MemoryDisk } from "../../adapters/memory.ts";
import type { RepairReport } from "../../src/index.ts";
import { checkShown, type Decay, type Intact, isNotice, lookAt, opened } from "./decay.ts";
import { shownBy } from "./shown.ts";
import type { Survival } from "./step.ts";
import { choiceOf, type System } from "./system.ts";
import { Violation } from "./violation.ts";

const BESIDE = 51;
const REPAIRING = 52;
const LATER = 53;

/** `skip`: of the calls of the repair to the disk so many go well; at the next one power is lost. */
export async function checkMended(
  system: System,
  copy: () => MemoryDisk,
  directory: string,
  intact: Intact,
  decay: Decay,
  { skip, survival }: { readonly skip: number; readonly survival: Survival },
): Promise<void> {
  let disk = copy();
  const beside = await system.openLogOn(disk.runtime({ pid: BESIDE }), directory, {
    readOnly: true,
    windowBytes: 4096,
  });
  lookAt(system, beside, intact);
  disk.flip(decay.path, decay.position, decay.bit);
  const readable = await readableRecords(system, disk, directory, intact);
  let left = skip;
  disk.onOperation = ({ pid }) => (pid === REPAIRING && left-- === 0 ? { crash: true } : undefined);
  const first = await repaired(system, disk, directory);
  // Who has had it open all along is told, or sees what is there.
  if (first !== "ended") lookAt(system, beside, intact);
  await beside.close();
  if (first === "ended") {
    disk = disk.crash(choiceOf(system, survival));
  }
  const report = first === "ended" ? await repaired(system, disk, directory) : first;
  if (report === "ended") throw new Violation("a repair ends on a machine that goes on");
  // What it says is for a person to judge.
  if (report === null || !report.ok) return;
  const log = await system.openLogOn(disk.runtime({ pid: LATER }), directory, { create: false });
  const stream = log.stream(intact.name);
  const shown = [...shownBy(stream, "genesis")];
  checkShown(shown, intact);
  const wholeReadable = intact.ends.findLast((end) => end <= readable) ?? 0;
  if (shown.length < wholeReadable) {
    throw new Violation(
      `${intact.name}: of ${wholeReadable} records that could be read a repair leaves ${shown.length}`,
    );
  }
  if (!/\.log$/.test(decay.path) && shown.length < intact.provenRecords) {
    throw new Violation(`${intact.name}: a repair leaves ${shown.length} records of ${intact.provenRecords}`);
  }
  const { firstOffset } = await stream.append("behind a repair");
  if (firstOffset !== shown.length) throw new Violation(`${intact.name}: an append stands at ${firstOffset}`);
  const { problem } = await stream.verify();
  if (problem !== null) throw new Violation(`${intact.name}: behind a repair verify finds ${problem.message}`);
  await log.close();
}

// `null` when it says that there is nothing that it can do.
async function repaired(system: System, disk: MemoryDisk, directory: string): Promise<RepairReport | null | "ended"> {
  try {
    return await system.repairLogOn(disk.runtime({ pid: REPAIRING }), directory, { apply: true });
  } catch (error) {
    if (error instanceof system.CrashSignal) return "ended";
    // A claim that names another host now.
    if (isNotice(system, error) || system.isFailure(error, "LOG_LOCKED")) return null;
    throw error;
  }
}

// How many records whoever comes now can read before it is told that something is wrong.
async function readableRecords(system: System, disk: MemoryDisk, directory: string, intact: Intact): Promise<number> {
  const log = await opened(system, disk, directory, true);
  if (log === null) return 0;
  const { records } = lookAt(system, log, intact);
  await log.close();
  return records;
}
