// Defects in how segments end and begin.
import { append, crash, fails, flush, kill, program } from "../short-steps.ts";
import type { PlantedDefect } from "./defect.ts";

// A record of 600 bytes leaves no room for another.
const SMALL = { segmentBytes: 700, spaceAhead: false } as const;

export const DEFECTS_IN_ROTATING: readonly PlantedDefect[] = [
  {
    name: "missing folder sync",
    file: "src/log/segments/segment.ts",
    find: "  yield files.folder(place.folder);\n",
    replace: "",
    caughtBy: program(SMALL, append([600]), append([600]), crash("nothing")),
  },
  {
    name: "temporary header not synced",
    file: "src/log/segments/segment.ts",
    find: "    yield file;\n    if (files.kind",
    replace: "    if (files.kind",
    caughtBy: program(SMALL, flush(), crash("nothing")),
  },
  {
    name: "next segment begun before the last is synced",
    file: "src/log/writing/writer.ts",
    find: "    return this.#untilSynced().then(() => runBeside(this.#startNextSegment()));\n",
    replace: "    this.#tryDrain();\n    return Promise.resolve().then(() => runBeside(this.#startNextSegment()));\n",
    caughtBy: program({ ...SMALL, sync: "onFlush" }, append([600]), append([600]), crash("nothing")),
  },
  {
    name: "space written ahead left behind a segment's end",
    file: "src/log/writing/segment-writer.ts",
    find: "    if (this.#cutUnsynced || this.#ahead.reachesBeyond(this.#position)) {",
    replace: "    if (this.#cutUnsynced) {",
    caughtBy: program({ segmentBytes: 20_000 }, append([1]), append([19_900]), kill()),
  },
  {
    name: "position of the last segment kept in the next",
    file: "src/log/writing/segment-writer.ts",
    find: "    this.#position = SEGMENT_HEADER_BYTES;\n    this.#ahead",
    replace: "    this.#ahead",
    caughtBy: program(SMALL, append([600]), append([600]), kill()),
  },
  {
    // The next segment has its name and cannot be measured.
    name: "append to a segment that may have a next one",
    file: "src/log/writing/segment-writer.ts",
    find: "      if (mayExist(files, path)) this.#onDoubt(error);\n",
    replace: "",
    caughtBy: program(SMALL, append([300]), fails("size"), append([600]), append([1]), kill()),
  },
];
