import { describe, expect, it } from "vitest";
import * as layout from "../../assembly/layout.ts";
import {
  type CheckpointEntry,
  checkpointEntriesIn,
  checkpointEntryAt,
  decodeCheckpointEntry,
  encodeCheckpointEntry,
  encodeCheckpointHeader,
  findCheckpoint,
  isCheckpointHeader,
} from "../../src/format/checkpoint-file.ts";
import { setU64 } from "../../src/format/u64.ts";
import { crc32 } from "../log/crc32.ts";

const HOME = { number: 3, firstOffset: 1000, salt: Uint8Array.of(1, 2, 3, 4) };
const UNSIGNED: CheckpointEntry = {
  nextOffset: 1010,
  position: 128 + 10 * 100,
  head: new Uint8Array(32).fill(0xab),
  timestamp: 1_790_000_000_000_000,
  signed: null,
};
const SIGNED: CheckpointEntry = {
  ...UNSIGNED,
  signed: { keyId: Uint8Array.of(5, 6, 7, 8), signature: new Uint8Array(64).fill(9) },
};
const EMPTY: CheckpointEntry = { ...UNSIGNED, nextOffset: 1000, position: 128 };

const decode = (bytes: Uint8Array) => decodeCheckpointEntry(bytes, HOME, crc32);

/** The entry with some bytes changed, and its CRC mended. */
function changed(entry: CheckpointEntry, change: (bytes: Uint8Array, view: DataView) => void): Uint8Array {
  const bytes = encodeCheckpointEntry(entry, HOME, crc32);
  const view = new DataView(bytes.buffer);
  change(bytes, view);
  const crc = crc32(Uint8Array.of(...HOME.salt, ...bytes.subarray(0, layout.CHECKPOINT_CRC_AT)));
  view.setUint32(layout.CHECKPOINT_CRC_AT, crc, true);
  return bytes;
}

describe("a checkpoint file of any size", () => {
  it("is searched to an end", () => {
    let reads = 0;
    const nothing = () => {
      if (++reads > 20_000) throw new Error("no end");
      return null;
    };
    for (const count of [2 ** 31 + 1, 2 ** 32 + 10, 2 ** 46]) expect(findCheckpoint(count, 5, nothing)).toBeNull();
  });
});

describe("the header of a checkpoint file", () => {
  it("is recognised, and every changed byte of it is noticed", () => {
    const header = encodeCheckpointHeader(HOME, crc32);
    expect(header).toHaveLength(16);
    expect(isCheckpointHeader(header, HOME, crc32)).toBe(true);
    for (let at = 0; at < header.length; at++) {
      const copy = header.slice();
      copy[at] = (copy[at] as number) ^ 1;
      expect(isCheckpointHeader(copy, HOME, crc32)).toBe(false);
    }
    expect(isCheckpointHeader(header.subarray(0, 15), HOME, crc32)).toBe(false);
  });

  it("belongs to one segment, by number and salt", () => {
    const header = encodeCheckpointHeader(HOME, crc32);
    expect(isCheckpointHeader(header, { ...HOME, number: 4 }, crc32)).toBe(false);
    expect(isCheckpointHeader(header, { ...HOME, salt: Uint8Array.of(1, 2, 3, 5) }, crc32)).toBe(false);
  });
});

describe("a checkpoint entry", () => {
  it.each([UNSIGNED, SIGNED, EMPTY])("decodes to what was encoded", (entry) => {
    const bytes = encodeCheckpointEntry(entry, HOME, crc32);
    expect(bytes).toHaveLength(layout.CHECKPOINT_BYTES);
    expect(decode(bytes)).toEqual(entry);
  });

  it("has all fields where docs/format.md has them", () => {
    const bytes = encodeCheckpointEntry(SIGNED, HOME, crc32);
    const view = new DataView(bytes.buffer);
    expect([view.getBigUint64(0, true), view.getBigUint64(8, true)]).toEqual([1010n, 1128n]);
    expect(view.getBigUint64(48, true)).toBe(1_790_000_000_000_000n);
    expect([bytes[16], bytes[47], bytes[56], bytes[60], bytes[123]]).toEqual([0xab, 0xab, 5, 9, 9]);
  });

  it("is not used when any byte of it was changed (C2), nor under another salt", () => {
    const bytes = encodeCheckpointEntry(SIGNED, HOME, crc32);
    for (let at = 0; at < bytes.length; at++) {
      const copy = bytes.slice();
      copy[at] = (copy[at] as number) ^ 0x10;
      expect(decode(copy), `byte ${at}`).toBeNull();
    }
    expect(decodeCheckpointEntry(bytes, { ...HOME, salt: new Uint8Array(4) }, crc32)).toBeNull();
  });

  it.each<[string, CheckpointEntry, (bytes: Uint8Array, view: DataView) => void]>([
    ["C3", EMPTY, (_, view) => setU64(view, layout.CHECKPOINT_POSITION_AT, 127)],
    ["C3", UNSIGNED, (_, view) => setU64(view, layout.CHECKPOINT_POSITION_AT, 2 ** 31)],
    ["C3", UNSIGNED, (_, view) => view.setBigUint64(layout.CHECKPOINT_POSITION_AT, 2n ** 63n, true)],
    ["C4", UNSIGNED, (_, view) => setU64(view, layout.CHECKPOINT_OFFSET_AT, 999)],
    ["C4", UNSIGNED, (_, view) => setU64(view, layout.CHECKPOINT_OFFSET_AT, 1000)],
    ["C4", UNSIGNED, (_, view) => setU64(view, layout.CHECKPOINT_OFFSET_AT, 1014)],
    ["C4", UNSIGNED, (_, view) => setU64(view, layout.CHECKPOINT_POSITION_AT, 128)],
    ["C5", UNSIGNED, (_, view) => view.setBigUint64(layout.CHECKPOINT_TIMESTAMP_AT, 2n ** 53n, true)],
    ["C6", UNSIGNED, (bytes) => bytes.fill(1, layout.CHECKPOINT_KEY_AT, layout.CHECKPOINT_KEY_AT + 1)],
  ])("is not used when %s fails", (_, entry, change) => {
    expect(decode(changed(entry, () => {}))).toEqual(entry);
    expect(decode(changed(entry, change))).toBeNull();
  });

  it("may be signed by a key whose id is zero", () => {
    const entry = { ...SIGNED, signed: { keyId: new Uint8Array(4), signature: new Uint8Array(64).fill(1) } };
    expect(decode(encodeCheckpointEntry(entry, HOME, crc32))).toEqual(entry);
  });

  it("is counted when it is whole", () => {
    expect([0, 15, 16, 143, 144, 271, 272].map(checkpointEntriesIn)).toEqual([0, 0, 0, 0, 1, 1, 2]);
    expect([checkpointEntryAt(0), checkpointEntryAt(2)]).toEqual([16, 272]);
  });
});

describe("the search for a checkpoint", () => {
  const entry = (nextOffset: number): CheckpointEntry => ({ ...UNSIGNED, nextOffset });

  /** Finds among entries for these offsets, of which some are bad, and says how many were read. */
  function find(offsets: readonly (number | null)[], nextOffset: number) {
    let reads = 0;
    const found = findCheckpoint(offsets.length, nextOffset, (index) => {
      reads++;
      const offset = offsets[index];
      if (offset === undefined) throw new Error(`There is no entry ${index}.`);
      return offset === null ? null : entry(offset);
    });
    return { offset: found?.entry.nextOffset ?? null, index: found?.index ?? null, reads };
  }

  it("finds the newest that covers no more than is wanted, whatever is wanted", () => {
    for (let count = 0; count < 20; count++) {
      const offsets = Array.from({ length: count }, (_, index) => 10 * (index + 1));
      for (let wanted = 0; wanted < 10 * count + 15; wanted++) {
        const expected = offsets.filter((offset) => offset <= wanted).at(-1) ?? null;
        expect(find(offsets, wanted).offset).toBe(expected);
      }
    }
  });

  it("takes the later of two that cover the same", () => {
    expect(find([10, 20, 20, 20, 30], 25).index).toBe(3);
  });

  it("reads a logarithm of the entries", () => {
    const offsets = Array.from({ length: 100_000 }, (_, index) => index);
    const { offset, index, reads } = find(offsets, 77_777);
    expect([offset, index]).toEqual([77_777, 77_777]);
    expect(reads).toBeLessThanOrEqual(17);
  });

  it("passes over bad entries, wherever up to 60 of them lie together", () => {
    const count = 200;
    for (let start = 0; start < count; start += 7) {
      const offsets = Array.from({ length: count }, (_, index) =>
        index >= start && index < start + 60 ? null : 10 * (index + 1),
      );
      for (const wanted of [0, 10, 305, 995, 1990, 2000, 5000]) {
        const expected = offsets.filter((offset) => offset !== null && offset <= wanted).at(-1) ?? null;
        expect(find(offsets, wanted).offset, `bad from ${start}, wanted ${wanted}`).toBe(expected);
      }
    }
  });

  it("gives up soon in a file of nothing but bad ones", () => {
    const { offset, reads } = find(
      Array.from({ length: 1_000_000 }, () => null),
      5,
    );
    expect(offset).toBeNull();
    expect(reads).toBeLessThan(64 * 21);
  });

  it("never gives one that covers more than is wanted, in whatever order they are", () => {
    const shuffled = [50, 10, 90, 20, 80, 30, null, 70, 40, 60];
    for (let wanted = 0; wanted < 100; wanted++) {
      const { offset } = find(shuffled, wanted);
      if (offset !== null) expect(offset).toBeLessThanOrEqual(wanted);
    }
  });
});
