// Checks a whole stream: every record, every link, every segment's header, the index beside it. Damage is the report's
// content, not an exception.
import { SEGMENT_HEADER_BYTES } from "../../assembly/layout.ts";
import { openCheckpoint } from "../crypto/checkpoint-note.ts";
import { DiatremeError } from "../errors.ts";
import { toHex } from "../format/hex.ts";
import type { LogSettings } from "./options.ts";
import { OutsideEvidence } from "./outside-evidence.ts";
import type { SegmentFiles } from "./segment-files.ts";
import type { StreamEnd } from "./stream-end.ts";
import { RangeVerifier } from "./verify-range.ts";
import {
  problemOf,
  statementsOn,
  type VerifyOptions,
  type VerifyProgress,
  type VerifyReport,
} from "./verify-report.ts";

const TURN_MS = 10;
const PROGRESS_MS = 250;

export async function verifyStream(
  segments: SegmentFiles,
  settings: LogSettings,
  end: StreamEnd,
  options: VerifyOptions,
): Promise<VerifyReport> {
  const { clock } = settings;
  const { verifiers } = settings.checkpoints;
  const texts = typeof options.against === "string" ? [options.against] : (options.against ?? []);
  const opened = texts.map((text) => openCheckpoint(text, verifiers));
  const outside = new OutsideEvidence(segments.place, opened);
  const started = clock.monotonicMs();
  let fault: DiatremeError | null = null;
  let range: RangeVerifier | null = null;
  const progress = (): VerifyProgress => {
    const { records, bytes } = range ?? { records: 0, bytes: 0 };
    const elapsedMs = clock.monotonicMs() - started;
    const remainingMs = records === 0 ? Infinity : (elapsedMs / records) * (end.offset - records);
    return { records, totalRecords: end.offset, bytes, elapsedMs, remainingMs };
  };
  try {
    const { genesis } = segments.get(0);
    const start = { segment: 0, offset: 0, position: SEGMENT_HEADER_BYTES, timestamp: 0, head: genesis };
    range = new RangeVerifier(segments, settings, { start, end, wantedHeads: outside.wantedHeads });
    let turnStarted = started;
    let reported = started;
    while (range.step()) {
      const now = clock.monotonicMs();
      if (now - reported >= PROGRESS_MS) {
        reported = now;
        options.onProgress?.(progress());
      }
      if (now - turnStarted >= TURN_MS) {
        await clock.pause();
        turnStarted = clock.monotonicMs();
      }
      options.signal?.throwIfAborted();
      segments.checkOpen();
    }
    fault = range.fault ?? end.damage;
    if (fault === null) segments.get(end.segment);
    outside.compare(range.heads);
    const { agreedTo, fault: contradiction } = range.checkpoints;
    if (fault === null) outside.finish(end.offset, end.head, agreedTo === end.offset);
    fault ??= contradiction ?? outside.fault;
  } catch (error) {
    if (!(error instanceof DiatremeError)) throw error;
    fault = error;
  } finally {
    range?.close();
  }
  options.onProgress?.(progress());
  const checkpoints = range?.checkpoints.counts ?? { agreed: 0, signed: 0, passedOver: 0 };
  const publicKeys = verifiers.map(({ publicKey }) => publicKey);
  return {
    stream: segments.place.stream,
    ok: fault === null,
    records: range?.records ?? 0,
    bytes: range?.bytes ?? 0,
    segments: segments.count,
    nextOffset: end.offset,
    head: toHex(range?.head ?? new Uint8Array()),
    problem: fault === null ? null : problemOf(fault),
    index: range?.indexProblems ?? [],
    checkpoints,
    evidence: outside.found,
    publicKeys: publicKeys.map(({ id }) => id),
    ...statementsOn({ end, fault, checkpoints, outside, publicKeys }),
    elapsedMs: clock.monotonicMs() - started,
  };
}
