// Argon2id by hash-wasm, the same on every runtime: Node has it since 24 only, Deno and Bun have not. Loaded at the first
// use, because it is large and most programs have no passphrase.

import type { Passphrases, StretchCost } from "../src/runtime.ts";

/** Argon2id in WebAssembly. */
export const portablePassphrases: Passphrases = {
  async stretch(passphrase: Uint8Array, salt: Uint8Array, cost: StretchCost): Promise<Uint8Array> {
    const { argon2id } = await import("hash-wasm");
    return argon2id({
      password: passphrase,
      salt,
      memorySize: cost.memoryKib,
      iterations: cost.passes,
      parallelism: cost.lanes,
      hashLength: 32,
      outputType: "binary",
    });
  },
};
