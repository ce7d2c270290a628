// Defects in what is made of a log that nobody has closed.
import { CONTROL_COMPUTED_CRC_AT, VERDICT_CRC } from "../../../assembly/control.ts";
import { RECORD_EXTRA_BYTES } from "../../../assembly/layout.ts";
import { append, close, crash, fails, flush, kill, program, read, verify, writeIsShort } from "../short-steps.ts";
import type { PlantedDefect } from "./defect.ts";

export const DEFECTS_IN_RECOVERING: readonly PlantedDefect[] = [
  {
    // The process dies when a part of the record is in the file, with space written ahead behind it: zeros.
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
    caughtBy: program({}, append([1]), writeIsShort(200), kill(1), append([300])),
  },
  {
    // The next record goes where recovery ended.
    name: "off-by-one cut",
    file: "src/log/recovery/recover.ts",
    find: "  const position = scan.position + scan.header(count) - scan.header(0);\n",
    replace: "  const position = scan.position + scan.header(count) - scan.header(0) + 1;\n",
    caughtBy: program({}, append([1]), append([2]), kill(), append([3]), kill()),
  },
  {
    // The process dies when the first of two records is in the file.
    name: "torn append half kept",
    file: "src/log/recovery/recover.ts",
    find: "    const count = scan.committedCount();\n",
    replace: "    const count = scan.count;\n",
    caughtBy: program({ spaceAhead: false }, flush(), writeIsShort(100), kill(1), append([1, 2])),
  },
  {
    name: "torn tail not cut",
    file: "src/log/recovery/stream-start.ts",
    find: "  if (tail.fileBytes > tail.position) file.truncate(tail.position);\n",
    replace: "",
    caughtBy: program({ spaceAhead: false }, flush(), writeIsShort(300), kill(1), append([400]), append([1]), close()),
  },
  {
    // Most of what there is is the first record, and it is not the last.
    name: "corruption taken for a torn tail",
    file: "src/log/recovery/recover.ts",
    find: "wasSynced(window, segment, bad, fileBytes, maxRecordBytes));",
    replace: "wasSynced(window, segment, bad, 0, maxRecordBytes));",
    caughtBy: program({}, append([5000]), { do: "decay", stream: 0, place: 3000, bit: 0, closed: false }),
  },
  {
    // The place is in the last record: behind it nothing tells but the index.
    name: "sealed page not taken for evidence",
    file: "src/log/recovery/recover.ts",
    find: "  if (chain.nextOffset >= sealedOffset || tail.corruption !== null) return tail;\n",
    replace: "  if (chain.nextOffset >= 0 || sealedOffset > 0) return tail;\n",
    caughtBy: program({ spaceAhead: false }, { do: "decay", stream: 0, place: 460, bit: 0, closed: true }),
  },
  {
    // The failed sync has left pages that pass for clean: a sync alone writes nothing of them.
    name: "tail not rewritten after an unclean end",
    file: "src/log/recovery/stream-start.ts",
    find: "  if (unclean) {\n",
    replace: "  if (unclean && file === null) {\n",
    caughtBy: program({}, flush(), fails("sync"), append([3000]), kill(), flush(), crash("nothing")),
  },
  {
    // The index's last page begins with record 1016; the sync that failed was one of those before it too.
    name: "records before the index's last page not rewritten",
    file: "src/log/recovery/recover.ts",
    find: "    if (tail.unsyncedFrom < first.offset) {\n",
    replace: "    if (tail.unsyncedFrom < 0) {\n",
    caughtBy: program(
      { sync: "onFlush" },
      flush(),
      fails("sync"),
      { do: "appendMany", stream: 0, count: 1100 },
      flush(),
      kill(),
      flush(),
      crash("nothing"),
    ),
  },
  {
    name: "tail not synced after an unclean end",
    file: "src/log/recovery/stream-start.ts",
    find: "  file.syncNow();\n}\n\n// The process that made",
    replace: "}\n\n// The process that made",
    caughtBy: program({ sync: "onFlush" }, append([1]), read(), kill(), flush(), crash("nothing")),
  },
  {
    // The first process dies when it has made the stream's folder, the second when it has made the segment: neither has
    // synced the folder's name.
    name: "names that a dead process made not synced",
    file: "src/log/recovery/stream-start.ts",
    find: "  if (tail.sealedPage === null) syncNames(place);",
    replace: "  if (tail.sealedPage === null) files.folder(place.folder).syncNow();",
    caughtBy: program({}, kill(19), flush(), kill(27), flush(), append([1]), crash("nothing")),
  },
  {
    // Of two names the power loss leaves the later one, and it tells of a segment that is lost.
    name: "files made beside a segment before its name is durable",
    file: "src/log/recovery/stream-start.ts",
    find: "  if (index === null || checkpoints === null) files.folder(place.folder).syncNow();\n",
    replace: "",
    caughtBy: program(
      { spaceAhead: false },
      kill(),
      { do: "follow", stream: 0, beside: false },
      kill(10),
      append([0]),
      crash(1_878_080_761, 23, true),
    ),
  },
  {
    // The name of the lock survives, and that of log.json does not.
    name: "name of a new log not synced",
    file: "src/log/open.ts",
    find: "  files.folder(directory).syncNow();\n",
    replace: "",
    caughtBy: program({}, crash(0, 17), flush()),
  },
  {
    // The same, when the process that made the log had died before it synced the name.
    name: "lock made before the name of its log is durable",
    file: "src/log/open.ts",
    find: "  if (found !== null && !settings.readOnly) syncNameBeforeOthers(runtime, path);\n",
    replace: "",
    caughtBy: program({}, kill(9), { do: "follow", stream: 0, beside: false }, crash(0)),
  },
  {
    // An index page was on the disk as it was before it was full, and the one behind it too.
    name: "index page not filled that a crash left behind",
    file: "src/log/recovery/stream-start.ts",
    find: "|| pages.count(0) < PAGE_ENTRIES ||",
    replace: "||",
    caughtBy: {
      ...program(
        { segmentBytes: 100_000, spaceAhead: false },
        append([0]),
        crash("all"),
        { do: "appendMany", stream: 0, count: 1045 },
        append([0]),
        crash(77),
        append([30_000]),
        verify(),
      ),
      sectorBytes: 4096,
    },
  },
  {
    name: "identity of a new log not synced",
    file: "src/log/open.ts",
    find: 'encodeIdentity(identity, crc32), "synced");',
    replace: 'encodeIdentity(identity, crc32), "cached");',
    caughtBy: program({}, append([1]), crash("nothing")),
  },
];
