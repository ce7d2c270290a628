// A program for lock.test.ts: at each line of its input it tries to open a log for writing and says how that went. What it
// has opened it holds until its input ends, or it is killed.
//   lock-contender.mjs <URL of an entry> <log>
import { createInterface } from "node:readline";

const [entry, directory] = process.argv.slice(2);
const { openLog } = await import(entry);
const say = (message) => process.stdout.write(`${JSON.stringify({ self: process.pid, ...message })}\n`);

let log = null;
say({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
  try {
    log = await openLog(directory);
    const { nextOffset } = await log.stream("claims").append(`${process.pid} ${line}`);
    say({ won: true, nextOffset });
  } catch (error) {
    const { code, pid, path, message } = error;
    say({ won: false, code, pid, path, message });
  }
}
await log?.close();
process.exit(0);
