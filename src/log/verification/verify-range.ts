// Checks one range of a stream, run by run, in memory of its own. Whoever steps it decides when to pause and when to end.

import { COMMIT_MORE_SHIFT } from "../../../assembly/layout.ts";
import type { DiatremeError } from "../../errors.ts";
import { giveCore, takeCore } from "../../wasm/core-pool.ts";
import { IndexPages } from "../../wasm/index-pages.ts";
import { RecordWindow } from "../../wasm/window.ts";
import type { LogSettings } from "../options.ts";
import type { SegmentScan } from "../reading/scan.ts";
import { StreamScan, type StreamScanEnd, type StreamScanStart } from "../reading/stream-scan.ts";
import type { SegmentFiles } from "../segments/segment-files.ts";
import { CheckpointCheck, type CheckpointFindings } from "./checkpoint-check.ts";
import { IndexCheck } from "./index-check.ts";

/** Records from one place of a stream to another. Can be sent to a thread. */
export interface VerifyRange {
  readonly start: StreamScanStart;
  readonly end: StreamScanEnd;
  /** First offset that is not in the range; the end's, or one before. */
  readonly to: number;
  /** The segment whose index may be behind its records. */
  readonly newest: number;
  /** Offsets; the hash of the record before each is noted as it passes by. */
  readonly wantedHeads: readonly number[];
}

/** What came of a range, and what it must be joined to the ranges beside it by. Can be sent from a thread. */
export interface RangeOutcome {
  /** Whether every record of the range is good and follows on the one before it within the range. */
  readonly isWhole: boolean;
  readonly records: number;
  readonly bytes: number;
  /** What the first record links to, and its timestamp. */
  readonly firstLink: Uint8Array | null;
  readonly firstTimestamp: number;
  /** The last record's hash, its timestamp, and whether its append goes on behind it. */
  readonly head: Uint8Array | null;
  readonly timestamp: number;
  readonly goesOn: boolean;
  /** Whether a link was there to hold the last record against. */
  readonly isLastLinked: boolean;
  readonly index: IndexNotes;
  readonly checkpoints: CheckpointFindings;
  /** The hashes that were wanted, by offset, of those that were reached. */
  readonly heads: ReadonlyMap<number, Uint8Array>;
}

/** What is wrong with indexes: sentences, and the segments that they are about. */
export interface IndexNotes {
  readonly segments: readonly number[];
  readonly problems: readonly string[];
}

// From 128 KiB to 1 MiB the size makes no difference that can be measured; each thread has a window.
const WINDOW_BYTES = 256 << 10;

export class RangeVerifier {
  /** Records that passed, and their bytes. */
  records = 0;
  bytes = 0;
  /** Hash of the last record that passed. */
  head: Uint8Array | null;
  readonly #range: VerifyRange;
  readonly #heads: Map<number, Uint8Array> = new Map();
  readonly #index: IndexCheck;
  readonly #checkpoints: CheckpointCheck;
  readonly #scan: StreamScan;
  #firstLink: Uint8Array | null = null;
  #firstTimestamp = 0;
  #timestamp: number;
  #goesOn = false;
  #isLastLinked = true;

  constructor(files: SegmentFiles, settings: LogSettings, range: VerifyRange) {
    const { start, end, to, newest } = range;
    const core = takeCore();
    const pages = new IndexPages(core, core.arena, 2);
    const window = new RecordWindow(core, pages.end, WINDOW_BYTES);
    this.head = start.head;
    this.#timestamp = start.timestamp;
    this.#range = range;
    this.#index = new IndexCheck(pages, files, newest);
    this.#checkpoints = new CheckpointCheck(files, settings, start.offset);
    this.#scan = new StreamScan(window, files, settings, { start, end, to, level: "chain" });
  }

  /** Checks the next run of records. `false` at the end and at a fault. */
  step(): boolean {
    const scan = this.#scan;
    if (!scan.next()) return false;
    const { run, window } = scan;
    const link = window.linkAt(run.header(0));
    if (this.#firstLink === null) {
      this.#firstLink = link.slice();
      this.#firstTimestamp = run.timestamp(0);
    }
    const last = run.count - 1;
    this.records += run.count;
    this.bytes += run.bytes;
    this.head = scan.headOfRun();
    this.#timestamp = run.timestamp(last);
    this.#goesOn = run.commitWord(last) >>> COMMIT_MORE_SHIFT === 1;
    this.#isLastLinked = run.isLastLinked;
    this.#index.check(run);
    this.#checkpoints.check(run, link);
    this.#noteHeads(run);
    return true;
  }

  #noteHeads(run: SegmentScan): void {
    for (const offset of this.#range.wantedHeads) {
      const covered = offset - run.offset;
      if (covered > 0 && covered <= run.count) this.#heads.set(offset, run.hash(covered - 1).slice());
    }
  }

  /** What ended the range early. A record behind the range is none of its faults, unless it should prove the last one. */
  get fault(): DiatremeError | null {
    const { fault } = this.#scan;
    const { start, to, end } = this.#range;
    const isAllThere = start.offset + this.records === to;
    return fault?.offset !== undefined && to < end.offset && fault.offset >= to && isAllThere ? null : fault;
  }

  /** What came of it, once closed. */
  outcome(): RangeOutcome {
    const { records, bytes, head } = this;
    const { segments, problems } = this.#index;
    const { start, to } = this.#range;
    return {
      isWhole: this.fault === null && start.offset + records === to,
      records,
      bytes,
      firstLink: this.#firstLink,
      firstTimestamp: this.#firstTimestamp,
      head,
      timestamp: this.#timestamp,
      goesOn: this.#goesOn,
      isLastLinked: this.#isLastLinked,
      index: { segments, problems },
      checkpoints: this.#checkpoints.findings,
      heads: this.#heads,
    };
  }

  close(): void {
    this.#scan.close();
    this.#checkpoints.close();
    try {
      this.#index.close();
    } finally {
      giveCore(this.#scan.window.core);
    }
  }
}
