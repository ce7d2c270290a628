// HMAC by RFC 4231, HKDF by RFC 5869 appendix A, and by the runtime's own; over native hashing and over the core.
import { createHmac, hkdfSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { hkdf, hmac } from "../../src/crypto/hkdf.ts";
import { sha256Of } from "../../src/crypto/sha256.ts";
import { toHex } from "../../src/format/hex.ts";
import { hashingCore } from "../../src/wasm/hashing-core.ts";
import { currentRuntime } from "../contract/current-runtime.ts";
import { hexBytes } from "../contract/hex-bytes.ts";
import { randomFrom } from "../log/random.ts";

const range = (from: number, to: number) => toHex(Uint8Array.from({ length: to - from + 1 }, (_, i) => from + i));

const RFC_5869 = [
  {
    name: "A.1",
    secret: "0b".repeat(22),
    salt: range(0x00, 0x0c),
    info: range(0xf0, 0xf9),
    key: "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
  },
  {
    name: "A.2",
    secret: range(0x00, 0x4f),
    salt: range(0x60, 0xaf),
    info: range(0xb0, 0xff),
    key:
      "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09" +
      "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
  },
  {
    name: "A.3",
    secret: "0b".repeat(22),
    salt: "",
    info: "",
    key: "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
  },
];

describe.each([
  ["native hashing", sha256Of(currentRuntime())],
  ["the core", sha256Of({ nativeHashing: null })],
])("over %s", (_, sha256) => {
  it.each(RFC_5869)("HKDF gives the answer of RFC 5869 $name", ({ secret, salt, info, key }) => {
    const parts = { secret: hexBytes(secret), salt: hexBytes(salt), info: hexBytes(info), bytes: key.length / 2 };
    expect(toHex(hkdf(sha256, parts))).toBe(key);
  });

  it("HMAC gives the answers of RFC 4231, 4.2 and 4.7", () => {
    const text = new TextEncoder();
    expect(toHex(hmac(sha256, hexBytes("0b".repeat(20)), text.encode("Hi There")))).toBe(
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    );
    const long = text.encode("Test Using Larger Than Block-Size Key - Hash Key First");
    expect(toHex(hmac(sha256, hexBytes("aa".repeat(131)), long))).toBe(
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    );
  });

  it("both agree with the runtime's own at lengths around a block", () => {
    const random = randomFrom(9);
    const bytes = (length: number) => Uint8Array.from({ length }, () => random(256));
    for (const length of [1, 31, 32, 33, 63, 64, 65, 127, 128, 129, 300]) {
      const [key, message] = [bytes(length), bytes(random(200))];
      expect(toHex(hmac(sha256, key, message))).toBe(createHmac("sha256", key).update(message).digest("hex"));
      const parts = { secret: key, salt: message, info: bytes(length), bytes: length };
      expect(toHex(hkdf(sha256, parts))).toBe(
        Buffer.from(hkdfSync("sha256", key, message, parts.info, length)).toString("hex"),
      );
    }
  });
});

it("the core keeps nothing of what it hashed where the next message goes", () => {
  sha256Of({ nativeHashing: null })(new TextEncoder().encode("a secret of some length"));
  const { bytes, arena } = hashingCore();
  expect(bytes.subarray(arena, arena + 200).every((byte) => byte === 0)).toBe(true);
});
