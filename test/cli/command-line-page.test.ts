// docs/command-line.md says what programs may rely on: each command is run, and its output held against the page.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type TemporaryFolder, temporaryFolder } from "../contract/current-runtime.ts";
import { diatreme, jsonLines } from "./run.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const PAGE = read("docs/command-line.md");

/** The fields that the page names for a command. */
function documented(command: string): string[] {
  const row = PAGE.split("\n").find((line) => line.startsWith(`| \`${command}\` |`)) ?? "";
  const fields = [...(row.split("|")[3] ?? "").matchAll(/`(\w+)`/g)].map(([, name]) => name as string);
  expect(fields.length, command).toBeGreaterThan(0);
  return fields.sort();
}

let folder: TemporaryFolder;
let at: (name: string) => string;

beforeEach(() => {
  folder = temporaryFolder();
  at = (name) => `${folder.path}/${name}`;
  writeFileSync(at("master"), "7".repeat(64));
});
afterEach(() => folder.remove());

describe("docs/command-line.md", () => {
  it("names the fields of each command's output", async () => {
    const shown = async (command: string, args: string[], input = "") => {
      const { output, errors } = await diatreme([...command.split(" "), ...args], input);
      expect(errors, command).toBe("");
      return jsonLines(output) as object[];
    };
    const expectFields = (command: string, lines: readonly object[]) => {
      expect(lines.length, command).toBeGreaterThan(0);
      for (const line of lines) expect(Object.keys(line).sort(), command).toEqual(documented(command));
    };
    await diatreme(["keys", "generate", "--out", at("signing")]);
    expectFields("keys init", await shown("keys init", [at("log"), "--key", at("master"), "--json"]));
    const acked = await shown("append", [at("log"), "orders", "--key", at("master"), "--ack", "--json"], "a\n");
    expectFields("append --ack", acked.slice(0, -1));
    expectFields("append", acked.slice(-1));
    await shown("append", [at("log"), "orders", "--key", at("master"), "--subject", "s", "--json"], "b\n");
    const records = await shown("read", [at("log"), "orders", "--json"]);
    const contents = ["text", "base64", "unreadable"];
    for (const record of records) {
      const missing = contents.filter((name) => !(name in record));
      expect(missing).toHaveLength(2);
      expect([...Object.keys(record), ...missing].sort()).toEqual(documented("read"));
    }
    expectFields("verify", await shown("verify", [at("log"), "--json"]));
    expectFields("inspect", await shown("inspect", [at("log"), "--json"]));
    expectFields("repair", await shown("repair", [at("log"), "--json"]));
    const [note] = await shown("checkpoint", [at("log"), "orders", "--key", at("signing"), "--json"]);
    expectFields("checkpoint", [note as object]);
    writeFileSync(at("note"), (note as { note: string }).note);
    expectFields("compare", await shown("compare", [at("note"), at("note"), "--json"]));
    const { output } = await diatreme(["export", at("log"), "orders"]);
    expectFields("verify-export", await shown("verify-export", ["-", "--json"], output.toString()));
    expectFields("keys list", await shown("keys list", [at("log"), "--key", at("master"), "--json"]));
    expectFields("keys rotate", await shown("keys rotate", [at("log"), "--key", at("master"), "--json"]));
    const erasing = [at("log"), "s", "--by", "test", "--key", at("master"), "--json"];
    expectFields("erase", await shown("erase", erasing));
  });

  it("names every code that only the command line has", () => {
    const union = /export type CommandErrorCode =([^;]+);/.exec(read("src/cli/command-error.ts"))?.[1] ?? "";
    const codes = [...union.matchAll(/"(\w+)"/g)].map(([, code]) => code as string);
    expect(codes.length).toBeGreaterThan(5);
    const named = [...PAGE.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code as string);
    expect(named.sort()).toEqual([...codes, "UNEXPECTED"].sort());
  });
});

describe("docs/threat-model.md", () => {
  const hasOpenssl = () => {
    try {
      return Number(/^OpenSSL (\d+)/.exec(execFileSync("openssl", ["version"], { encoding: "utf8" }))?.[1]) >= 3;
    } catch {
      return false;
    }
  };

  it.skipIf(!hasOpenssl())("says how openssl checks a note", async () => {
    const commands = /With the public key as PEM in `audit\.pub`:\n\n```sh\n([\s\S]*?)```/.exec(
      read("docs/threat-model.md"),
    )?.[1];
    const { output: key } = await diatreme(["keys", "generate", "--out", at("audit.key")]);
    writeFileSync(at("audit.pub"), key);
    await diatreme(["append", at("log"), "orders"], "a\n");
    const { output: note } = await diatreme(["checkpoint", at("log"), "orders", "--key", at("audit.key")]);
    writeFileSync(at("note"), note);
    const run = () => execFileSync("sh", ["-e"], { cwd: folder.path, input: commands ?? "false", encoding: "utf8" });
    expect(run()).toContain("Signature Verified Successfully");
    writeFileSync(at("note"), note.toString().replace("\norders\n", "\nothers\n"));
    expect(run).toThrow();
  });
});
