import { appendFileSync, existsSync, readdirSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makePipe, type TemporaryFolder, temporaryFolder } from "../contract/current-runtime.ts";
import { diatreme, jsonLines, startDiatreme } from "./run.ts";
import { seededBytes } from "./seeded-bytes.ts";

let folder: TemporaryFolder;
let log: string;

beforeEach(() => {
  folder = temporaryFolder();
  log = `${folder.path}/log`;
});
afterEach(() => folder.remove());

async function readAll(): Promise<Buffer> {
  return (await diatreme(["read", log, "s"])).output;
}

describe("what becomes a record", () => {
  it("is each line's bytes: binary, CRLF, NUL and empty lines come back as they were", async () => {
    const input = Buffer.concat([
      Buffer.from("plain\r\nnul \0 inside\n\n\n\xff\xfe\n", "latin1"),
      seededBytes(1, 300_000).map((byte) => (byte === 10 ? 11 : byte)),
      Buffer.from("\n"),
      seededBytes(2, 100_000),
      Buffer.from("\n"),
    ]);
    const { status, errors } = await diatreme(["append", log, "s"], input);
    expect(errors).toMatch(/^appended \d+ records, offsets 0\.\.\d+, head [0-9a-f]{64}\n$/);
    expect(status).toBe(0);
    expect(Buffer.compare(await readAll(), input)).toBe(0);
  });

  it("is also what follows the last \\n, unless that is nothing", async () => {
    await diatreme(["append", log, "s"], "one\nlast");
    expect((await readAll()).toString()).toBe("one\nlast\n");
    await diatreme(["append", log, "s"], "next\n");
    expect((await readAll()).toString()).toBe("one\nlast\nnext\n");
  });

  it("does not depend on how the bytes arrive", async () => {
    const input = Buffer.from("a\nbb\n\nccc\r\n\0\nend");
    await diatreme(
      ["append", log, "s"],
      [...input].map((byte) => Uint8Array.of(byte)),
    );
    expect((await readAll()).toString("latin1")).toBe(`${input.toString("latin1")}\n`);
  });

  it("comes from a file as well, in appends of any size", async () => {
    const lines = Array.from({ length: 5000 }, (_, index) => `line ${index}\n`).join("");
    writeFileSync(`${folder.path}/lines`, lines);
    const { status } = await diatreme(["append", log, "s", `${folder.path}/lines`, "--batch", "7"]);
    expect(status).toBe(0);
    expect((await readAll()).toString()).toBe(lines);
  });

  it("comes from a named pipe as well", async () => {
    makePipe(`${folder.path}/pipe`);
    const run = startDiatreme(["append", log, "s", `${folder.path}/pipe`]);
    writeFileSync(`${folder.path}/pipe`, "through\na pipe\n");
    expect((await run.ended).status).toBe(0);
    expect((await readAll()).toString()).toBe("through\na pipe\n");
  });

  it("is nothing when the input is empty, and the stream is made all the same", async () => {
    const { status, errors } = await diatreme(["append", log, "s"]);
    expect(status).toBe(0);
    expect(errors).toMatch(/^appended 0 records, next offset 0, head [0-9a-f]{64}\n$/);
    expect((await diatreme(["read", log, "s"])).status).toBe(0);
  });
});

describe("a line that is longer than a record may be", () => {
  it("is named, with status 2; the lines before it are appended, it and those behind it are not", async () => {
    const { status, errors } = await diatreme(
      ["append", log, "s"],
      [Buffer.from("one\ntwo\n"), Buffer.alloc((64 << 20) + 1, "x"), Buffer.from("\nfour\n")],
    );
    expect(errors).toMatch(
      /^appended 2 records, offsets 0\.\.1, head [0-9a-f]{64}\ndiatreme: Line 3 is longer than 67,108,864 bytes/,
    );
    expect(status).toBe(2);
    expect((await readAll()).toString()).toBe("one\ntwo\n");
  });

  it("may have 67,108,864 bytes", async () => {
    const { status } = await diatreme(["append", log, "s"], [Buffer.alloc(64 << 20, "x"), Buffer.from("\nnext\n")]);
    expect(status).toBe(0);
    expect((await readAll()).length).toBe((64 << 20) + 6);
  });
});

describe.each(["everyBatch", "onFlush"])("append --ack --sync %s", (sync) => {
  const args = () => ["append", log, "s", "--ack", "--sync", sync];

  it("acknowledges a line while the input is still open, and what it acknowledged outlives a kill", async () => {
    const run = startDiatreme(args());
    for (let count = 1; count <= 5; count++) {
      run.child.stdin.write(`line ${count}\n`);
      expect(await run.nextLine()).toBe(`ACK ${count}`);
    }
    run.child.kill("SIGKILL");
    await run.ended;
    expect((await readAll()).toString()).toBe("line 1\nline 2\nline 3\nline 4\nline 5\n");
  });

  it("shows acknowledged records to a reader beside it", async () => {
    const run = startDiatreme(args());
    run.child.stdin.write("here\n");
    expect(await run.nextLine()).toBe("ACK 1");
    expect((await readAll()).toString()).toBe("here\n");
    run.child.stdin.end();
    expect((await run.ended).status).toBe(0);
  });

  it("acknowledges in order, one append after the other, up to the last", async () => {
    const { output } = await diatreme([...args(), "--batch", "3"], "x\n".repeat(1000));
    const acknowledged = output
      .toString()
      .trim()
      .split("\n")
      .map((line) => Number(/^ACK (\d+)$/.exec(line)?.[1]));
    expect(acknowledged).toEqual([...acknowledged].sort((a, b) => a - b));
    expect(new Set(acknowledged).size).toBe(acknowledged.length);
    expect(acknowledged.length).toBeGreaterThanOrEqual(Math.ceil(1000 / 3));
    expect(acknowledged.at(-1)).toBe(1000);
  });

  it("appends all of the input although nobody reads the acknowledgements any more", async () => {
    const run = startDiatreme([...args(), "--batch", "1"]);
    run.child.stdin.write("first\n");
    await run.nextLine();
    run.child.stdout.destroy();
    for (let count = 0; count < 500; count++) run.child.stdin.write("more\n");
    run.child.stdin.end();
    const { status, errors } = await run.ended;
    expect(errors).toMatch(/^appended 501 records, /);
    expect(status).toBe(0);
  });
});

describe.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("append on %s", (signal, expected) => {
  it(`keeps the whole lines that it has, tells how many, and ends with status ${expected}`, async () => {
    const run = startDiatreme(["append", log, "s", "--ack"]);
    run.child.stdin.write("one\ntwo\n");
    expect(await run.nextLine()).toBe("ACK 2");
    // Not child.kill: Deno then takes the child for killed, whatever the child makes of the signal.
    process.kill(run.child.pid as number, signal);
    const { status, errors } = await run.ended;
    expect(errors).toMatch(/^appended 2 records, offsets 0\.\.1, head [0-9a-f]{64}\ndiatreme: Interrupted\.\n$/);
    expect(status).toBe(expected);
    expect((await readAll()).toString()).toBe("one\ntwo\n");
  });
});

describe("append --json", () => {
  it("prints the outcome as one object and nothing on standard error", async () => {
    const { output, errors } = await diatreme(["append", log, "s", "--json"], "ab\ncde\n");
    const head: unknown = expect.stringMatching(/^[0-9a-f]{64}$/);
    expect(jsonLines(output)).toEqual([{ stream: "s", records: 2, bytes: 5, firstOffset: 0, nextOffset: 2, head }]);
    expect(errors).toBe("");
  });

  it("prints acknowledgements as objects", async () => {
    const { output } = await diatreme(["append", log, "s", "--json", "--ack"], "ab\n");
    expect(jsonLines(output)[0]).toEqual({ ack: 1 });
  });
});

describe("append refuses", () => {
  it("an input file that is not there with status 3, and makes no log", async () => {
    const { status, errors } = await diatreme(["append", log, "s", `${folder.path}/missing`]);
    expect(errors).toBe(`diatreme: Cannot read ${folder.path}/missing: there is no such file.\n`);
    expect(status).toBe(3);
    expect(existsSync(log)).toBe(false);
  });

  it("a folder as input with status 3", async () => {
    const { status, errors } = await diatreme(["append", log, "s", folder.path]);
    expect(errors).toBe(`diatreme: Cannot read ${folder.path}: it is a folder.\n`);
    expect(status).toBe(3);
  });

  it("a stream name that will not do with status 2, and makes no log", async () => {
    const { status, errors } = await diatreme(["append", log, "Not A Name"], "x\n");
    expect(errors).toMatch(/^diatreme: Cannot use "Not A Name" as a stream name/);
    expect(status).toBe(2);
    expect(existsSync(log)).toBe(false);
  });

  it("a folder that holds something else with status 2, and leaves it alone", async () => {
    writeFileSync(`${folder.path}/letter`, "dear");
    const { status, errors } = await diatreme(["append", folder.path, "s"], "x\n");
    expect(errors).toMatch(/is not a Diatreme log/);
    expect(status).toBe(2);
    expect(readdirSync(folder.path)).toEqual(["letter"]);
  });

  it("a log that another process is writing with status 3, and names the process", async () => {
    const run = startDiatreme(["append", log, "s", "--ack"]);
    run.child.stdin.write("mine\n");
    await run.nextLine();
    const { status, output, errors } = await diatreme(["append", log, "s", "--json"], "yours\n");
    expect(errors).toContain(`is being written by process ${run.child.pid} `);
    expect(jsonLines(output)).toMatchObject([{ error: { code: "LOG_LOCKED", exitStatus: 3, pid: run.child.pid } }]);
    expect(status).toBe(3);
    run.child.stdin.end();
    await run.ended;
  });
});

describe("append after a crash", () => {
  it("says what it cut off the end, and goes on behind the last complete append", async () => {
    await diatreme(["append", log, "s"], "kept\n");
    appendFileSync(`${log}/s/segment_000000.log`, "DTR1 and then the power went");
    const { status, errors } = await diatreme(["append", log, "s"], "next\n");
    expect(errors).toMatch(
      /^diatreme: cut 28 bytes off s\/segment_000000\.log at byte \d+: .* The next offset is 1\.\n/,
    );
    expect(status).toBe(0);
    expect((await readAll()).toString()).toBe("kept\nnext\n");
  });
});
