// A program for bounds.test.ts: does all that can be done with a log to each of the given ones, whatever comes of it, and
// prints how much memory it held at most, first with a good log only, then with all.
//   bounded-reader.mjs <URL of an entry> <good log> <damaged log> …
import { readFileSync } from "node:fs";

const [entry, good, ...damaged] = process.argv.slice(2);
const { openLog, repairLog } = await import(entry);

const peakBytes = () => 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "latin1"))[1]);

async function useAll(directory) {
  const outcomes = [];
  const attempt = async (action) => {
    try {
      outcomes.push(await action());
    } catch (error) {
      if (error.code === undefined) throw error;
      outcomes.push(error.code);
    }
  };
  for (const readOnly of [true, false]) {
    let log = null;
    await attempt(async () => {
      log = await openLog(directory, { readOnly });
      return "opened";
    });
    const stream = log?.stream("orders");
    if (stream === undefined) continue;
    let records = 0;
    await attempt(async () => {
      for await (const _ of stream.read({ verify: "genesis" })) records++;
      return "read";
    });
    outcomes.push(records);
    await attempt(() => stream.getSync(1)?.offset);
    await attempt(async () => (await stream.head()).nextOffset);
    await attempt(async () => (await stream.verify()).ok);
    await attempt(() => stream.offsetAt({ segment: 0, position: 300 }));
    await attempt(async () => (await stream.inspect()).segments.length);
    await attempt(async () => log.close());
  }
  await attempt(async () => (await repairLog(directory)).findings.map(({ kind }) => kind).join());
  return outcomes;
}

await useAll(good);
const baseline = peakBytes();
const outcomes = {};
for (const directory of damaged) outcomes[directory] = await useAll(directory);
console.log(JSON.stringify({ baseline, peak: peakBytes(), outcomes }));
process.exit(0);
