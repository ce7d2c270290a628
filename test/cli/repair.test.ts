import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type TemporaryFolder, temporaryFolder } from "../contract/current-runtime.ts";
import { flipBitIn } from "./damage.ts";
import { diatreme, jsonLines, startDiatreme } from "./run.ts";

let folder: TemporaryFolder;
let log: string;

beforeEach(async () => {
  folder = temporaryFolder();
  log = `${folder.path}/log`;
  await diatreme(["append", log, "orders", "--batch", "1"], "first order\nsecond order\nthird order\n");
  await diatreme(["append", log, "payments"], "a payment\n");
});
afterEach(() => folder.remove());

const SEGMENT = "orders/segment_000000.log";

function contents(): [string, string][] {
  const files = readdirSync(log, { recursive: true, encoding: "utf8" }).filter((name) =>
    /\.(log|idx|json|tmp)$/.test(name),
  );
  return files.sort().map((name) => [name, readFileSync(`${log}/${name}`).toString("hex")]);
}

describe("repair", () => {
  it("finds nothing in a good log, with status 0", async () => {
    const { status, output, errors } = await diatreme(["repair", log]);
    expect(output.toString()).toBe(
      `orders  good: 3 records\npayments  good: 1 record\n\nNothing needs repair in ${log}.\n`,
    );
    expect(errors).toBe("");
    expect(status).toBe(0);
  });

  it("says what it found and would do, changes nothing, and ends with status 1", async () => {
    const at = flipBitIn(`${log}/${SEGMENT}`, "second order");
    const before = contents();
    const { status, output } = await diatreme(["repair", log]);
    const text = output.toString();
    const start = at - 64;
    expect(text).toMatch(
      /^orders\n {2}found {2}Record 1 of "orders" at byte \d+ of orders\/segment_000000\.log has CRC /,
    );
    expect(text).toContain("\n  keeps  1 record from the first on\n");
    expect(text).toMatch(
      /\n {2}note {3}1 record behind the damage is whole, .*: offset 2 from byte \d+ of segment 0 on\. /,
    );
    expect(text).toContain(
      `\n  would  cut 167 bytes from byte ${start} of ${SEGMENT} on; ` +
        `they are kept as ${SEGMENT}.removed-${start}-1\n`,
    );
    expect(text).toContain(`\n  would  rename ${SEGMENT}.idx to ${SEGMENT}.idx.removed-0-1\n`);
    expect(text).toContain("\npayments  good: 1 record\n");
    expect(text).toMatch(/\nNothing was changed\. To do this, run it again with --apply\.\n$/);
    expect(status).toBe(1);
    expect(contents()).toEqual(before);
  });

  it("does it with --apply: the log verifies and goes on, and what was cut is beside it", async () => {
    const start = flipBitIn(`${log}/${SEGMENT}`, "second order") - 64;
    const damaged = readFileSync(`${log}/${SEGMENT}`);
    const { status, output } = await diatreme(["repair", log, "orders", "--apply"]);
    expect(output.toString()).toContain(`\n  did  cut 167 bytes from byte ${start} of ${SEGMENT} on; `);
    expect(output.toString()).toMatch(/\nDone: the log opens for writing and verifies\. .*\n$/);
    expect(status).toBe(0);
    expect(readFileSync(`${log}/${SEGMENT}.removed-${start}-1`)).toEqual(damaged.subarray(start));
    expect((await diatreme(["verify", log])).status).toBe(0);
    expect((await diatreme(["append", log, "orders"], "fourth order\n")).status).toBe(0);
    expect((await diatreme(["read", log, "orders"])).output.toString()).toBe("first order\nfourth order\n");
    expect((await diatreme(["repair", log])).status).toBe(0);
  });

  it("recovers log.json from the segments", async () => {
    const original = readFileSync(`${log}/log.json`);
    const id = /"id":"([^"]+)"/.exec(original.toString())?.[1];
    writeFileSync(`${log}/log.json`, "{}");
    const { output } = await diatreme(["repair", log]);
    expect(output.toString()).toMatch(
      /^log\n {2}found {2}.*log\.json does not say which log this is: .* But all 2 good /,
    );
    expect(output.toString()).toContain(
      `  would  write log.json with id ${id}; the old one is kept as log.json.removed-0-1\n`,
    );
    expect((await diatreme(["repair", log, "--apply"])).status).toBe(0);
    expect(readFileSync(`${log}/log.json.removed-0-1`, "utf8")).toBe("{}");
    expect((await diatreme(["verify", log])).status).toBe(0);
  });

  it("shows a torn tail, a missing index and leftovers, and mends them", async () => {
    const path = `${log}/${SEGMENT}`;
    for (const beside of ["idx", "ckpt"]) rmSync(`${path}.${beside}`);
    truncateSync(path, readFileSync(path).length - 5);
    writeFileSync(`${log}/orders/.segment_000001.log.0123456789abcdef.tmp`, "x");
    const { status, output } = await diatreme(["repair", log]);
    const text = output.toString();
    expect(text).toContain('  found  The last append to "orders" never completed: 78 bytes from byte ');
    expect(text).toContain("  found  The index of segment 0 is missing. ");
    expect(text).toContain("segment_000001.log.0123456789abcdef.tmp was being made when a process died.");
    expect(status).toBe(1);
    expect((await diatreme(["repair", log, "--apply"])).status).toBe(0);
    expect((await diatreme(["repair", log])).status).toBe(0);
    expect(readdirSync(`${log}/orders`).some((name) => name.endsWith(".tmp"))).toBe(false);
  });

  it("does not run beside a writer, and says who it is", async () => {
    const writer = startDiatreme(["append", log, "orders", "--ack"]);
    writer.child.stdin.write("a live one\n");
    await writer.nextLine();
    const shown = await diatreme(["repair", log]);
    expect(shown.output.toString()).toMatch(
      new RegExp(
        `^lock {2}held by process ${writer.child.pid} on .*: what it may be writing just now was not judged\n`,
      ),
    );
    expect(shown.status).toBe(0);
    const { status, errors } = await diatreme(["repair", log, "--apply"]);
    expect(errors).toContain(`is being written by process ${writer.child.pid} on `);
    expect(status).toBe(3);
    writer.child.stdin.end();
    expect((await writer.ended).status).toBe(0);
  });

  it("shows a lock that a killed writer has left", async () => {
    const writer = startDiatreme(["append", log, "orders", "--ack"]);
    writer.child.stdin.write("a live one\n");
    await writer.nextLine();
    writer.child.kill("SIGKILL");
    await writer.ended;
    const { output } = await diatreme(["repair", log]);
    expect(output.toString()).toMatch(
      new RegExp(`^lock {2}left behind by process ${writer.child.pid} on .*, which is gone`),
    );
    const applied = await diatreme(["repair", log, "--apply"]);
    expect(applied.output.toString()).toMatch(/^lock {2}left behind by .*; taken over\n/);
    expect(applied.status).toBe(0);
  });

  it("prints one JSON object with --json", async () => {
    const start = flipBitIn(`${log}/${SEGMENT}`, "second order") - 64;
    const { status, output } = await diatreme(["repair", log, "--json"]);
    expect(jsonLines(output)).toMatchObject([
      {
        directory: log,
        applied: false,
        ok: false,
        lock: { state: "free" },
        findings: [{ kind: "damage", stream: "orders", code: "RECORD_CRC_MISMATCH", segment: 0, offset: 1 }],
        streams: [
          {
            stream: "orders",
            records: 1,
            wholeBehind: [{ segment: 0, firstOffset: 2, records: 1 }],
            steps: [
              { kind: "cut", position: start, bytes: 167, keptAs: `${log}/${SEGMENT}.removed-${start}-1` },
              { kind: "setAside", path: expect.stringMatching(/\.ckpt$/) },
              { kind: "setAside", path: expect.stringMatching(/\.idx$/) },
              { kind: "rebuildIndex" },
            ],
          },
          { stream: "payments", records: 1, steps: [] },
        ],
      },
    ]);
    expect(status).toBe(1);
  });

  it("says what it cannot explain, with status 1, and leaves it", async () => {
    const before = contents();
    const { status, output } = await diatreme(["repair", log, "orders", "--apply", "--max-record-bytes", "5"]);
    expect(output.toString()).toContain("Say a larger maxRecordBytes to judge it. It was left as it is.");
    expect(output.toString()).toMatch(/\nNot all is repaired\. 1 finding of a kind that repair leaves alone\.\n$/);
    expect(status).toBe(1);
    expect(contents()).toEqual(before);
  });

  it("shows names that a hostile folder holds as what they are, and lets them do nothing to a terminal", async () => {
    const hostile = "\u001b[2J\u009b32m\u202enothing needs repair";
    writeFileSync(`${log}/orders/.${hostile}.removed-1-1.tmp`, "");
    mkdirSync(`${log}/orders/segment_000000.log.${hostile}`);
    const { output, errors } = await diatreme(["repair", log]);
    const elsewhere = `${folder.path}/elsewhere`;
    mkdirSync(elsewhere);
    writeFileSync(`${elsewhere}/${hostile}`, "");
    const verified = await diatreme(["verify", elsewhere]);
    const shown = `${output}${errors}${verified.output}${verified.errors}`;
    expect(shown).toContain("\\u001b[2J\\u009b32m\\u202enothing");
    expect(/[^\P{C}\n]/u.exec(shown)).toBeNull();
  });

  it("of something else is wrong usage", async () => {
    expect(await diatreme(["repair", `${folder.path}/none`])).toMatchObject({ status: 2 });
    expect(await diatreme(["repair", folder.path])).toMatchObject({ status: 2 });
    expect(await diatreme(["repair", log, "other"])).toMatchObject({ status: 2 });
    expect(await diatreme(["repair", log, "--aply"])).toMatchObject({ status: 2 });
  });
});
