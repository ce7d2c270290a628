// Defects in what reaches the file, and in what is left there when a write fails.
import { append, crash, fails, flush, kill, program, writeFailsAfter, writeIsShort } from "../short-steps.ts";
import type { PlantedDefect } from "./defect.ts";

export const DEFECTS_IN_WRITING: readonly PlantedDefect[] = [
  {
    name: "short write taken for whole",
    file: "src/log/writing/segment-writer.ts",
    find: "for (let done = 0; done < bytes; ) done += file.write(batch.sealed(done), position + done);",
    replace: "file.write(batch.sealed(0), position);",
    caughtBy: program({}, flush(), writeIsShort(10), append([1]), kill()),
  },
  {
    // The write fails when all of it is in the file.
    name: "failed write not cut back",
    file: "src/log/writing/segment-writer.ts",
    find: "      this.#cutBack();\n",
    replace: "",
    caughtBy: program({}, flush(), writeFailsAfter(1000), append([1]), kill()),
  },
  {
    // The rest of the first append stays behind the second, where the next segment says that this one ends.
    name: "failed cut-back ignored",
    file: "src/log/writing/segment-writer.ts",
    find: "      this.#cutUnsynced = true;\n    } catch (error) {\n      this.#onDoubt(error);\n",
    replace: "      this.#cutUnsynced = true;\n    } catch (error) {\n      void error;\n",
    caughtBy: program(
      { segmentBytes: 700, spaceAhead: false },
      flush(),
      writeFailsAfter(200),
      fails("truncate"),
      append([300]),
      append([1]),
      append([600]),
      kill(),
    ),
  },
  {
    // What was cut off comes back with the power loss: the file keeps its length from before the cut, and is not the
    // newest segment any more.
    name: "cut-back not synced",
    file: "src/log/writing/segment-writer.ts",
    find: "      this.#ahead.forget();\n      this.#cutUnsynced = true;\n",
    replace: "      this.#ahead.forget();\n",
    caughtBy: program(
      { segmentBytes: 700, spaceAhead: false },
      append([10]),
      writeFailsAfter(80),
      append([20]),
      append([600]),
      crash(4),
    ),
  },
  {
    // The second append ends behind the zeros that were written during the first one's sync.
    name: "zeros written ahead over records",
    file: "src/log/writing/space-ahead.ts",
    find: "Math.max(position, this.#end);",
    replace: "this.#end === 0 ? position : this.#end;",
    caughtBy: program({ segmentBytes: 200_000 }, append([1]), append([66_000]), append([1]), kill()),
  },
  {
    // Power loss takes a part of the first record and leaves the second, which says that the first was synced.
    name: "written records called synced",
    file: "src/log/writing/writer.ts",
    find: "    batch.seal(this.#synced.offset);\n    const offset",
    replace: "    batch.seal(this.#writtenChain.nextOffset);\n    const offset",
    caughtBy: program({ sync: "onFlush", spaceAhead: false }, append([1200]), append([1]), crash(33)),
  },
];
