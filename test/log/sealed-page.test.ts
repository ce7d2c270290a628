// The page that ends the index of a closed segment says so, and what that is good for.
import { describe, expect, it } from "vitest";
import { memoryRuntime } from "../../adapters/memory.ts";
import { PAGE_ENTRIES } from "../../assembly/layout.ts";
import { openLogOn } from "../../src/index.ts";

const SEGMENT = "/log/orders/segment_000000.log";
const INDEX = `${SEGMENT}.idx`;
const RECORD_BYTES = 72;

async function closed(records: number) {
  const { runtime, disk } = memoryRuntime({ seed: 4 });
  const log = await openLogOn(runtime, "/log", { spaceAhead: false });
  const stream = log.stream("orders");
  // Two appends, so that an index page may be written before it is known to be the last.
  await stream.append(new Array(records - 1).fill(""));
  await stream.append("");
  await log.close();
  return { disk, runtime };
}

describe.each([1, 2, PAGE_ENTRIES - 1, PAGE_ENTRIES, PAGE_ENTRIES + 1, 2 * PAGE_ENTRIES])(
  "a closed log of %d records",
  (records) => {
    it("that is cut by its last append is seen to be cut", async () => {
      const { disk, runtime } = await closed(records);
      disk.put(SEGMENT, disk.bytes(SEGMENT).slice(0, -RECORD_BYTES));
      const log = await openLogOn(runtime, "/log");
      const refusal = { code: "RECORD_TRUNCATED", offset: records - 1 };
      await expect(log.stream("orders").append("x")).rejects.toMatchObject(refusal);
      await log.close();
    });

    it("is opened and closed again without a change to its index", async () => {
      const { disk, runtime } = await closed(records);
      const before = disk.bytes(INDEX);
      const writes: string[] = [];
      disk.onOperation = ({ kind, path }) => {
        if (kind === "write") writes.push(path);
        return undefined;
      };
      const log = await openLogOn(runtime, "/log");
      expect(await log.stream("orders").head()).toMatchObject({ nextOffset: records });
      expect(writes).toEqual([]);
      await log.close();
      expect(disk.bytes(INDEX)).toEqual(before);
      const again = await openLogOn(runtime, "/log");
      await again.stream("orders").append(["more", "and more"]);
      expect(await again.stream("orders").verify()).toMatchObject({ ok: true, records: records + 2, index: [] });
      await again.close();
    });
  },
);
