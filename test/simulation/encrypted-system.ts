// The package with encryption on, for programs that know nothing of it.
import type { Log, OpenOptions } from "../../src/index.ts";
import type { Runtime } from "../../src/runtime.ts";
import type { NonceRegister } from "./nonce-register.ts";
import type { System } from "./system.ts";

const MASTER_KEY = new Uint8Array(32).fill(0x6b);

/** A system whose logs are all encrypted, and whose encryptions a register watches. */
export function encryptedSystem(system: System, register: NonceRegister): System {
  const openLogOn = async (runtime: Runtime, directory: string, options: OpenOptions = {}): Promise<Log> => {
    const watched = register.watch(runtime);
    const encryption = { masterKey: MASTER_KEY };
    try {
      return await system.openLogOn(watched, directory, { ...options, encryption });
    } catch (error) {
      // A process has made the log and died before it made keys: there is nothing to read yet.
      if (options.readOnly !== true || !system.isFailure(error, "KEYS_NOT_FOUND")) throw error;
      return system.openLogOn(watched, directory, options);
    }
  };
  return { ...system, openLogOn };
}
