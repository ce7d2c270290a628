// The example that `npm start` runs.
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type TemporaryFolder, temporaryFolder } from "../contract/current-runtime.ts";
import { built, diatreme, type Outcome, start } from "./run.ts";

let folder: TemporaryFolder;
let temporary: string;

beforeEach(() => {
  folder = temporaryFolder();
  temporary = `${folder.path}/tmp`;
  mkdirSync(temporary);
});
afterEach(() => folder.remove());

function run(...args: string[]): Promise<Outcome> {
  return start(built("examples/bill-of-materials.js"), args, { env: { ...process.env, TMPDIR: temporary } }).ended;
}

describe("the bill of materials", () => {
  it("makes a good log of the project's packages, and shows that two ways of changing it are noticed", async () => {
    const { status, output, errors } = await run();
    const text = output.toString();
    expect(errors).toBe("");
    expect(text).toMatch(/BAD: Record \d+ of "packages" at byte \d+ of packages\/segment_000000\.log has CRC /);
    expect(text).toMatch(/BAD: Record \d+ of "packages" at byte \d+ .* was altered: it hashes to /);
    expect(status).toBe(0);
    const [made, ...others] = readdirSync(temporary);
    expect(others).toEqual([]);
    const { output: verdict } = await diatreme(["verify", `${temporary}/${made}`]);
    expect(verdict.toString()).toMatch(/^packages {2}good: /);
  });

  it("takes the lines of any file, empty ones and bytes that are no text too", async () => {
    const lines = Buffer.concat([
      Buffer.from("one\n\n\xff\0\r\n", "latin1"),
      Buffer.from("x\n".repeat(5000)),
      Buffer.from("end"),
    ]);
    writeFileSync(`${folder.path}/lines`, lines);
    const { status } = await run(`${folder.path}/lines`);
    expect(status).toBe(0);
    const { output } = await diatreme(["read", `${temporary}/${readdirSync(temporary)[0]}`, "lines"]);
    expect(Buffer.compare(output, Buffer.concat([lines, Buffer.from("\n")]))).toBe(0);
  });

  it.each(["", "one", "\n\n\n"])("takes %j, where there is little or nothing to tamper with", async (content) => {
    writeFileSync(`${folder.path}/lines`, content);
    const { status, output } = await run(`${folder.path}/lines`);
    expect(output.toString()).toContain("To show what tampering does it takes a record with a payload");
    expect(status).toBe(0);
  });

  it.each(["a\nb\n", "a\na\na\n", "0\n\n1\n"])(
    "changes a record of %j, however short, in both ways",
    async (content) => {
      writeFileSync(`${folder.path}/lines`, content);
      const { output } = await run(`${folder.path}/lines`);
      expect(output.toString()).toMatch(/ has CRC [\s\S]* was altered: it hashes to /);
    },
  );

  it("says that a file is not there, or a folder", async () => {
    const { errors: ofFolder } = await run(folder.path);
    expect(ofFolder).toBe(`Cannot read ${folder.path}: it is no file.\n`);
    const { status, errors } = await run(`${folder.path}/missing`);
    expect(errors).toBe(`Cannot read ${folder.path}/missing: there is no such file.\n`);
    expect(status).toBe(3);
    expect(readdirSync(temporary)).toEqual([]);
  });
});
