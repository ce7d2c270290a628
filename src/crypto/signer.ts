// Keys joined to the runtime that calculates with them.
import { failure } from "../errors.ts";
import type { Runtime, RuntimeSigner, RuntimeVerifier, Signatures } from "../runtime.ts";
import { verifierOfGoodKey } from "./ed25519.ts";
import { invalid } from "./key-text.ts";
import { PrivateKey } from "./private-key.ts";
import { PublicKey } from "./public-key.ts";

/** Signs with one key. */
export class Signer {
  readonly publicKey: PublicKey;
  readonly #native: RuntimeSigner;

  /**
   * @throws {UsageError} `KEY_INVALID` when the key's JWK names another public key
   * @throws {UsageError} `SIGNATURES_MISSING`
   */
  constructor(runtime: Runtime, key: PrivateKey) {
    const bytes = key.toBytes();
    this.#native = signaturesOf(runtime).signer(bytes);
    bytes.fill(0);
    this.publicKey = PublicKey.fromSigner(this.#native);
    const claimed = key.claimedPublicKey;
    if (claimed !== null && !this.publicKey.toBytes().every((byte, at) => claimed[at] === byte)) {
      throw invalid("private", 'the "x" of its JWK is not the public key of its "d"');
    }
  }

  sign(message: Uint8Array): Uint8Array {
    return this.#native.sign(message);
  }
}

/** Checks signatures of one key. */
export class Verifier {
  readonly publicKey: PublicKey;
  readonly #native: RuntimeVerifier;

  /** @throws {UsageError} `SIGNATURES_MISSING` */
  constructor(runtime: Runtime, publicKey: PublicKey) {
    this.publicKey = publicKey;
    this.#native = verifierOfGoodKey(signaturesOf(runtime), publicKey.toBytes());
  }

  verify(message: Uint8Array, signature: Uint8Array): boolean {
    return this.#native.verify(message, signature);
  }
}

/** A new key from the runtime's randomness. */
export function generateKeyOn(runtime: Runtime): PrivateKey {
  const bytes = new Uint8Array(32);
  runtime.random(bytes);
  const key = PrivateKey.fromBytes(bytes);
  bytes.fill(0);
  return key;
}

/** The public key that belongs to a private one. @throws {UsageError} `SIGNATURES_MISSING` */
export function publicKeyOn(runtime: Runtime, key: PrivateKey): PublicKey {
  return new Signer(runtime, key).publicKey;
}

function signaturesOf(runtime: Runtime): Signatures {
  if (runtime.signatures === null) throw failure("SIGNATURES_MISSING", { runtime: runtime.description });
  return runtime.signatures;
}
