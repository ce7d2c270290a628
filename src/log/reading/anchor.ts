// Checkpoints of the log as places to verify from: finding the nearest, and telling a wrong one from damaged records.
import { CorruptionError, failure, StorageError } from "../../errors.ts";
import { toHex } from "../../format/hex.ts";
import type { LogSettings } from "../options.ts";
import { CheckpointEntries, type FoundCheckpoint } from "../segments/checkpoint-file.ts";
import type { SegmentFiles } from "../segments/segment-files.ts";
import type { StreamScan, StreamScanStart } from "./stream-scan.ts";

/** A checkpoint and the segment beside which it stands. */
export interface PlacedCheckpoint extends FoundCheckpoint {
  readonly segment: number;
}

/**
 * The newest checkpoint that covers no more than `offset` records and that the settings let count, beside one of the
 * segments from `newest` down to `oldest`. A file that is bad or cannot be read costs a place to begin at and no more.
 */
export function findAnchor(
  segments: SegmentFiles,
  settings: LogSettings,
  { newest, oldest, offset }: { newest: number; oldest: number; offset: number },
): PlacedCheckpoint | null {
  for (let number = newest; number >= oldest; number--) {
    try {
      const found = nearestBeside(segments, number, settings, offset);
      if (found !== null) return found;
    } catch (error) {
      if (!(error instanceof StorageError || error instanceof CorruptionError)) throw error;
    }
  }
  return null;
}

/** The newest checkpoint of all that the settings let count. @throws {StorageError} when that cannot be known */
export function latestCheckpoint(segments: SegmentFiles, settings: LogSettings): PlacedCheckpoint | null {
  for (let number = segments.count - 1; number >= 0; number--) {
    const found = nearestBeside(segments, number, settings, Number.MAX_SAFE_INTEGER);
    if (found !== null) return found;
  }
  return null;
}

function nearestBeside(
  segments: SegmentFiles,
  number: number,
  settings: LogSettings,
  offset: number,
): PlacedCheckpoint | null {
  const { path, header } = segments.get(number);
  const entries = CheckpointEntries.open(segments.place.runtime.files, path, header);
  try {
    const found = entries?.nearest(offset, settings.checkpoints.verifiers) ?? null;
    return found === null ? null : { ...found, segment: number };
  } finally {
    entries?.close();
  }
}

/** Where a scan that relies on a checkpoint begins. */
export function startAt({ segment, entry }: PlacedCheckpoint): StreamScanStart {
  return { segment, offset: entry.nextOffset, position: entry.position, timestamp: 0, head: entry.head };
}

/**
 * Holds a checkpoint against the scan's current run. Returns it while the scan is before its place, `null` when it was
 * found right.
 *
 * @throws {EvidenceError} `CHECKPOINT_CONTRADICTED` when the good records there have another head
 */
export function checkAgainst(checkpoint: PlacedCheckpoint, scan: StreamScan): PlacedCheckpoint | null {
  const { entry, segment, signedBy } = checkpoint;
  const { run, window } = scan;
  const { stream } = run.segment.header;
  const index = entry.nextOffset - run.offset;
  if (index > run.count) return checkpoint;
  // Before the first record of the run only that record's link tells.
  const found = index > 0 ? run.hash(index - 1) : window.linkAt(run.header(0));
  // Its place is no part of what it claims, and not under its signature: a wrong one has only cost the way here.
  if (found.every((byte, at) => byte === entry.head[at])) return null;
  throw failure("CHECKPOINT_CONTRADICTED", {
    stream,
    segment,
    nextOffset: entry.nextOffset,
    claimed: toHex(entry.head),
    found: toHex(found),
    key: signedBy?.id ?? "none",
  });
}
