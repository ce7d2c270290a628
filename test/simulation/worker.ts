// One of the processes of `npm run simulate`: searches until its time is up, and says how far it is in lines of JSON. Or
// it replays a program, or looks for one that catches a planted defect.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { encryptedSystem } from "./encrypted-system.ts";
import { NonceRegister } from "./nonce-register.ts";
import { defectNamed, PLANTED_DEFECTS } from "./planted/all-defects.ts";
import { plant, removePlanted } from "./planted/copy.ts";
import { describeFound, type Found, programAt, search } from "./search.ts";
import { simplify } from "./simplify.ts";
import { simulate } from "./simulation.ts";
import type { Program } from "./step.ts";
import { type System, shippingSystem } from "./system.ts";

const PROGRAMS = 200;
const SHRINK_MS = 60_000;
const SIMPLIFY_MS = 20_000;
const MOST_SEEDS = 40;
const FOLDER = fileURLToPath(new URL("../../build/simulation", import.meta.url));

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    step: { type: "string", default: "1" },
    minutes: { type: "string", default: "1" },
    replay: { type: "string" },
    planted: { type: "string" },
    names: { type: "boolean", default: false },
    encrypted: { type: "boolean", default: false },
  },
});

// A register for each search: it remembers all that was ever encrypted.
const systemToSearch = (): System =>
  values.encrypted ? encryptedSystem(shippingSystem, new NonceRegister()) : shippingSystem;
const HOW = values.encrypted ? " --encrypted" : "";

if (values.names) console.log(JSON.stringify(PLANTED_DEFECTS.map(({ name }) => name)));
else if (values.planted !== undefined) process.exitCode = await catchPlanted(values.planted);
else if (values.replay !== undefined) process.exitCode = await replay(values.replay);
else process.exitCode = await run();

async function replay(what: string): Promise<number> {
  const program = existsSync(what) ? (JSON.parse(readFileSync(what, "utf8")) as Program) : programAt(what);
  for (const [index, step] of program.steps.entries()) console.log(`${index}: ${JSON.stringify(step)}`);
  try {
    const { cycles } = await simulate(systemToSearch(), program);
    console.log(`It keeps its promises, over ${cycles} crashes.`);
    return 0;
  } catch (error) {
    console.log(describeFound({ program, replay: what, error }, HOW));
    return 1;
  }
}

// The first program that catches a planted defect, made simple and written in the form in which the list has it.
async function catchPlanted(name: string): Promise<number> {
  Error.stackTraceLimit = 0;
  const system = await plant(defectNamed(name));
  try {
    let found: Found | null = null;
    for (let seed = Number(values.seed); found === null && seed < Number(values.seed) + MOST_SEEDS; seed++) {
      found = await search(system, { seed, programs: PROGRAMS });
    }
    if (found === null) return 1;
    // Should the simplifying hang, this much is said already.
    console.log(`${found.replay} catches: ${name}`);
    let { error } = found;
    const breaks = async (program: Program) => {
      const thrown = await failureOf(system, program);
      if (thrown === null || (await failureOf(shippingSystem, program)) !== null) return false;
      error = thrown;
      return true;
    };
    const { steps, ...about } = await simplify(found.program, breaks, SIMPLIFY_MS);
    console.log([String(error), JSON.stringify(about), ...steps.map((step) => JSON.stringify(step))].join("\n  "));
    return 0;
  } finally {
    removePlanted(process.pid);
  }
}

async function failureOf(system: System, program: Program): Promise<unknown> {
  try {
    await simulate(system, program);
    return null;
  } catch (error) {
    return error;
  }
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
    const found = await search(systemToSearch(), { seed, programs: PROGRAMS, shrinkMs: SHRINK_MS, onCourse });
    say({ programs, cycles });
    if (found !== null) {
      say({ found: `${describeFound(found, HOW)}\nor: npm run simulate -- --replay ${keep(found)}${HOW}` });
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
