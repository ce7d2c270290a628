// Encoding, walking, linking and searching, against the same things spelled out in plain code over node:crypto.
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { BATCH_RECORDS, VERDICT_CRC, WALK_END, WALK_FULL, WALK_MORE } from "../../assembly/control.ts";
import { PAGE_BYTES, PAGE_ENTRIES } from "../../assembly/layout.ts";
import type { RuntimeFile } from "../../src/runtime.ts";
import { Batch } from "../../src/wasm/batch.ts";
import { Core } from "../../src/wasm/core.ts";
import { HashEngine } from "../../src/wasm/hash-engine.ts";
import { IndexPages } from "../../src/wasm/index-pages.ts";
import { RecordWindow } from "../../src/wasm/window.ts";
import { currentRuntime } from "../contract/current-runtime.ts";
import { expectBytes } from "../contract/expect-bytes.ts";
import { crc32 } from "../log/crc32.ts";
import { randomFrom } from "../log/random.ts";
import { pseudoRandom } from "./kernels.ts";

const SALT = new Uint8Array([1, 2, 3, 4]);
const ENGINES = (["wasm", "native", "auto"] as const).map(
  (name) => [name, new HashEngine(name, currentRuntime().nativeHashing)] as const,
);

const sha256 = (...parts: Uint8Array[]) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

/** Records as docs/format.md says that they are, made one field after the other. */
function plainRecords(payloads: Uint8Array[], start: { offset: number; timestamp: number; head: Uint8Array }) {
  let { head } = start;
  const records = payloads.map((payload, index) => {
    const record = new Uint8Array(72 + payload.length);
    const view = new DataView(record.buffer);
    record.set(new TextEncoder().encode("DTR1"));
    view.setUint32(4, payload.length, true);
    view.setBigUint64(8, BigInt(start.offset + index), true);
    view.setBigUint64(16, BigInt(start.timestamp), true);
    record.set(head, 32);
    record.set(payload, 64);
    head = sha256(record.subarray(0, 64), sha256(payload));
    const more = index + 1 < payloads.length ? 2 ** 31 : 0;
    view.setUint32(64 + payload.length, more + index + 5, true);
    const sum = crc32(new Uint8Array([...SALT, ...record.subarray(0, 68 + payload.length)]));
    view.setUint32(68 + payload.length, sum, true);
    return record;
  });
  return { bytes: new Uint8Array(records.flatMap((record) => [...record])), head };
}

function payloadsOf(seed: number, count: number): Uint8Array[] {
  const random = randomFrom(seed);
  return Array.from({ length: count }, (_, i) => pseudoRandom(seed + i, random(8) === 0 ? random(5000) : random(300)));
}

/** A file whose bytes are given. */
function fileOf(bytes: Uint8Array): RuntimeFile {
  return {
    size: () => bytes.length,
    read: (target, position) => {
      const part = bytes.subarray(position, position + target.length);
      target.set(part);
      return part.length;
    },
  } as RuntimeFile;
}

const START = { offset: 2 ** 40 + 7, timestamp: 1_790_000_000_000_000, head: pseudoRandom(9, 32) };

describe.each(ENGINES)("with the %s engine", (_, engine) => {
  it("a batch is byte for byte what the format page says, for any number and any lengths of records", () => {
    for (const count of [1, 2, 3, 4, 5, 17, 100]) {
      const payloads = payloadsOf(count, count);
      const expected = plainRecords(payloads, START);
      const core = new Core();
      const batch = new Batch(core, engine, core.arena);
      batch.setChain({ nextOffset: START.offset, timestamp: 0, head: START.head });
      core.setControl(48, crc32(SALT));
      for (const payload of payloads) batch.stageBytes(payload, payload.length);
      batch.admit(0, START.timestamp, { nextOffset: START.offset + count, setHead: () => undefined });
      batch.seal(START.offset - 5);
      expectBytes(batch.sealed(0), expected.bytes);
      expect(batch.head()).toEqual(expected.head);
    }
  });

  it("more records than the tables hold are sealed in several runs with one chain", () => {
    const payloads = payloadsOf(3, 2 * BATCH_RECORDS + 10).map((payload) => payload.subarray(0, 20));
    const expected = plainRecords(payloads, START);
    const core = new Core();
    const batch = new Batch(core, engine, core.arena);
    batch.setChain({ nextOffset: START.offset, timestamp: 0, head: START.head });
    core.setControl(48, crc32(SALT));
    for (const payload of payloads) batch.stageBytes(payload, payload.length);
    batch.admit(0, START.timestamp, { nextOffset: START.offset + payloads.length, setHead: () => undefined });
    batch.seal(START.offset - 5);
    expectBytes(batch.sealed(0), expected.bytes);
  });

  it("a window walks and links those records, wherever it is cut, and finds every changed link", () => {
    const payloads = payloadsOf(7, 30);
    const { bytes, head } = plainRecords(payloads, START);
    const core = new Core();
    const window = new RecordWindow(core, core.arena, 4096);
    const seed = crc32(SALT);
    for (let cut = 0; cut <= bytes.length; cut += 97) {
      window.load(fileOf(bytes), 0, cut);
      window.expect({ offset: START.offset, timestamp: 0, crcSeed: seed });
      const count = window.walk(10_000);
      expect(window.consumed).toBe(payloads.slice(0, count).reduce((sum, { length }) => sum + 72 + length, 0));
      expect([WALK_END, WALK_MORE]).toContain(window.verdict);
      core.setHead(START.head);
      expect(window.link(count, 0, engine)).toBe(-1);
    }
    expect(core.head()).not.toEqual(head);
    const walkAll = () => {
      window.load(fileOf(bytes), 0, bytes.length);
      window.expect({ offset: START.offset, timestamp: 0, crcSeed: seed });
      expect(window.walk(10_000)).toBe(30);
      core.setHead(START.head);
    };
    walkAll();
    expect(window.link(30, window.headerWithLink(head), engine)).toBe(-1);
    expect(window.hash(29)).toEqual(head);
    walkAll();
    expect(window.link(30, window.headerWithLink(START.head), engine)).toBe(30);
    for (const index of [0, 1, 13, 29]) {
      walkAll();
      const at = window.header(index) + 40;
      core.bytes[at] = (core.bytes[at] as number) ^ 1;
      expect(window.link(30, 0, engine)).toBe(index);
    }
  });
});

describe("what a host that hashes natively calls for each record", () => {
  it("moves a header and hashes at every alignment, and nothing else", () => {
    const core = new Core();
    const { run, entry, hashes } = core;
    const hash = pseudoRandom(2, 32);
    const scratch = core.bytes.slice(hashes, hashes + 32 * BATCH_RECORDS);
    for (let align = 0; align < 16; align++) {
      const header = core.arena + 64 + align;
      const around = pseudoRandom(align, 192);
      core.bytes.set(around, header - 64);
      core.bytes.fill(0xaa, entry, entry + 128);
      core.bytes.set(hash, entry + 96);
      run.linkToEntry(header);
      around.set(hash, 64 + 32);
      expect(core.bytes.subarray(header - 64, header + 128)).toEqual(around);
      run.enterHeader(header);
      expect(core.bytes.subarray(entry, entry + 64)).toEqual(around.subarray(64, 128));
      expect(core.entryDigest).toEqual(new Uint8Array(32).fill(0xaa));
      const index = align === 0 ? BATCH_RECORDS - 1 : 3 * align;
      run.keepEntryHash(index);
      scratch.set(hash, 32 * index);
      expectBytes(core.bytes.subarray(hashes, hashes + scratch.length), scratch);
      expect(core.entryHash).toEqual(hash);
    }
    expect(() => run.keepEntryHash(BATCH_RECORDS)).toThrow(WebAssembly.RuntimeError);
  });
});

describe("a walk", () => {
  it("stops at the first record whose CRC does not fit and says what it found", () => {
    const payloads = payloadsOf(5, 10);
    const { bytes } = plainRecords(payloads, START);
    const core = new Core();
    const window = new RecordWindow(core, core.arena, 4096);
    let at = 0;
    payloads.forEach((payload, index) => {
      const changed = bytes.slice();
      changed[at + 70] = (changed[at + 70] as number) ^ 4;
      window.load(fileOf(changed), 0, changed.length);
      window.expect({ offset: START.offset, timestamp: 0, crcSeed: crc32(SALT) });
      expect(window.walk(10_000)).toBe(index);
      expect(window.verdict).toBe(VERDICT_CRC);
      at += 72 + payload.length;
    });
  });

  it("of more records than the tables hold goes on where it stopped", () => {
    const payloads = Array.from({ length: BATCH_RECORDS + 5 }, () => new Uint8Array(0));
    const { bytes } = plainRecords(payloads, START);
    const core = new Core();
    const window = new RecordWindow(core, core.arena, 1 << 20);
    window.load(fileOf(bytes), 0, bytes.length);
    window.expect({ offset: START.offset, timestamp: 0, crcSeed: crc32(SALT) });
    expect(window.walk(10_000)).toBe(BATCH_RECORDS);
    expect(window.verdict).toBe(WALK_FULL);
    window.advance(window.consumed);
    expect(window.walk(10_000)).toBe(5);
    expect(window.verdict).toBe(WALK_END);
  });
});

describe("searching", () => {
  it("finds the next record magic and counts leading zeros at every distance and alignment", () => {
    const core = new Core();
    const base = core.arena;
    for (let align = 0; align < 16; align++) {
      for (let distance = 0; distance < 70; distance++) {
        const bytes = 80;
        core.bytes.fill(0x44, base, base + 256);
        core.bytes.set(new TextEncoder().encode("DTR1"), base + align + distance);
        expect(core.run.findMagic(base + align, bytes)).toBe(distance);
        core.bytes.fill(0, base, base + 256);
        core.bytes[base + align + distance] = 1;
        expect(core.run.countZeros(base + align, bytes)).toBe(distance);
      }
      core.bytes.fill(0, base, base + 256);
      core.bytes.set(new TextEncoder().encode("DTR1"), base + align + 78);
      expect(core.run.findMagic(base + align, 80)).toBe(80);
      expect(core.run.countZeros(base + align, 78)).toBe(78);
    }
  });

  it("finds the entry of an index page that holds a byte, for pages of any fill", () => {
    const core = new Core();
    const pages = new IndexPages(core, core.arena, 1);
    const records = core.arena + 2 * PAGE_BYTES;
    const random = randomFrom(4);
    for (const count of [1, 2, 15, 16, 17, 31, 100, 1015, PAGE_ENTRIES]) {
      const positions: number[] = [];
      let pointer = records;
      let position = 128;
      core.reserve(records + count * 500);
      for (let i = 0; i < count; i++) {
        const length = random(300);
        core.view.setUint32(pointer + 4, length, true);
        positions.push(position);
        pointer += 72 + length;
        position += 72 + length;
      }
      pages.clear(0);
      expect(pages.add(0, records, count, 128)).toBe(count);
      for (let i = 0; i < count; i++) {
        expect(pages.entryAt(0, positions[i] as number)).toBe(i);
        expect(pages.entryAt(0, (positions[i + 1] ?? position) - 1)).toBe(i);
      }
      expect(pages.entryAt(0, position + 1e9)).toBe(count - 1);
    }
  });
});
