// What the processes of one machine in memory share.

import type { FaultGate } from "./memory-faults.ts";
import type { SyncsInFlight } from "./memory-syncs.ts";
import type { MemoryFolder } from "./memory-tree.ts";

/** What the processes of one machine share. */
export interface MemoryVolume {
  readonly root: MemoryFolder;
  readonly sectorBytes: number;
  readonly gate: FaultGate;
  readonly syncs: SyncsInFlight;
  /** How many bytes more the disk takes. */
  freeBytes(): number;
}
