// Watches every encryption of every process and copy: the same key and nonce must never encrypt two different things. With
// the same nonce twice, what two payloads differ by can be read, and payloads be forged.
import { TAG_BYTES } from "../../adapters/aead-sizes.ts";
import type { Aead, AeadKey, Runtime } from "../../src/runtime.ts";
import { currentRuntime } from "../contract/current-runtime.ts";
import { randomFrom } from "../log/random.ts";
import { Violation } from "./violation.ts";

// The runtime's own ciphers take a tenth of the time of those on a machine in memory.
const OWN_AEAD = currentRuntime().aead;

export class NonceRegister {
  /** How many encryptions were seen. */
  seals = 0;
  /** How many of them repeated one, byte for byte. */
  repeats = 0;
  /** What was encrypted twice, told also to whoever did not let the error through. */
  violation: Violation | null = null;
  readonly #sealed = new Map<string, string>();

  readonly #choose = randomFrom(77);

  /**
   * A runtime whose encryptions are watched. Its random bytes are new ones each time, as they are on a real machine: those
   * of a disk in memory begin anew with each disk.
   */
  watch(runtime: Runtime): Runtime {
    const random = (target: Uint8Array) => {
      for (let i = 0; i < target.length; i++) target[i] = this.#choose(256);
    };
    const aead = OWN_AEAD ?? runtime.aead;
    return aead === null ? runtime : { ...runtime, random, aead: this.#watchAead(aead) };
  }

  #watchAead(aead: Aead): Aead {
    return { prepareKey: (raw) => this.#watchKey(hex(raw), aead.prepareKey(raw)) };
  }

  #watchKey(name: string, key: AeadKey): AeadKey {
    return {
      seal: (nonce, aad, bytes, start, end) => {
        this.#note(`${name} ${hex(nonce)}`, `${hex(aad)} ${hex(bytes.subarray(start, end - TAG_BYTES))}`);
        key.seal(nonce, aad, bytes, start, end);
      },
      open: (nonce, aad, source, target) => key.open(nonce, aad, source, target),
      drop: () => key.drop(),
    };
  }

  #note(keyAndNonce: string, content: string): void {
    this.seals++;
    const before = this.#sealed.get(keyAndNonce);
    if (before === content) this.repeats++;
    if (before === undefined) this.#sealed.set(keyAndNonce, content);
    if (before === undefined || before === content) return;
    this.violation ??= new Violation("one key and nonce have encrypted two different things");
    throw this.violation;
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
