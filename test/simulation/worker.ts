// One of the processes of `npm run simulate`: searches until its time is up, and says how far it is in lines of JSON.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { plant, removePlanted } from "./planted-copy.ts";
import { PLANTED_DEFECTS } from "./planted-defects.ts";
import { describeFound, type Found, programAt, search } from "./search.ts";
import { simulate } from "./simulation.ts";
import type { Program } from "./step.ts";
import { shippingSystem } from "./system.ts";

const PROGRAMS = 200;
const SHRINK_MS = 60_000;
const MOST_SEEDS = 40;
const FOLDER = fileURLToPath(new URL("../../build/simulation", import.meta.url));

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    step: { type: "string", default: "1" },
    minutes: { type: "string", default: "1" },
    replay: { type: "string" },
    planted: { type: "string" },
  },
});

if (values.planted !== undefined) process.exitCode = await findPlanted(values.planted);
else if (values.replay !== undefined) process.exitCode = await replay(values.replay);
else process.exitCode = await run();

async function replay(what: string): Promise<number> {
  const program = existsSync(what) ? (JSON.parse(readFileSync(what, "utf8")) as Program) : programAt(what);
  for (const [index, step] of program.steps.entries()) console.log(`${index}: ${JSON.stringify(step)}`);
  try {
    const { cycles } = await simulate(shippingSystem, program);
    console.log(`It keeps its promises, over ${cycles} crashes.`);
    return 0;
  } catch (error) {
    console.log(describeFound({ program, replay: what, error }));
    return 1;
  }
}

// For each planted defect whose name contains the word, the first program that catches it: what
// test/simulation/planted-defects.ts remembers.
async function findPlanted(word: string): Promise<number> {
  Error.stackTraceLimit = 0;
  let missed = 0;
  for (const defect of PLANTED_DEFECTS.filter(({ name }) => name.includes(word))) {
    const system = await plant(defect);
    let found: Found | null = null;
    for (let seed = Number(values.seed); found === null && seed < Number(values.seed) + MOST_SEEDS; seed++) {
      found = await search(system, { seed, programs: PROGRAMS });
    }
    if (found === null) missed++;
    const cause = found === null ? "" : String((found.error as Error).message).slice(0, 160);
    console.log(`${found?.replay ?? "missed"} ${defect.name}: ${cause}`);
  }
  removePlanted();
  return missed === 0 ? 0 : 1;
}

async function run(): Promise<number> {
  // Errors are made by the thousand here; their stacks are wanted only when a program is replayed.
  Error.stackTraceLimit = 0;
  const until = performance.now() + Number(values.minutes) * 60_000;
  let programs = 0;
  let cycles = 0;
  let toldAt = performance.now();
  const onCourse = (more: number) => {
    programs++;
    cycles += more;
    if (performance.now() - toldAt < 1000) return;
    toldAt = performance.now();
    say({ programs, cycles });
  };
  for (let seed = Number(values.seed); performance.now() < until; seed += Number(values.step)) {
    say({ now: `seed ${seed}` });
    const found = await search(shippingSystem, { seed, programs: PROGRAMS, shrinkMs: SHRINK_MS, onCourse });
    say({ programs, cycles });
    if (found !== null) {
      say({ found: `${describeFound(found)}\nor: npm run simulate -- --replay ${keep(found)}` });
      return 1;
    }
    // Everything here happens in promises: others want their turn too.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return 0;
}

function keep({ program, replay: name }: Found): string {
  mkdirSync(FOLDER, { recursive: true });
  const file = `${FOLDER}/${name.split(":").slice(0, 2).join("-")}.json`;
  writeFileSync(file, JSON.stringify(program));
  return file;
}

function say(what: object): void {
  console.log(JSON.stringify(what));
}
