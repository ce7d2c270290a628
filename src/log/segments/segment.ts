// One segment file, open: its checked header and what its records join to. Knows nothing of what follows the header.
import {
  GENESIS_BYTES,
  SEGMENT_HEADER_BYTES,
  SEGMENT_MAX_BYTES,
  SEGMENT_SALT_BYTES,
} from "../../../assembly/layout.ts";
import { DiatremeError, failure, isFailure } from "../../errors.ts";
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  type SegmentHeader,
  segmentFileName,
} from "../../format/segment-header.ts";
import type { FileAccess, Files, Runtime, RuntimeFile } from "../../runtime.ts";
import { crc32, hashingCore } from "../../wasm/hashing-core.ts";
import { timeNotBefore } from "./stored-time.ts";
import type { SyncSteps } from "./sync-steps.ts";
import { writeWhole } from "./write-whole.ts";

/** What all segments of a stream have in common. */
export interface StreamPlace {
  readonly runtime: Runtime;
  readonly logId: string;
  readonly stream: string;
  /** The stream's folder. */
  readonly folder: string;
}

export interface Segment {
  readonly path: string;
  readonly file: RuntimeFile;
  readonly header: SegmentHeader;
  /** CRC-32 of the salt: where the CRC of every record of this segment starts. */
  readonly crcSeed: number;
  /** For segment 0 the hash that record 0 links to, else `null`. */
  readonly genesis: Uint8Array | null;
}

/**
 * Opens a segment and checks its header.
 *
 * @param staging - given to read it past the system's cache, where that can be done: whole pages of memory
 * @throws {CorruptionError} `SEGMENT_MISSING`, `SEGMENT_HEADER_INVALID`
 */
export function openSegment(
  place: StreamPlace,
  number: number,
  access: FileAccess,
  staging: Uint8Array | null = null,
): Segment {
  const path = segmentPath(place, number);
  const { files } = place.runtime;
  let file: RuntimeFile;
  try {
    file = (staging === null ? null : files.openDirect(path, staging)) ?? files.open(path, access);
  } catch (error) {
    if (!isFailure(error, "FILE_NOT_FOUND")) throw error;
    throw failure("SEGMENT_MISSING", { stream: place.stream, segment: number }, error);
  }
  try {
    const fileBytes = file.size();
    if (fileBytes > SEGMENT_MAX_BYTES) {
      const reason = `the file has ${fileBytes} bytes, a segment has ${SEGMENT_MAX_BYTES} at most`;
      throw failure("SEGMENT_HEADER_INVALID", { stream: place.stream, segment: number, condition: "S1", reason });
    }
    const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
    const header = decodeSegmentHeader(
      bytes.subarray(0, file.read(bytes, 0)),
      { logId: place.logId, stream: place.stream, segment: number, path },
      crc32,
    );
    return segmentOf(path, file, header, bytes);
  } catch (error) {
    file.close();
    throw error;
  }
}

/**
 * Makes an empty segment, durable with its name when the steps are done. A crash leaves the whole of it or nothing: the
 * header is synced under a temporary name first. Only for the holder of the write lock, so that nobody takes the name
 * between the look and the renaming.
 *
 * @throws {StorageError} `FILE_EXISTS` when the name is taken
 */
export function* createSegment(place: StreamPlace, start: { number: number; firstOffset: number }): SyncSteps<Segment> {
  const { runtime, logId, stream } = place;
  const { files } = runtime;
  const salt = new Uint8Array(SEGMENT_SALT_BYTES);
  runtime.random(salt);
  const header: SegmentHeader = { ...start, created: timeNotBefore(runtime.clock, 0), logId, stream, salt };
  const bytes = encodeSegmentHeader(header, crc32);
  const path = segmentPath(place, start.number);
  const temporary = `${place.folder}/.${segmentFileName(start.number)}.tmp`;
  files.remove(temporary);
  const file = files.open(temporary, "create");
  try {
    writeWhole(file, bytes, 0);
    yield file;
    if (files.kind(path) !== null) throw failure("FILE_EXISTS", { path });
    files.rename(temporary, path);
  } catch (error) {
    file.close();
    removeQuietly(files, temporary);
    throw error;
  }
  file.close();
  yield files.folder(place.folder);
  return segmentOf(path, files.open(path, "write"), header, bytes);
}

/** Opens a file beside a segment for writing, making it when it is missing. */
export function openOrMake(files: Files, path: string): RuntimeFile {
  return files.open(path, files.kind(path) === null ? "create" : "write");
}

// What stays behind under a temporary name means nothing, and the next open for writing removes it.
function removeQuietly(files: Files, path: string): void {
  try {
    files.remove(path);
  } catch (error) {
    if (!(error instanceof DiatremeError)) throw error;
  }
}

export function segmentPath(place: StreamPlace, number: number): string {
  return `${place.folder}/${segmentFileName(number)}`;
}

/** What a segment is, once its header's bytes are known to be `header`. */
export function segmentOf(path: string, file: RuntimeFile, header: SegmentHeader, bytes: Uint8Array): Segment {
  return {
    path,
    file,
    header,
    crcSeed: crc32(header.salt),
    genesis: header.number === 0 ? hashingCore().sha256(bytes.subarray(0, GENESIS_BYTES)) : null,
  };
}
