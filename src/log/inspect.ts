// What a stream is made of, for people and programs that look after it.
import { PAGE_BYTES } from "../../assembly/layout.ts";
import { toHex } from "../format/hex.ts";
import { segmentFileName } from "../format/segment-header.ts";
import type { LogSettings } from "./options.ts";
import type { SegmentFiles } from "./segments/segment-files.ts";
import type { StreamEnd } from "./segments/stream-end.ts";
import { problemOf, type VerifyProblem } from "./verification/verify-report.ts";
import type { StreamWriter } from "./writing/writer.ts";

export interface SegmentInspection {
  readonly file: string;
  readonly number: number;
  readonly firstOffset: number;
  readonly records: number;
  /** Length of the file. */
  readonly bytes: number;
  /** µs since the Unix epoch. */
  readonly created: number;
  readonly indexPages: number;
}

export interface StreamInspection {
  readonly stream: string;
  readonly nextOffset: number;
  readonly head: string;
  /** What keeps more from being counted, when the end was found damaged; `verify` looks at the rest. */
  readonly damage: VerifyProblem | null;
  readonly bytes: number;
  readonly segments: readonly SegmentInspection[];
  /** Who hashes payloads: `"auto"` means the runtime from that many bytes on, the core below; `null`: never. */
  readonly hashEngine: {
    readonly choice: string;
    readonly nativeFromBytes: number | null;
    readonly nativeFromBytesForOne: number | null;
  };
  /** Why the index could not be written lately; `null` when all is well. */
  readonly indexFailure: string | null;
}

export function inspectStream(
  files: SegmentFiles,
  settings: LogSettings,
  end: StreamEnd,
  writer: StreamWriter | null,
): StreamInspection {
  const segments: SegmentInspection[] = [];
  for (let number = 0; number < files.count; number++) {
    const { header, file, index } = files.get(number);
    const next = number + 1 < files.count ? files.firstOffset(number + 1) : end.offset;
    segments.push({
      file: segmentFileName(number),
      number,
      firstOffset: header.firstOffset,
      records: Math.max(0, next - header.firstOffset),
      bytes: file.size(),
      created: header.created,
      indexPages: Math.ceil((index?.size() ?? 0) / PAGE_BYTES),
    });
  }
  const { engine } = settings;
  return {
    stream: files.place.stream,
    nextOffset: end.offset,
    head: toHex(end.head),
    damage: end.damage === null ? null : problemOf(end.damage),
    bytes: segments.reduce((sum, { bytes }) => sum + bytes, 0),
    segments,
    hashEngine: {
      choice: engine.name,
      nativeFromBytes: engine.nativeFrom,
      nativeFromBytesForOne: engine.nativeFromSingle,
    },
    indexFailure: writer?.index.failure?.message ?? null,
  };
}
