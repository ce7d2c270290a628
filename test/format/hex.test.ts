import { describe, expect, it } from "vitest";
import { crcHex, toHex } from "../../src/format/hex.ts";

describe("toHex()", () => {
  it("writes two lower-case digits for each byte", () => {
    expect(toHex(Uint8Array.of(0, 1, 15, 16, 127, 128, 255))).toBe("00010f107f80ff");
  });

  it("makes an empty text of no bytes", () => {
    expect(toHex(new Uint8Array())).toBe("");
  });

  it("agrees with the runtime on every byte", () => {
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    expect(toHex(all)).toBe(Buffer.from(all).toString("hex"));
  });
});

describe("crcHex()", () => {
  it.each([
    [0, "00000000"],
    [0xa1, "000000a1"],
    [0xcbf43926, "cbf43926"],
    [0xffffffff, "ffffffff"],
    [-1, "ffffffff"],
  ])("writes %d as %s: eight digits, whatever the sign", (crc, text) => {
    expect(crcHex(crc)).toBe(text);
  });
});
