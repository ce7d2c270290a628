// Defects that the simulation must find. Each is a change to one place of the shipping code; the copy that has it is
// searched like the code that ships.

import { CONTROL_COMPUTED_CRC_AT, VERDICT_CRC } from "../../assembly/control.ts";
import { RECORD_EXTRA_BYTES } from "../../assembly/layout.ts";

export interface PlantedDefect {
  readonly name: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** A program that catches it: SEED:INDEX, as `npm run simulate -- --planted NAME` finds them. */
  readonly caughtBy: string;
}

export const PLANTED_DEFECTS: readonly PlantedDefect[] = [
  {
    name: "skipped sync",
    caughtBy: "1:1",
    file: "src/log/writer.ts",
    find: "void this.#segment.file\n      .sync()\n",
    replace: "void Promise.resolve()\n",
  },
  {
    name: "missing folder sync",
    caughtBy: "1:5",
    file: "src/log/segment.ts",
    find: "  yield files.folder(place.folder);\n",
    replace: "",
  },
  {
    name: "sync retried after failure",
    caughtBy: "1:12",
    file: "src/log/writer.ts",
    find: "        this.#syncing = false;\n        this.#fail(error);\n",
    replace: "        this.#syncing = false;\n        void error;\n        this.#startSync();\n",
  },
  {
    name: "accepted bad CRC",
    caughtBy: "1:7",
    file: "src/wasm/window.ts",
    find: "    return this.core.run.walk(this.pointer, this.available, maxRecordBytes);\n",
    replace: `    for (;;) {
      const expected = [CONTROL_NEXT_OFFSET_AT, CONTROL_TIMESTAMP_AT].map((at) => this.core.getControlNumber(at));
      const count = this.core.run.walk(this.pointer, this.available, maxRecordBytes);
      if (this.verdict !== ${VERDICT_CRC}) return count;
      const record = this.pointer + this.consumed;
      const end = record + ${RECORD_EXTRA_BYTES} + this.core.view.getUint32(record + 4, true);
      this.core.view.setUint32(end - 4, this.core.getControl(${CONTROL_COMPUTED_CRC_AT}), true);
      this.core.setControlNumber(CONTROL_NEXT_OFFSET_AT, expected[0] as number);
      this.core.setControlNumber(CONTROL_TIMESTAMP_AT, expected[1] as number);
    }
`,
  },
  {
    name: "acknowledged before synced",
    caughtBy: "1:1",
    file: "src/log/writer.ts",
    find: "      this.#waiters.add(waiter);\n",
    replace: "      this.#waiters.add(waiter);\n      waiter.resolve();\n",
  },
  {
    name: "acknowledged by an older sync",
    caughtBy: "5:152",
    file: "src/log/writer.ts",
    find: "    this.#waiters.resolveUpTo(target.offset);\n",
    replace: "    this.#waiters.resolveUpTo(this.#writtenChain.nextOffset);\n",
  },
  {
    name: "shown before synced",
    caughtBy: "5:25",
    file: "src/log/writer.ts",
    find: "    if (this.#syncsAppends) return this.#synced;\n",
    replace: "",
  },
  {
    name: "off-by-one cut",
    caughtBy: "1:0",
    file: "src/log/recover.ts",
    find: "    position = scan.position + scan.header(count) - scan.header(0);\n",
    replace: "    position = scan.position + scan.header(count) - scan.header(0) + 1;\n",
  },
  {
    name: "index ahead of its log: sealed before the segment is synced",
    caughtBy: "1:7",
    file: "src/log/index-writer.ts",
    find: "pages.finish(slot, sealed && slot === this.#used - 1, this.#crcSeed)",
    replace: "pages.finish(slot, slot === this.#used - 1, this.#crcSeed)",
  },
  {
    name: "index believed without a look at the log",
    caughtBy: "1:122",
    file: "src/log/recover.ts",
    find: "tail?.position === fileBytes && tail.chain.nextOffset === closedOffset;",
    replace: "tail !== null;",
  },
  {
    name: "torn append half kept",
    caughtBy: "1:7",
    file: "src/log/recover.ts",
    find: "    const count = scan.committedCount();\n",
    replace: "    const count = scan.count;\n",
  },
  {
    name: "short write taken for whole",
    caughtBy: "1:0",
    file: "src/log/segment-writer.ts",
    find: "for (let done = 0; done < bytes; ) done += file.write(batch.sealed(done), position + done);",
    replace: "file.write(batch.sealed(0), position);",
  },
  {
    name: "corruption taken for a torn tail",
    caughtBy: "1:95",
    file: "src/log/recover.ts",
    find: "wasSynced(window, segment, bad, fileBytes, maxRecordBytes));",
    replace: "wasSynced(window, segment, bad, 0, maxRecordBytes));",
  },
  {
    name: "sealed page not taken for evidence",
    caughtBy: "2:29",
    file: "src/log/recover.ts",
    find: "  if (chain.nextOffset >= sealedOffset || tail.corruption !== null) return tail;\n",
    replace: "  if (chain.nextOffset >= 0 || sealedOffset > 0) return tail;\n",
  },
  {
    name: "failed write not cut back",
    caughtBy: "1:187",
    file: "src/log/segment-writer.ts",
    find: "      this.#cutBack();\n",
    replace: "",
  },
  {
    name: "failed write that drops what had resolved",
    caughtBy: "1:0",
    file: "src/log/writer.ts",
    find: "      if (this.#syncsAppends) this.#giveUpBatch(error);\n",
    replace: "      this.#giveUpBatch(error);\n",
  },
  {
    name: "next segment begun before the last is synced",
    caughtBy: "1:5",
    file: "src/log/writer.ts",
    find: "    return this.#untilSynced().then(() => runBeside(this.#startNextSegment()));\n",
    replace: "    this.#tryDrain();\n    return Promise.resolve().then(() => runBeside(this.#startNextSegment()));\n",
  },
  {
    name: "lock of a live process taken over",
    caughtBy: "1:1",
    file: "src/log/lock.ts",
    find: "return runtime.processes.isAlive(holder) === false;",
    replace: "return runtime.processes.isAlive(holder) !== null;",
  },
  {
    name: "expected offset not compared",
    caughtBy: "1:0",
    file: "src/log/writer.ts",
    find: "if (expectedOffset !== undefined && expectedOffset !== firstOffset) {",
    replace: "if (expectedOffset !== undefined && expectedOffset < 0) {",
  },
  {
    name: "clock believed when it goes back",
    caughtBy: "1:8",
    file: "src/log/writer.ts",
    find: "this.#timestamp = Math.max(this.#timestamp, this.#place.runtime.clock.nowMicros());",
    replace: "this.#timestamp = this.#place.runtime.clock.nowMicros();",
  },
  {
    name: "follower that skips",
    caughtBy: "1:52",
    file: "src/log/follow.ts",
    find: "    if (offset >= from) yield new LogRecord(own, at, index, offset);\n",
    replace: "    if (offset > from || from === 0) yield new LogRecord(own, at, index, offset);\n",
  },
  {
    name: "torn tail cut by a reader",
    caughtBy: "1:7",
    file: "src/log/stream-start.ts",
    find: "    const { position, corruption: damage } = tail;\n",
    replace:
      '    const { position, corruption: damage } = tail;\n    if (tail.torn !== null) openSegment(segments.place, number, "write").file.truncate(position);\n',
  },
];
