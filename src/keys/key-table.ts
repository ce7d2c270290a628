// What the lines of a key file say together: which keys there are, which are dead, where each stands. Pure; docs/format.md,
// "Key file", conditions W4 to W9.
import { type CorruptionError, failure } from "../errors.ts";
import {
  type BadLine,
  type DataKeyLine,
  type DecodedLine,
  decodeKeyLine,
  isWiped,
  KEY_FILE_VERSION,
  type KekLine,
  type NumberedLine,
} from "../format/key-line.ts";

/** A line that holds something wrapped, and its place in the file. */
export interface PlacedLine<L = KekLine | DataKeyLine> {
  readonly line: L;
  readonly n: number;
  readonly durable: number;
  readonly position: number;
  readonly exact: boolean;
}

export type DataKeyState = "live" | "erasing" | "erased";

/** A data key, alive or not. */
export interface DataKeyEntry {
  readonly place: PlacedLine<DataKeyLine>;
  readonly state: DataKeyState;
  /** Who wanted it erased, and when: sealed. Empty while it lives. */
  readonly sealed: string;
}

type Crc32 = (bytes: Uint8Array) => number;

export class KeyTable {
  readonly path: string;
  readonly logId: string;
  /** The key-encryption key in use. */
  kek: PlacedLine<KekLine> | null = null;
  /** By number. */
  readonly keys: Map<string, DataKeyEntry> = new Map<string, DataKeyEntry>();
  /** Salts by number. */
  readonly epochs: Map<string, string> = new Map<string, string>();
  /** Lines whose key is replaced or erased, and of which it is not known that what they wrapped is gone. */
  readonly dead: PlacedLine[] = [];
  /** Behind the last line a mark says that they all are on the disk. The mark itself does not count: it is written over. */
  isSealed = false;
  /** Where what is good ends, the mark included. */
  wholeEnd = 0;
  /** How many lines there are, and where the next one goes. */
  lines = 0;
  end = 0;
  // Numbers by purpose and name.
  readonly #names = new Map<string, string>();
  // A rotation whose last line has not come yet.
  #rotation: Rotation | null = null;

  constructor(path: string, logId: string) {
    this.path = path;
    this.logId = logId;
  }

  /** The number of the key for a purpose and name. */
  keyOf(purpose: DataKeyLine["purpose"], of: string): string | undefined {
    return this.#names.get(`${purpose}:${of}`);
  }

  /** Takes a line in. `position` is where it begins, `bytes` its length. */
  add(decoded: DecodedLine, position: number, bytes: number): void {
    const { n, durable, line, exact } = decoded;
    if (n !== this.lines) throw this.invalid(this.lines, "W4", `it says that it is line ${n}`);
    if ((n === 0) !== (line.type === "log")) throw this.invalid(n, "W5", "the first line, and no other, names the log");
    switch (line.type) {
      case "log":
        if (line.version !== KEY_FILE_VERSION) {
          throw failure("LOG_VERSION_UNSUPPORTED", {
            path: this.path,
            found: line.version,
            supported: KEY_FILE_VERSION,
          });
        }
        if (line.id !== this.logId) throw this.invalid(n, "W6", "it belongs to another log");
        break;
      case "kek":
        if (this.#rotation !== null) throw this.invalid(n, "W7", "another rotation has not ended");
        this.#rotation = { kek: { line, n, durable, position, exact }, keys: new Map() };
        break;
      case "data":
        this.#addKey({ line, n, durable, position, exact });
        break;
      case "rotated":
        this.#rotate(n, line.kek);
        break;
      case "wiped":
        this.dead.length = 0;
        break;
      case "durable":
        this.isSealed = true;
        this.wholeEnd = position + bytes;
        return;
      case "epoch":
        if (this.epochs.has(line.epoch)) throw this.invalid(n, "W8", `there is an epoch ${line.epoch} already`);
        this.epochs.set(line.epoch, line.salt);
        break;
      case "erase": {
        const entry = this.keys.get(line.key);
        if (entry?.state !== "live" || entry.place.line.purpose !== "subject") {
          throw this.invalid(n, "W8", `there is no subject's key ${line.key} to erase`);
        }
        this.keys.set(line.key, { ...entry, state: "erasing", sealed: line.sealed });
        this.dead.push(entry.place);
        break;
      }
      case "erased": {
        const entry = this.keys.get(line.key);
        if (entry?.state !== "erasing") throw this.invalid(n, "W8", `key ${line.key} is not being erased`);
        this.keys.set(line.key, { ...entry, state: "erased" });
        break;
      }
    }
    this.isSealed = false;
    this.lines++;
    this.end = position + bytes;
    this.wholeEnd = this.end;
  }

  #addKey(place: PlacedLine<DataKeyLine>): void {
    const { line, n } = place;
    const { key, purpose, of } = line;
    const rotation = this.#rotation;
    const current = rotation === null ? this.kek : rotation.kek;
    if (line.kek !== current?.line.kek) throw this.invalid(n, "W7", `its key-encryption key is not the one in use`);
    const known = this.keys.get(key);
    if (known !== undefined) {
      const { line: before } = known.place;
      const same = before.purpose === purpose && before.of === of && before.fingerprint === line.fingerprint;
      if (!same || rotation === null || known.state !== "live" || rotation.keys.has(key)) {
        throw this.invalid(n, "W8", `there is a key ${key} already`);
      }
      rotation.keys.set(key, place);
      return;
    }
    const name = `${purpose}:${of}`;
    if (this.#names.has(name)) throw this.invalid(n, "W8", "there is a key for the same already");
    this.#names.set(name, key);
    this.keys.set(key, { place, state: "live", sealed: "" });
  }

  // From its last line on a rotation counts, all of it at once.
  #rotate(n: number, kek: string): void {
    const rotation = this.#rotation;
    if (rotation === null || rotation.kek.line.kek !== kek) throw this.invalid(n, "W7", "no rotation ends here");
    for (const [key, entry] of this.keys) {
      const place = rotation.keys.get(key);
      if (place !== undefined) {
        this.dead.push(entry.place);
        this.keys.set(key, { ...entry, place });
      } else if (entry.state === "live" && entry.place.line.kek !== kek) {
        throw this.invalid(n, "W7", `key ${key} was left out`);
      }
    }
    if (this.kek !== null) this.dead.push(this.kek);
    this.kek = rotation.kek;
    this.#rotation = null;
  }

  /** Where a rotation begins whose end is not there: it counts for nothing. */
  get unfinishedFrom(): { readonly n: number; readonly position: number } | null {
    return this.#rotation?.kek ?? null;
  }

  /** W9, and what every key file has. */
  checkWhole(): void {
    const { kek } = this;
    if (kek === null) throw this.invalid(this.lines, "W7", "it ends before there is a key-encryption key");
    if (this.keyOf("tags", "") === undefined)
      throw this.invalid(this.lines, "W7", "it ends before there is a key for tags");
    const live = [...this.keys.values()].filter(({ state }) => state === "live").map(({ place }) => place);
    for (const { n, line, exact } of [kek, ...live]) {
      if (!exact) throw this.invalid(n, "W3", "it is not as it was written: its CRC does not fit");
      if (isWiped(line)) throw this.invalid(n, "W9", "its key was wiped, and nothing says why");
    }
  }

  invalid(line: number, condition: string, reason: string): CorruptionError {
    return failure("KEY_FILE_INVALID", { path: this.path, line, condition, reason }) as CorruptionError;
  }
}

interface Rotation {
  readonly kek: PlacedLine<KekLine>;
  readonly keys: Map<string, PlacedLine<DataKeyLine>>;
}

/** A key file, read. */
export interface ReadKeyFile {
  readonly table: KeyTable;
  /** Where the first line stands that is not known to be. */
  readonly doubtfulFrom: number;
}

/**
 * Reads the bytes of a key file. Lines at its end that were never known to be on the disk may be torn: then they, and all
 * behind them, count for nothing and lie behind `table.end`.
 *
 * @throws {CorruptionError} `KEY_FILE_INVALID`
 * @throws {UsageError} `LOG_VERSION_UNSUPPORTED`
 */
export function readKeyTable(bytes: Uint8Array, path: string, logId: string, crc32: Crc32): ReadKeyFile {
  const lines = linesOf(bytes, crc32);
  const good = goodLines(lines, path, logId);
  let kept = addAll(lines.slice(0, good), path, logId);
  const unfinished = kept.unfinishedFrom;
  if (unfinished !== null) {
    checkNeverDurable(
      lines.slice(unfinished.n),
      unfinished.n,
      path,
      logId,
      "W7",
      "a rotation that begins here has no end",
    );
    kept = addAll(lines.slice(0, unfinished.n), path, logId);
  }
  kept.checkWhole();
  const last = lines[kept.lines - 1]?.decoded as NumberedLine;
  const durable = kept.isSealed ? kept.lines : last.durable;
  return { table: kept, doubtfulFrom: durable === kept.lines ? kept.end : (lines[durable] as SplitLine).position };
}

// What every line begins with and none has within: a quote in a string has a backslash before it.
const BEGINNING = new TextEncoder().encode('{"n":');

interface SplitLine {
  readonly position: number;
  readonly bytes: number;
  readonly decoded: DecodedLine | BadLine;
}

function linesOf(bytes: Uint8Array, crc32: Crc32): SplitLine[] {
  const lines: SplitLine[] = [];
  for (let position = 0; position < bytes.length; ) {
    const end = endOfLine(bytes, position);
    lines.push({ position, bytes: end - position, decoded: decodeKeyLine(bytes.subarray(position, end), crc32) });
    position = end;
  }
  return lines;
}

// Behind the line feed, or before what begins the next line: a line feed that was damaged must not make one bad line of two,
// the later of which knows the earlier to be on the disk.
function endOfLine(bytes: Uint8Array, position: number): number {
  const feed = bytes.indexOf(10, position);
  const end = feed < 0 ? bytes.length : feed + 1;
  for (let at = bytes.indexOf(BEGINNING[0] as number, position + 1); at >= 0 && at < end; ) {
    if (BEGINNING.every((byte, i) => bytes[at + i] === byte)) return at;
    at = bytes.indexOf(BEGINNING[0] as number, at + 1);
  }
  return end;
}

// How many lines, from the first on, are good. A bad one was torn, unless a later line knew it to be on the disk.
function goodLines(lines: readonly SplitLine[], path: string, logId: string): number {
  // A line is wiped only when a later one was on the disk: one that is not exact and stands last was never whole.
  const good = lines.findIndex(
    ({ decoded }, i) => "condition" in decoded || decoded.n !== i || !(decoded.exact || isKnownDurable(lines, i)),
  );
  if (good < 0) return lines.length;
  const { decoded } = lines[good] as SplitLine;
  const { condition, reason } =
    "condition" in decoded ? decoded : { condition: "W4", reason: `it does not follow line ${good - 1}` };
  checkNeverDurable(lines.slice(good), good, path, logId, condition, reason);
  return good;
}

function checkNeverDurable(
  lines: readonly SplitLine[],
  n: number,
  path: string,
  logId: string,
  condition: string,
  reason: string,
): void {
  if (isKnownDurable(lines, n) || n === 0) throw new KeyTable(path, logId).invalid(n, condition, reason);
}

function isKnownDurable(lines: readonly SplitLine[], n: number): boolean {
  return lines.some(({ decoded }) => "durable" in decoded && decoded.exact && decoded.durable > n);
}

function addAll(lines: readonly SplitLine[], path: string, logId: string): KeyTable {
  const table = new KeyTable(path, logId);
  for (const { decoded, position, bytes } of lines) {
    const { line } = decoded as DecodedLine;
    const torn = line.type === "wiped" ? table.dead.find(({ exact }) => !exact) : undefined;
    if (torn !== undefined) throw table.invalid(torn.n, "W3", "it is not as it was written: its CRC does not fit");
    table.add(decoded as DecodedLine, position, bytes);
  }
  return table;
}
