// SHA-256 of secrets and of what is mixed with them.
import type { Runtime } from "../runtime.ts";
import { hashingCore } from "../wasm/hashing-core.ts";

/** The digest of a message, 32 bytes. */
export type Sha256 = (message: Uint8Array) => Uint8Array;

const DIGEST_BYTES = 32;

/** By the runtime where it has it; else by the core, whose memory is wiped afterwards. */
export function sha256Of({ nativeHashing }: Pick<Runtime, "nativeHashing">): Sha256 {
  if (nativeHashing === null) return sha256InCore;
  return (message) => {
    const digest = new Uint8Array(DIGEST_BYTES);
    nativeHashing.sha256(message, digest);
    return digest;
  };
}

function sha256InCore(message: Uint8Array): Uint8Array {
  const core = hashingCore();
  const digest = core.sha256(message);
  core.bytes.fill(0, core.arena, core.arena + message.length + DIGEST_BYTES);
  return digest;
}
