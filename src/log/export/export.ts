// Writes a range of a stream as lines that verify without the log, with payloads or, where they are withheld, with their
// SHA-256 alone. docs/format.md, "Export".
import { RECORD_HEADER_BYTES, TRAILER_BYTES } from "../../../assembly/layout.ts";
import { encodeEnding, encodeEntry, encodeHeading, entryLineBytes } from "../../format/export-lines.ts";
import { toHex } from "../../format/hex.ts";
import { invalidOption, type OptionNames, optionsOf } from "../call-options.ts";
import { checkedRuns, checkRange, RANGE_OPTIONS, type RangeOptions } from "../reading/checked-runs.ts";
import type { ReadableStreamState } from "../reading/read.ts";
import type { StreamEnd } from "../segments/stream-end.ts";

export interface ExportOptions extends RangeOptions {
  /** Which payloads are left out: all, those at these offsets, or those that a function says. Default: none. */
  readonly withhold?: "all" | Iterable<number> | ((offset: number) => boolean);
}

const OPTION_NAMES: OptionNames<ExportOptions> = { ...RANGE_OPTIONS, withhold: true };

/** @throws {UsageError} `OPTION_INVALID` */
export function checkExportOptions(given: ExportOptions | null | undefined): ExportOptions {
  const options = optionsOf(given, OPTION_NAMES);
  checkRange(options);
  const { withhold } = options;
  if (withhold === undefined || withhold === "all" || typeof withhold === "function") return options;
  // Whatever is not understood here would go out.
  const expected = '"all", offsets, or a function that takes an offset';
  if (typeof withhold !== "object" || withhold === null || !(Symbol.iterator in withhold)) {
    throw invalidOption("withhold", withhold, expected);
  }
  const offsets = [...withhold];
  for (const offset of offsets) {
    if (!Number.isSafeInteger(offset) || offset < 0) throw invalidOption("withhold", offset, expected);
  }
  return { ...options, withhold: offsets };
}

const CHUNK_BYTES = 64 << 10;

/** Chunks of lines; each is the caller's to keep. */
export async function* exportRange(
  state: ReadableStreamState,
  end: StreamEnd,
  options: ExportOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { from = 0 } = options;
  const isWithheld = withholding(options, end);
  const { place } = state.segments;
  const { header, genesis } = state.segments.get(0);
  const about = { logId: place.logId, stream: place.stream, created: from === 0 ? header.created : null, from };
  let head = from === 0 ? toHex(genesis as Uint8Array) : null;
  let to = from;
  if (head !== null) yield encodeHeading({ ...about, previous: head });
  for await (const { run, window } of checkedRuns(state, end, options)) {
    if (head === null) yield encodeHeading({ ...about, previous: toHex(window.linkAt(run.header(0))) });
    const lines = new LineBuffer();
    for (let index = 0; index < run.count; index++) {
      const { bytes } = window.core;
      const at = run.header(index);
      const payload = bytes.subarray(at + RECORD_HEADER_BYTES, run.header(index + 1) - TRAILER_BYTES);
      const withheld = isWithheld(run.offset + index);
      const needed = entryLineBytes(withheld ? 0 : payload.length);
      if (!lines.hasRoom(needed)) yield* lines.take();
      lines.add(
        {
          header: bytes.subarray(at, at + RECORD_HEADER_BYTES),
          payload: withheld ? null : payload,
          digest: withheld ? window.digest(index) : null,
        },
        needed,
      );
    }
    head = toHex(run.hash(run.count - 1));
    to = run.offset + run.count;
    yield* lines.take();
  }
  if (head === null) {
    const expected = `the offset of a record that there is: less than ${end.offset}, and less than "to"`;
    throw invalidOption("from", from, expected);
  }
  yield encodeEnding({ to, head });
}

class LineBuffer {
  #bytes = new Uint8Array(CHUNK_BYTES);
  #used = 0;

  hasRoom(bytes: number): boolean {
    return this.#used + bytes <= this.#bytes.length;
  }

  /** Adds a line of at most `bytes`; when nothing is held there is room for any. */
  add(entry: Parameters<typeof encodeEntry>[0], bytes: number): void {
    if (this.#used === 0 && bytes > this.#bytes.length) this.#bytes = new Uint8Array(bytes);
    this.#used = encodeEntry(entry, this.#bytes, this.#used);
  }

  *take(): Generator<Uint8Array, void, undefined> {
    if (this.#used === 0) return;
    const lines = this.#bytes.subarray(0, this.#used);
    this.#bytes = new Uint8Array(CHUNK_BYTES);
    this.#used = 0;
    yield lines;
  }
}

function withholding({ withhold, from = 0, to }: ExportOptions, end: StreamEnd): (offset: number) => boolean {
  if (withhold === undefined) return () => false;
  if (withhold === "all") return () => true;
  if (typeof withhold === "function") return withhold;
  const offsets = new Set(withhold);
  // Who names a record that is not there may mean another, which would go out.
  const last = Math.min(to ?? end.offset, end.offset) - 1;
  for (const offset of offsets) {
    if (offset < from || offset > last) {
      throw invalidOption("withhold", offset, `among the offsets that are exported, ${from} to ${last}`);
    }
  }
  return (offset) => offsets.has(offset);
}
