// Ed25519 keys as people and programs hand them round: PEM (RFC 8410: PKCS#8 and SPKI) and JWK (RFC 8037). An Ed25519
// key in DER is a fixed prefix and 32 bytes, so no DER has to be parsed: whatever differs from the prefix is refused.
import { failure } from "../errors.ts";
import { fromBase64Url, toBase64Url } from "../format/base64.ts";
import { KEY_BYTES } from "./ed25519.ts";
import { decodePem, encodePem } from "./pem.ts";

/** A key's text comes as PEM, or as JSON of a JWK. */
export type KeyKind = "private" | "public";

/** An Ed25519 key as JSON Web Key. `d` is the private part. */
export interface KeyJwk {
  readonly kty: "OKP";
  readonly crv: "Ed25519";
  readonly x: string;
  readonly d?: string;
}

const PEM: { readonly [K in KeyKind]: { readonly label: string; readonly prefix: readonly number[] } } = {
  // SEQUENCE, version 0, SEQUENCE { 1.3.101.112 }, OCTET STRING of an OCTET STRING of 32 bytes.
  private: {
    label: "PRIVATE KEY",
    prefix: [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20],
  },
  // SEQUENCE, SEQUENCE { 1.3.101.112 }, BIT STRING of 32 bytes.
  public: { label: "PUBLIC KEY", prefix: [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0] },
};

export function encodeKeyPem(kind: KeyKind, key: Uint8Array): string {
  const { label, prefix } = PEM[kind];
  return encodePem({ label, bytes: Uint8Array.of(...prefix, ...key) });
}

/** @throws {UsageError} `KEY_INVALID` */
export function decodeKeyPem(kind: KeyKind, text: string): Uint8Array {
  const { label, prefix } = PEM[kind];
  const block = decodePem(text);
  if (block === null) throw invalid(kind, "it is not one block of PEM");
  if (block.label !== label) throw invalid(kind, `it is a block of ${block.label}, where ${label} is wanted`);
  const isEd25519 = prefix.every((byte, at) => block.bytes[at] === byte);
  if (!isEd25519 || block.bytes.length !== prefix.length + KEY_BYTES) {
    throw invalid(kind, "it is not an Ed25519 key in the form of RFC 8410");
  }
  return block.bytes.slice(prefix.length);
}

export function encodeKeyJwk(publicKey: Uint8Array, privateKey?: Uint8Array): KeyJwk {
  const jwk: KeyJwk = { kty: "OKP", crv: "Ed25519", x: toBase64Url(publicKey) };
  return privateKey === undefined ? jwk : { ...jwk, d: toBase64Url(privateKey) };
}

/**
 * The parts of a JWK. A private key in the place of a public one is refused: it should not have been given away.
 *
 * @throws {UsageError} `KEY_INVALID`
 */
export function decodeKeyJwk(kind: KeyKind, jwk: unknown): { x: Uint8Array; d: Uint8Array } {
  if (typeof jwk !== "object" || jwk === null) throw invalid(kind, "it is not a JWK");
  const { kty, crv, alg, x, d } = jwk as Readonly<Record<string, unknown>>;
  if (kty !== "OKP" || crv !== "Ed25519") throw invalid(kind, 'it is a JWK without kty "OKP" and crv "Ed25519"');
  if (alg !== undefined && alg !== "EdDSA" && alg !== "Ed25519")
    throw invalid(kind, "it is a JWK for another algorithm");
  if (kind === "public" && d !== undefined)
    throw invalid(kind, "it is a JWK of a private key, where a public one is wanted");
  if (kind === "private" && d === undefined)
    throw invalid(kind, "it is a JWK of a public key, where a private one is wanted");
  return { x: jwkBytes(kind, "x", x), d: kind === "private" ? jwkBytes(kind, "d", d) : new Uint8Array(0) };
}

function jwkBytes(kind: KeyKind, name: string, value: unknown): Uint8Array {
  const bytes = typeof value === "string" ? fromBase64Url(value) : null;
  if (bytes?.length !== KEY_BYTES) throw invalid(kind, `"${name}" of the JWK is not ${KEY_BYTES} bytes in base64url`);
  return bytes;
}

/** A text that starts like JSON is taken for a JWK. Never says what the text was. @throws {UsageError} `KEY_INVALID` */
export function jwkIn(kind: KeyKind, text: string): unknown {
  if (!text.trimStart().startsWith("{")) return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The parser's own message would quote the key.
    throw invalid(kind, "it is not JSON");
  }
}

export function invalid(kind: KeyKind, reason: string): Error {
  return failure("KEY_INVALID", { kind, reason });
}
