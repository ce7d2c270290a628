// Run by a runtime beside the tests: appends "0", "1", … through the built package, from several callers at once, into
// small segments.   append-numbers.mjs <URL of an entry> <log> <count> <sync policy as JSON>
const [entry, folder, count, sync] = process.argv.slice(2);
const { openLog } = await import(entry);
const log = await openLog(folder, { sync: JSON.parse(sync), segmentBytes: 20_000 });
const stream = log.stream("numbers");
let next = 0;
const caller = async () => {
  while (next < Number(count)) {
    const events = [];
    for (let i = 0; i <= next % 3; i++) events.push(String(next + i));
    next += events.length;
    await stream.append(events);
    // Under onFlush nothing else would let the records go to the file.
    if (next % 50 < 3) await new Promise((resolve) => setImmediate(resolve));
  }
};
await Promise.all(Array.from({ length: 8 }, caller));
await log.close();
