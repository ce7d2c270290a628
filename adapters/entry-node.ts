// The package on Node: everything public, with what needs a runtime bound to this one.
import {
  type CheckpointComparison,
  compareCheckpointsOn,
  generateKeyOn,
  type Log,
  type OpenOptions,
  openLogOn,
  type PrivateKey,
  type PublicKey,
  publicKeyOn,
  type RepairOptions,
  type RepairReport,
  repairLogOn,
} from "../src/index.ts";
import type { Runtime } from "../src/runtime.ts";
import { nodeRuntime } from "./node.ts";

export * from "../src/index.ts";

let made: Runtime | null = null;

// When it is first needed: who only wants what needs no runtime is not to carry one.
function runtime(): Runtime {
  made ??= nodeRuntime();
  return made;
}

/** Opens the log in a folder, or makes one there. See `openLogOn`, which also says what can go wrong. */
export function openLog(directory: string, options?: OpenOptions): Promise<Log> {
  return openLogOn(runtime(), directory, options);
}

/** Makes a new Ed25519 key to sign checkpoints with. Keep it where the log's folder is not. */
export function generateKey(): PrivateKey {
  return generateKeyOn(runtime());
}

/** The public key that belongs to a private one: what others check signatures with. */
export function publicKeyOf(key: PrivateKey): PublicKey {
  return publicKeyOn(runtime(), key);
}

/** Compares two exported checkpoints without their log. See `compareCheckpointsOn`. */
export function compareCheckpoints(
  texts: readonly [string, string],
  publicKeys?: readonly PublicKey[],
): CheckpointComparison {
  return compareCheckpointsOn(runtime(), texts, publicKeys);
}

/** Repairs the log in a folder, or says what a repair would do. See `repairLogOn`. */
export function repairLog(directory: string, options?: RepairOptions): Promise<RepairReport> {
  return repairLogOn(runtime(), directory, options);
}
