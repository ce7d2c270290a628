import { describe, expect, it } from "vitest";
import { parseArguments } from "../../src/cli/arguments.ts";
import { CommandError } from "../../src/cli/command-error.ts";
import { diatreme } from "./run.ts";

describe("arguments that make no sense", () => {
  it.each([
    [
      [],
      "say what to do: append, read, verify, export, verify-export, inspect, repair, checkpoint, compare, erase or keys. See: diatreme --help",
    ],
    [["frob"], "unknown command 'frob'. See: diatreme --help"],
    [["raed", "d", "s"], "unknown command 'raed' (Did you mean read?). See: diatreme --help"],
    [["append", "d"], "missing required argument 'stream'. See: diatreme append --help"],
    [
      ["append", "d", "s", "f", "x"],
      "too many arguments for 'append'. Expected 3 arguments but got 4. See: diatreme append --help",
    ],
    [["read", "d", "s", "--form", "3"], "unknown option '--form' (Did you mean --from?). See: diatreme read --help"],
    [["verify", "d", "--fast"], "unknown option '--fast'. See: diatreme verify --help"],
    [
      ["append", "d", "s", "--sync", "never"],
      "option '--sync <when>' argument 'never' is invalid. Allowed choices are everyRecord, everyBatch, groupCommit, onFlush. See: diatreme append --help",
    ],
    [["read", "d", "s", "--from"], "option '--from <offset>' argument missing. See: diatreme read --help"],
  ])("%j: %s", (args, message) => {
    expect(refusalOf(args).message).toBe(message);
  });

  it.each(["-1", "1.5", "1e3", "0x10", "ten", "", " 1", "9007199254740992"])(
    "--limit %j is not a whole number",
    (text) => {
      const refusal = refusalOf(["read", "d", "s", "--limit", text]);
      expect(refusal.message).toBe(
        `option '--limit <records>' argument '${text}' is invalid. It must be a whole number, 0 or more. See: diatreme read --help`,
      );
    },
  );

  it("--batch 0 is too small", () => {
    expect(refusalOf(["append", "d", "s", "--batch", "0"]).message).toContain("It must be a whole number, 1 or more");
  });

  it("name the same place for lines and key, or two keys", () => {
    const message = "Standard input can be the lines or the key, not both.";
    expect(refusalOf(["append", "d", "s", "-", "--key", "-"]).message).toBe(message);
    expect(refusalOf(["read", "d", "s", "--key", "a", "--passphrase", "b"]).message).toContain("cannot be used with");
    expect(refusalOf(["erase", "d", "subject"]).message).toContain("--by");
    expect(refusalOf(["keys"]).message).toBe(
      "say what to do: generate, public, init, list or rotate. See: diatreme keys --help",
    );
  });

  it("end the program with one line on standard error and status 2", async () => {
    const { status, output, errors } = await diatreme(["read", "d", "s", "--from", "x"]);
    expect(errors).toMatch(/^diatreme: option '--from <offset>' argument 'x' is invalid\. .*\n$/);
    expect(output.toString()).toBe("");
    expect(status).toBe(2);
  });
});

describe("arguments that make sense", () => {
  it("of append have defaults: standard input, everyBatch, 1,000 lines", () => {
    expect(parseArguments(["append", "d", "s"])).toEqual({
      command: "append",
      args: {
        directory: "d",
        stream: "s",
        input: "-",
        sync: "everyBatch",
        batch: 1000,
        key: { kind: "environment" },
        subject: undefined,
        ack: false,
        json: false,
      },
    });
  });

  it("of append with groupCommit carry how long it waits", () => {
    expect(parseArguments(["append", "d", "s", "--sync", "groupCommit", "--max-delay", "20"])).toMatchObject({
      args: { sync: { groupCommit: { maxDelayMs: 20 } } },
    });
  });

  it("may be anywhere among each other", () => {
    expect(parseArguments(["read", "--from", "5", "d", "--json", "s", "--limit=7"])).toEqual({
      command: "read",
      args: {
        directory: "d",
        stream: "s",
        from: 5,
        to: undefined,
        limit: 7,
        verify: undefined,
        follow: false,
        key: { kind: "environment" },
        json: true,
      },
    });
  });

  it("may name a folder that looks like an option behind --", () => {
    expect(parseArguments(["verify", "--", "-d"])).toMatchObject({ args: { directory: "-d" } });
  });
});

function refusalOf(args: readonly string[]): CommandError {
  try {
    parseArguments(args);
  } catch (error) {
    if (error instanceof CommandError && error.exitStatus === 2) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}
