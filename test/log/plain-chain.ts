// The format once more, in the plainest way, as an oracle: takes segments apart into records and puts them together again,
// and goes through a whole stream by the conditions of docs/format.md. It shares no code with what it judges.
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

const HEADER = 128;
const EXTRA = 72;

/** A record's bytes without its CRC, which its segment gives it. */
export type PlainRecord = Uint8Array<ArrayBuffer>;

export interface PlainSegment {
  readonly header: Uint8Array<ArrayBuffer>;
  readonly records: PlainRecord[];
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const sha256 = (...parts: Uint8Array[]) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};
const isEqual = (one: Uint8Array, other: Uint8Array) => Buffer.compare(one, other) === 0;

/** A good segment's parts. */
export function takeApart(bytes: Uint8Array): PlainSegment {
  const records: PlainRecord[] = [];
  for (let at = HEADER; at < bytes.length; ) {
    const length = EXTRA + viewOf(bytes).getUint32(at + 4, true);
    records.push(bytes.slice(at, at + length - 4));
    at += length;
  }
  return { header: bytes.slice(0, HEADER), records };
}

/** A segment's bytes, with the right CRC behind each record whatever is in it. */
export function putTogether({ header, records }: PlainSegment): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER + records.reduce((sum, record) => sum + record.length + 4, 0));
  bytes.set(header);
  let at = HEADER;
  const seed = crc32(header.subarray(112, 116));
  for (const record of records) {
    bytes.set(record, at);
    viewOf(bytes).setUint32(at + record.length, crc32(record, seed), true);
    at += record.length + 4;
  }
  return bytes;
}

export function hashOf(record: PlainRecord): Uint8Array {
  const payload = record.subarray(64, record.length - 4);
  return sha256(record.subarray(0, 64), sha256(payload));
}

/** Makes a record link to a hash. */
export function relink(record: PlainRecord, hash: Uint8Array): PlainRecord {
  const changed = record.slice();
  changed.set(hash, 32);
  return changed;
}

/** `"append"`: the segment's last record says that its append goes on. */
type Why = "header" | "record" | "time" | "link" | "append";

export interface PlainVerdict {
  /** Records that are good by themselves and link to the one before, from the first on. */
  readonly records: number;
  readonly head: string;
  /** The hash of each of them. */
  readonly hashes: readonly string[];
  /** Number of the segment in which it ends too early, and why; `null` when all is good to the last byte. */
  readonly fault: { readonly segment: number; readonly why: Why } | null;
}

/** Goes through a stream's segments as they stand. Zeros behind the newest one's records count as nothing. */
export function judge(segments: readonly Uint8Array[]): PlainVerdict {
  let records = 0;
  let timestamp = 0n;
  let head: Uint8Array = new Uint8Array();
  const hashes: string[] = [];
  const end = (segment: number, why: Why): PlainVerdict => ({
    records,
    head: Buffer.from(head).toString("hex"),
    hashes,
    fault: { segment, why },
  });
  for (const [number, bytes] of segments.entries()) {
    const view = viewOf(bytes);
    if (!isGoodHeader(bytes, number, segments[0] as Uint8Array, records)) return end(number, "header");
    if (number === 0) head = sha256(bytes.subarray(0, 112));
    const seed = crc32(bytes.subarray(112, 116));
    let goesOn = false;
    const isOlder = number < segments.length - 1;
    if (isOlder && bytes.length === HEADER) return end(number, "record");
    for (let at = HEADER; at < bytes.length; ) {
      const isNewest = number === segments.length - 1;
      if (isNewest && bytes.subarray(at).every((byte) => byte === 0)) break;
      const length = at + 8 <= bytes.length ? EXTRA + view.getUint32(at + 4, true) : Number.POSITIVE_INFINITY;
      if (at + length > bytes.length) return end(number, "record");
      const record = bytes.slice(at, at + length - 4);
      const fields = viewOf(record);
      const commit = fields.getUint32(record.length - 4, true);
      const isGood =
        Buffer.from(record.subarray(0, 4)).toString() === "DTR1" &&
        view.getUint32(at + length - 4, true) === crc32(record, seed) &&
        (record[24] as number) <= 1 &&
        record[25] === 0 &&
        (record[26] as number) <= 1 &&
        record[27] === 0 &&
        (commit & 0x40000000) === 0 &&
        (record[26] === 1 || fields.getUint32(28, true) === 0) &&
        fields.getBigUint64(8, true) === BigInt(records) &&
        fields.getBigUint64(16, true) <= BigInt(Number.MAX_SAFE_INTEGER);
      if (!isGood) return end(number, "record");
      if (fields.getBigUint64(16, true) < timestamp) return end(number, "time");
      if (!isEqual(record.subarray(32, 64), head)) return end(number, "link");
      timestamp = fields.getBigUint64(16, true);
      head = hashOf(record);
      hashes.push(Buffer.from(head).toString("hex"));
      goesOn = commit >>> 31 === 1;
      records++;
      at += length;
    }
    if (goesOn && number < segments.length - 1) return end(number, "append");
  }
  return { records, head: Buffer.from(head).toString("hex"), hashes, fault: null };
}

function isGoodHeader(bytes: Uint8Array, number: number, first: Uint8Array, records: number): boolean {
  if (bytes.length < HEADER) return false;
  const view = viewOf(bytes);
  return (
    Buffer.from(bytes.subarray(0, 8)).toString() === "DIATREME" &&
    view.getUint32(124, true) === crc32(bytes.subarray(0, 124)) &&
    view.getUint16(8, true) === 1 &&
    view.getUint16(10, true) === 0 &&
    view.getUint32(12, true) === number &&
    view.getBigUint64(16, true) === BigInt(records) &&
    view.getBigUint64(116, true) === 0n &&
    isEqual(bytes.subarray(32, 112), first.subarray(32, 112))
  );
}
