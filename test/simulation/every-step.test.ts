// A program that makes every kind of file, and breaks off in every way: at every single one of its calls to the disk the
// machine goes down, the process dies, or the call fails, once or from then on. Then it goes on with the rest.
import { describe, expect, it } from "vitest";
import type { OpenOptions } from "../../src/index.ts";
import { simulate } from "./simulation.ts";
import type { FaultManner, Program, Step, Survival } from "./step.ts";
import { shippingSystem } from "./system.ts";
import { CHANGING } from "./troubles.ts";

const ONCE = 1;
const FROM_THEN_ON = 1_000_000;

function append(stream: number, sizes: readonly number[], wait: boolean): Step {
  return { do: "append", stream, sizes, expect: "nothing", wait, head: false, abort: false };
}

// log.json, claims of the lock, two streams, segments and indexes; rotations, one record longer than a segment, a clean
// close, a dead holder of the lock, a torn tail, space written ahead, power losses, a reader beside.
function script(options: OpenOptions): Step[] {
  return [
    { do: "options", options: { segmentBytes: 700, indexEveryRecords: 3, ...options } },
    append(0, [10], true),
    append(0, [1, 2], false),
    append(0, [300], false),
    append(1, [5], false),
    { do: "flush", stream: 0, wait: true },
    append(0, [60, 60, 60], true),
    append(0, [2000], false),
    { do: "appendSync", stream: 1, sizes: [20] },
    { do: "settle" },
    { do: "close" },
    append(0, [7], true),
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
    append(0, [50], true),
    append(1, [6], false),
    { do: "flush", stream: 1, wait: true },
    append(0, [200, 200], false),
    { do: "crash", skip: 0, after: false, survival: 5 },
    append(0, [1], true),
    { do: "close" },
  ];
}

interface Call {
  readonly index: number;
  readonly changes: boolean;
  readonly isWrite: boolean;
}

// The calls of the whole program when nothing goes wrong but what the program says.
async function callsOf(program: Program): Promise<Call[]> {
  const calls: Call[] = [];
  const onCall = ({ kind }: { kind: Parameters<typeof CHANGING.has>[0] }) => {
    calls.push({ index: calls.length, changes: CHANGING.has(kind), isWrite: kind === "write" });
  };
  await simulate(shippingSystem, program, onCall);
  return calls;
}

function endsOf({ index, changes }: Call): Step[] {
  const crash = (after: boolean, survival: Survival): Step => ({ do: "crash", skip: index + 1, after, survival });
  const survivals: Survival[] = ["nothing", "all", index, index + 1_000_000];
  if (!changes) return [crash(false, index)];
  const kill: Step = { do: "kill", skip: index + 1 };
  return [kill, ...[false, true].flatMap((after) => survivals.map((survival) => crash(after, survival)))];
}

function faultsOf({ index, changes, isWrite }: Call): Step[] {
  const manners: FaultManner[] = [{ fail: "IO_FAILED" }];
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
