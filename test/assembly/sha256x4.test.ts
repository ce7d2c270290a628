import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hex, loadKernels, pseudoRandom } from "./kernels.ts";

const { core, bytes, free } = loadKernels();
const SKIPPED = 0xffffffff;
const CANARY = 0xa5;
const CANARY_DIGEST = "a5".repeat(32);

// The table, the digests, the hashes and the messages, far enough from each other for any test here.
const table = free + 8;
const digests = free + 0x10000 + 4;
const hashes = free + 0x20000 + 4;
const payloads = free + 0x30000;

interface Message {
  readonly payload: Uint8Array;
  readonly alignment?: number;
  readonly skipped?: boolean;
}

/** Lays the messages out one after the other, each behind 64 bytes of header, and fills the table. */
function place(messages: readonly Message[]): Uint8Array[] {
  const view = new DataView(bytes.buffer);
  const headers: Uint8Array[] = [];
  let at = payloads;
  for (const [index, { payload, alignment = 0, skipped = false }] of messages.entries()) {
    at = Math.ceil(at / 16) * 16 + 80 + alignment;
    const header = pseudoRandom(index + 7000, 64);
    headers.push(header);
    bytes.set(header, at - 64);
    bytes.set(payload, at);
    bytes.fill(CANARY, at + payload.length, at + payload.length + 64);
    view.setUint32(table + 8 * index, at, true);
    view.setUint32(table + 8 * index + 4, skipped ? SKIPPED : payload.length, true);
    at += payload.length + 64;
  }
  return headers;
}

function slots(from: number, count: number): string[] {
  return Array.from({ length: count }, (_, index) => hex(bytes.subarray(from + 32 * index, from + 32 * index + 32)));
}

/** What sha256Many leaves in the digest slots, having looked at the slots before and behind. */
function many(messages: readonly Message[]): string[] {
  place(messages);
  bytes.fill(CANARY, digests - 32, digests + 32 * messages.length + 32);
  core.sha256Many(table, messages.length, digests);
  expect(slots(digests - 32, 1)).toEqual([CANARY_DIGEST]);
  expect(slots(digests + 32 * messages.length, 1)).toEqual([CANARY_DIGEST]);
  return slots(digests, messages.length);
}

function native(...parts: Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

function expected(messages: readonly Message[]): string[] {
  return messages.map(({ payload, skipped }) => (skipped ? CANARY_DIGEST : native(payload)));
}

function ofLengths(lengths: readonly number[]): Message[] {
  return lengths.map((length, index) => ({ payload: pseudoRandom(length + index, length), alignment: index % 16 }));
}

describe("sha256Many", () => {
  it("gives the published digests in each lane", () => {
    const abc = { payload: new TextEncoder().encode("abc") };
    const empty = { payload: new Uint8Array(0) };
    const million = { payload: new Uint8Array(1_000_000).fill(97) };
    const digestOf = new Map([
      [abc, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
      [empty, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
      [million, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
    ]);
    for (const messages of [
      [abc, empty, million, abc],
      [million, abc, empty, empty],
      [empty, million, abc, abc],
    ]) {
      expect(many(messages)).toEqual(messages.map((message) => digestOf.get(message)));
    }
  });

  it("hashes any count from 0 to 9", () => {
    for (let count = 0; count <= 9; count++) {
      const messages = ofLengths(Array.from({ length: count }, (_, index) => 100 + index));
      expect(many(messages), `${count} messages`).toEqual(expected(messages));
    }
  });

  it("hashes four messages of each length from 0 to 200", () => {
    for (let length = 0; length <= 200; length++) {
      const messages = ofLengths([length, length, length, length]);
      expect(many(messages), `length ${length}`).toEqual(expected(messages));
    }
  });

  it("takes messages at every alignment in every lane", () => {
    for (let alignment = 0; alignment < 16; alignment++) {
      const messages = [0, 3, 7, 11].map((more) => ({
        payload: pseudoRandom(alignment + more, 150),
        alignment: (alignment + more) % 16,
      }));
      expect(many(messages), `alignment ${alignment}`).toEqual(expected(messages));
    }
  });

  it("gives a finished lane the next message when the lengths differ", () => {
    for (const lengths of [
      [0, 1000, 0, 1000, 0, 1000, 0],
      [4096, 1, 64, 128, 63, 65, 56, 55, 119, 120, 0, 0, 0, 700],
      [1, 2, 3, 5000],
      [5000, 0, 0, 0],
      [64, 128, 192, 256, 320],
      [0, 0, 0, 0, 0],
    ]) {
      const messages = ofLengths(lengths);
      expect(many(messages), lengths.join()).toEqual(expected(messages));
    }
  });

  it("leaves the digest of a skipped message as it is, wherever it stands", () => {
    for (let mask = 0; mask < 256; mask++) {
      const messages = ofLengths([10, 70, 130, 0, 64, 200, 55, 90]).map((message, index) => ({
        ...message,
        skipped: ((mask >> index) & 1) === 1,
      }));
      expect(many(messages), `mask ${mask}`).toEqual(expected(messages));
    }
  });

  it("agrees with native on random batches", () => {
    const message = fc.record({
      payload: fc.uint8Array({ maxLength: 700 }),
      alignment: fc.nat(15),
      skipped: fc.nat(9).map((n) => n === 0),
    });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 40 }), (messages) => {
        expect(many(messages)).toEqual(expected(messages));
      }),
    );
  });

  it("reads messages that end with memory", () => {
    const view = new DataView(bytes.buffer);
    for (let index = 0; index < 5; index++) {
      view.setUint32(table + 8 * index, bytes.length - 50 * index, true);
      view.setUint32(table + 8 * index + 4, 50 * index, true);
    }
    core.sha256Many(table, 5, digests);
    expect(slots(digests, 5)).toEqual(
      [0, 1, 2, 3, 4].map((index) => native(bytes.subarray(bytes.length - 50 * index))),
    );
  });

  it("gives the digest of a thousand digests that it has always given", () => {
    const all = createHash("sha256");
    const messages = ofLengths(Array.from({ length: 1000 }, (_, seed) => (seed * 37) % 1500));
    for (const digest of many(messages)) all.update(digest);
    expect(all.digest("hex")).toBe("a28f843e2d3648d663ab2cce9150076808acf9afaeb59e0006190844c8c871ba");
  });
});

describe("sha256Entries", () => {
  function entries(messages: readonly Message[]): void {
    const headers = place(messages);
    const payloadDigests = messages.map((_, index) => pseudoRandom(index + 500, 32));
    for (const [index, digest] of payloadDigests.entries()) bytes.set(digest, digests + 32 * index);
    bytes.fill(CANARY, hashes - 32, hashes + 32 * messages.length + 32);
    core.sha256Entries(table, messages.length, digests, hashes);
    const want = headers.map((header, index) => native(header, payloadDigests[index] ?? new Uint8Array(0)));
    expect(slots(hashes - 32, messages.length + 2)).toEqual([CANARY_DIGEST, ...want, CANARY_DIGEST]);
  }

  it("hashes header and digest of any count from 0 to 9 and of a hundred", () => {
    for (const count of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 100]) {
      entries(ofLengths(Array.from({ length: count }, (_, index) => index * 5)));
    }
  });

  it("hashes a skipped message's entry too: the length does not matter", () => {
    entries(ofLengths([5, 6, 7, 8, 9]).map((message) => ({ ...message, skipped: true })));
  });
});

describe("the table", () => {
  it("traps when table, digests, hashes or a message reach beyond memory", () => {
    const end = bytes.length;
    place(ofLengths([5, 5, 5, 5, 5]));
    const trap = WebAssembly.RuntimeError;
    expect(() => core.sha256Many(end - 32, 5, digests)).toThrow(trap);
    expect(() => core.sha256Many(table, 5, end - 128)).toThrow(trap);
    expect(() => core.sha256Many(table, 0x20000001, digests)).toThrow(trap);
    expect(() => core.sha256Entries(end - 32, 5, digests, hashes)).toThrow(trap);
    expect(() => core.sha256Entries(table, 5, end - 128, hashes)).toThrow(trap);
    expect(() => core.sha256Entries(table, 5, digests, end - 128)).toThrow(trap);
    new DataView(bytes.buffer).setUint32(table + 4, end, true);
    expect(() => core.sha256Many(table, 1, digests)).toThrow(trap);
  });
});
