// Defects in what others are shown, and in who may write.
import { append, flush, kill, program, writeIsShort } from "../short-steps.ts";
import type { PlantedDefect } from "./defect.ts";

export const DEFECTS_IN_LOOKING: readonly PlantedDefect[] = [
  {
    name: "follower that skips",
    file: "src/log/reading/follow.ts",
    find: "  for (; offset < from; offset++) at += lengthAt(at);\n",
    replace: "  for (; offset < from || (offset === from && from > 0); offset++) at += lengthAt(at);\n",
    caughtBy: program({}, append([1]), { do: "follow", stream: 0, beside: false }, append([2])),
  },
  {
    // The process dies in the middle of a write. Somebody looks before the log is opened again.
    name: "torn tail cut by a reader",
    file: "src/log/recovery/stream-start.ts",
    find: "    const { position, trailer, corruption: damage } = tail;\n",
    replace:
      '    const { position, trailer, corruption: damage } = tail;\n    if (tail.torn !== null) openSegment(segments.place, number, "write").file.truncate(position);\n',
    caughtBy: program({ spaceAhead: false }, flush(), writeIsShort(100), kill(1), append([200])),
  },
  {
    name: "lock of a live process taken over",
    file: "src/log/lock.ts",
    find: "return runtime.processes.isAlive(holder) === false;",
    replace: "return runtime.processes.isAlive(holder) !== null;",
    caughtBy: program({}, flush(), { do: "rival" }),
  },
];
