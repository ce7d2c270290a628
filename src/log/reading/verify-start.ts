// Where the first record of a range really lies. An index may name a place within a payload that imitates records, so the
// records from the segment's start on are followed, each by its CRC.
import type { DiatremeError } from "../../errors.ts";
import { giveCore, takeCore } from "../../wasm/core-pool.ts";
import { RecordWindow } from "../../wasm/window.ts";
import type { LogSettings } from "../options.ts";
import type { StreamEnd } from "../segments/stream-end.ts";
import { type Locator, segmentStart } from "./locate.ts";
import { StreamScan, type StreamScanStart } from "./stream-scan.ts";

const WINDOW_BYTES = 256 << 10;

/**
 * The place of record `from`, which the stream has, or the fault that stands before it in its segment.
 *
 * @param beat - called between steps, to wait for when it gives a promise
 */
export async function findStart(
  at: Locator,
  settings: LogSettings,
  end: StreamEnd,
  from: number,
  beat: () => Promise<void> | null,
): Promise<{ start: StreamScanStart; fault: DiatremeError | null }> {
  const start = segmentStart(at, at.segments.find(from));
  if (start.offset === from) return { start, fault: null };
  const core = takeCore();
  const window = new RecordWindow(core, core.arena, WINDOW_BYTES);
  const scan = new StreamScan(window, at.segments, settings, { start, end, level: "crc", to: from });
  let place = start;
  try {
    while (scan.next()) {
      const { run } = scan;
      const offset = run.offset + run.count;
      place = {
        segment: run.segment.header.number,
        offset,
        position: run.position + run.bytes,
        timestamp: 0,
        head: null,
      };
      const pause = beat();
      if (pause !== null) await pause;
    }
    return { start: place, fault: scan.fault };
  } finally {
    scan.close();
    giveCore(core);
  }
}
