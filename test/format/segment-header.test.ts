import { describe, expect, it } from "vitest";
import * as layout from "../../assembly/layout.ts";
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  type SegmentHeader,
  segmentFileName,
  segmentNumber,
} from "../../src/format/segment-header.ts";
import { setU64 } from "../../src/format/u64.ts";
import { hashingCore } from "../../src/wasm/hashing-core.ts";
import { expectFailure, thrownBy } from "../contract/expect-failure.ts";

const crc32 = (bytes: Uint8Array) => hashingCore().crc32(bytes);
const logId = "f6a8ef9c-1b40-4c33-95a4-7d5c4b6f3a10";
const header: SegmentHeader = {
  number: 7,
  firstOffset: 12_345_678_901,
  created: 1_790_000_000_000_000,
  logId,
  stream: "orders",
  salt: Uint8Array.of(1, 2, 3, 4),
};
const place = { logId, stream: "orders", segment: 7, path: "/log/orders/segment_000007.log" };
const decode = (bytes: Uint8Array) => decodeSegmentHeader(bytes, place, crc32);

/** The header with some bytes changed, and its CRC mended. */
function changed(change: (bytes: Uint8Array, view: DataView) => void, from: SegmentHeader = header): Uint8Array {
  const bytes = encodeSegmentHeader(from, crc32);
  const view = new DataView(bytes.buffer);
  change(bytes, view);
  view.setUint32(layout.SEGMENT_CRC_AT, crc32(bytes.subarray(0, layout.SEGMENT_CRC_AT)), true);
  return bytes;
}

describe("segment header", () => {
  it("is the bytes that docs/format.md draws", () => {
    const bytes = Buffer.from(encodeSegmentHeader(header, crc32));
    expect(bytes.length).toBe(128);
    expect(bytes.toString("latin1", 0, 8)).toBe("DIATREME");
    expect([bytes.readUInt16LE(8), bytes.readUInt16LE(10), bytes.readUInt32LE(12)]).toEqual([1, 0, 7]);
    expect([bytes.readBigUInt64LE(16), bytes.readBigUInt64LE(24)]).toEqual([12_345_678_901n, 1_790_000_000_000_000n]);
    expect(bytes.toString("hex", 32, 48)).toBe(logId.replaceAll("-", ""));
    expect(bytes.toString("latin1", 48, 112)).toBe("orders".padEnd(64, "\0"));
    expect(bytes.toString("hex", 112, 124)).toBe("010203040000000000000000");
    expect(bytes.readUInt32LE(124)).toBe(crc32(bytes.subarray(0, 124)) >>> 0);
  });

  it("comes back as it was", () => {
    expect(decode(encodeSegmentHeader(header, crc32))).toEqual(header);
    const first = { ...header, number: 0, firstOffset: 0, created: 0, stream: "x".repeat(64) };
    const itsPlace = { ...place, segment: 0, stream: first.stream };
    expect(decodeSegmentHeader(encodeSegmentHeader(first, crc32), itsPlace, crc32)).toEqual(first);
  });

  it("is taken from the start of more bytes, and keeps none of them", () => {
    const bytes = new Uint8Array(300);
    bytes.set(encodeSegmentHeader(header, crc32), 100);
    const decoded = decode(bytes.subarray(100));
    bytes.fill(0);
    expect(decoded).toEqual(header);
  });

  it.each<[condition: string, reason: string, bytes: Uint8Array]>([
    ["S1", "the file has 0 bytes, a header has 128", new Uint8Array(0)],
    ["S1", "the file has 127 bytes, a header has 128", encodeSegmentHeader(header, crc32).subarray(0, 127)],
    ["S2", "the magic is not DIATREME", new Uint8Array(128)],
    ["S2", "the magic is not DIATREME", changed((bytes) => bytes.set([0x64], 0))],
    ["S5", "a reserved field is not zero", changed((_, view) => view.setUint16(layout.SEGMENT_RESERVED_A_AT, 1, true))],
    ["S5", "a reserved field is not zero", changed((bytes) => bytes.set([0x80], layout.SEGMENT_RESERVED_B_AT + 7))],
    ["S6", "it says that it is segment 8", changed((_, view) => view.setUint32(layout.SEGMENT_NUMBER_AT, 8, true))],
    ["S7", "it belongs to another log", changed((bytes) => bytes.set([0], layout.SEGMENT_LOG_ID_AT + 15))],
    ["S8", "it belongs to another stream", changed(() => undefined, { ...header, stream: "order" })],
    ["S8", "it belongs to another stream", changed(() => undefined, { ...header, stream: "orders2" })],
    ["S8", "it belongs to another stream", changed((bytes) => bytes.set([1], layout.SEGMENT_STREAM_AT + 63))],
    ["S9", "a number is over 2^53", changed((_, view) => setU64(view, layout.SEGMENT_FIRST_OFFSET_AT, 2 ** 53))],
    [
      "S9",
      "a number is over 2^53",
      changed((bytes) => bytes.fill(255, layout.SEGMENT_CREATED_AT, layout.SEGMENT_CREATED_AT + 8)),
    ],
  ])("fails %s with SEGMENT_HEADER_INVALID: %s", (condition, reason, bytes) => {
    expectFailure("SEGMENT_HEADER_INVALID", { stream: "orders", segment: 7, condition, reason }, () => decode(bytes));
  });

  it("fails S9 when segment 0 does not start at offset 0", () => {
    const bytes = encodeSegmentHeader({ ...header, number: 0, firstOffset: 5 }, crc32);
    const facts = { condition: "S9", reason: "segment 0 starts at offset 5" };
    expectFailure("SEGMENT_HEADER_INVALID", facts, () => decodeSegmentHeader(bytes, { ...place, segment: 0 }, crc32));
  });

  it("fails S3 when any bit behind the magic has flipped, S2 when one of the magic has", () => {
    const good = encodeSegmentHeader(header, crc32);
    for (let bit = 0; bit < 8 * good.length; bit++) {
      const bytes = good.slice();
      bytes[bit >>> 3] = (bytes[bit >>> 3] as number) ^ (1 << (bit & 7));
      expect(
        thrownBy(() => decode(bytes)),
        `bit ${bit}`,
      ).toMatchObject({ condition: bit < 64 ? "S2" : "S3" });
    }
  });

  it("says both CRCs when they differ", () => {
    const bytes = encodeSegmentHeader(header, crc32);
    bytes[20] = (bytes[20] as number) ^ 1;
    const stored = Buffer.from(bytes).readUInt32LE(124).toString(16).padStart(8, "0");
    const computed = (crc32(bytes.subarray(0, 124)) >>> 0).toString(16).padStart(8, "0");
    const reason = `its CRC is ${stored}, its bytes give ${computed}`;
    expectFailure("SEGMENT_HEADER_INVALID", { condition: "S3", reason }, () => decode(bytes));
  });

  it("fails S4 with LOG_VERSION_UNSUPPORTED, before what another version may mean differently", () => {
    const bytes = changed((all, view) => {
      view.setUint16(layout.SEGMENT_VERSION_AT, 2, true);
      all.fill(255, layout.SEGMENT_RESERVED_A_AT, layout.SEGMENT_CRC_AT);
    });
    expectFailure("LOG_VERSION_UNSUPPORTED", { path: place.path, found: 2, supported: 1 }, () => decode(bytes));
  });
});

describe("names of segment files", () => {
  it.each([
    [0, "segment_000000.log"],
    [42, "segment_000042.log"],
    [999_999, "segment_999999.log"],
    [1_000_000, "segment_1000000.log"],
  ])("are made of the number %d, and back: %s", (number, name) => {
    expect(segmentFileName(number)).toBe(name);
    expect(segmentNumber(name)).toBe(number);
  });

  it.each([
    "segment_0.log",
    "segment_00000.log",
    "segment_0000000.log",
    "segment_000000.log.idx",
    "segment_000000.log.ckpt",
    ".segment_000000.log.0123456789abcdef.tmp",
    "segment_000000.LOG",
    "segment_-00001.log",
    "segment_00000a.log",
    "segment_000000.log\n",
    "segment_99999999999999999999.log",
    "../segment_000000.log",
  ])("are no other: %j", (name) => {
    expect(segmentNumber(name)).toBeNull();
  });
});
