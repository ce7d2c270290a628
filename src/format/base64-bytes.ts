// Base64 (RFC 4648 §4) between bytes and bytes, for payloads of any length: no strings are made.
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PAD = 61;
const NONE = 255;

const toDigit: Uint8Array = Uint8Array.from(DIGITS, (digit) => digit.charCodeAt(0));
const fromDigit: Uint8Array = new Uint8Array(256).fill(NONE);
for (const [value, digit] of toDigit.entries()) fromDigit[digit] = value;

/** How many digits `bytes` bytes take, padding included. */
export function base64Length(bytes: number): number {
  return Math.ceil(bytes / 3) * 4;
}

/** Writes the digits of `source` into `target` from `at` on, and returns where they end. */
export function encodeBase64(source: Uint8Array, target: Uint8Array, at: number): number {
  let to = at;
  for (let from = 0; from < source.length; from += 3) {
    const left = source.length - from;
    const group = ((source[from] as number) << 16) | ((source[from + 1] ?? 0) << 8) | (source[from + 2] ?? 0);
    target[to++] = toDigit[group >> 18] as number;
    target[to++] = toDigit[(group >> 12) & 63] as number;
    target[to++] = left > 1 ? (toDigit[(group >> 6) & 63] as number) : PAD;
    target[to++] = left > 2 ? (toDigit[group & 63] as number) : PAD;
  }
  return to;
}

/** The bytes that the digits stand for; `null` unless these are exactly the digits that `encodeBase64` writes. */
export function decodeBase64(digits: Uint8Array): Uint8Array | null {
  const { length } = digits;
  if (length % 4 !== 0) return null;
  const pads = digits[length - 1] !== PAD ? 0 : digits[length - 2] === PAD ? 2 : 1;
  const bytes = new Uint8Array((length / 4) * 3 - (length === 0 ? 0 : pads));
  let to = 0;
  let bad = 0;
  for (let from = 0; from < length; from += 4) {
    const isLast = from + 4 === length;
    const one = fromDigit[digits[from] as number] as number;
    const two = fromDigit[digits[from + 1] as number] as number;
    const three = isLast && pads === 2 ? 0 : (fromDigit[digits[from + 2] as number] as number);
    const four = isLast && pads > 0 ? 0 : (fromDigit[digits[from + 3] as number] as number);
    bad |= (one | two | three | four) & 64;
    const group = (one << 18) | (two << 12) | (three << 6) | four;
    bytes[to++] = group >> 16;
    if (to < bytes.length) bytes[to++] = group >> 8;
    if (to < bytes.length) bytes[to++] = group;
    // Bits that stand for nothing must be zero, or two texts would be the same bytes.
    if (isLast && pads > 0 && (group & (pads === 2 ? 0xffff : 0xff)) !== 0) bad = 64;
  }
  return bad === 0 ? bytes : null;
}
