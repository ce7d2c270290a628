// A key that checks signatures. Whoever has it can check evidence; it is no secret, but must come from where it can be trusted:
// never from the folder of the log.
import { toHex } from "../format/hex.ts";
import type { RuntimeSigner } from "../runtime.ts";
import { hashingCore } from "../wasm/hashing-core.ts";
import { reasonAgainstKey } from "./ed25519.ts";
import { decodeKeyJwk, decodeKeyPem, encodeKeyJwk, encodeKeyPem, invalid, jwkIn, type KeyJwk } from "./key-text.ts";

/** The name under which Diatreme's keys sign notes (C2SP signed-note). */
export const KEY_NAME = "diatreme";
export const KEY_ID_BYTES = 4;
const ED25519_NOTE = 1;

/** An Ed25519 public key. */
export class PublicKey {
  readonly #bytes: Uint8Array;
  /** Eight hexadecimal digits that tell keys apart in reports. Too short to trust a key by. */
  readonly id: string;

  private constructor(bytes: Uint8Array) {
    this.#bytes = new Uint8Array(bytes);
    this.id = toHex(keyId(KEY_NAME, this.#bytes));
  }

  /**
   * The key in a text: PEM (`-----BEGIN PUBLIC KEY-----`) or the JSON of a JWK.
   *
   * @throws {UsageError} `KEY_INVALID`
   */
  static parse(text: string): PublicKey {
    const jwk = jwkIn("public", text);
    return jwk === null ? PublicKey.fromBytes(decodeKeyPem("public", text)) : PublicKey.fromJwk(jwk);
  }

  /** The key in a JWK. @throws {UsageError} `KEY_INVALID` */
  static fromJwk(jwk: unknown): PublicKey {
    return PublicKey.fromBytes(decodeKeyJwk("public", jwk).x);
  }

  /** The key of 32 bytes. @throws {UsageError} `KEY_INVALID` */
  static fromBytes(bytes: Uint8Array): PublicKey {
    const reason = reasonAgainstKey(bytes);
    if (reason !== null) throw invalid("public", reason);
    return new PublicKey(bytes);
  }

  /** The key that a runtime made of a private one, which is a good one by its making. */
  static fromSigner(signer: RuntimeSigner): PublicKey {
    return new PublicKey(signer.publicKey);
  }

  /** A copy of its 32 bytes. */
  toBytes(): Uint8Array {
    return this.#bytes.slice();
  }

  toPem(): string {
    return encodeKeyPem("public", this.#bytes);
  }

  toJwk(): KeyJwk {
    return encodeKeyJwk(this.#bytes);
  }

  isSame(other: PublicKey): boolean {
    return this.#bytes.every((byte, at) => other.#bytes[at] === byte);
  }

  /** Its id in notes that are signed under `name`; `id` is that under KEY_NAME. */
  idUnder(name: string): Uint8Array {
    return keyId(name, this.#bytes);
  }
}

/** C2SP signed-note: the first bytes of SHA-256(name ‖ line feed ‖ type ‖ key). */
function keyId(name: string, key: Uint8Array): Uint8Array {
  const nameBytes = new TextEncoder().encode(`${name}\n`);
  const message = new Uint8Array(nameBytes.length + 1 + key.length);
  message.set(nameBytes);
  message[nameBytes.length] = ED25519_NOTE;
  message.set(key, nameBytes.length + 1);
  return hashingCore().sha256(message).slice(0, KEY_ID_BYTES);
}
