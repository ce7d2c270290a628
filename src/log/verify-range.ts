// Checks one range of a stream, run by run, in memory of its own. Whoever steps it decides when to pause and when to end.

import type { DiatremeError } from "../errors.ts";
import { giveCore, takeCore } from "../wasm/core-pool.ts";
import { IndexPages } from "../wasm/index-pages.ts";
import { RecordWindow } from "../wasm/window.ts";
import { IndexCheck } from "./index-check.ts";
import type { LogSettings } from "./options.ts";
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
  readonly #index: IndexCheck;
  readonly #scan: StreamScan;

  constructor(files: SegmentFiles, settings: LogSettings, range: { start: StreamScanStart; end: StreamEnd }) {
    const core = takeCore();
    const pages = new IndexPages(core, core.arena, 2);
    const window = new RecordWindow(core, pages.end, WINDOW_BYTES);
    this.head = range.start.head;
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
    return true;
  }

  /** What ended the range early. */
  get fault(): DiatremeError | null {
    return this.#scan.fault;
  }

  /** What is wrong with the indexes; complete once closed. */
  get indexProblems(): readonly string[] {
    return this.#index.problems;
  }

  close(): void {
    this.#scan.close();
    try {
      this.#index.close();
    } finally {
      giveCore(this.#scan.window.core);
    }
  }
}
