import { describe, expect, it } from "vitest";
import { formatBytes, formatCount, formatDuration, formatPlural, formatRate, formatTime } from "../../src/cli/units.ts";
import { toBase64 } from "../../src/format/base64.ts";
import { seededBytes } from "./seeded-bytes.ts";

describe("numbers for people", () => {
  it.each([
    [formatCount(0), "0"],
    [formatCount(999), "999"],
    [formatCount(1000), "1,000"],
    [formatCount(1234567), "1,234,567"],
    [formatPlural(1, "record"), "1 record"],
    [formatPlural(2, "record"), "2 records"],
    [formatBytes(999), "999 bytes"],
    [formatBytes(1000), "1.00 kB"],
    [formatBytes(999_600), "1.00 MB"],
    [formatBytes(12_345_678), "12.3 MB"],
    [formatBytes(268_435_456), "268 MB"],
    [formatDuration(0.5), "0.50 ms"],
    [formatDuration(999.9), "1.00 s"],
    [formatDuration(125_000), "2 min 5 s"],
    [formatRate(2_000_000, 251e6, 1500), "1,330,000 records/s, 167 MB/s"],
  ])("%s is %s", (formatted, expected) => {
    expect(formatted).toBe(expected);
  });

  it("keep the microseconds of a time", () => {
    expect(formatTime(0)).toBe("1970-01-01T00:00:00.000000Z");
    expect(formatTime(1_767_225_599_999_001)).toBe("2025-12-31T23:59:59.999001Z");
    expect(formatTime(1_767_225_600_000_000)).toBe("2026-01-01T00:00:00.000000Z");
  });
});

describe("toBase64()", () => {
  it("agrees with the runtime's at every length up to 100", () => {
    for (let length = 0; length <= 100; length++) {
      const bytes = seededBytes(length + 1, length);
      expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
    }
  });
});
