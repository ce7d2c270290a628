// Measures this log beside its rivals on Node, Deno and Bun: npm run bench, or npm run bench -- --help
// Prints tables and leaves build/bench/results.json and build/bench/report.html behind.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { describeMachine } from "./machine.mjs";
import { renderHtml } from "./report-html.mjs";
import { renderText } from "./report-text.mjs";
import { findRuntimes } from "./runtimes.mjs";
import { suites } from "./suites.mjs";
import { SEED } from "./workload.mjs";

const HELP = `Usage: npm run bench -- [options]

  --only SUITE      one of ${suites.map(({ name }) => name).join(", ")}; may be repeated
  --runtime NAME    node, deno or bun; may be repeated. Default: all three
  --rounds N        how often everything is compared
  --quick           fewer rounds: under a minute for each runtime, rougher numbers
  --dir DIR         where the files go that are written. Default: ${tmpdir()}
  --against DIST    another build's dist folder, compared in the same turns; may be repeated
  --help`;

const MANY = { type: "string", multiple: true };
const { values: options } = parseArgs({
  options: {
    only: MANY,
    runtime: { ...MANY, default: ["node", "deno", "bun"] },
    rounds: { type: "string" },
    quick: { type: "boolean", default: false },
    dir: { type: "string", default: tmpdir() },
    against: { ...MANY, default: [] },
    help: { type: "boolean", default: false },
  },
});

if (options.help) console.log(HELP);
else run();

function run() {
  const chosen = options.only ?? suites.map(({ name }) => name);
  for (const name of chosen)
    check(
      "--only",
      name,
      suites.map((suite) => suite.name),
    );
  for (const name of options.runtime) check("--runtime", name, ["node", "deno", "bun"]);
  const rounds = options.rounds === undefined ? null : Number(options.rounds);
  if (rounds !== null && !(Number.isInteger(rounds) && rounds > 0))
    fail(`--rounds takes a whole number, not ${options.rounds}`);
  const effort = options.quick ? "quick" : "full";
  const runtimes = findRuntimes(options.runtime);

  const directory = mkdtempSync(`${resolve(options.dir)}/diatreme-bench-`);
  const task = { builds: builds(), effort, rounds, directory };
  const results = {
    measured: new Date().toISOString(),
    machine: describeMachine(directory),
    seed: SEED,
    effort,
    rounds,
    runtimes: {},
    suites: suites
      .filter(({ name }) => chosen.includes(name))
      .map(({ name, title, sync }) => ({ name, title, sync, rows: {} })),
  };
  try {
    for (const suite of results.suites) {
      for (const runtime of runtimes) {
        const { version, rows } = measure(suite.name, runtime, task);
        results.runtimes[runtime.name] = version;
        suite.rows[runtime.name] = rows;
      }
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  report(results);
}

// Each suite has a process of its own on each runtime, so that none inherits another's heap or compiled code.
function measure(suite, { name, path, args }, task) {
  console.error(`${suite} on ${name}`);
  const one = fileURLToPath(new URL("./one.mjs", import.meta.url));
  const output = `${task.directory}/rows.json`;
  const start = performance.now();
  const { status, error } = spawnSync(path, [...args, one, suite, JSON.stringify(task), output], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (status !== 0) fail(`${suite} on ${name} has failed${error ? `: ${error.message}` : ""}`);
  console.error(`  ${((performance.now() - start) / 1000).toFixed(1)} s`);
  return JSON.parse(readFileSync(output, "utf8"));
}

function builds() {
  const ours = { name: "diatreme", dist: new URL("../dist/", import.meta.url).href };
  const others = options.against.map((folder, index) => ({
    name: options.against.length === 1 ? "diatreme before" : `diatreme before ${index + 1}`,
    dist: `${pathToFileURL(resolve(folder)).href}/`,
  }));
  return [ours, ...others];
}

function report(results) {
  const folder = fileURLToPath(new URL("../build/bench", import.meta.url));
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/results.json`, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(`${folder}/report.html`, renderHtml(results));
  console.log(renderText(results));
  console.log("\nbuild/bench/results.json and build/bench/report.html hold the same.");
}

function check(option, value, allowed) {
  if (!allowed.includes(value)) fail(`${option} takes ${allowed.join(", ")}; not ${value}`);
}

function fail(message) {
  console.error(message);
  process.exit(2);
}
