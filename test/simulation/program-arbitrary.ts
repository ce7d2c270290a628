// Random programs, as fast-check makes and shrinks them.
import fc from "fast-check";
import type { FaultCode, OperationKind } from "../../adapters/memory.ts";
import type { OpenOptions, SyncPolicy } from "../../src/index.ts";
import type { FaultManner, Program, Step, Survival } from "./step.ts";

const CODES: readonly FaultCode[] = ["IO_FAILED", "NO_SPACE", "ACCESS_DENIED", "TOO_MANY_OPEN_FILES"];
const KINDS: readonly (OperationKind | "any")[] = [
  "any",
  "create",
  "kind",
  "list",
  "makeFolder",
  "open",
  "publish",
  "read",
  "remove",
  "rename",
  "size",
  "sync",
  "syncFolder",
  "truncate",
  "write",
];

const stream = fc.nat({ max: 2 });
const size = fc.oneof(
  { weight: 60, arbitrary: fc.nat({ max: 40 }) },
  { weight: 30, arbitrary: fc.nat({ max: 400 }) },
  { weight: 10, arbitrary: fc.nat({ max: 2500 }) },
  // More than a writer keeps back while a sync is in flight.
  { weight: 2, arbitrary: fc.constant(33_000) },
);
const sizes = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(size).map(([one]) => [one]) },
  { weight: 3, arbitrary: fc.array(size, { maxLength: 5 }) },
);
const skip = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 3, arbitrary: fc.nat({ max: 40 }) });
const survival: fc.Arbitrary<Survival> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Survival>("nothing") },
  { weight: 1, arbitrary: fc.constant<Survival>("all") },
  { weight: 4, arbitrary: fc.nat() },
);
const code = fc.constantFrom(...CODES);
const manner: fc.Arbitrary<FaultManner> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ fail: code }) },
  { weight: 2, arbitrary: fc.record({ failAfter: fc.nat({ max: 600 }), code }) },
  { weight: 2, arbitrary: fc.record({ short: fc.integer({ min: 1, max: 300 }) }) },
);
const options: fc.Arbitrary<OpenOptions> = fc.record({
  sync: fc.constantFrom<SyncPolicy[]>("everyBatch", "onFlush", "everyRecord", {
    groupCommit: { maxDelayMs: 5, maxAppends: 3 },
  }),
  segmentBytes: fc.constantFrom(20_000, 20_000, 4000, 1500, 700, 200_000, 200_000),
  indexEveryRecords: fc.constantFrom(100, 3, 1),
  checkpointEvery: fc.constantFrom(1000, 1000, 5, 1),
  maxPendingBytes: fc.constantFrom(1 << 24, 1500, 1),
  maxPendingRecords: fc.constantFrom(65_536, 3),
  spaceAhead: fc.boolean(),
});

function word<T extends Step["do"]>(
  name: T,
  fields: { [K in Exclude<keyof Extract<Step, { do: T }>, "do">]: fc.Arbitrary<Extract<Step, { do: T }>[K]> },
): fc.Arbitrary<Step> {
  return fc.record({ do: fc.constant(name), ...fields }) as unknown as fc.Arbitrary<Step>;
}

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 24,
    arbitrary: word("append", {
      stream,
      sizes,
      expect: fc.constantFrom("nothing", "nothing", "right", "wrong"),
      wait: fc.boolean(),
      head: fc.boolean(),
      abort: fc.constantFrom(false, false, false, false, true),
    }),
  },
  { weight: 2, arbitrary: word("tryAppend", { stream, sizes }) },
  { weight: 3, arbitrary: word("appendSync", { stream, sizes }) },
  { weight: 5, arbitrary: word("flush", { stream, wait: fc.boolean() }) },
  { weight: 2, arbitrary: word("checkpoint", { stream, wait: fc.boolean() }) },
  { weight: 2, arbitrary: word("settle", {}) },
  { weight: 3, arbitrary: word("turns", { count: fc.nat({ max: 12 }) }) },
  { weight: 2, arbitrary: word("read", { stream, from: fc.nat({ max: 40 }), limit: fc.nat({ max: 20 }) }) },
  { weight: 1, arbitrary: word("get", { stream, offset: fc.nat({ max: 40 }) }) },
  { weight: 1, arbitrary: word("verify", { stream }) },
  { weight: 2, arbitrary: word("beside", { stream }) },
  { weight: 2, arbitrary: word("follow", { stream, beside: fc.boolean() }) },
  { weight: 1, arbitrary: word("rival", {}) },
  { weight: 3, arbitrary: word("close", {}) },
  { weight: 3, arbitrary: word("options", { options }) },
  { weight: 5, arbitrary: word("hold", {}) },
  { weight: 5, arbitrary: word("release", { count: fc.nat({ max: 3 }) }) },
  { weight: 3, arbitrary: word("time", { ms: fc.nat({ max: 20 }) }) },
  { weight: 1, arbitrary: word("clock", { micros: fc.integer({ min: -5_000_000, max: 5_000_000 }) }) },
  {
    weight: 5,
    arbitrary: word("fault", {
      on: fc.constantFrom(...KINDS, "write", "write", "sync", "sync", "sync", "truncate"),
      skip: fc.nat({ max: 12 }),
      times: fc.constantFrom(1, 1, 2, 1_000_000),
      manner,
    }),
  },
  { weight: 1, arbitrary: word("room", { bytes: fc.nat({ max: 3000 }) }) },
  { weight: 3, arbitrary: word("heal", {}) },
  {
    weight: 2,
    arbitrary: word("decay", { stream, place: fc.nat(), bit: fc.nat({ max: 7 }), closed: fc.boolean() }),
  },
  { weight: 3, arbitrary: word("repair", {}) },
  {
    weight: 1,
    arbitrary: word("mend", {
      stream,
      place: fc.nat(),
      bit: fc.nat({ max: 7 }),
      closed: fc.boolean(),
      skip: fc.nat({ max: 60 }),
      survival,
    }),
  },
  { weight: 1, arbitrary: word("rotate", { to: fc.nat({ max: 1 }), wait: fc.boolean() }) },
  { weight: 6, arbitrary: word("kill", { skip }) },
  { weight: 18, arbitrary: word("crash", { skip, after: fc.boolean(), survival }) },
);

const rareStep = fc.oneof(
  { weight: 150, arbitrary: step },
  { weight: 1, arbitrary: word("appendMany", { stream, count: fc.integer({ min: 1000, max: 1100 }) }) },
);

/** A program of about this many steps at most. */
export function programArbitrary(mostSteps: number): fc.Arbitrary<Program> {
  const steps = fc.tuple(word("options", { options }), fc.array(rareStep, { maxLength: mostSteps, size: "max" }));
  return fc.record({
    sectorBytes: fc.constantFrom(512, 4096),
    // Most of what can go wrong goes wrong with one, and sooner.
    streams: fc.constantFrom(1, 1, 1, 2, 3),
    steps: steps.map(([first, rest]) => [first, ...rest]),
  });
}
