// Random programs from a fresh seed. One that breaks a promise is printed, shrunk, with the command that replays it;
// `npm run simulate` goes on from here for as long as you like.
import { describe, expect, it } from "vitest";
import { doesMost } from "../contract/current-runtime.ts";
import { describeFound, search } from "./search.ts";
import { shippingSystem } from "./system.ts";

// DIATREME_CYCLES asks for more.
const CYCLES = Number(process.env["DIATREME_CYCLES"] ?? (doesMost ? 10_000 : 100));
const PROGRAMS_AT_ONCE = 100;
const SHRINK_MS = 30_000;

describe("random programs that are crashed, and crashed while they recover", () => {
  it(`keep their promises over ${CYCLES} crashes`, { timeout: 300_000 }, async () => {
    const { stackTraceLimit } = Error;
    // Thousands of errors are made here; their stacks would take most of the time.
    Error.stackTraceLimit = 0;
    let cycles = 0;
    try {
      for (let seed = Math.floor(Math.random() * 2 ** 31); cycles < CYCLES; seed++) {
        const onCourse = (more: number) => {
          cycles += more;
        };
        const found = await search(shippingSystem, { seed, programs: PROGRAMS_AT_ONCE, shrinkMs: SHRINK_MS, onCourse });
        if (found !== null) throw new Error(describeFound(found));
        // Everything in there happens in promises: the test runner wants its turn too.
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
    expect(cycles).toBeGreaterThanOrEqual(CYCLES);
  });
});
