// Runs one suite on the runtime that runs this, for run.mjs: one.mjs <suite> <task as JSON> <file for the rows>
import { writeFileSync } from "node:fs";
import { suites } from "./suites.mjs";

const [name, task, results] = process.argv.slice(2);
const { builds, effort, rounds, directory } = JSON.parse(task);

const runtime = globalThis.Deno ? "deno" : globalThis.Bun ? "bun" : "node";
const versions = { deno: globalThis.Deno?.version.deno, bun: process.versions.bun, node: process.versions.node };

const libraries = [];
for (const { name, dist } of builds) {
  const entry = new URL(`adapters/entry-${runtime}.js`, dist).href;
  libraries.push({ name, entry, openLog: (await import(entry)).openLog });
}

const suite = suites.find((one) => one.name === name);
const rows = await suite.run({
  libraries,
  effort,
  rounds: rounds === null ? {} : { rounds },
  directory,
  execute: { path: process.execPath, args: runtime === "deno" ? ["run", "-A"] : [] },
  progress: (text) => console.error(`  ${text}`),
});
writeFileSync(results, JSON.stringify({ runtime, version: versions[runtime], rows }));
