// A bill of materials that nobody can change unnoticed: every package of a package-lock.json, or every line of a file,
// becomes a record of a log. Then the log is read back, verified, and tampered with.
//
//     npm start
//     npm start -- access.log
//     deno run -A dist/examples/bill-of-materials.js
//     bun dist/examples/bill-of-materials.js
import { cp, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
// biome-ignore lint/correctness/noUnresolvedImports: the package itself, by its name, as its users import it
import { type LogRecord, openLog, type Stream } from "diatreme";
import { linesIn, packagesIn, type Source } from "./materials.ts";
import { bytes, type Cell, count, duration, excerpt, paint, print, table, title } from "./page.ts";
import { type Change, tamperWith } from "./tamper.ts";

const PROGRAM = fileURLToPath(new URL("../adapters/bin.js", import.meta.url));
const LOCK_FILE = fileURLToPath(new URL("../../package-lock.json", import.meta.url));
const FEW_RECORDS = 10_000;

interface Measured {
  readonly records: number;
  readonly bytes: number;
  readonly ms: number;
}

const input = process.argv[2] ?? relative(process.cwd(), LOCK_FILE);
const found = await stat(input).catch(() => null);
if (found?.isFile() !== true) {
  console.error(`Cannot read ${input}: ${found === null ? "there is no such file" : "it is no file"}.`);
  process.exit(3);
}
const source = process.argv[2] === undefined ? await packagesIn(input) : linesIn(input);
const directory = await mkdtemp(join(tmpdir(), "diatreme-bill-"));

print(paint("bold", "Diatreme: a bill of materials that nobody can change unnoticed"));
print();
print(`  from  ${source.title}`);
print(`  into  ${directory}`);

const log = await openLog(directory);
const stream = log.stream(source.stream);
const appended = await appendAll(stream, source);
const { nextOffset, head } = await stream.head();
await log.close();

// Opened anew, as somebody else would.
const again = await openLog(directory, { readOnly: true });
const readAgain = again.stream(source.stream);
const readBack = await compareAll(readAgain, source);
const report = await readAgain.verify();
if (!report.ok) throw new Error(`the log is not good: ${report.problem?.message}`);

title("What was done");
table([
  ["appended", ...speed(appended), "durable, hashed and chained"],
  ["read back", ...speed(readBack), "each as it was given, each link checked"],
  ["verified", ...speed({ ...readBack, ms: report.elapsedMs }), "every record, every link, the index"],
]);
if (appended.records < FEW_RECORDS) print(paint("gray", "  So few say little about speed. More: npm start -- FILE"));

title("Files");
table(await filesIn(directory));

title("Records");
await showRecords(readAgain, nextOffset);
print();
print(`  head  ${paint("green", head)}`);
print("        Keep it elsewhere: it proves every record, their order, and that none is missing.");

const victim = await findVictim(readAgain, nextOffset);
if (victim === undefined) print("\nTo show what tampering does it takes a record with a payload, and one behind it.");
else await showTampering(victim);
await again.close();

title("Look at it yourself");
for (const command of [
  `read ${directory} ${source.stream} --limit 3 --json`,
  `verify ${directory}`,
  `inspect ${directory}`,
]) {
  print(`  ${runner()} ${relative(process.cwd(), PROGRAM)} ${command}`);
}
print(paint("gray", `  The log stays in ${directory}. Remove the folder when you are done.`));

// The next batch is handed over while the one before it is on its way to the disk.
async function appendAll(stream: Stream, source: Source): Promise<Measured> {
  // Makes the stream, even if no record should come.
  await stream.head();
  const started = performance.now();
  let underWay: Promise<unknown> = Promise.resolve();
  let records = 0;
  for await (const batch of source.batches()) {
    const append = stream.append(batch);
    await underWay;
    underWay = append;
    records += batch.length;
  }
  await underWay;
  const ms = performance.now() - started;
  const { bytes } = await stream.inspect();
  return { records, bytes, ms };
}

async function compareAll(stream: Stream, source: Source): Promise<Measured> {
  const started = performance.now();
  const records = stream.read()[Symbol.asyncIterator]();
  let compared = 0;
  for await (const batch of source.batches()) {
    for (const event of batch) {
      const { value: record, done } = await records.next();
      if (done === true) throw new Error(`the log ends at ${compared}, the input goes on`);
      if (!isSame(record, event)) throw new Error(`record ${record.offset} is not what was appended`);
      compared++;
    }
  }
  if ((await records.next()).done !== true) throw new Error("the log has more records than the input");
  const ms = performance.now() - started;
  const { bytes } = await stream.inspect();
  return { records: compared, bytes, ms };
}

function isSame(record: LogRecord, event: Uint8Array | object): boolean {
  if (event instanceof Uint8Array) return Buffer.compare(record.payload, event) === 0;
  return record.text() === JSON.stringify(event);
}

function speed({ records, bytes: size, ms }: Measured): Cell[] {
  const seconds = ms / 1000;
  return [records, "records", duration(ms), records / seconds, "records/s", `${bytes(Math.round(size / seconds))}/s`];
}

async function filesIn(folder: string): Promise<Cell[][]> {
  const rows: Cell[][] = [];
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    rows.push([relative(folder, path), (await stat(path)).size, "bytes"]);
  }
  return rows.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
}

async function showRecords(stream: Stream, nextOffset: number): Promise<void> {
  const rows: Cell[][] = [["offset", "hash", "payload"]];
  const shown = new Set([0, 1, Math.floor((nextOffset - 1) / 2), nextOffset - 1]);
  for (const offset of shown) {
    const record = await stream.get(Math.max(0, offset));
    if (record !== undefined) rows.push([record.offset, `${record.hash.slice(0, 12)}…`, excerpt(record.payload, 60)]);
  }
  table(rows);
}

// A record in the middle that has a payload and a successor.
async function findVictim(stream: Stream, nextOffset: number): Promise<LogRecord | undefined> {
  const from = Math.max(0, Math.floor(nextOffset / 2) - 1);
  for await (const record of stream.read({ from, to: Math.max(0, nextOffset - 1) })) {
    if (record.payload.length > 0) return record;
  }
  return undefined;
}

async function showTampering(victim: LogRecord): Promise<void> {
  title("What happens when somebody changes a copy of it");
  print(`  1. Record ${count(victim.offset)} gets one other character:`);
  await tamperWithCopy(victim, false);
  print();
  print("  2. The same, by somebody who knows the format and makes the record's CRC fit:");
  await tamperWithCopy(victim, true);
}

async function tamperWithCopy(victim: LogRecord, fixCrc: boolean): Promise<void> {
  const copy = await mkdtemp(join(tmpdir(), "diatreme-tampered-"));
  try {
    await cp(directory, copy, { recursive: true });
    const { segments } = await readAgain.inspect();
    const segment = segments.findLast(({ firstOffset }) => firstOffset <= victim.offset);
    const path = join(copy, source.stream, segment?.file ?? "");
    showChange(tamperWith(path, victim, { fixCrc }));
    await using tampered = await openLog(copy, { readOnly: true });
    const verdict = await tampered.stream(source.stream).verify();
    if (verdict.ok) throw new Error("the change was not noticed");
    print(`     ${paint("red", "BAD:")} ${verdict.problem?.message}`);
  } finally {
    await rm(copy, { recursive: true });
  }
}

function showChange({ before, after }: Change): void {
  print(paint("gray", `     ${excerpt(before, 40)}   →   ${excerpt(after, 40)}`));
}

function runner(): string {
  const name = basename(process.execPath).replace(/\.exe$/, "");
  return name === "deno" ? "deno run -A" : name;
}
