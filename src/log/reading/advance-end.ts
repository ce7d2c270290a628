// Moves a reader's end over what a writer in another process has added since, by checking just that.
import { SEGMENT_HEADER_BYTES } from "../../../assembly/layout.ts";
import { CorruptionError } from "../../errors.ts";
import { giveCore, takeCore } from "../../wasm/core-pool.ts";
import { RecordWindow } from "../../wasm/window.ts";
import type { LogSettings } from "../options.ts";
import type { SegmentFiles } from "../segments/segment-files.ts";
import type { KnownEnd } from "../segments/stream-end.ts";
import { SegmentScan } from "./scan.ts";

// More than this is found faster by the index.
const MOST_BYTES = 1 << 20;
const WINDOW_BYTES = 64 << 10;

/**
 * The end behind the complete appends that follow a known end; `null` when they are too many, or when something is there
 * that only a look at the whole can explain.
 */
export function advanceEnd(segments: SegmentFiles, settings: LogSettings, known: KnownEnd): KnownEnd | null {
  if (known.damage !== null) return null;
  const core = takeCore();
  const window = new RecordWindow(core, core.arena, WINDOW_BYTES);
  try {
    let end = known;
    for (;;) {
      const isFollowed = segments.exists(end.segment + 1);
      // Asked after that: a segment that is followed has its last length.
      const bytes = segments.get(end.segment).file.size();
      if (bytes - end.position > MOST_BYTES) return null;
      end = scanOn(window, segments, settings, end, bytes);
      if (!isFollowed) return end.offset > known.offset || end.segment > known.segment ? end : null;
      if (end.position !== bytes) return null;
      segments.grow(end.segment + 2);
      const { header } = segments.get(end.segment + 1);
      if (header.firstOffset !== end.offset) return null;
      const place = { segment: end.segment + 1, position: SEGMENT_HEADER_BYTES };
      end = { ...end, ...place, salt: header.salt, trailer: null };
    }
  } catch (error) {
    if (error instanceof CorruptionError) return null;
    throw error;
  } finally {
    giveCore(core);
  }
}

// Behind the last complete append before `bytes`; what follows it may be still being written.
function scanOn(
  window: RecordWindow,
  segments: SegmentFiles,
  settings: LogSettings,
  from: KnownEnd,
  bytes: number,
): KnownEnd {
  const { engine, maxRecordBytes } = settings;
  const start = { offset: from.offset, position: from.position, timestamp: 0, head: from.head };
  const scan = new SegmentScan(window, segments.get(from.segment), start, {
    level: "chain",
    engine,
    maxRecordBytes,
    end: bytes,
    endHash: null,
    showUnproved: true,
  });
  let end = from;
  while (scan.next()) {
    const count = scan.committedCount();
    if (count === 0) continue;
    const position = scan.position + scan.header(count) - scan.header(0);
    const last = count - 1;
    end = {
      ...from,
      position,
      offset: scan.offset + count,
      head: scan.hash(last).slice(),
      trailer: scan.trailer(last),
    };
  }
  return end;
}
