// What opening for writing may take for a torn tail.
import { describe, expect, it } from "vitest";
import { memoryRuntime } from "../../adapters/memory.ts";
import { openLogOn } from "../../src/index.ts";
import { crc32 } from "./crc32.ts";

const SEGMENT = "/log/orders/segment_000000.log";

// A log whose writer was killed, so that nothing but its records speaks for its end.
async function killed(payloads: readonly string[]) {
  const { runtime, disk } = memoryRuntime({ seed: 2 });
  const log = await openLogOn(runtime, "/log", { spaceAhead: false });
  for (const payload of payloads) await log.stream("orders").append(payload);
  disk.kill(1);
  return { disk, runtime: disk.runtime({ pid: 2 }) };
}

describe("a long append that is torn", () => {
  it("is not gone through once for each page of the index that was written while it was", async () => {
    const { runtime, disk } = memoryRuntime({ seed: 2 });
    const log = await openLogOn(runtime, "/log", { spaceAhead: false, sync: "onFlush" });
    await log.stream("orders").append("first");
    await log.stream("orders").append(Array.from({ length: 24 * 1016 }, () => "of many"));
    const whole = disk.bytes(SEGMENT).slice();
    const index = disk.bytes(`${SEGMENT}.idx`).slice();
    expect(index.length).toBeGreaterThan(20 * 4096);
    disk.kill(1);
    disk.put(SEGMENT, whole.subarray(0, whole.length - 20));
    disk.put(`${SEGMENT}.idx`, index);

    const readsOnOpening = async () => {
      let reads = 0;
      disk.onOperation = ({ kind, path }) => {
        if (kind === "read" && path === SEGMENT) reads++;
        return undefined;
      };
      const readOnly = await openLogOn(disk.runtime({ pid: 3 }), "/log", { readOnly: true });
      expect((await readOnly.stream("orders").head()).nextOffset).toBe(1);
      disk.onOperation = null;
      return reads;
    };
    const withIndex = await readsOnOpening();
    disk.take(`${SEGMENT}.idx`);
    expect(withIndex).toBeLessThan(4 * (await readsOnOpening()));
  });
});

describe("the last record of a log that was not closed", () => {
  it("is not cut because it is longer than the limit that the log is opened with", async () => {
    const { disk, runtime } = await killed(["short", "x".repeat(5000)]);
    const before = disk.bytes(SEGMENT);
    const log = await openLogOn(runtime, "/log", { maxRecordBytes: 1000 });
    const refusal = { code: "RECORD_HEADER_INVALID", condition: "R2", offset: 1 };
    await expect(log.stream("orders").append("next")).rejects.toMatchObject(refusal);
    await log.close();
    expect(disk.bytes(SEGMENT)).toEqual(before);
    const again = await openLogOn(runtime, "/log", {});
    expect(await again.stream("orders").append("next")).toMatchObject({ firstOffset: 2 });
    await again.close();
  });

  it.each([
    ["kind", 24, 7],
    ["compression", 25, 1],
    ["flags", 26, 4],
    ["byte 27", 27, 1],
    ["epoch", 28, 1],
  ])("is not cut because its %s is of a newer version: its CRC is right", async (_, at, value) => {
    const { disk, runtime } = await killed(["one", "two"]);
    const bytes = disk.bytes(SEGMENT).slice();
    const position = 128 + 75;
    bytes[position + at] = value;
    const covered = new Uint8Array([...bytes.subarray(112, 116), ...bytes.subarray(position, bytes.length - 4)]);
    new DataView(bytes.buffer).setUint32(bytes.length - 4, crc32(covered), true);
    disk.put(SEGMENT, bytes);
    const log = await openLogOn(runtime, "/log");
    const refusal = { code: "RECORD_HEADER_INVALID", offset: 1 };
    await expect(log.stream("orders").append("next")).rejects.toMatchObject(refusal);
    await log.close();
    expect(disk.bytes(SEGMENT)).toEqual(bytes);
  });
});
