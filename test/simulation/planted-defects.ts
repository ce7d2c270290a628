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
}

export const PLANTED_DEFECTS: readonly PlantedDefect[] = [
  {
    name: "skipped sync",
    file: "src/log/writer.ts",
    find: "void this.#segment.file\n      .sync()\n",
    replace: "void Promise.resolve()\n",
  },
  {
    name: "missing folder sync",
    file: "src/log/segment.ts",
    find: "  yield files.folder(place.folder);\n",
    replace: "",
  },
  {
    name: "names of a killed process not made durable",
    file: "src/log/stream-start.ts",
    find: "  if (tail.sealedPage === null) syncNames(place);\n  else if",
    replace: "  if",
  },
  {
    name: "sync retried after failure",
    file: "src/log/writer.ts",
    find: "        this.#syncing = false;\n        this.#fail(error);\n",
    replace: "        this.#syncing = false;\n        void error;\n        this.#startSync();\n",
  },
  {
    name: "failed sync that does not poison",
    file: "src/log/writer.ts",
    find: "        this.#syncing = false;\n        this.#fail(error);\n",
    replace: "        this.#syncing = false;\n        this.#waiters.rejectAll(error);\n",
  },
  {
    name: "accepted bad CRC",
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
    file: "src/log/writer.ts",
    find: "      this.#waiters.add(waiter);\n",
    replace: "      this.#waiters.add(waiter);\n      waiter.resolve();\n",
  },
  {
    name: "acknowledged by an older sync",
    file: "src/log/writer.ts",
    find: "    this.#waiters.resolveUpTo(target.offset);\n",
    replace: "    this.#waiters.resolveUpTo(this.#writtenChain.nextOffset);\n",
  },
  {
    name: "shown before synced",
    file: "src/log/writer.ts",
    find: "    if (this.#syncsAppends) return this.#synced;\n",
    replace: "",
  },
  {
    name: "off-by-one cut",
    file: "src/log/recover.ts",
    find: "    position = scan.position + scan.header(count) - scan.header(0);\n",
    replace: "    position = scan.position + scan.header(count) - scan.header(0) + 1;\n",
  },
  {
    name: "index ahead of its log: sealed before the segment is synced",
    file: "src/log/index-writer.ts",
    find: "pages.finish(slot, sealed && slot === this.#used - 1, this.#crcSeed)",
    replace: "pages.finish(slot, slot === this.#used - 1, this.#crcSeed)",
  },
  {
    name: "index believed without a look at the log",
    file: "src/log/recover.ts",
    find: "      const tail = last.position < fileBytes ? scanTail(window, segment, last, null, fileBytes, settings) : null;\n      const closedHere = tail?.position === fileBytes && tail.chain.nextOffset === sealedOffset;\n",
    replace:
      "      const tail = scanTail(window, segment, last, null, fileBytes, settings);\n      const closedHere = tail !== null;\n",
  },
  {
    name: "torn append half kept",
    file: "src/log/recover.ts",
    find: "    const count = scan.committedCount();\n",
    replace: "    const count = scan.count;\n",
  },
  {
    name: "tail not written again after an unclean end",
    file: "src/log/stream-start.ts",
    find: "  if (unclean) {\n",
    replace: "  if (unclean && tail.position < 0) {\n",
  },
  {
    name: "tail written again only from the last index page on",
    file: "src/log/recover.ts",
    find: "    if (tail.unsyncedFrom < first.offset) {\n",
    replace: "    if (tail.unsyncedFrom < 0) {\n",
  },
  {
    name: "short write taken for whole",
    file: "src/log/segment-writer.ts",
    find: "for (let done = 0; done < bytes; ) done += file.write(batch.sealed(done), position + done);",
    replace: "file.write(batch.sealed(0), position);",
  },
  {
    name: "corruption taken for a torn tail",
    file: "src/log/recover.ts",
    find: "wasSynced(window, segment, bad, fileBytes, maxRecordBytes));",
    replace: "wasSynced(window, segment, bad, 0, maxRecordBytes));",
  },
  {
    name: "sealed page not taken for evidence",
    file: "src/log/recover.ts",
    find: "  if (chain.nextOffset >= sealedOffset || tail.corruption !== null) return tail;\n",
    replace: "  if (chain.nextOffset >= 0 || sealedOffset > 0) return tail;\n",
  },
  {
    name: "failed write not cut back",
    file: "src/log/segment-writer.ts",
    find: "      this.#cutBack();\n",
    replace: "",
  },
  {
    name: "cut not durable before the next segment",
    file: "src/log/segment-writer.ts",
    find: "if (this.#cutUnsynced || this.#ahead.reachesBeyond(this.#position)) {",
    replace: "if (this.#ahead.reachesBeyond(this.#position)) {",
  },
  {
    name: "cut behind a sealed end not made durable",
    file: "src/log/stream-start.ts",
    find: "  file.syncNow();\n  if (tail.sealedPage === null) syncNames(place);\n",
    replace: "  if (tail.sealedPage === null) file.syncNow();\n  if (tail.sealedPage === null) syncNames(place);\n",
  },
  {
    name: "failed write that drops what had resolved",
    file: "src/log/writer.ts",
    find: "      if (this.#syncsAppends) this.#giveUpBatch(error);\n",
    replace: "      this.#giveUpBatch(error);\n",
  },
  {
    name: "next segment begun before the last is synced",
    file: "src/log/writer.ts",
    find: "    this.#rotation = this.#untilSynced()\n",
    replace: "    this.#tryDrain();\n    this.#rotation = Promise.resolve()\n",
  },
  {
    name: "lock of a live process taken over",
    file: "src/log/lock.ts",
    find: "return runtime.processes.isAlive(holder) === false;",
    replace: "return runtime.processes.isAlive(holder) !== null;",
  },
  {
    name: "expected offset not compared",
    file: "src/log/writer.ts",
    find: "if (expectedOffset !== undefined && expectedOffset !== firstOffset) {",
    replace: "if (expectedOffset !== undefined && expectedOffset < 0) {",
  },
  {
    name: "clock believed when it goes back",
    file: "src/log/writer.ts",
    find: "this.#timestamp = Math.max(this.#timestamp, this.#place.runtime.clock.nowMicros());",
    replace: "this.#timestamp = this.#place.runtime.clock.nowMicros();",
  },
  {
    name: "follower that skips",
    file: "src/log/follow.ts",
    find: "    if (offset >= from) yield new LogRecord(own, at, index, offset);\n",
    replace: "    if (offset > from || from === 0) yield new LogRecord(own, at, index, offset);\n",
  },
  {
    name: "append that waits for room forgotten when a write fails",
    file: "src/log/writer.ts",
    find: "      this.#admitQueued();\n      return;\n    }\n    const before",
    replace: "      return;\n    }\n    const before",
  },
  {
    name: "torn tail cut by a reader",
    file: "src/log/stream-start.ts",
    find: "    const { position, corruption: damage } = tail;\n",
    replace:
      '    const { position, corruption: damage } = tail;\n    if (tail.torn !== null) openSegment(segments.place, number, "write").file.truncate(position);\n',
  },
];
