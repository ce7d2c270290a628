// Brings a stream into use: finds its segments and its end; for a writer also makes what is missing, cuts a torn tail,
// and sees to it that all that is there is on the disk before anything is added.

import { DIGEST_BYTES, PAGE_BYTES, PAGE_ENTRIES, SEGMENT_HEADER_BYTES } from "../../../assembly/layout.ts";
import { CorruptionError, failure, isFailure, StorageError } from "../../errors.ts";
import { folderOf } from "../../format/path.ts";
import { sameBytes } from "../../format/same-bytes.ts";
import type { FileAccess, FolderEntry, RuntimeFile } from "../../runtime.ts";
import type { Core } from "../../wasm/core.ts";
import { giveCore, takeCore } from "../../wasm/core-pool.ts";
import type { IndexPages } from "../../wasm/index-pages.ts";
import { RecordWindow } from "../../wasm/window.ts";
import type { LogSettings } from "../options.ts";
import { SegmentScan } from "../reading/scan.ts";
import { firstLink } from "../reading/segment-border.ts";
import { checkpointedIn, checkpointedInFile, checkpointPath } from "../segments/checkpoint-file.ts";
import { indexPath } from "../segments/index-file.ts";
import { createSegment, openOrMake, openSegment, type Segment, type StreamPlace } from "../segments/segment.ts";
import { closeSegment, countSegments, SegmentFiles } from "../segments/segment-files.ts";
import type { KnownEnd } from "../segments/stream-end.ts";
import { runNow } from "../segments/sync-steps.ts";
import { writeWhole } from "../segments/write-whole.ts";
import { CheckpointWriter } from "../writing/checkpoint-writer.ts";
import { IndexWriter } from "../writing/index-writer.ts";
import { type WriterStart, writerPages } from "../writing/writer.ts";
import { endsSealed, findTail, loadPage, type PagePlace, type Tail } from "./recover.ts";
import type { TornTail } from "./torn-tail.ts";

/** A stream found for reading only. */
export interface ReaderStart {
  readonly segments: SegmentFiles;
  readonly end: KnownEnd;
}

// Tails are scanned and written again in pieces of this size.
const WINDOW_BYTES = 256 << 10;
// A read-only open may look while a writer writes, and see later bytes without earlier ones. A second look tells.
const LOOKS = 3;

/** Whether a stream's folder is there. */
export function streamExists(place: StreamPlace): boolean {
  const kind = place.runtime.files.kind(place.folder);
  if (kind !== null && kind !== "folder") throw failure("FILE_NOT_REGULAR", { path: place.folder, kind });
  return kind === "folder";
}

/**
 * Finds a stream's end and changes nothing. `null` when it has no segment. Damage at the end is told in `end.damage`,
 * and the end is then that of the records before it.
 */
export function startReading(place: StreamPlace, settings: LogSettings): ReaderStart | null {
  if (!streamExists(place)) return null;
  let { count, gap } = countSegments(place, place.runtime.files.list(place.folder));
  // A listing made while a writer begins segments may lack one and have a later one. Another look tells.
  for (let look = 1; gap !== null && look < LOOKS; look++) {
    ({ count, gap } = countSegments(place, place.runtime.files.list(place.folder)));
  }
  if (count === 0 && gap === null) return null;
  const segments = new SegmentFiles(place, count);
  let damage = gap;
  for (let number = count - 1; number >= 0; number--) {
    try {
      const end = endOfSegment(segments, number, settings);
      const isFirst = end.damage !== null && end.position === SEGMENT_HEADER_BYTES && number > 0;
      const link = isFirst ? firstLink(segments, number, end)?.link : undefined;
      // The damaged record is the first of its segment: the one before is the last of another.
      const isDoubtful = link !== undefined && !sameBytes(link, end.head);
      const shown = isDoubtful ? endOfSegment(segments, number - 1, settings, link) : end;
      return { segments, end: { ...shown, damage: damage ?? end.damage } };
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      damage ??= error;
    }
  }
  const start = { segment: 0, position: SEGMENT_HEADER_BYTES, offset: 0, head: new Uint8Array(DIGEST_BYTES) };
  return { segments, end: { ...start, damage, salt: new Uint8Array(), trailer: null } };
}

// `linked`: what a damaged record behind the segment links to.
function endOfSegment(
  segments: SegmentFiles,
  number: number,
  settings: LogSettings,
  linked: Uint8Array | null = null,
): KnownEnd {
  const segment = segments.openOwn(number);
  const core = takeCore();
  try {
    const pages = writerPages(core);
    const window = new RecordWindow(core, pages.end, WINDOW_BYTES);
    // Asked first: what a writer adds meanwhile must not be missed behind a checkpoint that is newer than the look.
    const look = () => {
      const checkpointed = checkpointedIn(segments.place.runtime.files, segment);
      try {
        return findTail(window, pages, segment, { indexFile: segment.index, checkpointed }, settings);
      } catch (error) {
        // It may be the index that cannot be read, and a reader can do without.
        if (segment.index === null || !(error instanceof StorageError)) throw error;
        return findTail(window, pages, segment, { indexFile: null, checkpointed }, settings);
      }
    };
    let tail = look();
    for (let looks = 1; tail.corruption !== null && looks < LOOKS; looks++) tail = look();
    const link = tail.corruption === null ? linked : linkBehind(tail, window, segment);
    if (link !== null && !sameBytes(link, tail.chain.head) && tail.position > SEGMENT_HEADER_BYTES) {
      // From the segment's start on it is known where each append begins.
      const nothing = { indexFile: null, checkpointed: 0 };
      const { lastAppend } = tail.lastAppend === null ? findTail(window, pages, segment, nothing, settings) : tail;
      tail = { ...tail, ...lastAppend };
    }
    const { chain } = joined(tail, window, pages, segments, segment, settings);
    const { position, trailer, corruption: damage } = tail;
    const { salt } = segment.header;
    return { segment: number, position, offset: chain.nextOffset, head: chain.head, damage, salt, trailer };
  } finally {
    closeSegment(segment);
    giveCore(core);
  }
}

// What the damaged record behind the last good one links to. When that is another hash, nothing proves the append before it,
// which may have been altered as well: a reader is not shown it. docs/format.md, R11.
function linkBehind({ position, fileBytes }: Tail, window: RecordWindow, { file }: Segment): Uint8Array | null {
  window.begin(position);
  const header = window.headerAfter(0, file, fileBytes);
  return window.isRecord(header) ? window.linkAt(header).slice() : null;
}

/**
 * Readies a stream for writing, making it when there is none.
 *
 * @throws {CorruptionError} when acknowledged records at the end are damaged: nothing was changed
 */
export function startWriting(place: StreamPlace, settings: LogSettings): WritingStart {
  const { files } = place.runtime;
  if (!streamExists(place)) {
    files.makeFolder(place.folder);
    files.folder(folderOf(place.folder)).syncNow();
  }
  const entries = files.list(place.folder);
  const { count, gap } = countSegments(place, entries);
  if (gap !== null) throw gap;
  removeLeftovers(place, entries);
  const core = takeCore();
  const opened: Closable[] = [];
  try {
    if (count === 0) return begin(place, settings, core, opened);
    const names = new Set(entries.map(({ name }) => `${place.folder}/${name}`));
    return goOn(place, count, names, settings, core, opened);
  } catch (error) {
    for (const one of opened) one.close();
    giveCore(core);
    throw error;
  }
}

interface Closable {
  close(): void;
}

/** A stream readied for writing. */
export interface WritingStart {
  readonly start: WriterStart;
  readonly segments: SegmentFiles;
  readonly torn: TornTail | null;
}

// `opened` is told of all that is to be closed when this fails.
function begin(place: StreamPlace, settings: LogSettings, core: Core, opened: Closable[]): WritingStart {
  const { files } = place.runtime;
  const pages = writerPages(core);
  const segment = runNow(createSegment(place, { number: 0, firstOffset: 0 }));
  opened.push(segment.file);
  const checkpointFile = openOrMake(files, checkpointPath(segment.path));
  opened.push(checkpointFile);
  syncNames(place);
  const indexFile = openOrMake(files, indexPath(segment.path));
  opened.push(indexFile);
  const checkpoints = new CheckpointWriter(settings.checkpoints, segment, checkpointFile, settings.clock);
  const chain = { nextOffset: 0, timestamp: 0, head: segment.genesis as Uint8Array };
  const index = IndexWriter.create(pages, indexFile, segment, settings.index);
  const start = { segment, position: SEGMENT_HEADER_BYTES, chain, epoch: null, core, pages, index, checkpoints };
  return { start, segments: new SegmentFiles(place, 1), torn: null };
}

// `names`: what is in the stream's folder.
function goOn(
  place: StreamPlace,
  count: number,
  names: ReadonlySet<string>,
  settings: LogSettings,
  core: Core,
  opened: Closable[],
): WritingStart {
  const { files } = place.runtime;
  const pages = writerPages(core);
  const segments = new SegmentFiles(place, count);
  const segment = openSegment(place, count - 1, "write");
  opened.push(segments, segment.file);
  const openBeside = (path: string, access: FileAccess) => {
    const file = files.open(path, access);
    opened.push(file);
    return file;
  };
  const [indexAt, checkpointsAt] = [indexPath(segment.path), checkpointPath(segment.path)];
  const index = names.has(indexAt) ? openBeside(indexAt, "write") : null;
  const checkpoints = names.has(checkpointsAt) ? openBeside(checkpointsAt, "write") : null;
  const checkpointed = checkpointedInFile(checkpoints, segment.header);
  const window = new RecordWindow(core, pages.end, WINDOW_BYTES);
  const tail = findTail(window, pages, segment, { indexFile: index, checkpointed }, settings);
  if (tail.corruption !== null) throw tail.corruption;
  const { chain, epoch } = joined(tail, window, pages, segments, segment, settings);
  let endOffset = segment.header.firstOffset;
  for (let number = count - 2; number >= 0; number--) endOffset = mendIndex(place, number, endOffset, settings);
  // What is made beside the segment must not outlive it: alone it would tell of a lost segment. The process that made the
  // segment may have died before its name was durable.
  if (index === null || checkpoints === null) files.folder(place.folder).syncNow();
  const indexFile = index ?? openBeside(indexAt, "create");
  const checkpointFile = checkpoints ?? openBeside(checkpointsAt, "create");
  makeDurable(segment, tail, window);
  if (tail.sealedPage === null) syncNames(place);
  // Of a sealed segment the name is durable, but not that of a checkpoint file which was missing, and made since: it is
  // when something has been written there.
  else if (checkpointed === 0) files.folder(place.folder).syncNow();
  const start = {
    segment,
    position: tail.position,
    chain,
    epoch,
    core,
    pages,
    index: continueIndex(window, pages, segment, indexFile, tail, settings),
    checkpoints: new CheckpointWriter(settings.checkpoints, segment, checkpointFile, settings.clock),
  };
  return { start, segments, torn: tail.torn };
}

// What is known at a tail. A segment without records does not hold it: the one before does.
function joined(
  tail: Tail,
  window: RecordWindow,
  pages: IndexPages,
  segments: SegmentFiles,
  segment: Segment,
  settings: LogSettings,
): Pick<Tail, "chain" | "epoch"> {
  const { number, firstOffset, stream } = segment.header;
  if (number === 0 || tail.chain.nextOffset > firstOffset) return tail;
  const before = segments.get(number - 1);
  // It was synced as a whole before this one was made, so that nothing need speak for its end.
  const previous = findTail(window, pages, before, { indexFile: before.index, checkpointed: 0 }, settings);
  if (previous.corruption !== null) throw previous.corruption;
  const isEmpty = previous.position === SEGMENT_HEADER_BYTES;
  if (previous.position !== previous.fileBytes || isEmpty) {
    const { position, fileBytes, chain } = previous;
    const place = { stream, segment: number - 1, offset: chain.nextOffset, position };
    throw failure("RECORD_TRUNCATED", { ...place, bytes: SEGMENT_HEADER_BYTES, available: fileBytes - position });
  }
  if (previous.chain.nextOffset !== firstOffset) {
    const expected = previous.chain.nextOffset;
    throw failure("SEGMENT_OFFSET_WRONG", { stream, segment: number, found: firstOffset, expected });
  }
  return previous;
}

// After an unclean end the system may show bytes that never reached the disk. What is not surely there is written again
// and synced; what never completed is cut.
function makeDurable(segment: Segment, tail: Tail, window: RecordWindow): void {
  const { file } = segment;
  const unclean = tail.unsyncedFrom < tail.chain.nextOffset;
  if (tail.fileBytes > tail.position) file.truncate(tail.position);
  if (unclean) {
    for (let position = tail.unsyncedPosition; position < tail.position; ) {
      window.load(file, position, Math.min(WINDOW_BYTES, tail.position - position));
      const bytes = window.core.bytes.subarray(window.pointer, window.end);
      if (bytes.length === 0) {
        throw failure("IO_FAILED", {
          path: segment.path,
          operation: "read",
          reason: "it has become shorter meanwhile",
        });
      }
      writeWhole(file, bytes, position);
      position += bytes.length;
    }
  }
  // Whoever wrote here after the segment was sealed may have cut all of it off again, and not have synced that.
  file.syncNow();
}

// The process that made a file or folder may have died before it made the name durable. A sealed end says that somebody
// has been here since.
function syncNames(place: StreamPlace): void {
  const { files } = place.runtime;
  files.folder(place.folder).syncNow();
  let folder = folderOf(place.folder);
  files.folder(folder).syncNow();
  while (folder !== "") {
    folder = folderOf(folder);
    try {
      files.folder(folder === "" ? "/" : folder).syncNow();
    } catch (error) {
      // Above the log there may be folders that this process must not open; those it has not made.
      if (!isFailure(error, "ACCESS_DENIED")) throw error;
      return;
    }
  }
}

// Brings the index up to the tail and makes it end there.
function continueIndex(
  window: RecordWindow,
  pages: IndexPages,
  segment: Segment,
  file: RuntimeFile,
  tail: Tail,
  settings: LogSettings,
): IndexWriter {
  const { nextOffset } = tail.chain;
  if (tail.sealedPage !== null) {
    const used = pages.count(0) < PAGE_ENTRIES ? 1 : 0;
    const start = { crcSeed: segment.crcSeed };
    return new IndexWriter(pages, file, settings.index, {
      ...start,
      nextOffset,
      page: tail.sealedPage + 1 - used,
      used,
    });
  }
  const place = placeToContinue(pages, segment, file, tail);
  const start = { nextOffset: place.offset, page: place.page, used: 0 as const, crcSeed: segment.crcSeed };
  const index = new IndexWriter(pages, file, settings.index, start);
  // Pages behind may be of records that a crash took. When one page of theirs came back beside newer ones, it would pass.
  try {
    if (file.size() > place.page * PAGE_BYTES) {
      file.truncate(place.page * PAGE_BYTES);
      file.syncNow();
    }
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    index.giveUp(error);
    return index;
  }
  const scan = new SegmentScan(
    window,
    segment,
    { offset: place.offset, position: place.position, timestamp: 0, head: null },
    {
      level: "crc",
      engine: settings.engine,
      maxRecordBytes: settings.maxRecordBytes,
      end: tail.position,
      endHash: null,
      showUnproved: true,
    },
  );
  while (scan.next()) {
    index.add(scan.header(0), { offset: scan.offset, count: scan.count, position: scan.position, bytes: scan.bytes });
  }
  index.flush(false);
  return index;
}

// The place from which on the index has to be made anew: its last page, or the first that is not full, or the page before
// the first bad one, since of any of them a crash may have left nothing, or what it was before it was full. The pages
// before it are written again: a sync that failed in another process may have lost them while they can still be read, and
// the next sync would not bring them to the disk.
function placeToContinue(pages: IndexPages, segment: Segment, file: RuntimeFile, tail: Tail): PagePlace {
  let place: PagePlace = { page: 0, offset: segment.header.firstOffset, position: SEGMENT_HEADER_BYTES };
  const lastPage = tail.indexPlace?.page ?? -1;
  for (let page = 0; page <= lastPage && loadPage(pages, segment, file, page); page++) {
    place = { page, offset: pages.firstOffset(0), position: pages.position(0, 0) };
    if (page === lastPage || pages.count(0) < PAGE_ENTRIES || !isWritten(pages.bytes(0, 1), file, page)) break;
  }
  return place;
}

// Failing to write an index costs time and nothing else: what is not written is made anew, now or later.
function isWritten(page: Uint8Array, file: RuntimeFile, number: number): boolean {
  try {
    writeWhole(file, page, number * PAGE_BYTES);
    return true;
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return false;
  }
}

// The index of a segment that is no longer written to ends with a sealed page, and at the record before `endOffset`: one
// that was sealed when the log was closed may speak of an earlier end. One that does not is made anew. Returns the
// segment's first offset, where the one before it ends.
function mendIndex(place: StreamPlace, number: number, endOffset: number, settings: LogSettings): number {
  const segment = openSegment(place, number, "read");
  const core = takeCore();
  let file: RuntimeFile | null = null;
  try {
    file = openOrMake(place.runtime.files, indexPath(segment.path));
    const pages = writerPages(core);
    const { firstOffset } = segment.header;
    if (endsSealed(pages, segment, file, endOffset)) return firstOffset;
    const window = new RecordWindow(core, pages.end, WINDOW_BYTES);
    const tail = findTail(window, pages, segment, { indexFile: null, checkpointed: 0 }, settings);
    // What is wrong with the records is for readers and verify to say.
    if (tail.position !== tail.fileBytes) return firstOffset;
    runNow(continueIndex(window, pages, segment, file, tail, settings).seal(endOffset));
    return firstOffset;
  } finally {
    segment.file.close();
    file?.close();
    giveCore(core);
  }
}

// Files that were being made when a process died. The writer's lock is held: nobody else is making any here.
function removeLeftovers(place: StreamPlace, entries: readonly FolderEntry[]): void {
  for (const { name, kind } of entries) {
    if (kind === "file" && /^\..+\.tmp$/.test(name)) place.runtime.files.remove(`${place.folder}/${name}`);
  }
}
