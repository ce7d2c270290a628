// Zeros behind the last record while a log is open, and none when it is closed.
import { expect, it } from "vitest";
import { memoryRuntime } from "../../adapters/memory.ts";
import { openLogOn } from "../../src/index.ts";

const KIB = 1024;
const SEGMENT = "/log/orders/segment_000000.log";

/** Bytes behind the one durable record of `bytes`, which closing the log takes away. */
async function spaceBehind(bytes: number, options: object = {}): Promise<number> {
  const { runtime, disk } = memoryRuntime({ seed: 3 });
  const log = await openLogOn(runtime, "/log", options);
  await log.stream("orders").append(new Uint8Array(bytes));
  const whileOpen = disk.bytes(SEGMENT).length;
  await log.close();
  return whileOpen - disk.bytes(SEGMENT).length;
}

it.each([
  ["a record", 256, 64 * KIB],
  ["many writers' records", 20 * KIB, 512 * KIB],
  ["more than gains by it", 100 * KIB, 0],
])("is as long as pays for %s", async (_, bytes, expected) => {
  expect(await spaceBehind(bytes)).toBe(expected);
});

it.each([
  ["nobody waits for a sync", { sync: "onFlush" }],
  ["it is not wanted", { spaceAhead: false }],
])("is not written where %s", async (_, options) => {
  expect(await spaceBehind(256, options)).toBe(0);
});

it("ends where the segment must end", async () => {
  const space = await spaceBehind(256, { segmentBytes: 10 * KIB });
  expect(space).toBeGreaterThan(0);
  expect(space).toBeLessThan(10 * KIB);
});
