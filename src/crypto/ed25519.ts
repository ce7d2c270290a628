// Which Ed25519 keys and signatures count, decided on their bytes, before any runtime is asked: libraries differ on what
// is malformed, and a verdict on evidence must not depend on who gives it. What passes here all of them agree on.
//
// K1  A key has 32 bytes.
// K2  It is canonical: y < p, and where x = 0 the sign bit is clear.
// K3  It is a point of the curve.
// K4  It is none of the eight points of small order: under those, one signature fits many messages.
// E1  A signature has 64 bytes: R and S.
// E2  S < L (RFC 8032 §5.1.7), or a second signature could be made of every one.
// E3  R fulfils K2 and K4.
// E4  [S]B − [k]A is encoded exactly as R: the equation without cofactor. (A point that is not on the curve is no R then.)
import type { RuntimeVerifier, Signatures } from "../runtime.ts";

export const KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

/** Why these bytes are no public key: the first condition that fails. `null` when they are one. */
export function reasonAgainstKey(bytes: Uint8Array): string | null {
  if (bytes.length !== KEY_BYTES) return `it has ${bytes.length} bytes, not ${KEY_BYTES}`;
  const y = yOf(bytes);
  if (y >= P) return "its encoding is not canonical";
  if (SMALL_ORDER.has(y)) return "it is a point of small order";
  return isOnCurve(y) ? null : "it is not a point of the curve";
}

/** E1 to E3. */
function isWellFormed(signature: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES) return false;
  const y = yOf(signature.subarray(0, KEY_BYTES));
  return y < P && !SMALL_ORDER.has(y) && numberOf(signature.subarray(KEY_BYTES)) < L;
}

/** A verifier that holds to K1 to K4 and E1 to E4. */
export function strictVerifier(signatures: Signatures, publicKey: Uint8Array): RuntimeVerifier {
  if (reasonAgainstKey(publicKey) !== null) return { verify: () => false };
  return verifierOfGoodKey(signatures, publicKey);
}

/** The same for a key that is known to fulfil K1 to K4: finding that out takes longer than checking a signature. */
export function verifierOfGoodKey(signatures: Signatures, publicKey: Uint8Array): RuntimeVerifier {
  const verifier = signatures.verifier(publicKey);
  return { verify: (message, signature) => isWellFormed(signature) && verifier.verify(message, signature) };
}

// RFC 8032 §5.1: the field's prime, the order of the base point, and the curve's constant −121665/121666.
const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;

// The y of the points of order 1, 2, 4 and 8; x = 0 only where y is 1 or −1, which settles the sign bit in K2 as well.
const ORDER_8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022n;
const SMALL_ORDER: ReadonlySet<bigint> = new Set([1n, P - 1n, 0n, ORDER_8, P - ORDER_8]);

/** x² = (y² − 1) / (d y² + 1) has a solution when numerator times denominator is a square: Euler's criterion. */
function isOnCurve(y: bigint): boolean {
  const square = (y * y) % P;
  const product = ((square + P - 1n) * (D * square + 1n)) % P;
  return power(product, (P - 1n) / 2n) <= 1n;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (const bit of exponent.toString(2)) {
    result = (result * result) % P;
    if (bit === "1") result = (result * base) % P;
  }
  return result;
}

/** Without the sign bit of x. */
function yOf(point: Uint8Array): bigint {
  return numberOf(point) & (2n ** 255n - 1n);
}

/** Little-endian. */
function numberOf(bytes: Uint8Array): bigint {
  return bytes.reduceRight((number, byte) => (number << 8n) | BigInt(byte), 0n);
}
