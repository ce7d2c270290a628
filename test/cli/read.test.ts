import { once } from "node:events";
import { existsSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type TemporaryFolder, temporaryFolder } from "../contract/current-runtime.ts";
import { flipBitIn } from "./damage.ts";
import { diatreme, diatremeInto, jsonLines, type Outcome, startDiatreme } from "./run.ts";

let folder: TemporaryFolder;
let log: string;

beforeEach(() => {
  folder = temporaryFolder();
  log = `${folder.path}/log`;
});
afterEach(() => folder.remove());

function append(lines: string | Uint8Array): Promise<Outcome> {
  return diatreme(["append", log, "s"], lines);
}

function numbered(count: number): string {
  return Array.from({ length: count }, (_, index) => `record ${index}\n`).join("");
}

describe("read", () => {
  it("gives the range that --from, --to and --limit ask for", async () => {
    await append(numbered(10));
    const read = async (...range: string[]) => (await diatreme(["read", log, "s", ...range])).output.toString();
    expect(await read("--from", "8")).toBe("record 8\nrecord 9\n");
    expect(await read("--to", "1")).toBe("record 0\n");
    expect(await read("--from", "3", "--limit", "2")).toBe("record 3\nrecord 4\n");
    expect(await read("--from", "3", "--to", "5")).toBe("record 3\nrecord 4\n");
    expect(await read("--from", "99")).toBe("");
    expect(await read("--limit", "0")).toBe("");
  });

  it.each(["crc", "chain", "genesis"])("gives the same records with --verify %s", async (level) => {
    await append(numbered(3));
    const { output, status } = await diatreme(["read", log, "s", "--verify", level]);
    expect(output.toString()).toBe(numbered(3));
    expect(status).toBe(0);
  });

  it("gives payloads longer than its buffer between short ones", async () => {
    const lines = `short\n${"long".repeat(200_000)}\n\n${"x".repeat(262_143)}\n${"y".repeat(262_144)}\nend\n`;
    await append(lines);
    expect((await diatreme(["read", log, "s"])).output.toString()).toBe(lines);
  });

  it("ends quietly with status 0 when its reader has read enough", async () => {
    await append(numbered(300_000));
    const run = startDiatreme(["read", log, "s"]);
    const [chunk] = (await once(run.child.stdout, "data")) as [Buffer];
    run.child.stdout.destroy();
    const { status, errors } = await run.ended;
    expect(chunk.toString()).toMatch(/^record 0\n/);
    expect(errors).toBe("");
    expect(status).toBe(0);
  });
});

describe("read --follow", () => {
  it("prints records as another process appends them, and ends with 130 on SIGINT", async () => {
    const writer = startDiatreme(["append", log, "s", "--ack"]);
    writer.child.stdin.write("one\ntwo\n");
    await writer.nextLine();
    const follower = startDiatreme(["read", log, "s", "--follow"]);
    expect([await follower.nextLine(), await follower.nextLine()]).toEqual(["one", "two"]);
    for (const line of ["three", "four"]) {
      writer.child.stdin.write(`${line}\n`);
      expect(await follower.nextLine()).toBe(line);
    }
    process.kill(follower.child.pid as number, "SIGINT");
    const { status, errors } = await follower.ended;
    expect(errors).toBe("diatreme: Interrupted.\n");
    expect(status).toBe(130);
    writer.child.stdin.end();
    await writer.ended;
  });

  it("ends by itself at --limit and at --to, also in what is yet to come", async () => {
    await append(numbered(3));
    const follow = async (...range: string[]) => (await diatreme(["read", log, "s", "-f", ...range])).output.toString();
    expect(await follow("--limit", "2")).toBe("record 0\nrecord 1\n");
    expect(await follow("--from", "1", "--to", "3")).toBe("record 1\nrecord 2\n");
    const coming = follow("--from", "4", "--limit", "1", "--json");
    await append(numbered(3));
    expect(JSON.parse(await coming)).toMatchObject({ offset: 4, text: "record 1" });
  });

  it("prints what is good and ends with status 1 at a bad record", async () => {
    await append(numbered(1000));
    flipBitIn(`${log}/s/segment_000000.log`, "record 700");
    const { status, output, errors } = await diatreme(["read", log, "s", "--follow"]);
    expect(output.toString()).toBe(numbered(700));
    expect(errors).toMatch(/^diatreme: Record 700 of "s"/);
    expect(status).toBe(1);
  });
});

describe("read --json", () => {
  it("gives one object a line, with text where the payload is UTF-8, else base64", async () => {
    await append(Buffer.from('{"a":1}\n"\\\t\0é\n\n\xff\x00\x01\n\xff\x00\n\xff\n\ufeffbom\n', "latin1"));
    const { output, status } = await diatreme(["read", log, "s", "--json"]);
    expect(status).toBe(0);
    const records = jsonLines(output) as { [name: string]: unknown }[];
    expect(records.map(({ text, base64 }) => text ?? { base64 })).toEqual([
      '{"a":1}',
      { base64: Buffer.from('"\\\t\0é', "latin1").toString("base64") },
      "",
      { base64: "/wAB" },
      { base64: "/wA=" },
      { base64: "/w==" },
      { base64: Buffer.from("\ufeffbom", "latin1").toString("base64") },
    ]);
    expect(records.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(records.every(({ kind }) => kind === "data")).toBe(true);
  });

  it("loses nothing of a text: quotes, controls, a byte order mark, every plane", async () => {
    const lines = ['say "no" \\ \t\b\u0000\u001f\u007f', "\ufeffbom", "é 漢 🜁 \u2028\u2029"];
    await append(`${lines.join("\n")}\n`);
    const { output } = await diatreme(["read", log, "s", "--json"]);
    expect((jsonLines(output) as { text: string }[]).map(({ text }) => text)).toEqual(lines);
  });

  it("gives the time twice, as µs and as ISO 8601, and the hash that verify names as head", async () => {
    await append("one\n");
    const [record] = jsonLines((await diatreme(["read", log, "s", "--json"])).output) as [
      { timestamp: number; time: string; hash: string },
    ];
    const [report] = jsonLines((await diatreme(["verify", log, "--json"])).output) as [{ head: string }];
    expect(record.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(Date.parse(record.time)).toBe(Math.floor(record.timestamp / 1000));
    expect(record.hash).toBe(report.head);
  });

  it("gives the same hash however the record was checked", async () => {
    await append("one\ntwo\n");
    const hashes = async (level: string) => {
      const { output } = await diatreme(["read", log, "s", "--json", "--verify", level]);
      return (jsonLines(output) as { hash: string }[]).map(({ hash }) => hash);
    };
    expect(await hashes("crc")).toEqual(await hashes("genesis"));
  });
});

describe("read of a damaged stream", () => {
  it("prints the records before the bad one, names that on standard error, and ends with status 1", async () => {
    await append(numbered(1000));
    flipBitIn(`${log}/s/segment_000000.log`, "record 700");
    const { status, output, errors } = await diatreme(["read", log, "s"]);
    expect(output.toString()).toBe(numbered(700));
    expect(errors).toMatch(/^diatreme: Record 700 of "s" at byte \d+ of s\/segment_000000\.log has CRC /);
    expect(status).toBe(1);
  });

  it("says it once more in JSON, with the facts, behind the good records", async () => {
    await append(numbered(10));
    flipBitIn(`${log}/s/segment_000000.log`, "record 7");
    const { status, output } = await diatreme(["read", log, "s", "--json"]);
    const lines = jsonLines(output);
    expect(lines.length).toBe(8);
    expect(lines[7]).toMatchObject({
      error: { code: "RECORD_CRC_MISMATCH", exitStatus: 1, stream: "s", segment: 0, offset: 7 },
    });
    expect(status).toBe(1);
  });
});

describe("read refuses", () => {
  it("a log that is not there with status 2, and makes none", async () => {
    const { status, errors } = await diatreme(["read", log, "s"]);
    expect(errors).toContain(`There is no log in ${log}`);
    expect(status).toBe(2);
    expect(existsSync(log)).toBe(false);
  });

  it("a stream that is not there with status 2, and makes none", async () => {
    await append("x\n");
    const { status, errors } = await diatreme(["read", log, "other"]);
    expect(errors).toBe(`diatreme: The log in ${log} has no stream "other".\n`);
    expect(status).toBe(2);
    expect(existsSync(`${log}/other`)).toBe(false);
  });

  it.skipIf(!existsSync("/dev/full"))("an output that is full with status 3", async () => {
    await append(numbered(10));
    const { status, errors } = await diatremeInto("/dev/full", ["read", log, "s"]);
    expect(errors).toMatch(/^diatreme: Cannot write to standard output: .*[Nn]o space left/);
    expect(status).toBe(3);
  });
});
