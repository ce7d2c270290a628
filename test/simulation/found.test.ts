// Programs that once broke a promise, shrunk, each with its story. `npm run simulate` prints new ones in this form.
import { describe, expect, it } from "vitest";
import { simulate } from "./simulation.ts";
import type { Program } from "./step.ts";
import { shippingSystem } from "./system.ts";

const PLAIN = { expect: "nothing", wait: true, head: false, abort: false } as const;

const FOUND: readonly { readonly story: string; readonly program: Program }[] = [
  {
    // The writer had taken over the new segment, but kept the position of the old one: later records, acknowledged,
    // stood behind a hole of zeros and were never seen again.
    story: "a rotation whose new segment could not be measured",
    program: {
      sectorBytes: 512,
      streams: 1,
      steps: [
        { do: "options", options: { sync: "everyBatch", segmentBytes: 700 } },
        { do: "appendSync", stream: 0, sizes: [300] },
        { do: "fault", on: "size", skip: 0, times: 1, manner: { fail: "IO_FAILED" } },
        { do: "appendSync", stream: 0, sizes: [300] },
        { do: "appendSync", stream: 0, sizes: [1] },
        { do: "kill", skip: 0 },
      ],
    },
  },
  {
    // What writes space ahead ran where nobody catches what is thrown: the program that hosts the log ended.
    story: "a machine that goes down while space is written ahead",
    program: {
      sectorBytes: 512,
      streams: 1,
      steps: [
        { do: "options", options: { sync: "everyBatch", segmentBytes: 20_000 } },
        { do: "flush", stream: 0, wait: true },
        { do: "crash", skip: 2, after: false, survival: "all" },
        { do: "append", stream: 0, sizes: [1], expect: "nothing", wait: true, head: false, abort: false },
      ],
    },
  },
  {
    // The write before it failed, and nobody saw that its room was free again.
    story: "an append that waits for the room of one whose write fails",
    program: {
      sectorBytes: 512,
      streams: 1,
      steps: [
        { do: "options", options: { sync: { groupCommit: { maxDelayMs: 5 } }, maxPendingBytes: 1 } },
        { do: "flush", stream: 0, wait: true },
        { do: "fault", on: "write", skip: 0, times: 1, manner: { fail: "IO_FAILED" } },
        { do: "append", stream: 0, sizes: [1], expect: "nothing", wait: false, head: false, abort: false },
        { do: "append", stream: 0, sizes: [1], expect: "nothing", wait: false, head: false, abort: false },
        { do: "settle" },
        { do: "kill", skip: 0 },
      ],
    },
  },
  {
    // The log had been closed; its sealed index said that all was synced, as it was before the write and after the cut.
    // So nobody synced the cut, and after the next segment was begun the power loss brought a byte back.
    story: "a failed write behind a sealed end, cut off again",
    program: {
      sectorBytes: 512,
      streams: 1,
      steps: [
        { do: "options", options: { segmentBytes: 700, spaceAhead: false } },
        { do: "append", stream: 0, sizes: [10], ...PLAIN },
        { do: "close" },
        { do: "flush", stream: 0, wait: true },
        { do: "fault", on: "write", skip: 0, times: 1, manner: { failAfter: 1, code: "NO_SPACE" } },
        { do: "append", stream: 0, sizes: [20], ...PLAIN },
        { do: "kill", skip: 0 },
        { do: "append", stream: 0, sizes: [600], ...PLAIN },
        { do: "crash", skip: 0, after: false, survival: 0 },
      ],
    },
  },
  {
    // The index had been sealed when the log was closed; what was added to the segment since was lost from it by a power
    // loss. As it was sealed, though for an earlier end, nobody made it anew.
    story: "an index that was sealed for an earlier end",
    program: {
      sectorBytes: 512,
      streams: 1,
      steps: [
        { do: "options", options: { segmentBytes: 700, spaceAhead: false } },
        { do: "append", stream: 0, sizes: [0, 0], ...PLAIN, wait: false },
        { do: "close" },
        { do: "crash", skip: 0, after: false, survival: "all" },
        { do: "append", stream: 0, sizes: [0], ...PLAIN, wait: false },
        { do: "crash", skip: 39, after: true, survival: "nothing" },
        { do: "beside", stream: 0 },
        { do: "close" },
        { do: "tryAppend", stream: 0, sizes: [282] },
        { do: "crash", skip: 0, after: false, survival: "nothing" },
      ],
    },
  },
  {
    // The process had died when the first segment had its name and nothing had been synced. The next one made an index for
    // it; of the two names only the index's survived, and told of a segment that was lost.
    story: "a segment that had its name and no index",
    program: {
      sectorBytes: 512,
      streams: 1,
      steps: [
        { do: "options", options: { spaceAhead: false } },
        { do: "kill", skip: 0 },
        { do: "follow", stream: 0, beside: false },
        { do: "kill", skip: 10 },
        { do: "append", stream: 0, sizes: [0], ...PLAIN, wait: false },
        { do: "crash", skip: 23, after: true, survival: 1_878_080_761 },
      ],
    },
  },
  {
    // The process had died when log.json had its name and nothing had been synced. The next one made the lock beside it; of
    // the two names only the lock's survived, and made the folder one that holds something else than a log.
    story: "a log that had its name and no lock",
    program: {
      sectorBytes: 512,
      streams: 1,
      steps: [
        { do: "kill", skip: 9 },
        { do: "follow", stream: 0, beside: false },
        { do: "crash", skip: 0, after: false, survival: 0 },
      ],
    },
  },
  {
    // A checkpoint was newer than the index that was sealed before it. The end that both speak of was taken for the
    // index's own, which was one record behind: the index went on with a record too few, and all its places were wrong.
    story: "an index that was sealed for an earlier end, and a checkpoint behind it",
    program: {
      sectorBytes: 512,
      streams: 1,
      steps: [
        { do: "options", options: { indexEveryRecords: 3, spaceAhead: false } },
        { do: "append", stream: 0, sizes: [0, 0], ...PLAIN },
        { do: "close" },
        { do: "append", stream: 0, sizes: [0], ...PLAIN },
        { do: "checkpoint", stream: 0, wait: true },
        { do: "kill", skip: 0 },
        { do: "append", stream: 0, sizes: [0, 0, 0], ...PLAIN },
        { do: "verify", stream: 0 },
        { do: "kill", skip: 0 },
      ],
    },
  },
  {
    // The process before had written it and died before anybody synced it. It was found in the file, and nothing was done.
    story: "a checkpoint that was handed out and is not on the disk",
    program: {
      sectorBytes: 512,
      streams: 1,
      steps: [
        { do: "options", options: { checkpointEvery: 1 } },
        { do: "append", stream: 0, sizes: [1], ...PLAIN },
        { do: "kill", skip: 0 },
        { do: "checkpoint", stream: 0, wait: true },
        { do: "crash", skip: 0, after: false, survival: "nothing" },
      ],
    },
  },
  {
    // The index had two pages when the power went. The second was on the disk, of the first an older state with fewer
    // entries; whoever went on from the second never filled the first.
    story: "an index page that is as it was before it was full",
    program: {
      sectorBytes: 4096,
      streams: 1,
      steps: [
        { do: "crash", skip: 0, after: true, survival: "nothing" },
        { do: "append", stream: 0, sizes: [], ...PLAIN },
        { do: "crash", skip: 0, after: false, survival: "nothing" },
        { do: "append", stream: 0, sizes: [0], ...PLAIN },
        { do: "crash", skip: 0, after: false, survival: "all" },
        { do: "appendMany", stream: 0, count: 1045 },
        { do: "crash", skip: 7, after: false, survival: 238_945_494 },
        { do: "follow", stream: 0, beside: true },
        { do: "append", stream: 0, sizes: [], ...PLAIN },
        { do: "crash", skip: 0, after: false, survival: "nothing" },
        { do: "append", stream: 0, sizes: [0], ...PLAIN },
        { do: "options", options: { segmentBytes: 1500 } },
        { do: "crash", skip: 0, after: false, survival: "nothing" },
        { do: "append", stream: 0, sizes: [0], ...PLAIN },
      ],
    },
  },
  {
    // The sync of an index failed, and the process ended. The next one read its pages, took them for written, and said by a
    // sealed page that they are durable: after the power loss they were gone.
    story: "index pages whose sync failed in another process",
    program: {
      sectorBytes: 512,
      streams: 1,
      steps: [
        { do: "options", options: { segmentBytes: 20_000 } },
        { do: "append", stream: 0, sizes: [0], ...PLAIN },
        { do: "fault", on: "sync", skip: 6, times: 999_862, manner: { fail: "ACCESS_DENIED" } },
        { do: "appendMany", stream: 0, count: 1017 },
        { do: "append", stream: 2, sizes: [], ...PLAIN },
        { do: "heal" },
        { do: "appendSync", stream: 0, sizes: [0] },
        { do: "crash", skip: 0, after: false, survival: 1_344_620_206 },
      ],
    },
  },
  {
    // The flush had waited for a rotation. When it went on, a failed cut had poisoned the stream, and nobody told it.
    story: "a flush that is overtaken by a failure",
    program: {
      sectorBytes: 512,
      streams: 1,
      steps: [
        { do: "options", options: { segmentBytes: 700, sync: "onFlush" } },
        { do: "append", stream: 0, sizes: [500], ...PLAIN },
        { do: "flush", stream: 0, wait: true },
        { do: "append", stream: 0, sizes: [400], ...PLAIN, wait: false },
        { do: "fault", on: "write", skip: 2, times: 1, manner: { failAfter: 40, code: "IO_FAILED" } },
        { do: "fault", on: "truncate", skip: 0, times: 1, manner: { fail: "IO_FAILED" } },
        { do: "flush", stream: 0, wait: true },
        { do: "kill", skip: 0 },
      ],
    },
  },
  {
    // The first append had waited for a rotation, and was told of the full disk by way of another promise: after an append
    // that came later had been given its offset.
    story: "an append that is told later than the one behind it",
    program: {
      sectorBytes: 512,
      streams: 1,
      steps: [
        { do: "options", options: { segmentBytes: 20_000, checkpointEvery: 5 } },
        { do: "appendMany", stream: 0, count: 662 },
        { do: "room", bytes: 128 },
        { do: "append", stream: 0, sizes: [0], ...PLAIN, wait: false },
        { do: "tryAppend", stream: 2, sizes: [0] },
        { do: "append", stream: 1, sizes: [0], ...PLAIN, expect: "wrong" },
        { do: "clock", micros: -229_986 },
        { do: "append", stream: 0, sizes: [], ...PLAIN },
        { do: "kill", skip: 0 },
      ],
    },
  },
];

describe("a program that was found to break a promise keeps it now", () => {
  it.each(FOUND)("$story", async ({ program }) => {
    const { cycles } = await simulate(shippingSystem, program);
    expect(cycles).toBeGreaterThan(0);
  });
});
