// The numbers of the file formats, once. docs/format.md draws them as tables; a test compares the two.
// Bare constants without annotations: this file is AssemblyScript and TypeScript at the same time.
// Names end in _AT for a distance from the start of the structure, in _BYTES for a length.

// Segment header, at the start of every segment file.
export const SEGMENT_MAGIC_AT = 0;
export const SEGMENT_VERSION_AT = 8;
export const SEGMENT_RESERVED_A_AT = 10;
export const SEGMENT_NUMBER_AT = 12;
export const SEGMENT_FIRST_OFFSET_AT = 16;
export const SEGMENT_CREATED_AT = 24;
export const SEGMENT_LOG_ID_AT = 32;
export const SEGMENT_STREAM_AT = 48;
export const SEGMENT_SALT_AT = 112;
export const SEGMENT_RESERVED_B_AT = 116;
export const SEGMENT_CRC_AT = 124;
export const SEGMENT_HEADER_BYTES = 128;
export const SEGMENT_VERSION = 1;
export const SEGMENT_LOG_ID_BYTES = 16;
export const SEGMENT_STREAM_BYTES = 64;
export const SEGMENT_SALT_BYTES = 4;

// The first record of a stream links to the SHA-256 of this much of segment 0's header.
export const GENESIS_BYTES = 112;

// Record: header, stored payload, trailer.
export const RECORD_MAGIC_AT = 0;
export const RECORD_LENGTH_AT = 4;
export const RECORD_OFFSET_AT = 8;
export const RECORD_TIMESTAMP_AT = 16;
export const RECORD_KIND_AT = 24;
export const RECORD_COMPRESSION_AT = 25;
export const RECORD_FLAGS_AT = 26;
export const RECORD_RESERVED_AT = 27;
export const RECORD_EPOCH_AT = 28;
export const RECORD_PREVIOUS_AT = 32;
export const RECORD_HEADER_BYTES = 64;
// Distances of the trailer's fields from the end of the payload.
export const TRAILER_COMMIT_AT = 0;
export const TRAILER_CRC_AT = 4;
export const TRAILER_BYTES = 8;
// What a record takes beside its payload.
export const RECORD_EXTRA_BYTES = 72;

export const RECORD_MAGIC = 0x31525444; // "DTR1", read as a little-endian u32
export const KIND_DATA = 0;
export const KIND_TOMBSTONE = 1;
export const COMPRESSION_NONE = 0;
export const FLAG_ENCRYPTED = 1;

// An encrypted payload as it is stored: number of the key, ciphertext, tag.
export const PAYLOAD_KEY_BYTES = 4;
export const PAYLOAD_TAG_BYTES = 16;
export const PAYLOAD_EXTRA_BYTES = 20;

// Commit word.
export const COMMIT_MORE_SHIFT = 31; // bit 31: more records of the same append follow
export const COMMIT_RESERVED_SHIFT = 30; // bit 30: zero
export const COMMIT_UNSYNCED_MASK = 0x3fffffff; // bits 0-29: records before this one not yet known to be synced

// An entry is a record's header followed by its payload's digest; a record's hash is the entry's digest.
export const DIGEST_BYTES = 32;
export const ENTRY_BYTES = 96;

// Offset index page.
export const PAGE_CRC_AT = 0;
export const PAGE_COUNT_AT = 4;
export const PAGE_FLAGS_AT = 6;
export const PAGE_POSITION_AT = 8;
export const PAGE_OFFSET_AT = 16;
export const PAGE_TIMESTAMP_AT = 24;
export const PAGE_DISTANCES_AT = 32;
export const PAGE_BYTES = 4096;
export const PAGE_ENTRIES = 1016;
export const PAGE_FLAG_SEALED = 1; // the segment was synced and ends right after this page's last record

// A segment file never grows past this, so that a distance inside it fits a u32.
export const SEGMENT_MAX_BYTES = 0x7fffffff;

// Checkpoint file: a header, then entries.
export const CHECKPOINT_FILE_MAGIC_AT = 0;
export const CHECKPOINT_FILE_VERSION_AT = 4;
export const CHECKPOINT_FILE_ENTRY_BYTES_AT = 6;
export const CHECKPOINT_FILE_SEGMENT_AT = 8;
export const CHECKPOINT_FILE_CRC_AT = 12;
export const CHECKPOINT_FILE_HEADER_BYTES = 16;
export const CHECKPOINT_FILE_MAGIC = 0x54504b43; // "CKPT", read as a little-endian u32
export const CHECKPOINT_FILE_VERSION = 1;

// Checkpoint entry.
export const CHECKPOINT_OFFSET_AT = 0;
export const CHECKPOINT_POSITION_AT = 8;
export const CHECKPOINT_HEAD_AT = 16;
export const CHECKPOINT_TIMESTAMP_AT = 48;
export const CHECKPOINT_KEY_AT = 56;
export const CHECKPOINT_SIGNATURE_AT = 60;
export const CHECKPOINT_CRC_AT = 124;
export const CHECKPOINT_BYTES = 128;
export const CHECKPOINT_KEY_BYTES = 4;
export const CHECKPOINT_SIGNATURE_BYTES = 64;
