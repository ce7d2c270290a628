// Single records: what `get` hands out stays as it was, whatever is got or written after it.
import { describe, expect, it } from "vitest";
import { memoryRuntime } from "../../adapters/memory.ts";
import { openLogOn } from "../../src/index.ts";
import { Copies } from "../../src/log/reading/copies.ts";
import { currentRuntime } from "../contract/current-runtime.ts";
import { expectBytes } from "../contract/expect-bytes.ts";
import { randomFrom } from "./random.ts";

// Around what one read brings in, what shares memory and what has its own.
const LENGTHS = [0, 1, 31, 256, 850, 886, 887, 888, 951, 952, 953, 991, 992, 993, 1024, 4096, 10_000];

describe("get", () => {
  it.each(["wasm", "native"] as const)("gives what read gives, to keep, with the %s engine", async (hashEngine) => {
    const runtime = { ...memoryRuntime({ seed: 8 }).runtime, nativeHashing: currentRuntime().nativeHashing };
    const log = await openLogOn(runtime, "/log", { hashEngine, segmentBytes: 100_000 });
    const stream = log.stream("orders");
    const random = randomFrom(5);
    const events = Array.from({ length: 300 }, (_, i) =>
      Uint8Array.from({ length: LENGTHS[i % LENGTHS.length] as number }, () => random(256)),
    );
    for (const event of events) stream.appendSync(event);
    const kept = [];
    for (let i = 0; i < 600; i++) {
      const record = await stream.get(random(300));
      if (record === undefined) throw new Error("a record is missing");
      kept.push({ record, payload: record.payload });
    }
    const all = [...stream.read()];
    for (const { record, payload } of kept) {
      const read = all[record.offset];
      expectBytes(payload, events[record.offset] as Uint8Array);
      expectBytes(record.payload, payload);
      expect([record.hash, record.timestamp, record.kind]).toEqual([read?.hash, read?.timestamp, read?.kind]);
    }
    await log.close();
  });
});

describe("room for copies", () => {
  it("is handed out once, side by side while it is small", () => {
    const copies = new Copies();
    const random = randomFrom(6);
    const ends = new Map<Uint8Array, number>();
    for (let i = 0; i < 1000; i++) {
      const length = 100 + random(2000);
      const { bytes, at } = copies.take(length);
      expect(at).toBe(ends.get(bytes) ?? 0);
      expect(at + length).toBeLessThanOrEqual(bytes.length);
      ends.set(bytes, at + length);
    }
    expect(ends.size).toBeLessThan(1000);
  });
});
