// Opens a log in a process of its own and says when its head was known, in milliseconds since the Unix epoch:
// cold-open.mjs [<entry of a build> <folder> <stream>]. Without a log it says when it could have begun.
const [entry, folder, stream] = process.argv.slice(2);

let log = null;
if (entry !== undefined) {
  const { openLog } = await import(entry);
  log = await openLog(folder);
  await log.stream(stream).head();
}
console.log(performance.timeOrigin + performance.now());
await log?.close();
