// Cuts chunks of bytes into lines without making strings: a line is the bytes between two \n, whatever they are.
import { EXIT_USAGE } from "../errors.ts";
import { CommandError } from "./command-error.ts";
import { formatCount } from "./units.ts";

/** How much goes into one append. */
export interface BatchLimits {
  readonly lines: number;
  readonly bytes: number;
}

/** Lines on their way into one append. */
export class LineBatch {
  readonly lines: Uint8Array[] = [];
  bytes = 0;
  readonly #limits: BatchLimits;

  constructor(limits: BatchLimits) {
    this.#limits = limits;
  }

  get isFull(): boolean {
    return this.lines.length >= this.#limits.lines || this.bytes >= this.#limits.bytes;
  }

  add(line: Uint8Array): void {
    this.lines.push(line);
    this.bytes += line.length;
  }
}

const NEWLINE = 10;

/** Chunks go in, lines come out. A line within one chunk is a view on it; one that spans chunks is put together. */
export class LineSplitter {
  readonly #maxLineBytes: number;
  #chunk: Uint8Array = new Uint8Array();
  #at = 0;
  // The start of a line whose end has not come yet.
  #pieces: Uint8Array[] = [];
  #pieceBytes = 0;
  #lines = 0;

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** Gives the next chunk. The one before must have been used up. */
  feed(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /**
   * Moves lines into `batch` until it is full, which gives `true`, or the chunk is used up, which gives `false`.
   *
   * @throws {CommandError} `LINE_TOO_LONG`; the lines before are in the batch
   */
  fill(batch: LineBatch): boolean {
    const chunk = this.#chunk;
    while (this.#at < chunk.length) {
      if (batch.isFull) return true;
      const end = chunk.indexOf(NEWLINE, this.#at);
      const piece = chunk.subarray(this.#at, end < 0 ? chunk.length : end);
      this.#checkLength(this.#pieceBytes + piece.length);
      this.#at = end < 0 ? chunk.length : end + 1;
      if (end < 0) {
        this.#pieces.push(piece);
        this.#pieceBytes += piece.length;
      } else {
        batch.add(this.#pieceBytes === 0 ? piece : this.#join(piece));
        this.#lines++;
      }
    }
    return batch.isFull;
  }

  /** At the end of the input: what follows the last \n is a line, unless it is nothing. */
  end(batch: LineBatch): void {
    if (this.#pieceBytes > 0) batch.add(this.#join(new Uint8Array()));
  }

  #join(last: Uint8Array): Uint8Array {
    const line = new Uint8Array(this.#pieceBytes + last.length);
    let at = 0;
    for (const piece of [...this.#pieces, last]) {
      line.set(piece, at);
      at += piece.length;
    }
    this.#pieces = [];
    this.#pieceBytes = 0;
    return line;
  }

  #checkLength(bytes: number): void {
    const limit = this.#maxLineBytes;
    if (bytes <= limit) return;
    const line = this.#lines + 1;
    const message = `Line ${formatCount(line)} is longer than ${formatCount(limit)} bytes, the most that a record may have. Split it; the lines before it were appended.`;
    throw new CommandError("LINE_TOO_LONG", EXIT_USAGE, message, { line, limit });
  }
}
