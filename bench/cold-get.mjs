// Opens a log in a process of its own, gets one record, and says how many milliseconds that took, the package being loaded:
// cold-get.mjs <entry of a build> <folder> <stream> <offset>
const [entry, folder, stream, offset] = process.argv.slice(2);

const { openLog } = await import(entry);
const start = performance.now();
const log = await openLog(folder, { readOnly: true });
const record = await log.stream(stream).get(Number(offset));
const milliseconds = performance.now() - start;
if (record?.offset !== Number(offset)) throw new Error(`got ${record?.offset}`);
console.log(milliseconds);
await log.close();
