// The package with encryption on, for programs that know nothing of it.
import type { Log, OpenOptions } from "../../src/index.ts";
import type { Runtime } from "../../src/runtime.ts";
import type { NonceRegister } from "./nonce-register.ts";
import type { System } from "./system.ts";
import { Violation } from "./violation.ts";

const MASTER_KEYS = [0x6b, 0x2d].map((byte) => ({ masterKey: new Uint8Array(32).fill(byte) }));

const MOST_ATTEMPTS = 5;

/** A system whose logs are all encrypted, under one of two master keys, and whose encryptions a register watches. */
export function encryptedSystem(system: System, register: NonceRegister): System {
  const openWith = async (runtime: Runtime, directory: string, options: OpenOptions, which: number): Promise<Log> => {
    const encryption = MASTER_KEYS[which] as (typeof MASTER_KEYS)[number];
    try {
      return await system.openLogOn(runtime, directory, { ...options, encryption });
    } catch (error) {
      // A process has made the log and died before it made keys: there is nothing to read yet.
      if (options.readOnly !== true || !system.isFailure(error, "KEYS_NOT_FOUND")) throw error;
      return system.openLogOn(runtime, directory, options);
    }
  };
  // A process may have died while it replaced one by the other: one of them is in force. Or it is about to: then the one that
  // was tried first may be in force by the time that the other was tried.
  const openLogOn = async (runtime: Runtime, directory: string, options: OpenOptions = {}): Promise<Log> => {
    const watched = register.watch(runtime);
    for (let attempt = 0; ; attempt++) {
      try {
        return await openWith(watched, directory, options, attempt % 2);
      } catch (error) {
        if (!system.isFailure(error, "KEY_WRONG") || attempt === MOST_ATTEMPTS) throw error;
      }
    }
  };
  const rotateKeys = async (log: Log, to: number, durable: () => Runtime): Promise<void> => {
    await log.rotateKeys({ to: MASTER_KEYS[to] as (typeof MASTER_KEYS)[number] });
    const image = durable();
    const reader = await openWith(image, log.directory, { readOnly: true }, to);
    await reader.close();
    const opened = openWith(image, log.directory, { readOnly: true }, 1 - to);
    const error = await opened.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    if (!system.isFailure(error, "KEY_WRONG")) throw new Violation("a master key that was replaced is in force", error);
  };
  return { ...system, openLogOn, rotateKeys };
}
