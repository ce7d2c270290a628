// Runs the tests inside each runtime that the package promises to work on, and says how they went. Run it as
//   npm test -- [node|deno|bun …] [-t PATTERN] [FILE …]
// Everything behind the runtimes' names goes to vitest. The last line is "N passed, N failed, N skipped", over all.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { runCommand, runScript } from "./command.mjs";
import { findRuntimes, RUNTIME_NAMES } from "./runtimes.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const VITEST = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));
const TITLES = { node: "Node", deno: "Deno", bun: "Bun" };
// Of Bun's memories for WebAssembly eight are fast at a time, and making one more looks through all that the program holds, to
// find one that nobody uses. The tests break off in the middle of things and leave cores behind by the hundred.
const ENVIRONMENTS = { bun: { BUN_JSC_maxNumWasmFastMemories: "1000" } };
const HUNG_AFTER_MS = 10 * 60_000;

// One after the other, each with a worker more than there are processors: a run waits a good deal for processes and disks.
// Two runs at a time took longer where that was measured.
const WORKERS = availableParallelism() + 1;

const args = process.argv.slice(2);
const firstOther = args.findIndex((arg) => !RUNTIME_NAMES.includes(arg));
const chosen = new Set(firstOther === -1 ? args : args.slice(0, firstOther));
const forVitest = firstOther === -1 ? [] : args.slice(firstOther);
const names = RUNTIME_NAMES.filter((name) => chosen.size === 0 || chosen.has(name));

const folder = mkdtempSync(`${tmpdir()}/diatreme-tests-`);
const totals = { passed: 0, failed: 0, skipped: 0 };
try {
  const built = await runScript("build");
  if (built.outcome === null) {
    for (const runtime of findRuntimes(names)) add(await runTests(runtime));
    // With a pattern some runtime may have nothing to run, but not all of them.
    if (totals.passed + totals.failed === 0) {
      console.log(`no test ran: nothing matches ${forVitest.join(" ")}`);
      totals.failed = 1;
    }
  } else {
    show(`npm run build ${built.outcome}`, built.output);
    totals.failed = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = totals.failed === 0 ? 0 : 1;

function add({ passed, failed, skipped }) {
  totals.passed += passed;
  totals.failed += failed;
  totals.skipped += skipped;
}

async function runTests({ name, version, binary, args: before, note }) {
  const title = `${TITLES[name]} ${version}`;
  const report = `${folder}/${name}-${version}.json`;
  const run = [VITEST, "run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...forVitest];
  const env = {
    ...ENVIRONMENTS[name],
    CI: "1",
    DIATREME_EXPECT_RUNTIME: name === "node" ? `node ${version.split(".")[0]}` : name,
    VITEST_MAX_WORKERS: String(WORKERS),
  };
  const { output, seconds, outcome } = await runCommand(binary, [...before, ...run], {
    cwd: ROOT,
    env,
    timeoutMs: HUNG_AFTER_MS,
  });
  const counts = countsIn(report);
  const problem = problemOf(counts, outcome);
  if (problem !== null && counts.failed === 0) counts.failed = 1;
  const { passed, failed, skipped, slowest } = counts;
  const line = `${title}: ${passed} passed, ${failed} failed, ${skipped} skipped in ${seconds.toFixed(0)} s`;
  const remarks = [slowest, note, problem].filter((remark) => remark !== null).join("; ");
  const full = remarks === "" ? line : `${line} (${remarks})`;
  if (failed === 0) console.log(full);
  else show(full, output);
  return counts;
}

function show(title, output) {
  console.log(process.stdout.isTTY ? output : stripVTControlCharacters(output));
  console.log(title);
}

/** Why a run is not good whatever it counted, or `null`. */
function problemOf({ passed, failed, files }, outcome) {
  if (files === null) return `no report: vitest ${outcome ?? "ended"}`;
  if (passed + failed === 0 && forVitest.length === 0) return "ran no test";
  return outcome !== null && failed === 0 ? `vitest ${outcome}` : null;
}

function countsIn(report) {
  let found;
  try {
    found = JSON.parse(readFileSync(report, "utf8"));
  } catch {
    return { passed: 0, failed: 0, skipped: 0, files: null, slowest: null };
  }
  const files = found.testResults;
  // A file that could not be loaded has failed without any test of it.
  const unloaded = files.filter((file) => file.status === "failed" && !file.assertionResults.some(hasFailed)).length;
  return {
    passed: found.numPassedTests,
    failed: found.numFailedTests + unloaded,
    skipped: found.numPendingTests + found.numTodoTests,
    files,
    slowest: slowestOf(files),
  };
}

function hasFailed(test) {
  return test.status === "failed";
}

function slowestOf(files) {
  const timed = files.map(({ name, startTime, endTime }) => ({ name, seconds: (endTime - startTime) / 1000 }));
  const slowest = timed.sort((a, b) => b.seconds - a.seconds)[0];
  if (slowest === undefined || !(slowest.seconds >= 1)) return null;
  return `slowest ${relative(ROOT, slowest.name)}, ${slowest.seconds.toFixed(0)} s`;
}
