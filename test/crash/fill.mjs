// A program for full-disk.test.ts: appends until the disk (or the file-size limit) has no more, says what it met, and goes
// on when there is room again. Prints one line of JSON.
//   fill.mjs <URL of an entry> <log> <sync policy as JSON> [file whose removal makes room]
import { rmSync } from "node:fs";

const [entry, directory, policy, ballast] = process.argv.slice(2);
const { openLog } = await import(entry);
const sync = JSON.parse(policy);
const options = { sync, segmentBytes: 600_000 };
const RECORD_BYTES = 10_000;
const textAt = (offset) => `${offset} `.padEnd(RECORD_BYTES, "x");
const codeOf = (error) => error.code ?? String(error);

/** Appends until something fails. Says how many records are durable and what failed. */
async function fill(stream, from) {
  let durable = from;
  for (let offset = from; offset < 100_000; offset++) {
    try {
      await stream.append(textAt(offset));
      if (sync === "onFlush") await stream.flush();
      durable = offset + 1;
    } catch (error) {
      return { durable, code: codeOf(error), message: error.message, path: error.path };
    }
  }
  return { durable, code: null };
}

/** How many records there are, each what it should be; or what a reader is told. */
async function readable(stream) {
  let offset = 0;
  try {
    for await (const record of stream.read({ verify: "genesis" })) {
      if (record.text() !== textAt(offset)) return `record ${offset} is another`;
      offset++;
    }
    return offset;
  } catch (error) {
    return codeOf(error);
  }
}

const said = {};
const log = await openLog(directory, options);
const stream = log.stream("orders");
said.filled = await fill(stream, 0);
said.readable = await readable(stream);
// A second try changes nothing.
said.again = await stream
  .append(textAt(said.filled.durable))
  .then(() => (sync === "onFlush" ? stream.flush() : undefined))
  .then(
    () => "appended",
    (error) => codeOf(error),
  );
{
  const reader = await openLog(directory, { readOnly: true });
  said.reader = await readable(reader.stream("orders"));
  await reader.close();
}
said.closed = await log.close().then(
  () => "closed",
  (error) => codeOf(error),
);
// Opened again while the disk is still full.
try {
  const reopened = await openLog(directory, options);
  try {
    said.reopened = (await reopened.stream("orders").head()).nextOffset;
  } finally {
    await reopened.close();
  }
} catch (error) {
  said.reopened = codeOf(error);
  said.reopenedMessage = error.message;
}
{
  const reader = await openLog(directory, { readOnly: true });
  said.readerAfter = await readable(reader.stream("orders"));
  await reader.close();
}
if (ballast !== undefined) {
  rmSync(ballast);
  const after = await openLog(directory, options);
  const orders = after.stream("orders");
  const { nextOffset } = await orders.head();
  said.resumedAt = nextOffset;
  for (let offset = nextOffset; offset < nextOffset + 20; offset++) await orders.append(textAt(offset));
  await orders.flush();
  said.resumed = await readable(orders);
  const { ok, index } = await orders.verify();
  said.verified = { ok, index };
  await after.close();
}
console.log(JSON.stringify(said));
process.exit(0);
