// A key that signs: a secret of its owner, which is never printed, logged or put into an error.

import { KEY_BYTES } from "./ed25519.ts";
import { decodeKeyJwk, decodeKeyPem, encodeKeyJwk, encodeKeyPem, invalid, jwkIn, type KeyJwk } from "./key-text.ts";
import type { PublicKey } from "./public-key.ts";

/** An Ed25519 private key. */
export class PrivateKey {
  readonly #bytes: Uint8Array;
  /** What its JWK said the public key is; compared when the key comes into use. `null` where nobody said. */
  readonly claimedPublicKey: Uint8Array | null;

  private constructor(bytes: Uint8Array, claimedPublicKey: Uint8Array | null) {
    if (bytes.length !== KEY_BYTES) throw invalid("private", `it has ${bytes.length} bytes, not ${KEY_BYTES}`);
    this.#bytes = new Uint8Array(bytes);
    this.claimedPublicKey = claimedPublicKey;
  }

  /**
   * The key in a text: PEM (`-----BEGIN PRIVATE KEY-----`, as `openssl genpkey -algorithm ed25519` writes it) or the
   * JSON of a JWK.
   *
   * @throws {UsageError} `KEY_INVALID`
   */
  static parse(text: string): PrivateKey {
    const jwk = jwkIn("private", text);
    return jwk === null ? new PrivateKey(decodeKeyPem("private", text), null) : PrivateKey.fromJwk(jwk);
  }

  /** The key in a JWK. @throws {UsageError} `KEY_INVALID` */
  static fromJwk(jwk: unknown): PrivateKey {
    const { x, d } = decodeKeyJwk("private", jwk);
    return new PrivateKey(d, x);
  }

  /** The key of 32 secret bytes (RFC 8032 §5.1.5). @throws {UsageError} `KEY_INVALID` */
  static fromBytes(bytes: Uint8Array): PrivateKey {
    return new PrivateKey(bytes, null);
  }

  /** A copy of its 32 bytes. */
  toBytes(): Uint8Array {
    return this.#bytes.slice();
  }

  toPem(): string {
    return encodeKeyPem("private", this.#bytes);
  }

  /** As JWK, which also holds the public key. */
  toJwk(publicKey: PublicKey): KeyJwk {
    return encodeKeyJwk(publicKey.toBytes(), this.#bytes);
  }
}
