// Signatures and keys on which libraries are known to disagree (the cases follow Chalkias, Garillot and Nikolaenko,
// "Taming the many EdDSAs", and RFC 8032 §5.1.7), made here from points, with the verdict that ours must be.

import { createHash } from "node:crypto";
import { ed25519 } from "@noble/curves/ed25519.js";

const { Point } = ed25519;
const L = Point.Fn.ORDER;
const P = Point.Fp.ORDER;
type CurvePoint = InstanceType<typeof Point>;

export interface EdgeCase {
  readonly title: string;
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  readonly isAccepted: boolean;
}

const MESSAGE = new TextEncoder().encode("who agrees?");
const SECRET = 0x1234_5678_9abc_def0_1234_5678_9abc_def0n;
const PURE_KEY = Point.BASE.multiply(SECRET);
const NO_PART = Point.ZERO;

/** The eight points whose order divides 8: the multiples of one of order 8. */
export const SMALL_ORDER_POINTS: readonly CurvePoint[] = multiplesOf(
  Point.fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
);
const PART = SMALL_ORDER_POINTS[1] as CurvePoint;

/** Every way to write a point of small order, canonical or not. */
export function smallOrderEncodings(): Uint8Array[] {
  const ys = new Set(SMALL_ORDER_POINTS.map(({ y }) => y));
  const encodings = [...ys].flatMap((y) => [y, y + P].filter((value) => value < 2n ** 255n).map(encodeNumber));
  return encodings.flatMap((bytes) => [bytes, withSignBit(bytes)]);
}

/** Writings with y ≥ p. */
export function nonCanonicalEncodings(): Uint8Array[] {
  return Array.from({ length: 19 }, (_, small) => encodeNumber(P + BigInt(small))).flatMap((bytes) => [
    bytes,
    withSignBit(bytes),
  ]);
}

export function edgeCases(): EdgeCase[] {
  const plain = signWith({ key: PURE_KEY, rPart: NO_PART });
  const { r, s } = plain;
  const key = PURE_KEY.toBytes();
  const smallR = smallOrderEncodings().map((encoding) => ({ encoding, s: challenge(encoding, key) * SECRET }));
  const mixedKey = PURE_KEY.add(PART);
  const mixedWithCofactor = signWith({ key: mixedKey, rPart: NO_PART, wanted: (k) => k % 8n !== 0n });
  const mixedWithout = signWith({ key: mixedKey, rPart: PART, wanted: (k) => (k + 1n) % 8n === 0n });
  const shifted = signWith({ key: PURE_KEY, rPart: PART });
  return [
    edge("an ordinary signature", true, key, r, s),
    edge("S + L", false, key, r, s + L),
    edge("S + 8 L", false, key, r, s + 8n * L),
    edge("S with its highest bit set", false, key, r, s | (1n << 255n)),
    edge("S = L", false, key, r, L),
    edge("S all ones", false, key, r, 2n ** 256n - 1n),
    edge("R with its sign bit turned", false, key, turned(r), s),
    edge("a key with its sign bit turned", false, turned(key), r, s),
    edge("an R with a part of small order, good only with cofactor", false, key, shifted.r, shifted.s),
    edge(
      "a key with one, good only with cofactor",
      false,
      mixedKey.toBytes(),
      mixedWithCofactor.r,
      mixedWithCofactor.s,
    ),
    edge("a key and an R with one, good without cofactor", true, mixedKey.toBytes(), mixedWithout.r, mixedWithout.s),
    ...smallR.map(({ encoding, s: fitting }) =>
      edge(`R of small order, ${hex(encoding)}`, false, key, encoding, Point.Fn.create(fitting)),
    ),
    // Under a key of small order, S B = R holds for every message whose k is a multiple of 8, and often for others.
    ...smallOrderEncodings().map((encoding) => edge(`a key of small order, ${hex(encoding)}`, false, encoding, r, 5n)),
    ...smallOrderEncodings().map((encoding) =>
      edge(`key and R of small order, ${hex(encoding)}`, false, encoding, Point.ZERO.toBytes(), 0n),
    ),
    ...nonCanonicalEncodings().map((encoding) => edge(`R not canonical, ${hex(encoding)}`, false, key, encoding, s)),
    ...nonCanonicalEncodings().map((encoding) => edge(`a key not canonical, ${hex(encoding)}`, false, encoding, r, s)),
    edge("an R that is no point", false, key, encodeNumber(2n), s),
    edge("a key that is no point", false, encodeNumber(2n), r, s),
    ...[0, 1, 31, 33, 64].map((bytes) => edge(`a key of ${bytes} bytes`, false, new Uint8Array(bytes), r, s)),
    ...[0, 32, 63, 65, 128].map((bytes) => ({
      ...edge(`a signature of ${bytes} bytes`, false, key, r, s),
      signature: Uint8Array.from({ length: bytes }, (_, at) => joined(r, s)[at] ?? 0),
    })),
    edge("all zeros", false, new Uint8Array(32), new Uint8Array(32), 0n),
  ];
}

function edge(title: string, isAccepted: boolean, publicKey: Uint8Array, r: Uint8Array, s: bigint): EdgeCase {
  return { title, isAccepted, publicKey, message: MESSAGE, signature: joined(r, s) };
}

interface SignWishes {
  /** SECRET × B, with or without a part of small order. */
  readonly key: CurvePoint;
  readonly rPart: CurvePoint;
  /** Which hash it must meet. */
  readonly wanted?: (k: bigint) => boolean;
}

/** Answers as a signer would who may choose the nonce until the hash suits. */
function signWith({ key, rPart, wanted = () => true }: SignWishes): { r: Uint8Array; s: bigint } {
  for (let nonce = 3n; ; nonce++) {
    const r = Point.BASE.multiply(nonce).add(rPart).toBytes();
    const k = challenge(r, key.toBytes());
    if (wanted(k)) return { r, s: Point.Fn.create(nonce + k * SECRET) };
  }
}

function challenge(r: Uint8Array, key: Uint8Array): bigint {
  const digest = createHash("sha512").update(r).update(key).update(MESSAGE).digest();
  return Point.Fn.create(BigInt(`0x${hex(digest.reverse())}`));
}

function multiplesOf(point: CurvePoint): CurvePoint[] {
  const points = [Point.ZERO];
  for (let times = 1; times < 8; times++) points.push((points.at(-1) as CurvePoint).add(point));
  return points;
}

function joined(r: Uint8Array, s: bigint): Uint8Array {
  return Uint8Array.of(...r, ...encodeNumber(s));
}

function encodeNumber(number: bigint): Uint8Array {
  return new Uint8Array(Buffer.from(number.toString(16).padStart(64, "0"), "hex").reverse());
}

function withSignBit(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy[31] = (copy[31] as number) | 0x80;
  return copy;
}

function turned(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy[31] = (copy[31] as number) ^ 0x80;
  return copy;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
