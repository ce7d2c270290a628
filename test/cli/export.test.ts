import { writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type TemporaryFolder, temporaryFolder } from "../contract/current-runtime.ts";
import { diatreme, jsonLines } from "./run.ts";

let folder: TemporaryFolder;
let log: string;
let head: string;

beforeEach(async () => {
  folder = temporaryFolder();
  log = `${folder.path}/log`;
  await diatreme(["append", log, "orders"], "first\nsecond\nthird\nfourth\n");
  const { output } = await diatreme(["verify", log, "orders", "--json"]);
  head = (jsonLines(output)[0] as { head: string }).head;
});
afterEach(() => folder.remove());

describe("export", () => {
  it("prints lines that verify-export takes to the same head, without the log", async () => {
    const { status, output } = await diatreme(["export", log, "orders", "--withhold", "1,3-9"]);
    expect(status).toBe(0);
    expect(
      output
        .toString()
        .split("\n")
        .filter((line) => line.includes('"digest"')),
    ).toHaveLength(2);
    const verified = await diatreme(["verify-export", "--head", head], output.toString());
    expect(verified.output.toString()).toMatch(/^good: 4 records, 2 of them without payload\n/);
    expect(verified.output.toString()).toContain(`head ${head} at offset 3`);
    expect(verified.status).toBe(0);
  });

  it("of a range begins and ends where it is told", async () => {
    const { output } = await diatreme(["export", log, "orders", "--from", "1", "--to", "3"]);
    const file = `${folder.path}/part.ndjson`;
    writeFileSync(file, output);
    const { status, output: report } = await diatreme(["verify-export", file, "--json"]);
    expect(jsonLines(report)).toMatchObject([{ ok: true, records: 2, withheld: 0, heading: { from: 1 } }]);
    expect(status).toBe(0);
  });

  it.each(["some", "3-", "-2", ""])("--withhold %j is refused", async (text) => {
    const { status, errors } = await diatreme(["export", log, "orders", "--withhold", text]);
    expect(errors).toMatch(/^diatreme: --withhold takes all, or offsets and ranges like 3,17,20-29; not /);
    expect(status).toBe(2);
  });
});

describe("verify-export", () => {
  it("names the line that is wrong, and ends with status 1", async () => {
    const { output } = await diatreme(["export", log, "orders"]);
    const cut = output.toString().split("\n").slice(0, 3).join("\n");
    const swapped = output.toString().split("\n");
    [swapped[1], swapped[2]] = [swapped[2] as string, swapped[1] as string];
    const report = await diatreme(["verify-export"], swapped.join("\n"));
    expect(report.output.toString()).toMatch(
      /^BAD: Line 2 of the export fails condition X6: it is record 1 in the place/,
    );
    expect(report.output.toString()).toContain("good before that: 0 records");
    expect(report.status).toBe(1);
    expect((await diatreme(["verify-export"], `${cut}\n`)).output.toString()).toContain(
      "X9: it is missing: the export was cut",
    );
  });

  it("does not take a head for another", async () => {
    const { output } = await diatreme(["export", log, "orders"]);
    const { status, output: report } = await diatreme(["verify-export", "--head", "0".repeat(64)], output.toString());
    expect(report.toString()).toContain("fails condition X11");
    expect(status).toBe(1);
  });
});
