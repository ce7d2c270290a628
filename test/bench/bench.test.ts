// Every benchmark runs here once, tiny, so that none can rot, on the runtimes that are measured: not on the oldest Node.
// Nothing is said about time.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openLogOn } from "../../src/index.ts";
import { argumentsToRun, currentRuntime, loadsTypeScript, runtimeName } from "../contract/current-runtime.ts";
import { commonDigest, type Environment, type Row, renderHtml, renderText, suites } from "./harness.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(`${tmpdir()}/diatreme-bench-test-`);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const runtime = currentRuntime();
const [file, ...args] = argumentsToRun("FILE").reverse();

function environment(name: string): Environment {
  const entry = new URL(`../../adapters/entry-${runtimeName}.ts`, import.meta.url).href;
  const openLog: Environment["libraries"][number]["openLog"] = (path, options) => openLogOn(runtime, path, options);
  return {
    libraries: [{ name: "diatreme", openLog, entry: loadsTypeScript ? entry : null }],
    effort: "tiny",
    rounds: {},
    directory: mkdtempSync(`${directory}/${name}-`),
    execute: { path: process.execPath, args: file === "FILE" ? args.reverse() : [] },
    progress: () => undefined,
  };
}

const measured: { name: string; title: string; sync: string; rows: Record<string, Row[]> }[] = [];

describe.skipIf(!loadsTypeScript).each(suites)("the benchmark $name", (suite) => {
  it("runs, and all contenders have stored the same payloads", { timeout: 60_000 }, async () => {
    const rows = await suite.run(environment(suite.name));
    // It takes parts of the library by themselves, and older Node loads no TypeScript.
    if (suite.importsModules === true && !loadsTypeScript) expect(rows).toEqual([]);
    else expect(rows.length).toBeGreaterThan(0);
    for (const { name, cells, digest } of rows) {
      for (const { contender, value } of cells) expect(value, `${name}, ${contender}`).toBeGreaterThan(0);
      expect(cells[0]?.ratio).toBeNull();
      for (const { ratio } of cells.slice(1)) expect(ratio?.least).toBeLessThanOrEqual(ratio?.greatest as number);
      // A suite throws when contenders disagree.
      const isSame = suite.sameWork ?? !name.includes("in a new process");
      if (isSame) expect(digest).toMatch(/^\d+ records [0-9a-f]{64}$/);
    }
    const { name, title, sync } = suite;
    measured.push({ name, title, sync, rows: { [runtimeName]: rows } });
  });
});

describe("the benchmarks' harness", () => {
  it("refuses contenders that have stored different payloads", async () => {
    const contender = (text: string) => ({
      name: text,
      folder: directory,
      contender: { payloads: () => [new TextEncoder().encode(text)] },
    });
    await expect(commonDigest([contender("one"), contender("one")])).resolves.toMatch(/^1 records /);
    await expect(commonDigest([contender("one"), contender("two")])).rejects.toThrow("two has stored");
  });

  it.skipIf(!loadsTypeScript)("reports every row as text and as a page without scripts", () => {
    const results = {
      measured: new Date(0).toISOString(),
      machine: { cpu: "a <processor>", cores: 1, memoryGiB: 1, kernel: "a kernel", fileSystem: "ext4" },
      seed: 1,
      effort: "tiny",
      rounds: null,
      runtimes: { [runtimeName]: "0.0.0" },
      suites: measured,
    };
    const [text, page] = [renderText(results), renderHtml(results)];
    expect(measured.map(({ name }) => name)).toEqual(suites.map(({ name }) => name));
    for (const { rows } of measured) {
      for (const { name } of rows[runtimeName] ?? []) {
        expect(text).toContain(name);
        expect(page).toContain(name.replaceAll("&", "&amp;"));
      }
    }
    expect(page).toContain("<svg");
    expect(page).toContain("a &#60;processor&#62;");
    expect(page).not.toContain("<script");
    expect(page).not.toMatch(/(?:src|href)="http/);
  });
});
