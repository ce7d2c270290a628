// What single operations cost the processor, without a disk: the shipping code on the runtime in memory, timed by
// tinybench. For a quick look while working on the code; comparisons with rivals are bench/run.mjs.
//   node bench/operations.bench.mjs [milliseconds for each]      after npm run build; deno run -A and bun do as well
import { Bench } from "tinybench";
import { memoryRuntime, openLogOn } from "../dist/adapters/entry-memory.js";

const RECORDS = 10_000;

/** Runs each operation for about `time` milliseconds; resolves with tinybench's bench. */
async function measureOperations(time) {
  // Appends gather in memory: what the disk in memory does with them is not what is measured.
  const { runtime } = memoryRuntime({ seed: 1, pause: () => new Promise(() => {}) });
  const log = await openLogOn(runtime, "/log", { sync: "onFlush" });
  const stored = log.stream("stored");
  stored.appendSync(Array.from({ length: RECORDS }, (_, i) => new Uint8Array(256).fill(i)));
  await stored.flush();

  const bytes = new Uint8Array(256).fill(7);
  const many = Array.from({ length: 100 }, () => new Uint8Array(1024));
  const json = { type: "placed", id: 42, items: ["a", "b"], total: 12.5 };
  let offset = 0;
  const bench = new Bench({ time, warmupTime: time / 5, iterations: 10 });
  // A stream for each, so that no operation pays for another's file.
  const one = log.stream("one");
  const batch = log.stream("batch");
  const object = log.stream("object");
  bench
    .add("append 1 × 256 B", () => one.append(bytes))
    .add("append 100 × 1 KiB", () => batch.append(many))
    .add("append 1 × JSON", () => object.append(json))
    .add("getSync 256 B", () => {
      offset = (offset + 7919) % RECORDS;
      stored.getSync(offset);
    })
    .add("read 1,000 × 256 B, zeroCopy", () => {
      for (const record of stored.read({ from: 3000, limit: 1000, zeroCopy: true })) offset += record.payloadBytes & 1;
    });
  await bench.run();
  return bench;
}

console.table((await measureOperations(Number(process.argv[2] ?? 500))).table());
