// Checkpoints of a log: when they are made, what is durable, what losing them costs, and what reading from one saves.
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { loseAll, type MemoryDisk, memoryRuntime } from "../../adapters/memory.ts";
import { decodeCheckpointEntry } from "../../src/format/checkpoint-file.ts";
import { decodeSegmentHeader } from "../../src/format/segment-header.ts";
import { type OpenOptions, openLogOn, PrivateKey, type Runtime, type Stream } from "../../src/index.ts";
import { hashingCore } from "../../src/wasm/hashing-core.ts";
import { currentRuntime } from "../contract/current-runtime.ts";
import { crc32 } from "./crc32.ts";

const SEGMENT = "/log/orders/segment_000000.log";
const FILE = `${SEGMENT}.ckpt`;
const KEY = PrivateKey.fromBytes(new Uint8Array(32).fill(1));
const OTHER_KEY = PrivateKey.fromBytes(new Uint8Array(32).fill(2));

// The runtime's own signatures: the memory's take a millisecond each.
const { signatures } = currentRuntime();

function machine(): { runtime: Runtime; disk: MemoryDisk } {
  const { runtime, disk } = memoryRuntime({ seed: 3 });
  return { runtime: { ...runtime, signatures }, disk };
}

async function withLog<T>(runtime: Runtime, options: OpenOptions, work: (stream: Stream) => Promise<T>): Promise<T> {
  const log = await openLogOn(runtime, "/log", options);
  try {
    return await work(log.stream("orders"));
  } finally {
    await log.close();
  }
}

async function append(stream: Stream, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await stream.append(`event ${i}`);
}

/** The offsets that the entries of a checkpoint file cover; `null` for a bad one. */
function offsetsIn(disk: MemoryDisk, segment = SEGMENT): (number | null)[] {
  return entriesIn(disk.bytes(`${segment}.ckpt`), disk, segment).map((entry) => entry?.nextOffset ?? null);
}

function entriesIn(bytes: Uint8Array, disk: MemoryDisk, segment: string) {
  const crc32 = (part: Uint8Array) => hashingCore().crc32(part);
  const header = disk.bytes(segment).subarray(0, 128);
  const logId = JSON.parse(new TextDecoder().decode(disk.bytes("/log/log.json"))).id as string;
  const number = Number(/(\d+)\.log$/.exec(segment)?.[1]);
  const home = decodeSegmentHeader(header, { logId, stream: "orders", segment: number, path: segment }, crc32);
  return Array.from({ length: Math.floor((bytes.length - 16) / 128) }, (_, index) =>
    decodeCheckpointEntry(bytes.subarray(16 + index * 128, 144 + index * 128), home, crc32),
  );
}

describe("checkpoints are made", () => {
  it("every so many synced records, and on close", async () => {
    const { runtime, disk } = machine();
    await withLog(runtime, { checkpointEvery: 4 }, async (stream) => {
      await append(stream, 3);
      expect(disk.bytes(FILE)).toHaveLength(0);
      await append(stream, 7);
      expect(offsetsIn(disk)).toEqual([4, 8]);
    });
    expect(offsetsIn(disk)).toEqual([4, 8, 10]);
  });

  it("of synced records only: under onFlush, when they are flushed", async () => {
    const { runtime, disk } = machine();
    await withLog(runtime, { checkpointEvery: 1, sync: "onFlush" }, async (stream) => {
      await append(stream, 5);
      await runtime.clock.pause();
      expect(disk.bytes(FILE)).toHaveLength(0);
      await stream.flush();
      expect(offsetsIn(disk)).toEqual([5]);
      stream.appendSync("event 5");
      await stream.flush();
      expect(offsetsIn(disk)).toEqual([5, 6]);
    });
  });

  it("with appendSync too", async () => {
    const { runtime, disk } = machine();
    await withLog(runtime, { checkpointEvery: 2 }, async (stream) => {
      for (let i = 0; i < 5; i++) stream.appendSync(`event ${i}`);
      expect(offsetsIn(disk)).toEqual([2, 4]);
    });
  });

  it("at the end of each segment", async () => {
    const { runtime, disk } = machine();
    await withLog(runtime, { segmentBytes: 500 }, (stream) => append(stream, 12));
    const segments = disk.paths().filter((path) => path.endsWith(".log"));
    expect(segments.length).toBeGreaterThan(2);
    let covered = 0;
    for (const segment of segments) {
      const [end] = offsetsIn(disk, segment);
      expect(end).toBeGreaterThan(covered);
      covered = end as number;
    }
    expect(covered).toBe(12);
  });

  it("not again of what has one already", async () => {
    const { runtime, disk } = machine();
    await withLog(runtime, {}, async (stream) => {
      await append(stream, 3);
      await stream.checkpoint();
      await stream.checkpoint();
    });
    await withLog(runtime, {}, (stream) => stream.flush());
    expect(offsetsIn(disk)).toEqual([3]);
  });

  it("again when another process has left it, for it may not be on the disk", async () => {
    const { runtime, disk } = machine();
    await openLogOn(runtime, "/log", { checkpointEvery: 1 }).then((log) => log.stream("orders").append("a"));
    disk.kill(1);
    const log = await openLogOn(disk.runtime({ pid: 2 }), "/log");
    await log.stream("orders").checkpoint();
    expect(offsetsIn(disk)).toEqual([1, 1]);
    const survived = disk.crash(loseAll).runtime();
    const reader = await openLogOn(survived, "/log", { readOnly: true });
    expect(await reader.stream("orders").latestCheckpoint()).toMatchObject({ nextOffset: 1 });
  });

  it("not of a stream without records, unless asked for", async () => {
    const { runtime, disk } = machine();
    await withLog(runtime, {}, (stream) => stream.head());
    expect(disk.bytes(FILE)).toHaveLength(0);
    const { head } = await withLog(runtime, {}, (stream) => stream.head());
    expect(await withLog(runtime, {}, (stream) => stream.checkpoint())).toMatchObject({ nextOffset: 0, head });
    expect(offsetsIn(disk)).toEqual([0]);
  });
});

describe("a checkpoint that was asked for", () => {
  it("covers all that was appended before, and is what the stream's head says", async () => {
    const { runtime } = machine();
    await withLog(runtime, { sync: "onFlush" }, async (stream) => {
      await append(stream, 7);
      const { nextOffset, head, text, note, signedBy, logId, timestamp } = await stream.checkpoint();
      expect({ nextOffset, head }).toEqual(await stream.head());
      expect(text).toBe(`diatreme.checkpoint/v1\n${logId}\norders\n7\n${head}\n${timestamp}\n`);
      expect([note, signedBy]).toEqual([text, null]);
    });
  });

  it("is durable with the records when it is handed out, and not before", async () => {
    const { runtime, disk } = machine();
    const log = await openLogOn(runtime, "/log", { sync: "onFlush", spaceAhead: false });
    const stream = log.stream("orders");
    await append(stream, 3);
    disk.holdSyncs();
    let handedOut = false;
    const asked = stream.checkpoint().finally(() => {
      handedOut = true;
    });
    for (let syncs = 0; ; syncs++) {
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      if (handedOut) break;
      expect(syncs).toBeLessThan(2);
      disk.releaseSync();
    }
    const { nextOffset } = await asked;
    const survived = disk.crash(loseAll);
    expect(entriesIn(survived.durableBytes(FILE), survived, SEGMENT).at(-1)).toMatchObject({ nextOffset });
    await withLog(survived.runtime(), {}, async (after) => expect((await after.head()).nextOffset).toBe(3));
  });

  it("many at once share syncs and agree", async () => {
    const { runtime, disk } = machine();
    await withLog(runtime, { segmentBytes: 700 }, async (stream) => {
      const asked = [];
      for (let i = 0; i < 20; i++) {
        void stream.append(`event ${i}`);
        asked.push(stream.checkpoint());
      }
      const offsets = (await Promise.all(asked)).map(({ nextOffset }) => nextOffset);
      offsets.forEach((offset, index) => {
        expect(offset).toBeGreaterThan(index);
      });
    });
    expect(disk.paths().filter((path) => path.endsWith(".log")).length).toBeGreaterThan(1);
  });

  it("rejects when it cannot be written or synced, and the log goes on", async () => {
    const { runtime, disk } = machine();
    await withLog(runtime, {}, async (stream) => {
      await append(stream, 3);
      for (const kind of ["write", "sync"]) {
        disk.onOperation = (operation) =>
          operation.kind === kind && operation.path === FILE ? { fail: "IO_FAILED" } : undefined;
        await expect(stream.checkpoint()).rejects.toMatchObject({
          code: kind === "sync" ? "SYNC_FAILED" : "IO_FAILED",
        });
        disk.onOperation = null;
        await append(stream, 1);
      }
      expect(await stream.checkpoint()).toMatchObject({ nextOffset: 5 });
      expect(await stream.verify()).toMatchObject({ ok: true, records: 5 });
    });
    // What a failed sync left in doubt was written anew, header and all.
    const survived = disk.crash(loseAll);
    expect(entriesIn(survived.durableBytes(FILE), survived, SEGMENT).some((entry) => entry?.nextOffset === 5)).toBe(
      true,
    );
    expect(survived.durableBytes(FILE).subarray(0, 4)).toEqual(new TextEncoder().encode("CKPT"));
  });

  it("is refused by a log that is read-only or closed", async () => {
    const { runtime } = machine();
    const log = await openLogOn(runtime, "/log");
    const stream = log.stream("orders");
    await append(stream, 1);
    await log.close();
    await expect(stream.checkpoint()).rejects.toMatchObject({ code: "LOG_CLOSED" });
    await withLog(runtime, { readOnly: true }, (reader) =>
      expect(reader.checkpoint()).rejects.toMatchObject({ code: "LOG_READ_ONLY" }),
    );
  });
});

describe("with a signer", () => {
  it("every checkpoint is signed, and the newest can be fetched without writing", async () => {
    const { runtime, disk } = machine();
    const { note, signedBy } = await withLog(runtime, { signer: KEY, checkpointEvery: 2 }, async (stream) => {
      await append(stream, 5);
      return stream.checkpoint();
    });
    expect(entriesIn(disk.bytes(FILE), disk, SEGMENT).map((entry) => entry?.signed !== null)).toEqual([
      true,
      true,
      true,
    ]);
    const publicKeys = [signedBy as NonNullable<typeof signedBy>];
    await withLog(runtime, { readOnly: true, publicKeys }, async (stream) => {
      expect(await stream.latestCheckpoint()).toMatchObject({ note, nextOffset: 5 });
      expect(await stream.verify({ against: note })).toMatchObject({
        ok: true,
        checkpoints: { agreed: 3, signed: 3, passedOver: 0 },
        evidence: [{ nextOffset: 5, signedBy: [publicKeys[0]?.id] }],
      });
    });
  });

  it("one that is there and not signed by it is not passed on: a new one is made", async () => {
    const { runtime, disk } = machine();
    await withLog(runtime, {}, (stream) => append(stream, 3));
    await withLog(runtime, { signer: OTHER_KEY }, (stream) => stream.checkpoint());
    const { signedBy } = await withLog(runtime, { signer: KEY }, (stream) => stream.checkpoint());
    expect(offsetsIn(disk)).toEqual([3, 3, 3]);
    const found = await withLog(runtime, { readOnly: true, signer: KEY }, (stream) => stream.latestCheckpoint());
    expect(found?.signedBy?.id).toBe(signedBy?.id);
  });

  it("readers with keys pass over what those did not sign", async () => {
    const { runtime } = machine();
    await withLog(runtime, {}, (stream) => append(stream, 3));
    await withLog(runtime, { signer: KEY }, async (stream) => {
      expect(await stream.latestCheckpoint()).toBeNull();
      expect((await stream.verify()).checkpoints).toEqual({ agreed: 0, signed: 0, passedOver: 1 });
    });
  });
});

describe("a checkpoint file that is damaged or gone", () => {
  async function written() {
    const { runtime, disk } = machine();
    await withLog(runtime, { checkpointEvery: 3 }, (stream) => append(stream, 10));
    return { runtime, disk, bytes: disk.bytes(FILE).slice() };
  }

  it("never changes what is read, at any changed byte or length", async () => {
    const { runtime, disk, bytes } = await written();
    const texts = (stream: Stream, verify?: "checkpoint") =>
      [...stream.read({ from: 4, ...(verify === undefined ? {} : { verify }) })].map((record) => record.text());
    const expected = Array.from({ length: 6 }, (_, index) => `event ${index + 4}`);
    const look = async () => {
      await withLog(runtime, { readOnly: true }, async (stream) => {
        expect(texts(stream)).toEqual(expected);
        expect(texts(stream, "checkpoint")).toEqual(expected);
        expect((await stream.verify()).ok).toBe(true);
      });
    };
    for (let at = 0; at < bytes.length; at += 3) {
      const copy = bytes.slice();
      copy[at] = (copy[at] as number) ^ (1 << (at % 8));
      disk.put(FILE, copy);
      await look();
    }
    for (let length = 0; length < bytes.length; length += 5) {
      disk.put(FILE, bytes.slice(0, length));
      await look();
    }
    disk.take(FILE);
    await look();
  });

  it("is mended as far as it can be by the next writer", async () => {
    const { runtime, disk, bytes } = await written();
    for (const damage of [bytes.slice(0, 300), new Uint8Array(bytes.length), bytes.slice(0, 5)]) {
      disk.put(FILE, damage);
      await withLog(runtime, {}, async (stream) => {
        const { nextOffset } = await stream.head();
        await append(stream, 1);
        await stream.checkpoint();
        expect((await stream.latestCheckpoint())?.nextOffset).toBe(nextOffset + 1);
      });
      expect(disk.bytes(FILE).subarray(0, 16)).toEqual(bytes.subarray(0, 16));
    }
  });

  it("is evidence while it is there: records that it covers are not taken for a torn tail", async () => {
    const { runtime, disk } = await written();
    disk.take(`${SEGMENT}.idx`);
    const whole = disk.bytes(SEGMENT).slice();
    disk.put(SEGMENT, whole.slice(0, -10));
    const damaged = { code: "RECORD_TRUNCATED", offset: 9 };
    await withLog(runtime, { readOnly: true }, async (stream) => {
      expect(await stream.verify()).toMatchObject({ ok: false, records: 9, problem: damaged });
    });
    await expect(withLog(runtime, {}, (stream) => stream.append("more"))).rejects.toMatchObject(damaged);
    expect(disk.bytes(SEGMENT)).toEqual(whole.slice(0, -10));
    // Without it, this looks like an append that never completed.
    disk.take(FILE);
    await withLog(runtime, {}, async (stream) => expect((await stream.head()).nextOffset).toBe(9));
  });
});

describe("a checkpoint that the records contradict", () => {
  async function forged(signer: PrivateKey | undefined) {
    const { runtime, disk } = machine();
    const options = signer === undefined ? {} : { signer };
    await withLog(runtime, options, (stream) => append(stream, 6));
    const entry = disk.bytes(FILE).slice();
    // A log with other contents and the same identity: its records in the place of ours.
    const other = memoryRuntime({ seed: 3 });
    await withLog({ ...other.runtime, signatures }, { checkpointEvery: 4, ...options }, async (stream) => {
      for (let i = 0; i < 6; i++) await stream.append(`fraud ${i}`);
    });
    disk.put(SEGMENT, other.disk.bytes(SEGMENT));
    disk.put(`${SEGMENT}.idx`, other.disk.bytes(`${SEGMENT}.idx`));
    disk.put("/log/log.json", other.disk.bytes("/log/log.json"));
    return { runtime, entry };
  }

  it.each([undefined, KEY])(
    "is CHECKPOINT_CONTRADICTED to readers that start from it, and to verify",
    async (signer) => {
      const { runtime } = await forged(signer);
      const contradicted = { code: "CHECKPOINT_CONTRADICTED", nextOffset: 6, segment: 0 };
      await withLog(runtime, { readOnly: true, ...(signer === undefined ? {} : { signer }) }, async (stream) => {
        expect(await stream.verify()).toMatchObject({ ok: false, problem: { code: "CHECKPOINT_CONTRADICTED" } });
        expect([...stream.read({ from: 2, verify: "checkpoint" })]).toHaveLength(4);
      });
      // Go on behind the checkpoint: now its place lies before what is wanted.
      const log = await openLogOn(runtime, "/log", signer === undefined ? {} : { signer });
      const stream = log.stream("orders");
      await stream.append("after it");
      for (const verify of [undefined, "checkpoint"] as const) {
        const options = { from: 6, ...(verify === undefined ? {} : { verify }) };
        expect(() => [...stream.read(options)]).toThrow(expect.objectContaining(contradicted));
      }
      expect([...stream.read({ from: 6, verify: "chain" })]).toHaveLength(1);
      await log.close();
    },
  );

  it("is not so when only its place is wrong, which no signature vouches for: then it counts for nothing", async () => {
    const { runtime, disk } = machine();
    await withLog(runtime, { signer: KEY }, (stream) => append(stream, 6));
    const bytes = disk.bytes(FILE);
    const entry = new DataView(bytes.buffer, bytes.byteOffset + 16, 128);
    entry.setUint32(8, entry.getUint32(8, true) + 72, true);
    entry.setUint32(
      124,
      crc32(Uint8Array.of(...disk.bytes(SEGMENT).subarray(112, 116), ...bytes.subarray(16, 140))),
      true,
    );
    disk.put(FILE, bytes);
    expect(offsetsIn(disk)).toEqual([6]);
    const log = await openLogOn(runtime, "/log", { signer: KEY });
    const stream = log.stream("orders");
    await append(stream, 3);
    expect(await stream.verify()).toMatchObject({ ok: true, records: 9, checkpoints: { agreed: 0, passedOver: 1 } });
    for (const verify of ["checkpoint", undefined] as const) {
      expect([...stream.read({ from: 7, ...(verify && { verify }) })]).toHaveLength(2);
    }
    await log.close();
  });

  it("does not hide those of a trusted key behind it, whatever it says, when it is unsigned", async () => {
    const { runtime, disk } = machine();
    await withLog(runtime, { signer: KEY, checkpointEvery: 2 }, (stream) => append(stream, 6));
    const bytes = disk.bytes(FILE);
    // The first entry: unsigned, of as many records as could be in a segment of that length.
    bytes.fill(0, 16, 144);
    const entry = new DataView(bytes.buffer, bytes.byteOffset + 16, 128);
    entry.setUint32(0, 6, true);
    entry.setUint32(8, 2 ** 31 - 1, true);
    entry.setUint32(
      124,
      crc32(Uint8Array.of(...disk.bytes(SEGMENT).subarray(112, 116), ...bytes.subarray(16, 140))),
      true,
    );
    disk.put(FILE, bytes);
    await withLog(runtime, { readOnly: true, signer: KEY }, async (stream) => {
      expect(await stream.verify()).toMatchObject({ ok: true, checkpoints: { agreed: 2, signed: 2, passedOver: 1 } });
    });
  });

  it("is passed over by readers who do not trust its key", async () => {
    const { runtime } = await forged(OTHER_KEY);
    await withLog(runtime, { readOnly: true, signer: KEY }, async (stream) => {
      expect(await stream.verify()).toMatchObject({ ok: true, checkpoints: { agreed: 0, passedOver: 1 } });
    });
  });
});

describe("reading from a checkpoint", () => {
  const RECORDS = 3000;
  const EVERY = 100;

  /** A runtime that counts the bytes that it hashes. */
  function counting(runtime: Runtime): { runtime: Runtime; hashed: () => number } {
    let bytes = 0;
    const nativeHashing = {
      sha256(source: Uint8Array, target: Uint8Array): void {
        bytes += source.length;
        target.set(createHash("sha256").update(source).digest());
      },
      beatsLanesFrom: 0,
      beatsSingleFrom: 0,
    };
    const hashed = () => {
      const counted = bytes;
      bytes = 0;
      return counted;
    };
    return { runtime: { ...runtime, nativeHashing }, hashed };
  }

  it("costs what the distance to it costs, not what the log is long", async () => {
    const { runtime: base, disk } = machine();
    const { runtime, hashed } = counting(base);
    const options = { checkpointEvery: EVERY, hashEngine: "native", segmentBytes: 60_000 } as const;
    await withLog(runtime, options, async (stream) => {
      for (let i = 0; i < RECORDS; i += 10) await stream.append(Array.from({ length: 10 }, () => "0123456789"));
    });
    const cost = async (from: number, verify?: "chain" | "checkpoint" | "genesis") => {
      const log = await openLogOn(runtime, "/log", { ...options, readOnly: true, windowBytes: 4096 });
      await log.stream("orders").head();
      hashed();
      const range = { from, limit: 1, ...(verify === undefined ? {} : { verify }) };
      expect([...log.stream("orders").read(range)]).toHaveLength(1);
      const counted = hashed();
      await log.close();
      return counted;
    };
    // One record is 10 + 96 bytes; a window of 4 KiB holds some more than the one that is wanted, and where a segment ends
    // another 16 KiB of the next tell whether it goes on.
    const record = 106;
    const window = Math.ceil((4096 + 16_384) / 82) * record;
    const whole = await cost(2999, "genesis");
    expect(whole).toBeGreaterThanOrEqual(3000 * record);
    const segments = disk.paths().filter((path) => path.endsWith(".log"));
    const checkpoints = segments.flatMap((segment) => offsetsIn(disk, segment) as number[]);
    for (const from of [100, 199, 1000, 1150, 1199, 2950, 2999]) {
      const distance = from - Math.max(...checkpoints.filter((offset) => offset <= from));
      expect(distance).toBeLessThan(EVERY);
      for (const verify of [undefined, "checkpoint"] as const) {
        const counted = await cost(from, verify);
        expect(counted, `from ${from}`).toBeLessThanOrEqual(distance * record + window);
        expect(counted, `from ${from}`).toBeGreaterThanOrEqual((distance + 1) * record);
      }
    }
    expect(await cost(199)).toBeGreaterThan((await cost(101)) + 40 * record);
  });

  it("does not hash again what was read before", async () => {
    const { runtime: base } = machine();
    const { runtime, hashed } = counting(base);
    const options = { checkpointEvery: 1_000_000, hashEngine: "native" } as const;
    await withLog(runtime, options, async (stream) => {
      await stream.append(Array.from({ length: 500 }, () => "0123456789"));
      for (const verify of ["checkpoint", "genesis"] as const) {
        expect([...stream.read({ from: 100, to: 400, verify })]).toHaveLength(300);
        hashed();
        expect([...stream.read({ from: 400, limit: 1, verify })]).toHaveLength(1);
        expect(hashed()).toBeLessThan(110 * 106);
      }
    });
  });

  it("reads the same as from everywhere else", async () => {
    const { runtime } = machine();
    await withLog(runtime, { checkpointEvery: 7, segmentBytes: 900 }, async (stream) => {
      for (let i = 0; i < 60; i++) await stream.append([`event ${i}`, ""]);
      for (let from = 0; from <= 120; from++) {
        const texts = (verify?: "crc" | "checkpoint" | "genesis") =>
          [...stream.read({ from, limit: 9, ...(verify === undefined ? {} : { verify }) })].map(
            ({ offset, hash }) => `${offset} ${verify === "crc" ? "" : hash}`,
          );
        expect(texts()).toEqual(texts("genesis"));
        expect(texts("checkpoint")).toEqual(texts("genesis"));
        const awaited: string[] = [];
        for await (const { offset, hash } of stream.read({ from, limit: 9 })) awaited.push(`${offset} ${hash}`);
        expect(awaited).toEqual(texts("genesis"));
      }
    });
  });
});

describe("options", () => {
  it.each([
    ["checkpointEvery", { checkpointEvery: 0 }],
    ["checkpointEvery", { checkpointEvery: 1.5 }],
    ["signer", { signer: KEY.toPem() as unknown as PrivateKey }],
    ["publicKeys", { publicKeys: KEY as unknown as [] }],
    ["publicKeys", { publicKeys: ["key"] as unknown as [] }],
  ])("%s must make sense: %j", async (option, options) => {
    await expect(openLogOn(machine().runtime, "/log", options)).rejects.toMatchObject({
      code: "OPTION_INVALID",
      option,
    });
  });
});
