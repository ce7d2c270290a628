// What was found, and what was done, does not depend on whether anybody reads what is said of it; and what is said draws
// nothing on a terminal.
import { readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { processTerminal } from "../../adapters/terminal.ts";
import { main } from "../../src/cli/main.ts";
import { type Outlet, OutputClosed } from "../../src/cli/terminal.ts";
import { printable, quoted } from "../../src/printable.ts";
import { currentRuntime, type TemporaryFolder, temporaryFolder } from "../contract/current-runtime.ts";
import { diatreme } from "./run.ts";

const TERMINAL = processTerminal();
const CLOSED: Outlet = {
  isInteractive: false,
  columns: 80,
  write: () => Promise.reject(new OutputClosed()),
  paint: (_, text) => text,
};

function unread(
  args: readonly string[],
  { input = "", closed = "output" as "output" | "errors" } = {},
): Promise<number> {
  async function* chunks() {
    yield new Uint8Array(Buffer.from(input));
  }
  const open: Outlet = { ...CLOSED, write: () => Promise.resolve() };
  const outlets = closed === "output" ? { output: CLOSED, errors: open } : { output: open, errors: CLOSED };
  const terminal = { ...TERMINAL, args, input: { isInteractive: false, chunks: chunks() }, onInterrupt: () => {} };
  return main({ ...terminal, ...outlets }, currentRuntime());
}

describe("a command that nobody listens to", () => {
  let folder: TemporaryFolder;
  let log: string;

  beforeEach(async () => {
    folder = temporaryFolder();
    log = `${folder.path}/log`;
    await diatreme(["append", log, "orders"], "one\ntwo\nthree\n");
  });
  afterEach(() => folder.remove());

  const segment = () => `${log}/orders/segment_000000.log`;
  function damage(): void {
    const bytes = readFileSync(segment());
    bytes[128 + 66] = (bytes[128 + 66] as number) ^ 1;
    writeFileSync(segment(), bytes);
  }

  it("says bad by its status all the same", async () => {
    const exported = await diatreme(["export", log, "orders"]);
    writeFileSync(`${folder.path}/part`, exported.output.toString().replace('"to":3', '"to":4'));
    damage();
    for (const args of [
      ["verify", log],
      ["repair", log],
      ["verify-export", `${folder.path}/part`],
    ]) {
      for (const json of [[], ["--json"]]) expect(await unread([...args, ...json]), args[0]).toBe(1);
    }
  });

  it("appends all the same, and fails when it fails", async () => {
    const kept = readFileSync(segment());
    writeFileSync(segment(), Buffer.concat([kept, Buffer.from("DTR1 torn")]));
    for (const file of [`${segment()}.idx`, `${segment()}.ckpt`]) writeFileSync(file, "");
    expect(await unread(["append", log, "orders"], { input: "four\nfive\n", closed: "errors" })).toBe(0);
    expect((await diatreme(["read", log, "orders"])).output.toString()).toBe("one\ntwo\nthree\nfour\nfive\n");
    const long = `six\n${"x".repeat((64 << 20) + 1)}\n`;
    expect(await unread(["append", log, "orders"], { input: long, closed: "errors" })).toBe(2);
    expect((await diatreme(["read", log, "orders", "--from", "5"])).output.toString()).toBe("six\n");
  });

  it("does not pass a private key for made that nobody got", async () => {
    expect(await unread(["keys", "generate"])).toBe(3);
  });
});

describe("export --withhold", () => {
  it("adds up, and refuses what would withhold nothing", async () => {
    const folder = temporaryFolder();
    const log = `${folder.path}/log`;
    await diatreme(["append", log, "orders"], "a\nb\nc\nd\n");
    const { output } = await diatreme(["export", log, "orders", "--withhold", "0", "--withhold", "2-3"]);
    const lines = output.toString().trimEnd().split("\n").slice(1, -1);
    expect(lines.map((line) => line.includes('"payload"'))).toEqual([false, true, false, false]);
    for (const withhold of ["3-2", "9007199254740993", "0-99999999999999999999"]) {
      const { status, errors } = await diatreme(["export", log, "orders", "--withhold", withhold]);
      expect({ status, errors }).toEqual({ status: 2, errors: expect.stringContaining("leaves out nothing") });
    }
    folder.remove();
  });
});

describe("arguments that are not understood", () => {
  it("are told of as JSON where that was asked for", async () => {
    const { status, output } = await diatreme(["read", "x", "y", "--json", "--bogus"]);
    expect(status).toBe(2);
    expect(JSON.parse(output.toString())).toMatchObject({ error: { exitStatus: 2 } });
  });
});

describe("what a hostile folder says", () => {
  it.each([
    ["\u001b[2Jgood", "\\u001b[2Jgood"],
    ["\u009b2J\u007f", "\\u009b2J\\u007f"],
    ["a\u202eb\u2066c\u200d", "a\\u202eb\\u2066c\\u200d"],
    ["\u{e0041}x", "\\udb40\\udc41x"],
    ["naïve 日本 🌋", "naïve 日本 🌋"],
  ])("draws nothing: %j", (text, shown) => {
    expect(printable(text)).toBe(shown);
    expect(JSON.parse(quoted(text))).toBe(text);
  });

  it("is no claim of a lock when its time is none", async () => {
    const folder = temporaryFolder();
    const log = `${folder.path}/log`;
    await diatreme(["append", log, "orders"], "a\n");
    const claim = { pid: 1, started: "", boot: "", host: "elsewhere", since: "\u001b[2Jgood" };
    writeFileSync(`${log}/lock/99999999`, `${JSON.stringify(claim)}\n`);
    const { errors, output } = await diatreme(["repair", log]);
    expect(`${errors}${output}`).not.toContain("\u001b");
    folder.remove();
  });
});

describe("--max-record-bytes", () => {
  it("lets every command take records that are longer than usual, or refuses shorter ones", async () => {
    const folder = temporaryFolder();
    const log = `${folder.path}/log`;
    const limit = ["--max-record-bytes", "100"];
    const appended = await diatreme(["append", log, "orders", ...limit], `${"x".repeat(100)}\n${"y".repeat(101)}\n`);
    expect(appended).toMatchObject({ status: 2, errors: expect.stringMatching(/line 2/i) });
    await diatreme(["append", log, "orders"], `${"z".repeat(500)}\n`);
    for (const [command, ...rest] of [
      ["verify", log],
      ["inspect", log],
      ["read", log, "orders"],
      ["export", log, "orders"],
    ]) {
      const args = [command as string, ...rest];
      expect((await diatreme(args)).status, command).toBe(0);
      const { status, errors, output } = await diatreme([...args, ...limit]);
      expect(status, command).toBe(1);
      expect(`${errors}${output}`, command).toContain("larger maxRecordBytes");
    }
    folder.remove();
  });
});
