// The command line with keys: where they come from, what can be read with and without, and what erasing tells.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { argumentsToRun, type TemporaryFolder, temporaryFolder } from "../contract/current-runtime.ts";
import { built, diatreme } from "./run.ts";

const DIGITS = "00112233445566778899aabbccddeeff".repeat(2);

let folder: TemporaryFolder;
let log: string;
let key: string;

beforeEach(() => {
  folder = temporaryFolder();
  log = `${folder.path}/log`;
  key = file("master.key", `${DIGITS}\n`);
});
afterEach(() => folder.remove());

function file(name: string, content: string | Uint8Array): string {
  writeFileSync(`${folder.path}/${name}`, content);
  return `${folder.path}/${name}`;
}

function withEnvironment(env: Record<string, string>, ...args: string[]) {
  const run = spawnSync(process.execPath, argumentsToRun(built("adapters/bin.js"), ...args), {
    env: { ...process.env, ...env },
    input: "",
  });
  return { status: run.status, output: run.stdout.toString(), errors: run.stderr.toString() };
}

function everyByte(): Buffer {
  const files = readdirSync(log, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Buffer.concat(files.map((entry) => readFileSync(`${entry.parentPath}/${entry.name}`)));
}

async function fill(): Promise<void> {
  for (const args of [["--subject", "anna"], ["--subject", "bert"], []]) {
    const name = args[1] ?? "nobody";
    const { status, errors } = await diatreme(["append", log, "orders", "--key", key, ...args], `${name} wrote\n`);
    expect(errors).toContain("appended 1 record");
    expect(status).toBe(0);
  }
}

describe("with a key", () => {
  it("lines are appended encrypted and read again; without it they are not", async () => {
    await fill();
    const read = await diatreme(["read", log, "orders", "--key", key]);
    expect(read.output.toString()).toBe("anna wrote\nbert wrote\nnobody wrote\n");
    const bytes = everyByte();
    for (const text of ["wrote", "anna", "bert", DIGITS.slice(0, 16)]) expect(bytes.includes(text)).toBe(false);
    const keyless = await diatreme(["read", log, "orders"]);
    expect(keyless.errors).toMatch(/is encrypted, and the log was opened without a key/);
    expect(keyless.status).toBe(2);
    const json = (await diatreme(["read", log, "orders", "--json"])).output.toString().trimEnd().split("\n");
    expect(json.map((line) => (JSON.parse(line) as { unreadable: string }).unreadable)).toEqual(
      Array(3).fill("PAYLOAD_ENCRYPTED"),
    );
    expect((await diatreme(["verify", log])).status).toBe(0);
    const plain = await diatreme(["append", log, "orders"], "in plain text\n");
    expect(plain.errors).toContain("without encryption");
    expect(plain.status).toBe(2);
  });

  it("it may come from raw bytes, standard input, a passphrase or the environment, and never shows", async () => {
    await fill();
    const raw = file("raw.key", Buffer.from(DIGITS, "hex"));
    const reads = [
      await diatreme(["read", log, "orders", "--key", raw]),
      await diatreme(["read", log, "orders", "--key", "-"], DIGITS),
      withEnvironment({ DIATREME_KEY: DIGITS }, "read", log, "orders"),
    ];
    for (const { output } of reads) expect(output.toString()).toBe("anna wrote\nbert wrote\nnobody wrote\n");
    const wrong = file("wrong.key", `${DIGITS.replaceAll("0", "1")}\n`);
    const refused = [
      await diatreme(["read", log, "orders", "--key", wrong]),
      await diatreme(["read", log, "orders", "--key", file("short.key", DIGITS.slice(2))]),
      withEnvironment({ DIATREME_KEY: DIGITS.slice(2) }, "read", log, "orders"),
      withEnvironment({ DIATREME_PASSPHRASE: "swordfish" }, "read", log, "orders"),
      await diatreme(["keys", "list", log]),
    ];
    for (const { status, output, errors } of refused) {
      expect([status, output.toString()]).toEqual([2, ""]);
      expect(errors).not.toMatch(/[0-9a-f]{16}|swordfish/);
    }
    const other = `${folder.path}/other`;
    const passphrase = file("passphrase", "correct horse\n");
    await diatreme(["append", other, "orders", "--passphrase", passphrase], "stretched\n");
    const stretched = withEnvironment({ DIATREME_PASSPHRASE: "correct horse" }, "read", other, "orders");
    expect(stretched.output).toBe("stretched\n");
  });

  it("erase says what it took away, and the rest is read on", async () => {
    await fill();
    const erased = await diatreme(["erase", log, "anna", "--by", "request 7", "--key", key]);
    expect(erased.output.toString()).toMatch(
      /^erased 1 record; key [0-9a-f]{32} is destroyed\norders: 1 erased, receipt at offset 3; left: 2 encrypted with other keys\n$/,
    );
    expect((await diatreme(["read", log, "orders", "--key", key])).output.toString()).toBe(
      "bert wrote\nnobody wrote\n",
    );
    const lines = (await diatreme(["read", log, "orders", "--key", key, "--json"])).output
      .toString()
      .trimEnd()
      .split("\n");
    const records = lines.map((line) => JSON.parse(line) as Record<string, string>);
    expect(records.map(({ kind, unreadable }) => unreadable ?? kind)).toEqual([
      "PAYLOAD_ERASED",
      "data",
      "data",
      "tombstone",
    ]);
    expect(JSON.parse(records[3]?.["text"] ?? "")).toMatchObject({
      type: "diatreme.erasure/v1",
      by: "request 7",
      records: 1,
    });
    expect((await diatreme(["verify", log])).status).toBe(0);
    const again = await diatreme(["erase", log, "anna", "--by", "me", "--key", key]);
    expect(again.errors).toContain("was erased from the log");
    expect(again.status).toBe(2);
  });

  it("keys init, list and rotate make, show and replace them", async () => {
    expect((await diatreme(["keys", "init", log, "--key", key])).status).toBe(0);
    await fill();
    const listed = (await diatreme(["keys", "list", log, "--key", key])).output.toString();
    expect(listed).toMatch(/^[0-9a-f]{8} {2}subject {2}live {5}[0-9a-f]{32} {2}anna$/m);
    expect(listed).toMatch(/^[0-9a-f]{8} {2}stream {3}live {5}[0-9a-f]{32} {2}orders$/m);
    const next = file("next.key", "ff".repeat(32));
    const rotated = await diatreme(["keys", "rotate", log, "--key", key, "--to-key", next, "--json"]);
    expect(rotated.output.toString()).toBe('{"rewrapped":3}\n');
    expect((await diatreme(["read", log, "orders", "--key", key])).status).toBe(2);
    expect((await diatreme(["read", log, "orders", "--key", next])).output.toString()).toContain("anna wrote");
  });
});
