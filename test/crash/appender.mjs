// A program to be killed: goes on in a log where it ends, with several appends under way at a time, and prints a line for
// each as soon as it is durable: "ACK <next offset>".
//   appender.mjs <URL of an entry> <log> <sync policy as JSON>
import { appendAt } from "./records.mjs";

const [entry, directory, policy] = process.argv.slice(2);
const { openLog } = await import(entry);
const IN_FLIGHT = 8;

console.log("READY");
const sync = JSON.parse(policy);
const log = await openLog(directory, { sync, segmentBytes: 1 << 20, indexEveryRecords: 50 });
const stream = log.stream("orders");
let { nextOffset } = await stream.head();
console.log(`OPEN ${nextOffset}`);

function giveUp(error) {
  console.error(error.message);
  process.exit(1);
}

const pending = [];
for (;;) {
  const texts = appendAt(nextOffset);
  const end = nextOffset + texts.length;
  // After one that fails, none may take its place.
  const done = stream.append(texts, { expectedOffset: nextOffset });
  nextOffset = end;
  if (sync === "onFlush") {
    await done;
    if (end % 3 === 0) await stream.flush().then(() => console.log(`ACK ${end}`));
    else await new Promise((resolve) => setImmediate(resolve));
    continue;
  }
  pending.push(done.then(() => console.log(`ACK ${end}`)).catch(giveUp));
  if (pending.length >= IN_FLIGHT) await pending.shift();
}
