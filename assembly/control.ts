// What crosses the border beside arguments: the fields of the control block and the verdicts. Like layout.ts this file is
// AssemblyScript and TypeScript at once. Offsets and times are f64 here, so that neither side needs a BigInt.

// How many records one call encodes or checks at the most: the length of the tables.
export const BATCH_RECORDS = 1024;

// One message of the table: payload pointer and payload length, both u32.
export const MESSAGE_POINTER_AT = 0;
export const MESSAGE_LENGTH_AT = 4;
export const MESSAGE_BYTES = 8;

// Chain state: where the next record must join.
export const CONTROL_HEAD_AT = 0; // 32 bytes: hash of the last record
export const CONTROL_NEXT_OFFSET_AT = 32; // f64
export const CONTROL_TIMESTAMP_AT = 40; // f64: of the last record, µs
export const CONTROL_CRC_SEED_AT = 48; // u32: CRC-32 of the segment's salt

// What a walk found.
export const CONTROL_CONSUMED_AT = 52; // u32: bytes of the records that passed
export const CONTROL_VERDICT_AT = 56; // u32: why the walk ended, see below
export const CONTROL_NEEDED_AT = 60; // u32: bytes that the next record takes, when more are needed
export const CONTROL_STORED_CRC_AT = 64; // u32
export const CONTROL_COMPUTED_CRC_AT = 68; // u32
export const CONTROL_BYTES = 80;

// Verdicts of a walk. The numbers of record conditions in docs/format.md are these.
export const VERDICT_MAGIC = 1; // the magic is not DTR1
export const VERDICT_LENGTH = 2; // the length is over the limit
export const VERDICT_CRC = 3;
export const VERDICT_KIND = 4;
export const VERDICT_COMPRESSION = 5;
export const VERDICT_FLAGS = 6;
export const VERDICT_RESERVED = 7; // byte 27 or commit bit 30 is not zero
export const VERDICT_EPOCH = 8; // an epoch without encryption
export const VERDICT_OFFSET = 9;
export const VERDICT_TIMESTAMP = 10;
// Not faults: why a walk stopped among good records.
export const WALK_END = 0; // the window ends where a record ends
export const WALK_MORE = 100; // the next record goes on beyond the window
export const WALK_FULL = 101; // the tables are full
