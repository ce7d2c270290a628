// Records without their payloads: what the chain is made of.
import { KIND_TOMBSTONE, RECORD_HEADER_BYTES, RECORD_KIND_AT, RECORD_LENGTH_AT } from "../../../assembly/layout.ts";
import { toHex } from "../../format/hex.ts";
import { optionsOf } from "../call-options.ts";
import type { StreamEnd } from "../segments/stream-end.ts";
import { checkedRuns, checkRange, RANGE_OPTIONS, type RangeOptions } from "./checked-runs.ts";
import type { ReadableStreamState } from "./read.ts";

/** What a record is hashed as: SHA-256 of `header` and `digest`, one after the other, is its hash. */
export interface LogEntry {
  readonly offset: number;
  /** µs since the Unix epoch. */
  readonly timestamp: number;
  readonly kind: "data" | "tombstone";
  /** Length of the stored payload. */
  readonly payloadBytes: number;
  /** The record's 64 header bytes: a copy. */
  readonly header: Uint8Array;
  /** SHA-256 of the stored payload, 32 bytes: a copy. */
  readonly digest: Uint8Array;
  /** The record's hash, 64 hexadecimal digits. */
  readonly hash: string;
}

/** @throws {UsageError} `OPTION_INVALID` */
export function checkEntriesOptions(given: RangeOptions | null | undefined): RangeOptions {
  const options = optionsOf(given, RANGE_OPTIONS);
  checkRange(options);
  return options;
}

export async function* readEntries(
  state: ReadableStreamState,
  end: StreamEnd,
  options: RangeOptions,
): AsyncGenerator<LogEntry, void, undefined> {
  for await (const { run, window } of checkedRuns(state, end, options)) {
    for (let index = 0; index < run.count; index++) {
      options.signal?.throwIfAborted();
      const { bytes, view } = window.core;
      const at = run.header(index);
      yield {
        offset: run.offset + index,
        timestamp: run.timestamp(index),
        kind: view.getUint8(at + RECORD_KIND_AT) === KIND_TOMBSTONE ? "tombstone" : "data",
        payloadBytes: view.getUint32(at + RECORD_LENGTH_AT, true),
        header: bytes.slice(at, at + RECORD_HEADER_BYTES),
        digest: window.digest(index).slice(),
        hash: toHex(run.hash(index)),
      };
    }
  }
}
