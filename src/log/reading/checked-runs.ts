// The records of a range as the core holds them, run by run, checked and hashed, for those who make something of all of
// them: entries, exports.
import { giveCore, takeCore } from "../../wasm/core-pool.ts";
import { RecordWindow } from "../../wasm/window.ts";
import { checkSignal, checkWhole, type OptionNames } from "../call-options.ts";
import { Pace } from "../pace.ts";
import type { StreamEnd } from "../segments/stream-end.ts";
import type { ReadableStreamState } from "./read.ts";
import { StreamScan } from "./stream-scan.ts";
import { findStart } from "./verify-start.ts";

export interface RangeOptions {
  /** First offset wanted. Default 0. */
  readonly from?: number;
  /** First offset no longer wanted. Default: the stream's end when the loop begins. */
  readonly to?: number;
  /** Ends it with the signal's reason. */
  readonly signal?: AbortSignal;
}

export const RANGE_OPTIONS: OptionNames<RangeOptions> = { from: true, to: true, signal: true };

/** @throws {UsageError} `OPTION_INVALID` */
export function checkRange({ from, to, signal }: RangeOptions): void {
  checkWhole("from", from);
  checkWhole("to", to);
  checkSignal(signal);
}

/**
 * Gives the scan, placed on each run in turn; what it holds is valid until the next step.
 *
 * @throws {CorruptionError} at the first bad record; those before it were given
 */
export async function* checkedRuns(
  state: ReadableStreamState,
  end: StreamEnd,
  options: RangeOptions,
): AsyncGenerator<StreamScan, void, undefined> {
  const { segments, settings } = state;
  const { from = 0, to = Number.POSITIVE_INFINITY, signal } = options;
  const checkGoesOn = () => {
    signal?.throwIfAborted();
    segments.checkOpen();
  };
  checkGoesOn();
  if (from < Math.min(to, end.offset)) {
    const pace = new Pace(settings.clock, 0, checkGoesOn, undefined);
    const { start, fault } = await findStart(state, settings, end, from, () => pace.beat(0, 0));
    if (fault !== null) throw fault;
    const core = takeCore();
    const window = new RecordWindow(core, core.arena, settings.windowBytes);
    const scan = new StreamScan(window, segments, settings, { start, end, level: "chain", to });
    let next = from;
    try {
      while (scan.next()) {
        yield scan;
        next = scan.run.offset + scan.run.count;
        const pause = pace.beat(0, 0);
        if (pause !== null) await pause;
      }
      // A bad record behind the range says nothing about it, unless it should prove the last one.
      if (scan.fault !== null && !((scan.fault.offset ?? 0) >= to && next === to)) throw scan.fault;
    } finally {
      scan.close();
      giveCore(core);
    }
  }
  // Who wants more than there is must be told when there was more.
  if (end.damage !== null && to > end.offset) throw end.damage;
}
