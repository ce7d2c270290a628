// Run by other runtimes: writes to a log, or says what is in one, with the built package. Prints one line of JSON.
//   other-runtime.mjs write|read <URL of an entry> <log>
const [task, entry, folder] = process.argv.slice(2);
const { openLog } = await import(entry);
const log = await openLog(folder, task === "read" ? { readOnly: true } : { segmentBytes: 20_000 });

if (task === "write") {
  for (let round = 0; round < 3; round++) {
    await log.stream("mixed").append(["text", "日本語 🌋", "", new Uint8Array(5000).fill(round), { round }]);
    for (let i = 0; i < 20; i++) await log.stream("small").append(`record ${round} ${i}`);
    await log.stream("large").append(new Uint8Array(100_000).fill(7 * round));
  }
}
const found = {};
for (const name of await log.streams()) {
  const { ok, records, head, problem, index } = await log.stream(name).verify();
  let bytes = 0;
  for await (const record of log.stream(name).read({ verify: "genesis" })) bytes += record.payload.length;
  found[name] = { ok, records, head, problem, index, bytes };
}
await log.close();
console.log(JSON.stringify(found));
