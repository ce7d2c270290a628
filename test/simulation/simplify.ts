// Makes a program that breaks a promise small: leaves out steps, then whatever is special about those that stay.
import type { Program, Step } from "./step.ts";

/**
 * The smallest program that is found before the time is up. `breaks` tells whether one still breaks a promise; the one
 * given does.
 */
export async function simplify(
  program: Program,
  breaks: (program: Program) => Promise<boolean>,
  withinMs: number,
): Promise<Program> {
  const until = performance.now() + withinMs;
  let smallest = program;
  const tried = new Set<string>();
  const take = async (smaller: Program): Promise<boolean> => {
    const text = JSON.stringify(smaller);
    if (performance.now() > until || tried.has(text)) return false;
    tried.add(text);
    if (!(await breaks(smaller))) return false;
    smallest = smaller;
    return true;
  };
  for (let before: Program | null = null; before !== smallest; ) {
    before = smallest;
    await leaveOut(() => smallest, take);
    for (let at = 0; at < smallest.steps.length; at++) {
      for (const simpler of simplerSteps(smallest.steps[at] as Step)) {
        await take({ ...smallest, steps: smallest.steps.with(at, simpler) });
      }
    }
    for (const simpler of [{ streams: 1 }, { sectorBytes: 512 }]) await take({ ...smallest, ...simpler });
  }
  return smallest;
}

// Half of the steps at once, then less and less; from the end on, where most has no say any more.
async function leaveOut(smallest: () => Program, take: (smaller: Program) => Promise<boolean>): Promise<void> {
  for (let count = smallest().steps.length >> 1; count >= 1; count >>= 1) {
    for (let at = smallest().steps.length - count; at > -count; at -= count) {
      const { steps } = smallest();
      const from = Math.max(0, at);
      await take({ ...smallest(), steps: [...steps.slice(0, from), ...steps.slice(from + count)] });
    }
  }
}

// Each changes one thing, so that what does not matter shows.
function* simplerSteps(step: Step): Generator<Step> {
  if (step.do === "options") {
    for (const option of Object.keys(step.options)) {
      yield { ...step, options: Object.fromEntries(Object.entries(step.options).filter(([name]) => name !== option)) };
    }
  }
  for (const [field, value] of Object.entries(step)) {
    for (const simpler of simplerValues(field, value)) {
      if (JSON.stringify(simpler) !== JSON.stringify(value)) yield { ...step, [field]: simpler } as Step;
    }
  }
}

function* simplerValues(field: string, value: unknown): Generator<unknown> {
  if (field === "survival") yield* ["nothing", "all"];
  else if (field === "wait") yield true;
  else if (field === "expect") yield "nothing";
  else if (field === "sizes") {
    const sizes = value as readonly number[];
    yield* [[0], sizes.slice(1), sizes.map(() => 0), sizes.map((size) => Math.ceil(size / 2))];
  } else if (typeof value === "number") yield* [0, 1, value >> 1, value - 1].filter((one) => one < value && one >= 0);
  else if (typeof value === "boolean") yield false;
}
