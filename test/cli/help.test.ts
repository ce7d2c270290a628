import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { VERSION } from "../../src/cli/version.ts";
import { diatreme } from "./run.ts";

describe("help", () => {
  it("lists the commands and the exit statuses", async () => {
    const { status, output } = await diatreme(["--help"]);
    const text = output.toString();
    for (const command of [
      "append",
      "read",
      "verify",
      "export",
      "verify-export",
      "inspect",
      "repair",
      "checkpoint",
      "compare",
      "erase",
      "keys",
    ])
      expect(text).toMatch(new RegExp(`^  ${command} `, "m"));
    expect(text).toMatch(/Exit status:\n {2}0 {2}good\n {2}1 {2}the data is bad\n {2}2 {2}wrong usage\n {2}3 /);
    expect(status).toBe(0);
  });

  it.each([
    ["append", ["--sync", "--batch", "--ack", "--json", "64 MiB", "130"]],
    ["read", ["--from", "--to", "--limit", "--json", "--verify", "crc"]],
    ["verify", ["--against", "--public-key", "--json", "--jobs", "--from", "--to", "--direct", "--stop-at-first"]],
    ["checkpoint", ["--key", "--latest", "--public-key", "--json"]],
    ["export", ["--from", "--to", "--withhold", "20-29"]],
    ["inspect", ["--json"]],
    ["repair", ["--apply", "--max-record-bytes", "--json", ".removed-"]],
    ["erase", ["--by", "--key", "--passphrase", "DIATREME_KEY", "cannot be undone"]],
  ])("of %s names its options, gives examples and the exit statuses", async (command, named) => {
    const { status, output, errors } = await diatreme([command, "--help"]);
    const text = output.toString();
    expect(text).toMatch(new RegExp(`^Usage: diatreme ${command} \\[options\\] <dir> `));
    for (const word of named) expect(text).toContain(word);
    expect(text).toContain(`\nExamples:\n`);
    expect(text).toContain(`  diatreme ${command} ./audit`);
    expect(text).toContain("\nExit status:\n");
    expect(errors).toBe("");
    expect(status).toBe(0);
    expect((await diatreme(["help", command])).output.toString()).toBe(text);
  });

  it.each(["init", "list", "rotate"])("of keys %s names where the key may come from", async (name) => {
    const { output, status } = await diatreme(["keys", name, "--help"]);
    const text = output.toString();
    for (const word of ["--key", "--passphrase", "DIATREME_KEY", "openssl rand -hex 32", "Exit status:"]) {
      expect(text).toContain(word);
    }
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
    expect(status).toBe(0);
  });

  it.each([
    [["compare"], ["<first>", "<second>", "--public-key", "--json", "no contradiction"]],
    [
      ["keys", "generate"],
      ["--out", "--jwk"],
    ],
    [
      ["keys", "public"],
      ["<file>", "--jwk", "--id"],
    ],
  ])("of %j names its options and gives examples", async (command, named) => {
    const { status, output } = await diatreme([...command, "--help"]);
    const text = output.toString();
    expect(text).toMatch(new RegExp(`^Usage: diatreme ${command.join(" ")} \\[options\\]`));
    for (const word of [...named, "\nExamples:\n", "\nExit status:\n"]) expect(text).toContain(word);
    expect(status).toBe(0);
  });

  it("fits a terminal of 100 columns", async () => {
    const commands = [
      "append",
      "read",
      "verify",
      "export",
      "verify-export",
      "inspect",
      "repair",
      "checkpoint",
      "compare",
      "erase",
      "keys",
      "keys generate",
      "keys public",
    ];
    for (const command of commands) {
      const { output } = await diatreme([...command.split(" "), "--help"]);
      for (const line of output.toString().split("\n")) expect(line.length).toBeLessThanOrEqual(100);
    }
  });
});

describe("--version", () => {
  it("prints the version of package.json", async () => {
    const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
    const { version } = JSON.parse(manifest) as { version: string };
    expect(VERSION).toBe(version);
    const { status, output } = await diatreme(["--version"]);
    expect(output.toString()).toBe(`${version}\n`);
    expect(status).toBe(0);
  });
});
