// keys.json on the disk. It is only ever added to; the one other change is that a dead line's secret is overwritten where
// it stands. So there is never a second copy of it that an erasure could forget.

import { failure, isFailure, StorageError } from "../errors.ts";
import { encodeKeyLine, type KeyLine, wiped } from "../format/key-line.ts";
import { folderOf } from "../format/path.ts";
import type { SyncSteps } from "../log/segments/sync-steps.ts";
import { writeWhole } from "../log/segments/write-whole.ts";
import type { Files, RuntimeFile } from "../runtime.ts";
import { crc32 } from "../wasm/hashing-core.ts";
import { type KeyTable, type ReadKeyFile, readKeyTable } from "./key-table.ts";

const MAX_BYTES = 256 << 20;
// Kept free of keys and rotations, so that there is room for erasures, and for the epochs that openings begin.
export const RESERVED_BYTES: number = 16 << 20;
const MAY_USE_RESERVE: ReadonlySet<KeyLine["type"]> = new Set(["epoch", "erase", "erased", "wiped", "durable"]);
// Whoever reads beside a writer may see a line wiped and not yet the one that says why. Another look tells.
const LOOKS = 3;

/** Reads the key file at `path`; `null` when there is none. */
export function loadKeyFile(files: Files, path: string, logId: string): ReadKeyFile | null {
  for (let look = 1; ; look++) {
    // Most logs have none, and the error that says so takes longer than looking.
    if (files.kind(path) === null) return null;
    try {
      return readKeyTable(files.readSmall(path, MAX_BYTES), path, logId, crc32);
    } catch (error) {
      if (isFailure(error, "FILE_NOT_FOUND")) return null;
      if (look === LOOKS || !isFailure(error, "KEY_FILE_INVALID")) throw error;
    }
  }
}

/** The bytes of a new key file, which comes into being whole. */
export function encodeKeyFile(lines: readonly KeyLine[]): Uint8Array {
  const mark = { n: lines.length, durable: lines.length, line: MARK };
  return joined([...lines.map((line, n) => ({ n, durable: 0, line })), mark].map((one) => encodeKeyLine(one, crc32)));
}

// Stands at the end and says that the lines before it are on the disk. Without it, the last of them could not be told from
// a torn one when it is damaged. It is no line that anybody needs: the next ones are written over it.
const MARK: KeyLine = { type: "durable" };

export class KeyFile {
  readonly table: KeyTable;
  readonly #files: Files;
  readonly #file: RuntimeFile;
  readonly #start: ReadKeyFile;
  // The mark was written, and nobody has waited for it to reach the disk.
  #markPending = false;
  // Nobody knows what the file holds: nothing may be added until it is opened again.
  #failure: StorageError | null = null;

  readonly #mostBytes: number;

  /** Opens a key file that was read, for its only writer. */
  constructor(files: Files, read: ReadKeyFile, mostBytes: number = MAX_BYTES) {
    this.#mostBytes = mostBytes;
    this.#files = files;
    this.#start = read;
    this.table = read.table;
    this.#file = files.open(read.table.path, "write");
  }

  /**
   * Before anything else: what may be in memory only is written again and synced, as is the file's name; what was torn
   * is overwritten and cut off; what an earlier writer had still to wipe is wiped.
   */
  *settle(): SyncSteps {
    const file = this.#file;
    const { path, end, wholeEnd } = this.table;
    const { doubtfulFrom } = this.#start;
    const size = file.size();
    if (size > wholeEnd || doubtfulFrom < end) {
      const doubtful = new Uint8Array(end - doubtfulFrom);
      file.read(doubtful, doubtfulFrom);
      writeWhole(this.#file, doubtful, doubtfulFrom);
      if (size > wholeEnd) writeWhole(this.#file, new Uint8Array(size - wholeEnd), wholeEnd);
      yield* this.#sync();
      if (size > wholeEnd) {
        file.truncate(wholeEnd);
        yield* this.#sync();
      }
      if (!this.table.isSealed) this.#mark();
    }
    // Whoever made the file may have died before its name was durable.
    yield this.#files.folder(folderOf(path));
    yield* this.wipeDead();
  }

  /** Sees to it that there is a mark at the end, and that it is on the disk. */
  *seal(): SyncSteps {
    if (this.#failure !== null) return;
    if (!this.table.isSealed) this.#mark();
    if (!this.#markPending) return;
    yield* this.#sync();
    this.#markPending = false;
  }

  /** Adds lines, all of them or none. They are on the disk, and in the table, when it has ended. */
  *append(lines: readonly KeyLine[]): SyncSteps {
    if (lines.length === 0) return;
    if (this.#failure !== null) throw this.#failure;
    const { table } = this;
    const numbered = lines.map((line, i) => ({ n: table.lines + i, durable: table.lines, line }));
    const encoded = numbered.map((one) => encodeKeyLine(one, crc32));
    const bytes = joined(encoded);
    const limit = this.#mostBytes - (lines.every(({ type }) => MAY_USE_RESERVE.has(type)) ? 0 : RESERVED_BYTES);
    if (table.end + bytes.length > limit) {
      throw failure("FILE_TOO_LARGE", { path: table.path, bytes: table.end + bytes.length, limit });
    }
    try {
      writeWhole(this.#file, bytes, table.end);
    } catch (error) {
      this.#cutBack(bytes.length);
      throw error;
    }
    yield* this.#sync();
    for (const [i, one] of numbered.entries()) {
      const { length } = encoded[i] as Uint8Array;
      table.add({ ...one, exact: true }, table.end, length);
    }
    this.#mark();
  }

  // Nobody waits for it to be on the disk, and it is no harm when it never is.
  #mark(): void {
    const { table } = this;
    const mark = { n: table.lines, durable: table.lines, line: MARK };
    const bytes = encodeKeyLine(mark, crc32);
    try {
      writeWhole(this.#file, bytes, table.end);
      table.add({ ...mark, exact: true }, table.end, bytes.length);
      this.#markPending = true;
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.#cutBack(bytes.length);
    }
  }

  /** Overwrites what dead lines wrap. It is gone from the disk when it has ended. */
  *wipeDead(): SyncSteps {
    if (this.table.dead.length === 0) return;
    if (this.#failure !== null) throw this.#failure;
    // Those that look wiped too: a sync that failed may have left zeros in memory and the key on the disk.
    for (const { n, durable, line, position } of this.table.dead) {
      writeWhole(this.#file, encodeKeyLine({ n, durable, line: wiped(line) }, crc32), position);
    }
    yield* this.#sync();
    yield* this.append([{ type: "wiped" }]);
  }

  close(): void {
    this.#file.close();
  }

  *#sync(): SyncSteps {
    try {
      yield this.#file;
    } catch (error) {
      this.#failure = error as StorageError;
      throw error;
    }
  }

  // What was written of lines that are given up may be on the disk already. The next sync takes it away.
  #cutBack(bytes: number): void {
    const { end } = this.table;
    this.table.isSealed = false;
    this.table.wholeEnd = end;
    try {
      const written = Math.min(bytes, Math.max(0, this.#file.size() - end));
      writeWhole(this.#file, new Uint8Array(written), end);
      this.#file.truncate(end);
    } catch (error) {
      this.#failure = error as StorageError;
    }
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
