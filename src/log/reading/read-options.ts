// What a caller may say when reading or following.
import { checkFlag, checkSignal, checkWhole, invalidOption, type OptionNames, optionsOf } from "../call-options.ts";

/**
 * How far records are checked as they are read. `"crc"`: each alone, against accident. `"chain"`: also each record's
 * hash against the link in its successor. `"checkpoint"`: the chain from the nearest checkpoint at or before the first
 * record wanted, or from the stream's very first record when there is none. `"genesis"`: from that always.
 */
export type ReadVerify = "crc" | "chain" | "checkpoint" | "genesis";

export interface ReadOptions {
  /** First offset wanted, or the time (µs since the Unix epoch) of the first record wanted. Default 0. */
  readonly from?: number | { readonly time: number };
  /** First offset no longer wanted. Default: the stream's end when the loop begins. */
  readonly to?: number;
  /** At most this many records. */
  readonly limit?: number;
  /** Stop before the record that would bring the payloads together over this; one record is always given. */
  readonly maxBytes?: number;
  /** Default: `"checkpoint"` where one is near, in the first record's segment or at the end of the one before; else `"chain"`. */
  readonly verify?: ReadVerify;
  /** Payloads are views on the reader's memory, valid until the next step, instead of copies. Default `false`. */
  readonly zeroCopy?: boolean;
  /** Ends the reading with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** The options of `read` that mean something for a stream without end. */
export type FollowOptions = Pick<ReadOptions, "from" | "verify" | "signal">;

/** @throws {UsageError} `OPTION_INVALID` */
export function checkReadOptions(given: ReadOptions | null | undefined): ReadOptions {
  const options = optionsOf(given, READ_OPTIONS);
  checkFlag("zeroCopy", options.zeroCopy);
  for (const option of ["to", "limit", "maxBytes"] as const) checkWhole(option, options[option]);
  checkStart(options);
  return options;
}

/** @throws {UsageError} `OPTION_INVALID` */
export function checkFollowOptions(given: FollowOptions | null | undefined): FollowOptions {
  const options = optionsOf(given, FOLLOW_OPTIONS);
  checkStart(options);
  return options;
}

function checkStart({ from, verify = "chain", signal }: FollowOptions): void {
  if (typeof from === "object") {
    if (from?.time === undefined) throw invalidOption("from", from, "an offset, or { time: µs since the Unix epoch }");
    checkWhole("from.time", from.time);
  } else checkWhole("from", from);
  if (verify !== "crc" && verify !== "chain" && verify !== "checkpoint" && verify !== "genesis") {
    throw invalidOption("verify", verify, '"crc", "chain", "checkpoint" or "genesis"');
  }
  checkSignal(signal);
}

const FOLLOW_OPTIONS: OptionNames<FollowOptions> = { from: true, verify: true, signal: true };
const READ_OPTIONS: OptionNames<ReadOptions> = {
  ...FOLLOW_OPTIONS,
  to: true,
  limit: true,
  maxBytes: true,
  zeroCopy: true,
};
