// Simulates for as long as you like, on all cores: random programs, crashed and recovered from, against a model. Run it as
//   npm run simulate -- --minutes 10 [--seed S] [--jobs N] [--runtime node|deno|bun] [--encrypted]
//   npm run simulate -- --cycles 1000000      goes on until so many crashes were recovered from
//   npm run simulate -- --replay SEED:INDEX|FILE
//   npm run simulate -- --planted WORD        looks for programs that catch the planted defects whose names contain it
// The first program that breaks a promise ends it: it is shrunk, printed with the command that replays it, and kept in
// build/simulation/.
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { findRuntimes } from "./runtimes.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const WORKER = fileURLToPath(new URL("../test/simulation/worker.ts", import.meta.url));
// A worker tells how far it is every second; one that says nothing for so long hangs.
const SILENT_MS = 120_000;
const TOLD_EVERY_MS = 10_000;
const MINUTES_OF_A_WEEK = 7 * 24 * 60;
// A planted defect may make a program wait for ever: then another seed may find one that ends.
const PLANTED_MS = 180_000;

const { values } = parseArgs({
  options: {
    minutes: { type: "string" },
    cycles: { type: "string" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    jobs: { type: "string", default: String(availableParallelism()) },
    runtime: { type: "string", default: "node" },
    encrypted: { type: "boolean", default: false },
    replay: { type: "string" },
    planted: { type: "string" },
  },
});

const cyclesWanted = Number(values.cycles ?? Number.POSITIVE_INFINITY);
const minutes = Number(values.minutes ?? (values.cycles === undefined ? 1 : MINUTES_OF_A_WEEK));
const seed = Number(values.seed);
const jobs = Number(values.jobs);
if (!(minutes > 0) || !(cyclesWanted > 0) || !Number.isSafeInteger(seed) || !(jobs >= 1)) {
  console.error(
    "usage: npm run simulate -- [--minutes N] [--cycles N] [--seed S] [--jobs N] [--runtime R] [--encrypted] [--replay SEED:INDEX|FILE]",
  );
  process.exit(2);
}
// The current one of several: it runs TypeScript as it is.
const runtime = findRuntimes([values.runtime]).at(-1);
// The package with encryption on.
const encrypted = values.encrypted ? ["--encrypted"] : [];

if (values.replay !== undefined) process.exitCode = await show(["--replay", values.replay]);
else if (values.planted !== undefined) process.exitCode = await catchPlanted(values.planted);
else process.exitCode = await simulate();

async function show(args, withinMs) {
  const { child, ended } = start(args);
  child.stdout.pipe(process.stdout, { end: false });
  const hang = withinMs === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), withinMs);
  const status = await ended;
  clearTimeout(hang);
  // What one that was ended has planted is still there.
  if (child.signalCode !== null) rmSync(`${ROOT}build/planted-${child.pid}`, { recursive: true, force: true });
  return status ?? 1;
}

// Each in a process of its own.
async function catchPlanted(word) {
  const { child, ended } = start(["--names"]);
  let names = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    names += text;
  });
  if ((await ended) !== 0) return 1;
  const waiting = JSON.parse(names).filter((name) => name.includes(word));
  let missed = 0;
  const work = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const status = await show(["--planted", name, "--seed", String(seed)], PLANTED_MS);
      if (status === 0) continue;
      missed++;
      console.log(`not caught: ${name}`);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return missed === 0 ? 0 : 1;
}

async function simulate() {
  const aim = values.cycles === undefined ? `for ${minutes} min` : `until ${cyclesWanted} crashes are recovered from`;
  console.log(`simulating ${aim}, from seed ${seed}, in ${jobs} × ${runtime.name} ${runtime.version}`);
  const started = performance.now();
  const workers = Array.from({ length: jobs }, (_, job) => follow(job));
  let toldAt = started;
  const ticker = setInterval(() => {
    if (cyclesDone() >= cyclesWanted) for (const worker of workers) worker.stop();
    if (performance.now() - toldAt < TOLD_EVERY_MS) return;
    toldAt = performance.now();
    tell();
  }, 1000);
  const outcomes = await Promise.all(workers.map(({ outcome }) => outcome));
  clearInterval(ticker);
  tell();
  const failed = outcomes.find((outcome) => outcome !== null);
  console.log(failed ?? "no promise was broken");
  return failed === undefined ? 0 : 1;

  function follow(job) {
    const worker = { programs: 0, cycles: 0, outcome: null };
    const { child, ended } = start([
      "--seed",
      String(seed + job),
      "--step",
      String(jobs),
      "--minutes",
      String(minutes),
    ]);
    let now = `seed ${seed + job}`;
    let found = null;
    let silence = setTimeout(hang, SILENT_MS);
    createInterface({ input: child.stdout }).on("line", (line) => {
      clearTimeout(silence);
      silence = setTimeout(hang, SILENT_MS);
      const said = JSON.parse(line);
      if (said.now !== undefined) now = said.now;
      if (said.programs !== undefined) Object.assign(worker, said);
      if (said.found !== undefined) found = said.found;
    });
    function hang() {
      found = `nothing was heard for ${SILENT_MS / 1000} s from ${now}`;
      child.kill("SIGKILL");
    }
    worker.outcome = ended.then((status) => {
      clearTimeout(silence);
      if (found === null && (status === 0 || worker.stopped)) return null;
      // One failure is enough.
      for (const other of workers) other.stop();
      return found ?? `${now}: the worker ended with status ${status}`;
    });
    worker.stop = () => {
      worker.stopped = true;
      child.kill();
    };
    return worker;
  }

  function cyclesDone() {
    return workers.reduce((sum, worker) => sum + worker.cycles, 0);
  }

  function tell() {
    const cycles = cyclesDone();
    const programs = workers.reduce((sum, worker) => sum + worker.programs, 0);
    const seconds = (performance.now() - started) / 1000;
    const rate = Math.round(cycles / seconds);
    console.log(`${cycles} crashes recovered from in ${programs} programs, ${Math.round(seconds)} s, ${rate} a second`);
  }
}

function start(args) {
  const child = spawn(runtime.binary, [...runtime.args, WORKER, ...encrypted, ...args], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => {
    child.on("error", () => resolve(127));
    child.on("close", (code) => resolve(code));
  });
  return { child, ended };
}
