// A program that makes every kind of file, and breaks off in every way: at every single one of its calls to the disk the
// machine goes down, the process dies, or the call fails, once or from then on. Then it goes on with the rest.
import { describe, expect, it } from "vitest";
import type { FaultCode } from "../../adapters/memory.ts";
import type { OpenOptions } from "../../src/index.ts";
import { CASE_STRIDE, doesMost } from "../contract/current-runtime.ts";
import { simulate } from "./simulation.ts";
import type { FaultManner, Step, Survival } from "./step.ts";
import { shippingSystem } from "./system.ts";
import { BESIDE, CHANGING } from "./troubles.ts";

// Every call in one runtime, by default too.
const STRIDE = doesMost ? 1 : 3 * CASE_STRIDE;

const ONCE = 1;
const FROM_THEN_ON = 1_000_000;

function append(stream: number, sizes: readonly number[], wait: boolean): Step {
  return { do: "append", stream, sizes, expect: "nothing", wait, head: false, abort: false };
}

// log.json, claims of the lock, two streams, segments and indexes; rotations, a record longer than a segment, a clean close,
// a dead holder of the lock, a torn tail, space written ahead, a power loss, a reader beside.
function script(options: OpenOptions): Step[] {
  return [
    { do: "options", options: { segmentBytes: 1000, indexEveryRecords: 3, ...options } },
    append(0, [10], true),
    append(0, [1, 2], false),
    append(0, [300], false),
    append(1, [5], false),
    { do: "flush", stream: 0, wait: true },
    append(0, [600], false),
    { do: "close" },
    { do: "appendSync", stream: 0, sizes: [7] },
    { do: "beside", stream: 0 },
    append(0, [8, 9], false),
    { do: "kill", skip: 0 },
    append(0, [30], true),
    // Part of a record stays behind.
    { do: "fault", on: "write", skip: 0, times: ONCE, manner: { failAfter: 50, code: "NO_SPACE" } },
    { do: "fault", on: "truncate", skip: 0, times: ONCE, manner: { fail: "IO_FAILED" } },
    append(0, [40], false),
    { do: "flush", stream: 0, wait: true },
    { do: "kill", skip: 0 },
    append(0, [1100], true),
    { do: "crash", skip: 0, after: false, survival: 5 },
    append(1, [1], true),
    { do: "close" },
  ];
}

interface Call {
  readonly index: number;
  readonly step: number;
  readonly isByWriter: boolean;
  readonly changes: boolean;
  readonly isWrite: boolean;
}

// The calls of the whole program when nothing goes wrong but what the program says.
async function callsOf(steps: readonly Step[]): Promise<Call[]> {
  const calls: Call[] = [];
  await simulate(shippingSystem, { sectorBytes: 512, streams: 2, steps }, ({ kind, pid }, step) => {
    const isWrite = kind === "write";
    calls.push({ index: calls.length, step, isByWriter: pid < BESIDE, changes: CHANGING.has(kind), isWrite });
  });
  return calls;
}

type Manners = (call: Call) => Step[];

// An end at a call that changes nothing is the same as one before the next that does.
const ends: Manners = ({ index, changes }) => {
  if (!changes) return [];
  const crash = (after: boolean, survival: Survival): Step => ({ do: "crash", skip: index + 1, after, survival });
  return [
    { do: "kill", skip: index + 1 },
    crash(false, "nothing"),
    crash(false, index),
    crash(true, "nothing"),
    crash(true, "all"),
    crash(true, index + 1_000_000),
  ];
};

const faults: Manners = ({ index, isByWriter, changes, isWrite }) => {
  if (!isByWriter) return [];
  const code = (["IO_FAILED", "NO_SPACE", "ACCESS_DENIED"] as const)[index % 3] as FaultCode;
  const manners: FaultManner[] = [{ fail: code }];
  if (isWrite) manners.push({ failAfter: 40, code: "IO_FAILED" }, { short: 1 + (index % 90) });
  // From a call on that changes nothing is the same as from the next that does, until somebody reads again.
  const durations = changes || index % 4 === 0 ? [ONCE, FROM_THEN_ON] : [ONCE];
  const all = manners.flatMap((manner) => durations.map((times) => ({ manner, times })));
  return all.map(({ manner, times }) => ({ do: "fault", on: "any", skip: index, times, manner }));
};

// What goes wrong, the program up to a little later, and then the log is opened again and gone on with.
async function expectKept(trouble: Step, steps: readonly Step[], call: Call): Promise<void> {
  const rest = steps.slice(0, call.step + 3);
  const program = {
    sectorBytes: 512,
    streams: 2,
    steps: [trouble, ...rest, { do: "close" } as const, append(0, [11], true), append(1, [12], true)],
  };
  try {
    await simulate(shippingSystem, program);
  } catch (error) {
    throw new Error(`${JSON.stringify(program)} breaks a promise`, { cause: error });
  }
}

async function expectAllKept(steps: readonly Step[], manners: Manners, every: number): Promise<void> {
  const { stackTraceLimit } = Error;
  // Errors are made by the thousand here.
  Error.stackTraceLimit = 0;
  let at = 0;
  try {
    for (const call of await callsOf(steps)) {
      for (const trouble of manners(call)) if (at++ % every === 0) await expectKept(trouble, steps, call);
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  expect(at).toBeGreaterThan(700);
}

describe("with everyBatch, at every call to the disk", { timeout: 300_000 }, () => {
  const steps = script({ sync: "everyBatch" });

  it("an end of the process or the machine is recovered from, and the program goes on", async () => {
    await expectAllKept(steps, ends, STRIDE);
  });

  it("a failure, once or from then on, loses nothing, and the program goes on", async () => {
    await expectAllKept(steps, faults, STRIDE);
  });

  it("an end while recovering from an end is recovered from", async () => {
    const calls = (await callsOf(steps)).filter(({ changes }) => changes);
    for (const [at, { index, step }] of calls.entries()) {
      if (at % (9 * CASE_STRIDE) !== 0) continue;
      const first: Step = { do: "crash", skip: index + 1, after: true, survival: index };
      for (let later = 1; later < 90; later += 8) {
        const second: Step = { do: "crash", skip: later, after: later % 2 === 0, survival: later };
        const rest = steps.slice(0, step + 1);
        const program = { sectorBytes: 512, streams: 2, steps: [first, ...rest, second, append(0, [3], true)] };
        await simulate(shippingSystem, program);
      }
    }
  });
});

// What differs between the policies is tried less often: the random programs know them all.
describe.each([
  { sync: "everyRecord" },
  { sync: { groupCommit: { maxDelayMs: 5, maxAppends: 2 } } },
  { sync: "onFlush" },
] as const)("with $sync, at calls to the disk", { timeout: 300_000 }, (options) => {
  it("an end or a failure is recovered from, and the program goes on", async () => {
    await expectAllKept(script(options), (call) => [...ends(call), ...faults(call)], 11 * CASE_STRIDE);
  });
});
