// A program that makes every kind of file, and breaks off in every way: at every single one of its calls to the disk the
// machine goes down, the process dies, or the call fails, once or from then on. Then it goes on with the rest.
import { describe, expect, it } from "vitest";
import type { OpenOptions } from "../../src/index.ts";
import { simulate } from "./simulation.ts";
import type { FaultManner, Program, Step, Survival } from "./step.ts";
import { shippingSystem } from "./system.ts";
import { BESIDE, CHANGING } from "./troubles.ts";

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
  readonly isByWriter: boolean;
  readonly changes: boolean;
  readonly isWrite: boolean;
}

// The calls of the whole program when nothing goes wrong but what the program says.
async function callsOf(program: Program): Promise<Call[]> {
  const calls: Call[] = [];
  await simulate(shippingSystem, program, ({ kind, pid }) => {
    const isWrite = kind === "write";
    calls.push({ index: calls.length, isByWriter: pid < BESIDE, changes: CHANGING.has(kind), isWrite });
  });
  return calls;
}

// An end at a call that changes nothing is the same as one before the next that does.
function endsOf({ index, changes }: Call): Step[] {
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
}

function faultsOf({ index, isByWriter, changes, isWrite }: Call): Step[] {
  if (!isByWriter) return [];
  const manners: FaultManner[] = [{ fail: index % 2 === 0 ? "IO_FAILED" : "ACCESS_DENIED" }];
  if (changes) manners.push({ fail: "NO_SPACE" });
  if (isWrite) manners.push({ failAfter: 40, code: "IO_FAILED" }, { short: 1 + (index % 90) });
  const all = manners.flatMap((manner) => [ONCE, FROM_THEN_ON].map((times) => ({ manner, times })));
  return all.map(({ manner, times }) => ({ do: "fault", on: "any", skip: index, times, manner }));
}

async function expectKept(steps: readonly Step[]): Promise<number> {
  const program = { sectorBytes: 512, streams: 2, steps };
  try {
    return (await simulate(shippingSystem, program)).cycles;
  } catch (error) {
    throw new Error(`${JSON.stringify(program)} breaks a promise`, { cause: error });
  }
}

describe.each([
  { sync: "everyBatch" },
  { sync: "everyRecord" },
  { sync: { groupCommit: { maxDelayMs: 5, maxAppends: 2 } } },
  { sync: "onFlush" },
] as const)("with $sync, at every call to the disk", (options) => {
  const steps = script(options);
  const program = { sectorBytes: 512, streams: 2, steps };

  it("an end of the process or the machine is recovered from, and the program goes on", async () => {
    const calls = await callsOf(program);
    expect(calls.length).toBeGreaterThan(300);
    let cycles = 0;
    for (const call of calls) for (const end of endsOf(call)) cycles += await expectKept([end, ...steps]);
    // Each adds one to the three that the program has by itself.
    expect(cycles).toBeGreaterThan(calls.length * 3);
  });

  it("a failure, once or from then on, loses nothing, and the program goes on", async () => {
    for (const call of await callsOf(program)) for (const fault of faultsOf(call)) await expectKept([fault, ...steps]);
  });

  it("an end while recovering from an end is recovered from", async () => {
    const calls = (await callsOf(program)).filter(({ changes }) => changes);
    for (let at = 5; at < calls.length; at += 16) {
      const { index } = calls[at] as Call;
      const first: Step = { do: "crash", skip: index + 1, after: true, survival: index };
      for (let later = 1; later < 60; later += 7) {
        const second: Step = { do: "crash", skip: later, after: later % 2 === 0, survival: later };
        await expectKept([first, ...steps.slice(0, 12), second, append(0, [3], true), ...steps.slice(12)]);
      }
    }
  });
});
