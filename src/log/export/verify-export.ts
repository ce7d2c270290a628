// Verifies an export without its log, and believes nothing in it: every length is checked before anything is sized by
// it, and memory in use is bounded by the longest record allowed. docs/format.md, "Export".
import {
  COMPRESSION_NONE,
  DIGEST_BYTES,
  ENTRY_BYTES,
  FLAG_ENCRYPTED,
  KIND_TOMBSTONE,
  RECORD_COMPRESSION_AT,
  RECORD_EPOCH_AT,
  RECORD_FLAGS_AT,
  RECORD_HEADER_BYTES,
  RECORD_KIND_AT,
  RECORD_LENGTH_AT,
  RECORD_MAGIC,
  RECORD_OFFSET_AT,
  RECORD_PREVIOUS_AT,
  RECORD_RESERVED_AT,
  RECORD_TIMESTAMP_AT,
} from "../../../assembly/layout.ts";
import { type DiatremeError, type ErrorFacts, failure } from "../../errors.ts";
import {
  decodeEnding,
  decodeEntry,
  decodeHeading,
  type ExportEnding,
  type ExportedEntry,
  type ExportHeading,
  entryLineBytes,
  genesisBytes,
  SHORT_LINE_BYTES,
} from "../../format/export-lines.ts";
import { toHex } from "../../format/hex.ts";
import { getU64 } from "../../format/u64.ts";
import { hashingCore } from "../../wasm/hashing-core.ts";
import { checkWhole, invalidOption, type OptionNames, optionsOf } from "../call-options.ts";
import type { VerifyProblem } from "../verification/verify-report.ts";

export interface VerifyExportOptions {
  /** The hash that the last record must have, 64 hexadecimal digits: known from elsewhere. */
  readonly head?: string;
  /** Longest payload that is read. Default 64 MiB. */
  readonly maxRecordBytes?: number;
}

export interface VerifyExportReport {
  /** Whether everything in the export is as it stood in the log's chain. */
  readonly ok: boolean;
  /** What the export says of itself; `null` when its first line cannot be read. */
  readonly heading: ExportHeading | null;
  /** Records that passed, and how many of those without their payloads. */
  readonly records: number;
  readonly withheld: number;
  /** Hash of the last record that passed. Compare it with what is known from elsewhere. */
  readonly head: string;
  readonly problem: (VerifyProblem & { readonly line: number; readonly condition: string }) | null;
  readonly checked: readonly string[];
  readonly notProved: readonly string[];
}

const OPTION_NAMES: OptionNames<VerifyExportOptions> = { head: true, maxRecordBytes: true };
const DEFAULT_MAX_RECORD_BYTES = 64 << 20;

/**
 * Checks an export, given as chunks of bytes. What is wrong with it does not throw: the report names the line, and the
 * offset of the record that should stand there.
 *
 * @throws {UsageError} `OPTION_INVALID`
 * @example
 * const report = await verifyExport(file.readableWebStream(), { head });
 */
export async function verifyExport(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: VerifyExportOptions = {},
): Promise<VerifyExportReport> {
  const { head, maxRecordBytes = DEFAULT_MAX_RECORD_BYTES } = optionsOf(options, OPTION_NAMES);
  if (head !== undefined && !/^[0-9a-f]{64}$/.test(head)) {
    throw invalidOption("head", head, "64 hexadecimal digits");
  }
  checkWhole("maxRecordBytes", maxRecordBytes, 1);
  if (!isIterable(chunks)) throw invalidOption("chunks", chunks, "Uint8Arrays to iterate over");
  const check = new ExportCheck();
  const lines = new Lines(Math.max(SHORT_LINE_BYTES, entryLineBytes(maxRecordBytes)));
  try {
    for await (const chunk of chunks) {
      if (!(chunk instanceof Uint8Array)) {
        throw invalidOption("chunks", chunk, "Uint8Arrays");
      }
      for (const line of lines.feed(chunk)) check.take(line);
    }
    check.finish(lines.hasRest, head);
  } catch (error) {
    // What the source of the chunks throws says nothing about the export.
    if (error !== check.fault) throw error;
  }
  return check.report(head);
}

function isIterable(chunks: unknown): boolean {
  return typeof chunks === "object" && chunks !== null && (Symbol.asyncIterator in chunks || Symbol.iterator in chunks);
}

class ExportCheck {
  /** What is wrong with it; thrown where it is found. */
  fault: (DiatremeError & ErrorFacts["EXPORT_INVALID"]) | null = null;
  #line = 0;
  #heading: ExportHeading | null = null;
  #ending: ExportEnding | null = null;
  #records = 0;
  #withheld = 0;
  #head = "";
  #timestamp = 0;

  /** The line that is just being looked at, or is missing, is not what it should be. */
  invalid(condition: string, reason: string): DiatremeError {
    this.fault = failure("EXPORT_INVALID", { line: Math.max(1, this.#line), condition, reason });
    return this.fault;
  }

  take(line: Uint8Array | null): void {
    this.#line++;
    if (line === null) throw this.invalid("X3", "it is longer than any record may be (maxRecordBytes)");
    if (this.#heading === null) this.#takeHeading(line);
    else if (this.#ending !== null) throw this.invalid("X9", "something follows the last line");
    else this.#takeEntry(line);
  }

  #takeHeading(line: Uint8Array): void {
    const heading = decodeHeading(line);
    if (heading === null) throw this.invalid("X1", "it is not the first line of an export of version 1");
    const { logId, stream, created, previous } = heading;
    this.#heading = heading;
    this.#head = previous;
    if (created === null) return;
    const genesis = toHex(hashingCore().sha256(genesisBytes(logId, stream, created)));
    if (genesis !== previous) throw this.invalid("X2", "its first record does not begin the stream that it names");
  }

  #takeEntry(line: Uint8Array): void {
    const entry = decodeEntry(line);
    if (entry === null) {
      this.#ending = decodeEnding(line);
      if (this.#ending === null) throw this.invalid("X3", `it is neither a record's line nor the last one`);
      return;
    }
    const digest = this.#digestOf(entry);
    const view = new DataView(entry.header.buffer, entry.header.byteOffset, RECORD_HEADER_BYTES);
    this.#checkFields(view, entry);
    const bytes = new Uint8Array(ENTRY_BYTES);
    bytes.set(entry.header);
    bytes.set(digest, RECORD_HEADER_BYTES);
    this.#head = toHex(hashingCore().sha256(bytes));
    this.#timestamp = getU64(view, RECORD_TIMESTAMP_AT);
    this.#records++;
    if (entry.payload === null) this.#withheld++;
  }

  #digestOf({ payload, digest }: ExportedEntry): Uint8Array {
    return payload === null ? (digest as Uint8Array) : hashingCore().sha256(payload);
  }

  #checkFields(view: DataView, { header, payload }: ExportedEntry): void {
    const byte = (at: number) => view.getUint8(at);
    const isRecord =
      view.getUint32(0, true) === RECORD_MAGIC &&
      byte(RECORD_KIND_AT) <= KIND_TOMBSTONE &&
      byte(RECORD_COMPRESSION_AT) === COMPRESSION_NONE &&
      byte(RECORD_FLAGS_AT) <= FLAG_ENCRYPTED &&
      byte(RECORD_RESERVED_AT) === 0 &&
      (byte(RECORD_FLAGS_AT) === FLAG_ENCRYPTED || view.getUint32(RECORD_EPOCH_AT, true) === 0);
    if (!isRecord) throw this.invalid("X4", "its header is not a record's");
    const length = view.getUint32(RECORD_LENGTH_AT, true);
    if (payload !== null && payload.length !== length) {
      throw this.invalid("X5", `its header says ${length} bytes of payload and ${payload.length} are there`);
    }
    const offset = getU64(view, RECORD_OFFSET_AT);
    const expected = this.#nextOffset();
    if (offset !== expected) throw this.invalid("X6", `it is record ${offset} in the place of record ${expected}`);
    const timestamp = getU64(view, RECORD_TIMESTAMP_AT);
    if (timestamp < this.#timestamp || !Number.isSafeInteger(timestamp)) {
      throw this.invalid("X7", `its timestamp ${timestamp} is before its predecessor's ${this.#timestamp}`);
    }
    const link = toHex(header.subarray(RECORD_PREVIOUS_AT, RECORD_PREVIOUS_AT + DIGEST_BYTES));
    if (link === this.#head) return;
    const before = this.#records === 0 ? "the first line says otherwise" : `record ${expected - 1} is another`;
    throw this.invalid("X8", `it links to ${link.slice(0, 16)}…, and ${before}: ${this.#head.slice(0, 16)}…`);
  }

  #nextOffset(): number {
    return (this.#heading?.from ?? 0) + this.#records;
  }

  finish(hasRest: boolean, head: string | undefined): void {
    this.#line++;
    if (hasRest) throw this.invalid("X3", "it does not end with a line feed");
    if (this.#heading === null) throw this.invalid("X1", "it is missing: the export is empty");
    if (this.#ending === null) throw this.invalid("X9", "it is missing: the export was cut off");
    this.#line--;
    const to = this.#nextOffset();
    if (this.#ending.to !== to)
      throw this.invalid("X10", `it says that record ${this.#ending.to} would be next, and ${to} is`);
    if (this.#ending.head !== this.#head) throw this.invalid("X10", "its head is not the last record's hash");
    // What stands before the first record is only said, but for that of a stream's very first.
    if (this.#records === 0 && this.#heading.from > 0) throw this.invalid("X10", "it ends an export without a record");
    if (head !== undefined && head !== this.#head) {
      throw this.invalid("X11", `the last record's hash is ${this.#head.slice(0, 16)}…, not ${head.slice(0, 16)}…`);
    }
  }

  report(head: string | undefined): VerifyExportReport {
    return {
      ok: this.fault === null,
      heading: this.#heading,
      records: this.#records,
      withheld: this.#withheld,
      head: this.#head,
      problem: this.fault === null ? null : this.#problem(this.fault),
      ...this.#statements(head),
    };
  }

  #problem({ code, message, line, condition }: NonNullable<ExportCheck["fault"]>): VerifyExportReport["problem"] {
    return { code, message, line, condition, ...(line > 1 ? { offset: this.#nextOffset() } : {}) };
  }

  // A report must not let anybody believe more than was shown.
  #statements(head: string | undefined): Pick<VerifyExportReport, "checked" | "notProved"> {
    const isFromGenesis = this.#heading?.from === 0;
    const hasRecords = this.#records > 0;
    const checked = [
      ...(hasRecords
        ? [
            "every payload that is there against its SHA-256, and every record's hash against the link in its successor",
            "offsets without gaps, timestamps that never go back",
          ]
        : []),
      ...(isFromGenesis
        ? [`${hasRecords ? "the first record" : "the head"} against the identity of log and stream`]
        : []),
      ...(head === undefined || this.fault !== null ? [] : ["the last record's hash against the head that was given"]),
    ];
    const notProved = [
      ...(hasRecords ? [] : ["anything about records: none has passed"]),
      ...(head === undefined ? ["that this was ever in a log: compare the head with one from elsewhere"] : []),
      ...(isFromGenesis
        ? []
        : ["that the first record joins what stands before it, and that it is of the stream named"]),
      ...(this.#withheld === 0 ? [] : ["what the withheld payloads are; only that each has the SHA-256 that is given"]),
      "that nothing follows the last record in the log",
    ];
    return { checked, notProved };
  }
}

const NEWLINE = 10;

// Lines out of chunks, without their line feeds; `null` for one that is too long, after which there is nothing more.
class Lines {
  readonly #limit: number;
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether something came behind the last line feed. */
  get hasRest(): boolean {
    return this.#bytes > 0;
  }

  *feed(chunk: Uint8Array): Generator<Uint8Array | null, void, undefined> {
    let at = 0;
    while (at < chunk.length) {
      const found = chunk.indexOf(NEWLINE, at);
      const end = found < 0 ? chunk.length : found;
      this.#bytes += end - at;
      if (this.#bytes > this.#limit) {
        yield null;
        return;
      }
      if (found >= 0) yield this.#join(chunk.subarray(at, end));
      // A chunk may be used again by whoever gave it; a Buffer's slice would be a view.
      else this.#pieces.push(new Uint8Array(chunk.subarray(at, end)));
      at = end + 1;
    }
  }

  #join(last: Uint8Array): Uint8Array {
    const line = this.#pieces.length === 0 ? last : new Uint8Array(this.#bytes);
    let at = 0;
    for (const piece of this.#pieces.length === 0 ? [] : [...this.#pieces, last]) {
      line.set(piece, at);
      at += piece.length;
    }
    this.#pieces = [];
    this.#bytes = 0;
    return line;
  }
}
