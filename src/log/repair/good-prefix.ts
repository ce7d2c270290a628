// Finds how far a stream is good, from its first record on: every header, every CRC, every link. What recovery does for
// the tail this does for the whole, and it looks at what follows where recovery would only refuse. Changes nothing.
import { RECORD_EXTRA_BYTES, SEGMENT_HEADER_BYTES } from "../../../assembly/layout.ts";
import { CorruptionError, type DiatremeError, failure, isFailure } from "../../errors.ts";
import { sameBytes } from "../../format/same-bytes.ts";
import { giveCore, takeCore } from "../../wasm/core-pool.ts";
import type { IndexPages } from "../../wasm/index-pages.ts";
import { RecordWindow } from "../../wasm/window.ts";
import type { LogSettings } from "../options.ts";
import { SegmentScan } from "../reading/scan.ts";
import { type BorderLink, endBefore, firstLink } from "../reading/segment-border.ts";
import { findTail } from "../recovery/recover.ts";
import type { TornTail } from "../recovery/torn-tail.ts";
import { checkpointedIn } from "../segments/checkpoint-file.ts";
import { openSegment, type Segment } from "../segments/segment.ts";
import type { SegmentFiles } from "../segments/segment-files.ts";
import { CheckpointCheck } from "../verification/checkpoint-check.ts";
import { IndexCheck } from "../verification/index-check.ts";
import { findWholeRecords, type WholeRecords } from "../verification/whole-records.ts";
import { writerPages } from "../writing/writer.ts";
import { type MendedSegment, mendHeader } from "./mend-header.ts";

/** Bytes of a segment that belong to no record of the stream, with the next segment going on right after them. */
export interface Surplus {
  readonly segment: number;
  readonly position: number;
  readonly bytes: number;
}

export interface GoodPrefix {
  /** Where the last complete append ends that joins to all before it. `segment` is -1 when not even a header is good. */
  readonly segment: number;
  readonly position: number;
  /** Offset that comes next: how many records are good. */
  readonly offset: number;
  /** Hash of the last of them; `null` when there is no segment to begin with. */
  readonly head: Uint8Array | null;
  /** What follows is damage. */
  readonly fault: DiatremeError | null;
  /** What follows is the rest of an append that never completed. */
  readonly torn: TornTail | null;
  /** Bytes of the last good segment that follow, zeros that were written ahead left out. */
  readonly bytesBehind: number;
  /** Whether the last good segment's index or checkpoints speak of records that follow: they would be missed. */
  readonly isMissed: boolean;
  /** Records behind the damage that are whole by themselves. */
  readonly wholeBehind: readonly WholeRecords[];
  readonly surplus: readonly Surplus[];
  /** Headers that can be mended, within what is good. */
  readonly mended: readonly { readonly segment: number; readonly headerBytes: Uint8Array; readonly reason: string }[];
  /** What is wrong with indexes of good segments. */
  readonly indexes: readonly { readonly segment: number; readonly reason: string }[];
  /** A checkpoint beside the segments says something else than the records that it covers, all of which are good. */
  readonly contradiction: DiatremeError | null;
}

const WINDOW_BYTES = 1 << 20;
const TURN_MS = 10;
// A writer may be at work while this looks; another look tells.
const LOOKS = 3;

/** A place behind a complete append, and what the next record must join. */
interface Joint {
  readonly offset: number;
  readonly position: number;
  readonly timestamp: number;
  readonly head: Uint8Array | null;
}

/**
 * @param gap - the error of segments that are missing behind the last of `files`
 * @param later - the numbers of the segments behind that gap
 * @throws {StorageError} when something cannot be read: that says nothing about what is good
 * @throws {UsageError} `LOG_VERSION_UNSUPPORTED`
 */
export async function findGoodPrefix(
  files: SegmentFiles,
  settings: LogSettings,
  { gap, later }: { gap: DiatremeError | null; later: readonly number[] },
): Promise<GoodPrefix> {
  const core = takeCore();
  try {
    const pages = writerPages(core);
    const window = new RecordWindow(core, pages.end, WINDOW_BYTES);
    return await new PrefixSearch(files, settings, { gap, later, pages, window }).run();
  } finally {
    files.close();
    giveCore(core);
  }
}

interface ScanRange {
  /** File position where the records end. */
  readonly end: number;
  /** What the segments behind say of the last record. */
  readonly next?: BorderLink | null;
  readonly showUnproved: boolean;
  /** Whether index and checkpoints are held against the records: once is enough. */
  readonly checksBeside: boolean;
}

class PrefixSearch {
  readonly #files: SegmentFiles;
  readonly #settings: LogSettings;
  readonly #gap: DiatremeError | null;
  readonly #later: readonly number[];
  readonly #pages: IndexPages;
  readonly #window: RecordWindow;
  readonly #surplus: Surplus[] = [];
  readonly #mended: { segment: number; headerBytes: Uint8Array; reason: string }[] = [];
  readonly #index: IndexCheck;
  readonly #checkpoints: CheckpointCheck;
  #turnStarted: number;

  constructor(
    files: SegmentFiles,
    settings: LogSettings,
    parts: { gap: DiatremeError | null; later: readonly number[]; pages: IndexPages; window: RecordWindow },
  ) {
    this.#files = files;
    this.#settings = settings;
    this.#gap = parts.gap;
    this.#later = parts.later;
    this.#pages = parts.pages;
    this.#window = parts.window;
    this.#index = new IndexCheck(parts.pages, files, files.count - 1);
    this.#checkpoints = new CheckpointCheck(files, settings, 0);
    this.#turnStarted = settings.clock.monotonicMs();
  }

  async run(): Promise<GoodPrefix> {
    try {
      return await this.#goThrough();
    } finally {
      this.#index.close();
      this.#checkpoints.close();
    }
  }

  async #goThrough(): Promise<GoodPrefix> {
    const { count } = this.#files;
    let joint: Joint = { offset: 0, position: SEGMENT_HEADER_BYTES, timestamp: 0, head: null };
    for (let number = 0; number < count; number++) {
      const before = number - 1;
      let segment: Segment;
      try {
        segment = this.#open(number, joint.offset);
      } catch (error) {
        if (!(error instanceof CorruptionError)) throw error;
        return this.#end(before, joint, { fault: error, wholeBehind: this.#wholeFrom(number) });
      }
      try {
        const { firstOffset, stream } = segment.header;
        if (firstOffset !== joint.offset) {
          const facts = { stream, segment: number, found: firstOffset, expected: joint.offset };
          const fault = failure("SEGMENT_OFFSET_WRONG", facts);
          return this.#end(before, joint, { fault, wholeBehind: this.#wholeFrom(number) });
        }
        const start = { ...joint, position: SEGMENT_HEADER_BYTES, head: segment.genesis ?? joint.head };
        const isNewest = number === count - 1 && this.#gap === null;
        const found = isNewest ? await this.#scanNewest(segment, start) : await this.#scanOlder(segment, start);
        if (found.fault !== null || found.torn !== null || isNewest) {
          const { fault, torn, bytesBehind } = found;
          const wholeBehind = fault === null ? [] : this.#wholeBehind(segment, found.joint.position, fault);
          return this.#end(number, found.joint, { fault, torn, bytesBehind, wholeBehind });
        }
        joint = found.joint;
      } finally {
        segment.file.close();
      }
    }
    return this.#end(count - 1, joint, { fault: this.#gap, wholeBehind: this.#wholeFrom(count) });
  }

  #end(segment: number, joint: Joint, rest: Partial<GoodPrefix>): GoodPrefix {
    this.#index.close();
    this.#checkpoints.close();
    const { problems, segments } = this.#index;
    const { contradiction } = this.#checkpoints.findings;
    return {
      segment,
      position: joint.position,
      offset: joint.offset,
      head: joint.head,
      fault: null,
      torn: null,
      bytesBehind: 0,
      isMissed: rest.fault !== undefined && rest.fault !== null && this.#speaksOfMore(segment, joint.offset),
      wholeBehind: [],
      ...rest,
      surplus: this.#surplus,
      mended: this.#mended.filter((one) => one.segment <= segment),
      indexes: problems
        .map((reason, i) => ({ segment: segments[i] as number, reason }))
        .filter((one) => one.segment <= segment),
      // One of records that are not good is a consequence of what is wrong with them.
      contradiction:
        contradiction === null || contradiction.nextOffset > joint.offset
          ? null
          : failure("CHECKPOINT_CONTRADICTED", contradiction),
    };
  }

  // Whether recovery would refuse the segment if it were the newest and ended before `offset`.
  #speaksOfMore(number: number, offset: number): boolean {
    if (number < 0 || this.#mended.some((one) => one.segment === number)) return true;
    const segment = this.#files.get(number);
    if (segment.indexFailure !== null) throw segment.indexFailure;
    const checkpointed = checkpointedIn(this.#files.place.runtime.files, segment);
    const hints = { indexFile: segment.index, checkpointed };
    const tail = findTail(this.#window, this.#pages, segment, hints, this.#settings);
    return tail.corruption !== null || tail.chain.nextOffset > offset;
  }

  #open(number: number, firstOffset: number): Segment {
    const { place } = this.#files;
    try {
      return openSegment(place, number, "read");
    } catch (error) {
      if (!isFailure(error, "SEGMENT_HEADER_INVALID")) throw error;
      const mended: MendedSegment | null = mendHeader(place, { number, firstOffset });
      if (mended === null) throw error;
      this.#mended.push({ segment: number, headerBytes: mended.headerBytes, reason: error.message });
      return mended;
    }
  }

  // A segment behind which others come: its records reach to its end, and the next segment goes on from there.
  async #scanOlder(
    segment: Segment,
    start: Joint,
  ): Promise<{ joint: Joint; fault: DiatremeError | null; torn: null; bytesBehind: number }> {
    const fileBytes = segment.file.size();
    const { number, stream } = segment.header;
    const next = firstLink(this.#files, number + 1, this.#filesEnd);
    const isProvedBy = (link: BorderLink | null, { offset, head }: Joint) =>
      link !== null && head !== null && link.offset === offset && sameBytes(link.link, head);
    const { joint, fault } = await this.#scan(segment, start, {
      end: fileBytes,
      showUnproved: true,
      checksBeside: true,
    });
    const bytesBehind = fileBytes - joint.position;
    const isEmpty = joint.position === SEGMENT_HEADER_BYTES;
    if (isProvedBy(next, joint) && !isEmpty) {
      if (bytesBehind > 0) this.#surplus.push({ segment: number, position: joint.position, bytes: bytesBehind });
      return { joint, fault: null, torn: null, bytesBehind };
    }
    if (fault === null && bytesBehind === 0 && !isEmpty && next?.offset !== joint.offset) {
      return { joint, fault, torn: null, bytesBehind };
    }
    const range = { end: fileBytes, next, checksBeside: false };
    const kept = await this.#scan(segment, start, { ...range, showUnproved: true });
    const judged = await this.#withoutContradicted(segment, start, range, kept);
    const { offset, position } = judged.joint;
    const place = { stream, segment: number, offset, position };
    const behind = fileBytes - position;
    const lacking = isEmpty ? failure("RECORD_TRUNCATED", { ...place, bytes: RECORD_EXTRA_BYTES, available: 0 }) : null;
    const incomplete = behind > 0 ? failure("APPEND_INCOMPLETE", place) : null;
    return { joint: judged.joint, fault: judged.fault ?? lacking ?? incomplete, torn: null, bytesBehind: behind };
  }

  // The last append before damage is kept though nothing proves it, unless a checkpoint says that it was another.
  async #withoutContradicted(
    segment: Segment,
    start: Joint,
    range: Omit<ScanRange, "showUnproved">,
    kept: { joint: Joint; fault: DiatremeError | null },
  ): Promise<{ joint: Joint; fault: DiatremeError | null }> {
    const { nextOffset = 0 } = this.#checkpoints.findings.contradiction ?? {};
    if (nextOffset <= start.offset || nextOffset > kept.joint.offset) return kept;
    const proved = await this.#scan(segment, start, { ...range, showUnproved: false });
    return proved.joint.offset < nextOffset ? proved : kept;
  }

  get #filesEnd(): { segment: number; position: number } {
    return { segment: this.#files.count - 1, position: Number.POSITIVE_INFINITY };
  }

  async #scanNewest(
    segment: Segment,
    start: Joint,
  ): Promise<{ joint: Joint; fault: DiatremeError | null; torn: TornTail | null; bytesBehind: number }> {
    for (let look = 1; ; look++) {
      const checkpointed = checkpointedIn(this.#files.place.runtime.files, segment);
      const fileBytes = segment.file.size();
      const checksBeside = look === 1;
      const { joint, fault } = await this.#scan(segment, start, { end: fileBytes, showUnproved: true, checksBeside });
      const { number } = segment.header;
      // Pages of the index that is being compared lie where the tail's search needs room.
      this.#index.close();
      const isMended = this.#mended.some((one) => one.segment === number);
      const beside = isMended ? null : this.#files.get(number);
      // It may say that what looks torn was synced.
      if (beside !== null && beside.indexFailure !== null) throw beside.indexFailure;
      const indexFile = beside?.index ?? null;
      const tail = findTail(this.#window, this.#pages, segment, { indexFile, checkpointed }, this.#settings);
      const isWithin = fault !== null && joint.position < tail.position;
      if (isWithin || tail.corruption !== null) {
        if (!isWithin && look < LOOKS) continue;
        const range = { end: fileBytes, checksBeside: false };
        const kept = { joint, fault: isWithin ? fault : tail.corruption };
        const judged = await this.#withoutContradicted(segment, start, range, kept);
        const bytesBehind = fileBytes - judged.joint.position;
        return { joint: judged.joint, fault: judged.fault ?? kept.fault, torn: null, bytesBehind };
      }
      const bytesBehind = fileBytes - joint.position;
      const { torn } = tail;
      return { joint, fault: null, torn, bytesBehind: torn === null ? 0 : bytesBehind };
    }
  }

  // Goes through a segment's records and stops behind the last complete append that passes.
  async #scan(
    segment: Segment,
    start: Joint,
    { end, next = null, showUnproved, checksBeside }: ScanRange,
  ): Promise<{ joint: Joint; fault: DiatremeError | null }> {
    const { engine, maxRecordBytes, clock } = this.#settings;
    const scan = new SegmentScan(this.#window, segment, start, {
      level: "chain",
      engine,
      maxRecordBytes,
      end,
      ...endBefore(next, this.#files, this.#settings, this.#filesEnd),
      showUnproved,
    });
    let joint = start;
    // A mended header is not in the file yet, so that the index has nothing to be held against.
    const isMended = this.#mended.some((one) => one.segment === segment.header.number);
    while (scan.next()) {
      if (checksBeside && !isMended) {
        this.#index.check(scan);
        this.#checkpoints.check(scan, this.#window.linkAt(scan.header(0)));
      }
      const count = scan.committedCount();
      if (count > 0) {
        joint = {
          offset: scan.offset + count,
          position: scan.position + scan.header(count) - scan.header(0),
          timestamp: scan.timestamp(count - 1),
          head: scan.hash(count - 1).slice(),
        };
      }
      if (clock.monotonicMs() - this.#turnStarted >= TURN_MS) {
        await clock.pause();
        this.#turnStarted = clock.monotonicMs();
      }
    }
    return { joint, fault: scan.fault };
  }

  // Records behind a place in a segment, the bad one left out, and in the segments after it.
  #wholeBehind(segment: Segment, position: number, fault: DiatremeError): WholeRecords[] {
    const { maxRecordBytes } = this.#settings;
    const end = segment.file.size();
    const bad = fault.segment === segment.header.number ? (fault.position ?? position) : position;
    return [
      ...findWholeRecords(this.#window, segment, { from: position, end: bad, maxRecordBytes }),
      ...findWholeRecords(this.#window, segment, { from: bad + 1, end, maxRecordBytes }),
      ...this.#wholeFrom(segment.header.number + 1),
    ];
  }

  #wholeFrom(first: number): WholeRecords[] {
    const rows: WholeRecords[] = [];
    const { maxRecordBytes } = this.#settings;
    const rest = Array.from({ length: Math.max(0, this.#files.count - first) }, (_, i) => first + i);
    for (const number of [...rest, ...this.#later]) {
      let segment: Segment;
      try {
        segment = openSegment(this.#files.place, number, "read");
      } catch (error) {
        // Without its header nobody knows the salt that its records' CRCs start from.
        if (error instanceof CorruptionError) continue;
        throw error;
      }
      try {
        const range = { from: SEGMENT_HEADER_BYTES, end: segment.file.size(), maxRecordBytes };
        rows.push(...findWholeRecords(this.#window, segment, range));
      } finally {
        segment.file.close();
      }
    }
    return rows;
  }
}
