// Erases a subject: destroys its key, then says so in every stream that has records of it. In this order, so that no
// receipt ever claims what was not done; and begun erasures are gone on with when the log is opened again.

import { CorruptionError, failure, isFailure } from "../errors.ts";
import type { Erasure, Keyring } from "../keys/keyring.ts";
import { numberOf } from "../keys/keyring.ts";
import type { Clock } from "../runtime.ts";
import { invalidOption, optionsOf } from "./call-options.ts";
import type { Log } from "./log.ts";
import type { LogRecord } from "./reading/record.ts";
import { timeNotBefore } from "./segments/stored-time.ts";
import type { Stream } from "./stream.ts";
import { Tombstone } from "./writing/tombstone.ts";

export interface EraseOptions {
  /** Who wants it: a person, a ticket, a law. It is written into the log, where it stays: 1 to 1,000 characters. */
  readonly by: string;
}

/** What was erased, and what was not. */
export interface ErasureReport {
  /** Number and fingerprint of the key that was destroyed. */
  readonly key: string;
  readonly fingerprint: string;
  readonly by: string;
  /** µs since the Unix epoch. */
  readonly at: number;
  /** How many records nobody can read any more. */
  readonly records: number;
  readonly streams: readonly StreamErasure[];
}

/** The same for one stream, with what else it holds. */
export interface StreamErasure {
  readonly stream: string;
  /** Records of the erased subject. */
  readonly erased: number;
  /** Offset of the receipt; `null` where there was nothing to erase. */
  readonly receipt: number | null;
  /** Records that are not encrypted: whether they tell of the subject nobody but their author knows. */
  readonly plain: number;
  /** Records that other keys still open. */
  readonly readable: number;
  /** Records whose key was erased before, or is not here. */
  readonly unreadable: number;
}

/** What a tombstone's payload says, as JSON with these keys in this order. */
export interface ErasureReceipt {
  readonly type: typeof RECEIPT_TYPE;
  readonly log: string;
  readonly stream: string;
  readonly key: string;
  readonly fingerprint: string;
  /** How many records of the stream were erased, and the offsets of the first and the last of them. */
  readonly records: number;
  readonly first: number;
  readonly last: number;
  /** How the stream stood before the receipt: its offset, and the hash of the record before it. */
  readonly nextOffset: number;
  readonly head: string;
  readonly by: string;
  readonly at: number;
}

const RECEIPT_TYPE = "diatreme.erasure/v1";
const MOST_BY = 1000;

/** See `Log.eraseSubject`. */
export async function eraseSubject(
  log: Log,
  keyring: Keyring,
  clock: Clock,
  keyId: string,
  options: EraseOptions,
): Promise<ErasureReport> {
  const erasure = await keyring.destroy(keyId, {
    by: checkBy(optionsOf(options, { by: true }).by),
    at: timeNotBefore(clock, 0),
  });
  return completeErasure(log, keyring, erasure);
}

/** Goes on with what an earlier writer had begun. One in whose way something stands stays begun. */
export async function finishErasures(log: Log, keyring: Keyring | null): Promise<void> {
  for (const erasure of keyring?.unfinishedErasures() ?? []) {
    try {
      await completeErasure(log, keyring as Keyring, erasure);
    } catch (error) {
      if (!mayWait(error)) throw error;
    }
  }
}

// A link in a stream's place is damage too; and a log of more streams than files may be open is still good for some.
function mayWait(error: unknown): boolean {
  const isInTheWay = isFailure(error, "FILE_NOT_REGULAR") || isFailure(error, "TOO_MANY_OPEN_FILES");
  return error instanceof CorruptionError || isInTheWay;
}

// The key is gone. What is left is to say so, once in each stream.
async function completeErasure(log: Log, keyring: Keyring, erasure: Erasure): Promise<ErasureReport> {
  const streams: StreamErasure[] = [];
  for (const name of await log.streams()) streams.push(await eraseIn(log, log.stream(name), keyring, erasure));
  await keyring.finishErasure(erasure);
  const { key, fingerprint, by, at } = erasure;
  return { key, fingerprint, by, at, records: streams.reduce((sum, { erased }) => sum + erased, 0), streams };
}

async function eraseIn(log: Log, stream: Stream, keyring: Keyring, erasure: Erasure): Promise<StreamErasure> {
  // The key takes no more appends: what was appended with it is on its way at most.
  await stream.flush();
  const { first, last, receipt, ...counts } = await count(stream, keyring, erasure);
  if (counts.erased === 0 || receipt !== null) return { ...counts, receipt };
  const { key, fingerprint, by, at } = erasure;
  const records = counts.erased;
  const tombstone = new Tombstone(({ nextOffset, head }) => {
    const place = { log: log.id, stream: stream.name, key, fingerprint };
    const said: ErasureReceipt = { type: RECEIPT_TYPE, ...place, records, first, last, nextOffset, head, by, at };
    return JSON.stringify(said);
  });
  const { firstOffset } = await stream.appendTombstone(tombstone);
  await stream.flush();
  return { ...counts, receipt: firstOffset };
}

interface Count extends StreamErasure {
  readonly first: number;
  readonly last: number;
}

async function count(stream: Stream, keyring: Keyring, { key, fingerprint }: Erasure): Promise<Count> {
  const counts = { erased: 0, plain: 0, readable: 0, unreadable: 0, first: -1, last: -1 };
  let receipt: number | null = null;
  const wanted = numberOf(key);
  for await (const record of stream.read({ verify: "crc", zeroCopy: true })) {
    const number = record.keyNumber;
    if (number === null) {
      if (record.kind === "tombstone" && isReceipt(record, fingerprint)) receipt = record.offset;
      else counts.plain++;
    } else if (number === wanted) {
      counts.erased++;
      if (counts.first < 0) counts.first = record.offset;
      counts.last = record.offset;
    } else if (keyring.isLive(number)) counts.readable++;
    else counts.unreadable++;
  }
  return { stream: stream.name, ...counts, receipt };
}

function isReceipt(record: LogRecord, fingerprint: string): boolean {
  try {
    const { type, fingerprint: of } = record.json() as Partial<ErasureReceipt>;
    return type === RECEIPT_TYPE && of === fingerprint;
  } catch {
    // A tombstone that says something else.
    return false;
  }
}

function checkBy(by: unknown): string {
  if (typeof by === "string" && by !== "" && by.length <= MOST_BY && by.isWellFormed()) return by;
  const expected = `a text of 1 to ${MOST_BY} characters`;
  if (typeof by !== "string") throw invalidOption("by", by, expected);
  throw failure("OPTION_INVALID", { option: "by", value: `of ${by.length} characters`, expected });
}
