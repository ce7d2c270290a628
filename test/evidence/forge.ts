// What somebody can do who may write to a log's folder and knows the format: take segments apart, change records, put
// them together again with links and CRCs that fit. Written apart from the shipping code.
import { createHash } from "node:crypto";
import * as layout from "../../assembly/layout.ts";
import { crc32 } from "../log/crc32.ts";

export interface ForgedRecord {
  /** 64 bytes. */
  readonly header: Uint8Array;
  payload: Uint8Array;
  commit: number;
}

export interface ForgedSegment {
  /** 128 bytes. */
  readonly header: Uint8Array;
  readonly records: ForgedRecord[];
}

/** The records of a segment whose file holds nothing else. */
export function takeApart(bytes: Uint8Array): ForgedSegment {
  const records: ForgedRecord[] = [];
  for (let at = layout.SEGMENT_HEADER_BYTES; at < bytes.length; ) {
    const view = new DataView(bytes.buffer, bytes.byteOffset + at);
    const length = view.getUint32(layout.RECORD_LENGTH_AT, true);
    const end = at + layout.RECORD_HEADER_BYTES + length;
    records.push({
      header: bytes.slice(at, at + layout.RECORD_HEADER_BYTES),
      payload: bytes.slice(at + layout.RECORD_HEADER_BYTES, end),
      commit: view.getUint32(layout.RECORD_HEADER_BYTES + length, true),
    });
    at = end + layout.TRAILER_BYTES;
  }
  return { header: bytes.slice(0, layout.SEGMENT_HEADER_BYTES), records };
}

/** The file of a segment, every CRC right. */
export function putTogether({ header, records }: ForgedSegment): Uint8Array {
  const salt = header.subarray(layout.SEGMENT_SALT_AT, layout.SEGMENT_SALT_AT + layout.SEGMENT_SALT_BYTES);
  const parts = records.map((record) => {
    const part = new Uint8Array(layout.RECORD_EXTRA_BYTES + record.payload.length);
    const view = new DataView(part.buffer);
    part.set(record.header);
    view.setUint32(layout.RECORD_LENGTH_AT, record.payload.length, true);
    part.set(record.payload, layout.RECORD_HEADER_BYTES);
    view.setUint32(part.length - 8, record.commit, true);
    view.setUint32(part.length - 4, crc32(Uint8Array.of(...salt, ...part.subarray(0, part.length - 4))), true);
    return part;
  });
  return Uint8Array.from([header, ...parts].flatMap((part) => [...part]));
}

/** Hash of a record as the format has it. */
export function hashOf({ header, payload }: ForgedRecord): Uint8Array {
  const copy = header.slice();
  new DataView(copy.buffer).setUint32(layout.RECORD_LENGTH_AT, payload.length, true);
  return sha256(copy, sha256(payload));
}

/** Links all records to their predecessors and numbers them, over segments, as a writer would. */
export function relink(segments: readonly ForgedSegment[]): void {
  let previous = sha256((segments[0] as ForgedSegment).header.subarray(0, layout.GENESIS_BYTES));
  let offset = 0;
  for (const { header, records } of segments) {
    const view = new DataView(header.buffer);
    view.setBigUint64(layout.SEGMENT_FIRST_OFFSET_AT, BigInt(offset), true);
    view.setUint32(layout.SEGMENT_CRC_AT, crc32(header.subarray(0, layout.SEGMENT_CRC_AT)), true);
    for (const record of records) {
      new DataView(record.header.buffer).setBigUint64(layout.RECORD_OFFSET_AT, BigInt(offset++), true);
      record.header.set(previous, layout.RECORD_PREVIOUS_AT);
      previous = hashOf(record);
    }
  }
}

function sha256(...parts: Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}
