import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type TemporaryFolder, temporaryFolder } from "../contract/current-runtime.ts";
import { diatreme, jsonLines } from "./run.ts";

let folder: TemporaryFolder;
let log: string;
let key: string;
let publicKey: string;

beforeEach(async () => {
  folder = temporaryFolder();
  log = `${folder.path}/log`;
  key = `${folder.path}/audit.key`;
  publicKey = await keep("audit.pub", ["keys", "generate", "--out", key]);
  await append("first", "second", "third");
});
afterEach(() => folder.remove());

async function append(...lines: string[]): Promise<void> {
  await diatreme(["append", log, "orders"], lines.map((line) => `${line}\n`).join(""));
}

/** Runs a command and keeps what it prints in a file. */
async function keep(name: string, args: readonly string[]): Promise<string> {
  const { output, errors, status } = await diatreme(args);
  expect(status, errors).toBe(0);
  const file = `${folder.path}/${name}`;
  writeFileSync(file, output);
  return file;
}

describe("checkpoint", () => {
  it("prints a signed note that verify accepts, also after more was appended", async () => {
    const monday = await keep("monday.txt", ["checkpoint", log, "orders", "--key", key]);
    const note = readFileSync(monday, "utf8");
    expect(note).toMatch(
      /^diatreme\.checkpoint\/v1\n[-0-9a-f]{36}\norders\n3\n[0-9a-f]{64}\n\d+\n\n\u2014 diatreme [\w+/=]+\n$/,
    );
    await append("fourth");
    const { status, output } = await diatreme(["verify", log, "--against", monday, "--public-key", publicKey]);
    const id = (await diatreme(["keys", "public", publicKey, "--id"])).output.toString().trim();
    expect(output.toString()).toMatch(
      new RegExp(`^  agrees with a checkpoint from outside: 3 records, .*, signed by ${id}$`, "m"),
    );
    expect(output.toString()).toContain("that nothing was cut off or replaced from record 3 on");
    expect(status).toBe(0);
  });

  it("prints the bare text without a key", async () => {
    const { output } = await diatreme(["checkpoint", log, "orders"]);
    expect(output.toString()).toMatch(/^diatreme\.checkpoint\/v1\n(.+\n){5}$/);
  });

  it("with --latest prints the newest that the log holds, of a trusted key if one is given, and changes nothing", async () => {
    const made = (await diatreme(["checkpoint", log, "orders", "--key", key])).output.toString();
    const file = `${log}/orders/segment_000000.log.ckpt`;
    const before = readFileSync(file);
    expect((await diatreme(["checkpoint", log, "orders", "--latest"])).output.toString()).toBe(made);
    const trusted = await diatreme(["checkpoint", log, "orders", "--latest", "--public-key", publicKey, "--json"]);
    expect(jsonLines(trusted.output)).toMatchObject([{ note: made, nextOffset: 3, stream: "orders" }]);
    expect(readFileSync(file)).toEqual(before);
    const stranger = await keep("stranger.pub", ["keys", "generate", "--out", `${folder.path}/stranger.key`]);
    const none = await diatreme(["checkpoint", log, "orders", "--latest", "--public-key", stranger]);
    expect([none.status, none.errors]).toEqual([2, expect.stringContaining("holds no checkpoint signed by")]);
  });

  it("makes neither a log nor a stream", async () => {
    expect((await diatreme(["checkpoint", `${folder.path}/none`, "orders"])).errors).toContain("There is no log");
    expect((await diatreme(["checkpoint", log, "odrers"])).errors).toContain('has no stream "odrers"');
    expect((await diatreme(["verify", log])).output.toString()).not.toContain("odrers");
  });
});

describe("verify --against", () => {
  it("ends with status 1 and tells what happened to the log", async () => {
    const kept = await keep("kept.txt", ["checkpoint", log, "orders", "--key", key]);
    rmSync(log, { recursive: true });
    await append("first", "second");
    const args = ["verify", log, "--against", kept, "--public-key", publicKey, "--json"];
    const { status, output } = await diatreme(args);
    expect(jsonLines(output)).toMatchObject([{ stream: "orders", ok: false, problem: { code: "LOG_OTHER" } }]);
    expect(status).toBe(1);
  });

  it("says that a checkpoint is about another log, when this one has no such stream either", async () => {
    const kept = await keep("kept.txt", ["checkpoint", log, "orders", "--key", key]);
    const other = `${folder.path}/other`;
    await diatreme(["append", other, "lines"], "a line\n");
    const { status, output } = await diatreme(["verify", other, "--against", kept, "--json"]);
    expect(jsonLines(output)).toMatchObject([
      { stream: "lines", ok: true },
      { stream: "orders", ok: false, problem: { code: "LOG_OTHER" } },
    ]);
    expect(status).toBe(1);
  });

  it("holds each checkpoint against the stream that it names, and misses one that is gone", async () => {
    await diatreme(["append", log, "payments"], "a payment\n");
    const orders = await keep("orders.txt", ["checkpoint", log, "orders", "--key", key]);
    const payments = await keep("payments.txt", ["checkpoint", log, "payments", "--key", key]);
    const args = ["verify", log, "--against", orders, "--against", payments, "--public-key", publicKey];
    expect((await diatreme(args)).status).toBe(0);
    rmSync(`${log}/payments`, { recursive: true });
    const { status, output } = await diatreme(args);
    expect(output.toString()).toMatch(/^payments {2}BAD: .*has no stream "payments"/m);
    expect(status).toBe(1);
  });

  it("refuses what is no evidence", async () => {
    const kept = await keep("kept.txt", ["checkpoint", log, "orders"]);
    const unsigned = await diatreme(["verify", log, "--against", kept, "--public-key", publicKey]);
    expect([unsigned.status, unsigned.errors]).toEqual([1, expect.stringContaining("has no signature of key")]);
    const noKey = await diatreme(["verify", log, "--against", kept, "--public-key", key]);
    expect([noKey.status, noKey.errors]).toEqual([2, expect.stringContaining("PUBLIC KEY is wanted")]);
    expect((await diatreme(["verify", log, "--against", kept])).output.toString()).toContain(
      "who made the checkpoints: no public key was given",
    );
  });
});
