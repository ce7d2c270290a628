// Defects in what is kept beside the records: indexes and checkpoints.
import { append, checkpoint, close, crash, fails, kill, program, verify } from "../short-steps.ts";
import type { PlantedDefect } from "./defect.ts";

export const DEFECTS_IN_REMEMBERING: readonly PlantedDefect[] = [
  {
    name: "index ahead of its log: sealed before the segment is synced",
    file: "src/log/writing/index-writer.ts",
    find: "pages.finish(slot, sealed && slot === this.#used - 1, this.#crcSeed)",
    replace: "pages.finish(slot, slot === this.#used - 1, this.#crcSeed)",
    caughtBy: program({ sync: "onFlush", indexEveryRecords: 1 }, kill(15), append([0]), crash(1)),
  },
  {
    name: "index page whose first record is elsewhere",
    file: "src/log/writing/index-writer.ts",
    find: "        position += bytes;\n",
    replace: "",
    caughtBy: program({}, append([1]), { do: "appendMany", stream: 0, count: 1100 }, verify()),
  },
  {
    name: "index believed without a look at the log",
    file: "src/log/recovery/recover.ts",
    find: "tail?.position === fileBytes && tail.chain.nextOffset === closedOffset;",
    replace: "tail !== null;",
    caughtBy: program(
      { indexEveryRecords: 3 },
      append([0]),
      close(),
      append([0]),
      kill(),
      append([0]),
      append([0, 0]),
      verify(),
    ),
  },
  {
    // The sealed index speaks of the first two records; the checkpoint behind it knows three.
    name: "sealed page taken for an end that a later checkpoint knows",
    file: "src/log/recovery/recover.ts",
    find: "tail.chain.nextOffset === closedOffset;\n      if (closedHere && closedOffset === sealedOffset)",
    replace: "tail.chain.nextOffset === sealedOffset;\n      if (closedHere)",
    caughtBy: program(
      { indexEveryRecords: 3, spaceAhead: false },
      append([0, 0]),
      close(),
      append([0]),
      checkpoint(),
      kill(),
      append([0, 0, 0]),
      verify(),
    ),
  },
  {
    // Sealed when the log was closed. When the segment is full, the sync of what was added to it fails: power loss brings
    // back the page of before.
    name: "index of an earlier end not made anew",
    file: "src/log/recovery/recover.ts",
    find: "  return pages.firstOffset(0) + pages.count(0) === endOffset;\n",
    replace: "  return pages.firstOffset(0) + pages.count(0) <= endOffset;\n",
    caughtBy: program(
      { segmentBytes: 700, spaceAhead: false },
      append([0, 0]),
      close(),
      crash("all"),
      append([0]),
      fails("sync", 1),
      append([600]),
      crash("nothing"),
      verify(),
    ),
  },
  {
    // Its sync has failed when the segment was full.
    name: "lost index not made anew",
    file: "src/log/recovery/stream-start.ts",
    find: "    runNow(continueIndex(window, pages, segment, file, tail, settings).seal(endOffset));\n",
    replace: "",
    caughtBy: program(
      { segmentBytes: 700, spaceAhead: false },
      append([0, 0]),
      fails("sync", 1),
      append([600]),
      crash("nothing"),
      verify(),
    ),
  },
  {
    // Of two pages the power loss takes the first.
    name: "sealed page that speaks for pages which are not durable",
    file: "src/log/writing/index-writer.ts",
    find: "      yield this.#file;\n",
    replace: "",
    caughtBy: {
      ...program({}, { do: "appendMany", stream: 0, count: 1100 }, close(), crash(21), verify()),
      sectorBytes: 4096,
    },
  },
  {
    // The process whose sync failed is gone. The pages can be read, are not on the disk, and no later sync brings them there.
    name: "index pages of another process not written again",
    file: "src/log/recovery/stream-start.ts",
    find: " || !isWritten(pages.bytes(0, 1), file, page)) break;",
    replace: ") break;",
    caughtBy: program(
      { segmentBytes: 90_000, spaceAhead: false },
      { do: "appendMany", stream: 0, count: 1100 },
      append([0]),
      { do: "fault", on: "sync", skip: 0, times: 2, manner: { fail: "IO_FAILED" } },
      close(),
      append([8000]),
      crash(4),
      verify(),
    ),
  },
  {
    // The index's sync fails, and that of the next segment: the segment goes on, and is ended once more.
    name: "index sealed by the sync after one that failed",
    file: "src/log/writing/index-writer.ts",
    find: "if (this.#mayLackPages || !this.flush(false) || ",
    replace: "if (!this.flush(false) || ",
    caughtBy: {
      ...program(
        { segmentBytes: 20_000, spaceAhead: false },
        { do: "appendMany", stream: 0, count: 1100 },
        { do: "fault", on: "sync", skip: 1, times: 2, manner: { fail: "IO_FAILED" } },
        append([0]),
        append([0]),
        crash(13),
        verify(),
      ),
      sectorBytes: 4096,
    },
  },
  {
    // The place is in the last record: behind it nothing tells but the checkpoint.
    name: "checkpoint not taken for evidence",
    file: "src/log/recovery/recover.ts",
    find: "Math.max(segment.header.firstOffset, checkpointed);",
    replace: "Math.max(segment.header.firstOffset, checkpointed * 0);",
    caughtBy: program(
      { spaceAhead: false, checkpointEvery: 1 },
      { do: "decay", stream: 0, place: 460, bit: 0, closed: false },
    ),
  },
  {
    // An append is written while the checkpoint waits for the sync of what was before.
    name: "checkpoint of records that are not synced",
    file: "src/log/writing/writer.ts",
    find: "    return { ...this.#synced, timestamp: this.#timestamp };\n",
    replace: "    return { ...this.#writtenEnd(), timestamp: this.#timestamp };\n",
    caughtBy: program(
      { sync: "onFlush" },
      append([1]),
      { do: "checkpoint", stream: 0, wait: false },
      append([2]),
      crash("nothing"),
    ),
  },
  {
    name: "checkpoint handed out before it is synced",
    file: "src/log/writing/writer.ts",
    find: "    await checkpoints.sync();\n",
    replace: "",
    caughtBy: program({}, append([1]), checkpoint(), crash("nothing")),
  },
  {
    name: "sync of a checkpoint retried after failure",
    file: "src/log/writing/checkpoint-writer.ts",
    find: "        this.#forgetSync();\n        throw error;",
    replace: "        throw error;",
    caughtBy: program({}, append([1]), fails("sync"), checkpoint(), checkpoint(), crash("nothing")),
  },
  {
    // A process has written it and died before it was synced.
    name: "checkpoint of a dead process handed out as it is",
    file: "src/log/writing/checkpoint-writer.ts",
    find: "if (this.#last !== null && this.#isOwn && this.#isCheckpointOf",
    replace: "if (this.#last !== null && this.#isCheckpointOf",
    caughtBy: program({ checkpointEvery: 1 }, append([1]), kill(), checkpoint(), crash("nothing")),
  },
];
