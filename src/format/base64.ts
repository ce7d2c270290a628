// Base64 (RFC 4648 §4) and its variant for URLs without padding (§5). src has no btoa, and that one takes strings.
const STANDARD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at;
    const group = ((bytes[at] as number) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    text += STANDARD.charAt(group >> 18) + STANDARD.charAt((group >> 12) & 63);
    text += left > 1 ? STANDARD.charAt((group >> 6) & 63) : "=";
    text += left > 2 ? STANDARD.charAt(group & 63) : "=";
  }
  return text;
}

/** The bytes of a text, or `null` unless it is exactly what `toBase64` makes of them. */
export function fromBase64(text: string): Uint8Array | null {
  const digits = text.replace(/={0,2}$/, "");
  const bytes = new Uint8Array(Math.floor((digits.length * 3) / 4));
  let group = 0;
  for (let i = 0; i < digits.length; i++) {
    group = ((group << 6) | STANDARD.indexOf(digits.charAt(i))) & 0xffffff;
    const bits = (i % 4) * 2;
    if (bits > 0) bytes[Math.floor((i * 3) / 4)] = group >> (6 - bits);
  }
  return toBase64(bytes) === text ? bytes : null;
}

export function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The bytes of a text, or `null` unless it is exactly what `toBase64Url` makes of them. */
export function fromBase64Url(text: string): Uint8Array | null {
  const standard = text.replaceAll("-", "+").replaceAll("_", "/");
  const bytes = fromBase64(standard + "=".repeat((4 - (standard.length % 4)) % 4));
  return bytes !== null && toBase64Url(bytes) === text ? bytes : null;
}
