// Ways to damage a log's files on purpose: at random, or by somebody who knows the format and mends the checksums.
import { readFileSync, writeFileSync } from "node:fs";
import * as layout from "../../assembly/layout.ts";

/** One segment file's bytes, to be changed and saved. */
export class SegmentBytes {
  readonly path: string;
  bytes: Buffer;

  constructor(path: string) {
    this.path = path;
    this.bytes = readFileSync(path);
  }

  save(): void {
    writeFileSync(this.path, this.bytes);
  }

  flip(at: number, bits: number): void {
    this.bytes[at] = (this.bytes[at] as number) ^ bits;
  }

  /** Where each record begins. */
  positions(): number[] {
    const found: number[] = [];
    for (let at: number = layout.SEGMENT_HEADER_BYTES; at < this.bytes.length; at = this.endOf(at)) found.push(at);
    return found;
  }

  endOf(record: number): number {
    return record + layout.RECORD_EXTRA_BYTES + this.bytes.readUInt32LE(record + layout.RECORD_LENGTH_AT);
  }

  /** Makes the CRC of the record at a byte right again. */
  mendRecord(record: number): void {
    const salt = this.bytes.subarray(layout.SEGMENT_SALT_AT, layout.SEGMENT_SALT_AT + layout.SEGMENT_SALT_BYTES);
    const crcAt = this.endOf(record) - layout.TRAILER_BYTES + layout.TRAILER_CRC_AT;
    this.bytes.writeUInt32LE(crcOf(Buffer.concat([salt, this.bytes.subarray(record, crcAt)])), crcAt);
  }

  /** Makes the CRC of the segment's header right again. */
  mendHeader(): void {
    this.bytes.writeUInt32LE(crcOf(this.bytes.subarray(0, layout.SEGMENT_CRC_AT)), layout.SEGMENT_CRC_AT);
  }
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** CRC-32 (IEEE 802.3), from its definition: not every Node has one. */
function crcOf(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (TABLE[(crc ^ byte) & 0xff] as number);
  return (crc ^ 0xffffffff) >>> 0;
}
