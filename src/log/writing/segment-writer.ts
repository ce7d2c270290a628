// The segment that is being written: batches go behind its last record, its index follows them, and when it is full the
// next one takes its place. Knows nothing of who waits for what.
import { SEGMENT_HEADER_BYTES } from "../../../assembly/layout.ts";
import { DiatremeError } from "../../errors.ts";
import type { Files, RuntimeFile } from "../../runtime.ts";
import type { Batch } from "../../wasm/batch.ts";
import type { IndexPages } from "../../wasm/index-pages.ts";
import type { LogSettings } from "../options.ts";
import { checkpointPath } from "../segments/checkpoint-file.ts";
import { indexPath } from "../segments/index-file.ts";
import { createSegment, openOrMake, type Segment, type StreamPlace, segmentPath } from "../segments/segment.ts";
import type { SyncSteps } from "../segments/sync-steps.ts";
import { CheckpointWriter, type SyncedEnd } from "./checkpoint-writer.ts";
import { IndexWriter } from "./index-writer.ts";
import { SpaceAhead } from "./space-ahead.ts";

export interface SegmentWriterStart {
  readonly segment: Segment;
  /** Behind its last record. */
  readonly position: number;
  readonly pages: IndexPages;
  readonly index: IndexWriter;
  readonly checkpoints: CheckpointWriter;
}

export class SegmentWriter {
  readonly #place: StreamPlace;
  readonly #settings: LogSettings;
  readonly #onDoubt: (error: unknown) => void;
  readonly #ahead: SpaceAhead;
  #segment: Segment;
  #pages: IndexPages;
  #index: IndexWriter;
  #checkpoints: CheckpointWriter;
  // Behind the last record that is in the file.
  #position: number;
  // The file was cut after a failed write, and that is not synced yet.
  #cutUnsynced = false;

  /** `onDoubt` is called when a failure leaves nobody knowing what the file holds: nothing may be written after it. */
  constructor(place: StreamPlace, settings: LogSettings, start: SegmentWriterStart, onDoubt: (error: unknown) => void) {
    this.#place = place;
    this.#settings = settings;
    this.#onDoubt = onDoubt;
    this.#ahead = new SpaceAhead(settings.sync.resolvesDurable && settings.spaceAhead);
    this.#segment = start.segment;
    this.#pages = start.pages;
    this.#index = start.index;
    this.#checkpoints = start.checkpoints;
    this.#position = start.position;
  }

  get number(): number {
    return this.#segment.header.number;
  }
  get position(): number {
    return this.#position;
  }
  get firstOffset(): number {
    return this.#segment.header.firstOffset;
  }
  get crcSeed(): number {
    return this.#segment.crcSeed;
  }
  get file(): RuntimeFile {
    return this.#segment.file;
  }
  get index(): IndexWriter {
    return this.#index;
  }
  get checkpoints(): CheckpointWriter {
    return this.#checkpoints;
  }

  /**
   * Writes a batch that is sealed, the first of whose records has `offset`. When that fails the file is cut back to where
   * it ended before, and the failure is thrown.
   */
  write(batch: Batch, offset: number): void {
    const { bytes, count } = batch;
    const position = this.#position;
    const { file } = this.#segment;
    try {
      for (let done = 0; done < bytes; ) done += file.write(batch.sealed(done), position + done);
    } catch (error) {
      this.#cutBack();
      throw error;
    }
    this.#index.add(batch.pointer, { offset, count, position, bytes });
    this.#position = position + bytes;
  }

  /** Called while a sync of `groupBytes` is under way: see `SpaceAhead`. */
  extendSpace(groupBytes: number): void {
    this.#ahead.extend(this.#segment.file, this.#position, groupBytes, this.#settings.segmentBytes);
  }

  /** Ends the segment, all of which must be synced: a last checkpoint, no space behind it, and an index that says so. */
  *end(synced: SyncedEnd): SyncSteps {
    yield* this.#checkpoints.seal(synced);
    if (this.#cutUnsynced || this.#ahead.reachesBeyond(this.#position)) {
      try {
        this.#segment.file.truncate(this.#position);
        yield this.#segment.file;
      } catch (error) {
        this.#onDoubt(error);
        throw error;
      }
      this.#ahead.forget();
      this.#cutUnsynced = false;
    }
    yield* this.#index.seal(synced.offset);
  }

  /**
   * Ends the segment and begins the next, in that order: only the newest segment can be torn. When it fails this one
   * stays in use.
   */
  *startNext(synced: SyncedEnd): SyncSteps {
    yield* this.end(synced);
    const { files } = this.#place.runtime;
    const number = this.number + 1;
    const path = segmentPath(this.#place, number);
    // What stands beside it first, so that their names are durable with its own: without a segment they mean nothing.
    const indexFile = openOrMake(files, indexPath(path));
    let checkpointFile: RuntimeFile | null = null;
    let segment: Segment | null = null;
    let checkpoints: CheckpointWriter;
    // All that may fail comes before anything is exchanged.
    try {
      checkpointFile = openOrMake(files, checkpointPath(path));
      segment = yield* createSegment(this.#place, { number, firstOffset: synced.offset });
      checkpoints = new CheckpointWriter(this.#settings.checkpoints, segment, checkpointFile, this.#settings.clock);
    } catch (error) {
      indexFile.close();
      checkpointFile?.close();
      segment?.file.close();
      // Once the next segment has its name, nothing may be added to this one.
      if (mayExist(files, path)) this.#onDoubt(error);
      throw error;
    }
    this.close();
    this.#segment = segment;
    this.#index = IndexWriter.create(this.#pages, indexFile, segment, this.#settings.index);
    this.#checkpoints = checkpoints;
    this.#position = SEGMENT_HEADER_BYTES;
    this.#ahead.forget();
  }

  /** Goes on with the index's pages in other memory, to which their bytes were copied. */
  moveTo(pages: IndexPages): void {
    this.#pages = pages;
    this.#index.moveTo(pages);
  }

  close(): void {
    this.#segment.file.close();
    this.#index.close();
    this.#checkpoints.close();
  }

  #cutBack(): void {
    try {
      this.#segment.file.truncate(this.#position);
      this.#ahead.forget();
      this.#cutUnsynced = true;
    } catch (error) {
      this.#onDoubt(error);
    }
  }
}

function mayExist(files: Files, path: string): boolean {
  try {
    return files.kind(path) !== null;
  } catch (error) {
    if (!(error instanceof DiatremeError)) throw error;
    return true;
  }
}
