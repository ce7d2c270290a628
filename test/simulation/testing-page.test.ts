// The example of docs/testing.md does what the page says.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { rootPath } from "../import-graph.ts";

const FOLDER = rootPath(`build/testing-page-${process.pid}`);

afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

/** The page's example, as a module over the sources instead of the package. */
async function example(
  name: string,
  change: (code: string) => string,
): Promise<{ crashEverywhere(): Promise<number> }> {
  const page = readFileSync(rootPath("docs/testing.md"), "utf8");
  const [, code] = /```ts\n([\s\S]*?)```/.exec(page) ?? [];
  const entry = pathToFileURL(rootPath("adapters/entry-memory.ts")).href;
  const file = `${FOLDER}/example-${name}.ts`;
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(file, change(code as string).replace('"diatreme/testing"', JSON.stringify(entry)));
  return (await import(/* @vite-ignore */ pathToFileURL(file).href)) as { crashEverywhere(): Promise<number> };
}

describe("the example of docs/testing.md", () => {
  it("crashes the program at every call, and finds it sound", async () => {
    const unchanged = (code: string) => code;
    expect(await (await example("unchanged", unchanged)).crashEverywhere()).toBeGreaterThan(50);
  });

  it("finds a program that tells too early", async () => {
    const early = (code: string) => code.replace('"/ledger")', '"/ledger", { sync: "onFlush" })');
    await expect((await example("early", early)).crashEverywhere()).rejects.toThrow(
      "what the customer was told is there",
    );
  });

  it("finds a program that appends by halves", async () => {
    const halves = (code: string) =>
      code.replace("},\n      { id, credit", "}]);\n    await transfers.append([{ id, credit");
    await expect((await example("halves", halves)).crashEverywhere()).rejects.toThrow("no transfer by halves");
  });
});
