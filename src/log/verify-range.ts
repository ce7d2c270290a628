// Checks one range of a stream, run by run, in memory of its own. Whoever steps it decides when to pause and when to end.

import type { DiatremeError } from "../errors.ts";
import { giveCore, takeCore } from "../wasm/core-pool.ts";
import { IndexPages } from "../wasm/index-pages.ts";
import { RecordWindow } from "../wasm/window.ts";
import { CheckpointCheck, type CheckpointFindings } from "./checkpoint-check.ts";
import { IndexCheck } from "./index-check.ts";
import type { LogSettings } from "./options.ts";
import type { SegmentScan } from "./scan.ts";
import type { SegmentFiles } from "./segment-files.ts";
import type { StreamEnd } from "./stream-end.ts";
import { StreamScan, type StreamScanStart } from "./stream-scan.ts";

const WINDOW_BYTES = 1 << 20;

export class RangeVerifier {
  /** Records that passed, and their bytes. */
  records = 0;
  bytes = 0;
  /** Hash of the last record that passed. */
  head: Uint8Array | null;
  /** The hashes of the records before the offsets that were asked for, of those that were reached. */
  readonly heads: Map<number, Uint8Array> = new Map();
  readonly #wantedHeads: readonly number[];
  readonly #index: IndexCheck;
  readonly #checkpoints: CheckpointCheck;
  readonly #scan: StreamScan;

  /** `wantedHeads`: offsets in rising order; the hash before each is noted as it passes by. */
  constructor(
    files: SegmentFiles,
    settings: LogSettings,
    range: { start: StreamScanStart; end: StreamEnd; wantedHeads: readonly number[] },
  ) {
    const core = takeCore();
    const pages = new IndexPages(core, core.arena, 2);
    const window = new RecordWindow(core, pages.end, WINDOW_BYTES);
    this.head = range.start.head;
    this.#wantedHeads = range.wantedHeads.filter((offset) => offset > range.start.offset);
    if (this.head !== null && range.wantedHeads.includes(range.start.offset)) {
      this.heads.set(range.start.offset, this.head);
    }
    this.#checkpoints = new CheckpointCheck(files, settings, range.start.offset);
    this.#index = new IndexCheck(pages, files, range.end.segment);
    this.#scan = new StreamScan(window, files, settings, { ...range, level: "chain" });
  }

  /** Checks the next run of records. `false` at the end and at a fault. */
  step(): boolean {
    if (!this.#scan.next()) return false;
    const { run } = this.#scan;
    this.records += run.count;
    this.bytes += run.bytes;
    this.head = this.#scan.headOfRun();
    this.#index.check(run);
    this.#checkpoints.check(run, this.#scan.window.linkAt(run.header(0)));
    this.#noteHeads(run);
    return true;
  }

  #noteHeads(run: SegmentScan): void {
    for (const offset of this.#wantedHeads) {
      const covered = offset - run.offset;
      if (covered > 0 && covered <= run.count) this.heads.set(offset, run.hash(covered - 1).slice());
    }
  }

  /** What ended the range early. */
  get fault(): DiatremeError | null {
    return this.#scan.fault;
  }

  /** What is wrong with the indexes; complete once closed. */
  get indexProblems(): readonly string[] {
    return this.#index.problems;
  }

  /** The log's own checkpoints that are about this range. */
  get checkpoints(): CheckpointFindings {
    return this.#checkpoints.findings;
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
