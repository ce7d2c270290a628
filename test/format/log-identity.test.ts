import { describe, expect, it } from "vitest";
import { crcHex } from "../../src/format/hex.ts";
import {
  decodeIdentity,
  encodeIdentity,
  IDENTITY_MAX_BYTES,
  uuidBytes,
  uuidFrom,
} from "../../src/format/log-identity.ts";
import { hashingCore } from "../../src/wasm/hashing-core.ts";
import { expectFailure } from "../contract/expect-failure.ts";

const path = "/log/log.json";
const identity = { id: "f6a8ef9c-1b40-4c33-95a4-7d5c4b6f3a10", created: 1_790_000_000_000_000 };
const crc32 = (bytes: Uint8Array) => hashingCore().crc32(bytes);
const bytesOf = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => decodeIdentity(bytes, path, crc32);

/** A line with other fields, and the CRC that fits it. */
function lineWith(fields: object): Uint8Array {
  const text = JSON.stringify({ format: "diatreme", version: 1, ...identity, ...fields }).slice(0, -1);
  return bytesOf(`${text},"crc":"${crcHex(crc32(bytesOf(text)))}"}\n`);
}

describe("log.json", () => {
  it("is the line that docs/format.md shows", () => {
    const line =
      '{"format":"diatreme","version":1,"id":"f6a8ef9c-1b40-4c33-95a4-7d5c4b6f3a10","created":1790000000000000,"crc":"308d865a"}\n';
    expect(new TextDecoder().decode(encodeIdentity(identity, crc32))).toBe(line);
    expect(decode(bytesOf(line))).toEqual(identity);
    expect(line.length).toBeLessThan(IDENTITY_MAX_BYTES);
  });

  it("comes back as it was, at both ends of time", () => {
    for (const created of [0, Number.MAX_SAFE_INTEGER]) {
      expect(decode(encodeIdentity({ ...identity, created }, crc32))).toEqual({ ...identity, created });
    }
  });

  it.each<[condition: string, reason: string, bytes: Uint8Array]>([
    ["L1", "it is not JSON", new Uint8Array()],
    ["L1", "it is not JSON", bytesOf("{")],
    ["L1", "it is not JSON", Uint8Array.of(0x22, 0xff, 0x22)],
    ["L1", "it is not JSON", new Uint8Array(100)],
    ["L2", "it is not a JSON object", bytesOf("null")],
    ["L2", "it is not a JSON object", bytesOf('"diatreme"')],
    ["L3", 'its "format" is not "diatreme"', bytesOf("[]")],
    ["L3", 'its "format" is not "diatreme"', lineWith({ format: "other" })],
    ["L4", 'its "version" is not a whole number', lineWith({ version: "1" })],
    ["L4", 'its "version" is not a whole number', lineWith({ version: 1.5 })],
    ["L6", 'its "id" is not a lower-case UUID', lineWith({ id: identity.id.toUpperCase() })],
    ["L6", 'its "id" is not a lower-case UUID', lineWith({ id: "../../etc/passwd" })],
    ["L6", 'its "id" is not a lower-case UUID', lineWith({ id: 7 })],
    ["L7", 'its "created" is not a time in microseconds', lineWith({ created: -1 })],
    ["L7", 'its "created" is not a time in microseconds', lineWith({ created: 0.5 })],
    ["L7", 'its "created" is not a time in microseconds', lineWith({ created: 2 ** 53 })],
    ["L7", 'its "created" is not a time in microseconds', lineWith({ created: "now" })],
  ])("fails %s with LOG_IDENTITY_INVALID: %s", (_, reason, bytes) => {
    expectFailure("LOG_IDENTITY_INVALID", { path, reason }, () => decode(bytes));
  });

  it.each([0, 2, 999])("fails L5 with LOG_VERSION_UNSUPPORTED when its version is %d", (found) => {
    expectFailure("LOG_VERSION_UNSUPPORTED", { path, found, supported: 1 }, () => decode(lineWith({ version: found })));
  });

  it("fails some condition when any bit of it has flipped", () => {
    const good = encodeIdentity(identity, crc32);
    for (let bit = 0; bit < 8 * good.length; bit++) {
      const bytes = good.slice();
      bytes[bit >>> 3] = (bytes[bit >>> 3] as number) ^ (1 << (bit & 7));
      expect(() => decode(bytes), `bit ${bit}`).toThrow();
    }
  });

  it("fails L8 when it is written in another way", () => {
    const text = new TextDecoder().decode(encodeIdentity(identity, crc32));
    for (const other of [
      ` ${text}`,
      text.trimEnd(),
      `${text}\n`,
      text.replace(":1,", ": 1,"),
      text.replace("308d865a", "308D865A"),
    ]) {
      expectFailure("LOG_IDENTITY_INVALID", { path }, () => decode(bytesOf(other)));
    }
  });
});

describe("log ids", () => {
  it("are version 4 UUIDs of the random bytes", () => {
    const id = uuidFrom(Uint8Array.from({ length: 16 }, (_, i) => 16 * i + i));
    expect(id).toBe("00112233-4455-4677-8899-aabbccddeeff");
    expect(uuidFrom(new Uint8Array(16).fill(255))).toBe("ffffffff-ffff-4fff-bfff-ffffffffffff");
    expect(uuidFrom(new Uint8Array(16))).toBe("00000000-0000-4000-8000-000000000000");
  });

  it("leave the random bytes as they are", () => {
    const random = new Uint8Array(16);
    uuidFrom(random);
    expect(random).toEqual(new Uint8Array(16));
  });

  it("have their bytes in the order in which they are written", () => {
    expect(uuidBytes("00112233-4455-4677-8899-aabbccddeeff")).toEqual(
      Uint8Array.of(0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x46, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff),
    );
  });
});
