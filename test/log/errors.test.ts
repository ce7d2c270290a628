// Every error code, provoked through the public API, with its facts. The last test names the codes that have none here.
import { afterAll, describe, expect, it } from "vitest";
import { memoryRuntime } from "../../adapters/memory.ts";
import { publicKeyOn } from "../../src/crypto/signer.ts";
import { ERROR_TABLE, type ErrorCode } from "../../src/errors.ts";
import {
  ConflictError,
  CorruptionError,
  type DiatremeError,
  EvidenceError,
  KeyError,
  openLogOn,
  PrivateKey,
  PublicKey,
  type Runtime,
  StorageError,
  UsageError,
  verifyExport,
} from "../../src/index.ts";
import { currentRuntime } from "../contract/current-runtime.ts";

const provoked = new Set<string>();
const SEGMENT = "/log/orders/segment_000000.log";

const OPTIONS = { spaceAhead: false };

async function written(count = 3, options: object = {}) {
  const machine = memoryRuntime({ seed: 11 });
  const log = await openLogOn(machine.runtime, "/log", { ...OPTIONS, ...options });
  for (let i = 0; i < count; i++) await log.stream("orders").append(`event ${i}`);
  await log.close();
  return machine;
}

/** Expects a failure with this code, of this class, with exactly these facts, and a message that tells what to do. */
async function expectFailure(
  code: ErrorCode,
  type: typeof DiatremeError,
  facts: Record<string, unknown>,
  action: () => unknown,
): Promise<void> {
  let error: unknown;
  try {
    await action();
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(type);
  expect(error).toMatchObject({ code, name: type.name, ...facts });
  expect((error as Error).message).toMatch(/\.$/);
  expect((error as Error).message).not.toMatch(/(is|byte|record|offset) undefined|\[object/i);
  provoked.add(code);
}

const record = { stream: "orders", segment: 0 };

describe("wrong usage", () => {
  it.each(["", ".", "..", "../x", "a/b", "a\\b", "A", "ä", "lock", "log.json", "state_000001.snap", "x".repeat(65)])(
    "the stream name %j is refused with STREAM_NAME_INVALID",
    async (stream) => {
      const { runtime } = memoryRuntime({ seed: 1 });
      const log = await openLogOn(runtime, "/log");
      const reason = expect.any(String);
      await expectFailure("STREAM_NAME_INVALID", UsageError, { stream, reason }, () => log.stream(stream));
    },
  );

  it("an option that makes no sense is OPTION_INVALID", async () => {
    const { runtime } = memoryRuntime({ seed: 1 });
    const wrong = [
      { segmentBytes: 0 },
      { segmentBytes: 1.5 },
      { sync: "sometimes" },
      { readonly: true },
      { create: 1 },
    ];
    for (const options of wrong) {
      const option = Object.keys(options)[0];
      const open = () => openLogOn(runtime, "/log", options as object);
      await expectFailure("OPTION_INVALID", UsageError, { option }, open);
    }
    const log = await openLogOn(runtime, "/log");
    const stream = log.stream("orders");
    for (const read of [{ from: -1 }, { to: 1.5 }, { limit: Number.NaN }, { verify: "hard" }]) {
      const option = Object.keys(read)[0];
      await expectFailure("OPTION_INVALID", UsageError, { option }, () => [...stream.read(read as object)]);
    }
    const tomorrow = new Date(Date.now() + 86_400_000);
    for (const from of [tomorrow, {}, null, [5], "0", 1n, { tiem: 5 }]) {
      await expectFailure("OPTION_INVALID", UsageError, { option: "from" }, () => [...stream.read({ from } as object)]);
      await expectFailure("OPTION_INVALID", UsageError, { option: "from" }, () =>
        stream.follow({ from } as object).next(),
      );
    }
    const time = () => [...stream.read({ from: { time: tomorrow } } as object)];
    await expectFailure("OPTION_INVALID", UsageError, { option: "from.time", value: "of type Date" }, time);
    await expectFailure("OPTION_INVALID", UsageError, { option: "offset" }, () => stream.get(-1));
    await expectFailure("OPTION_INVALID", UsageError, { option: "hashEngine" }, () =>
      openLogOn(runtime, "/log", { hashEngine: "native" }),
    );
  });

  it("an option that no call knows is OPTION_INVALID, and nothing is done", async () => {
    const { runtime } = await written();
    const log = await openLogOn(runtime, "/log", OPTIONS);
    const encrypted = await openLogOn(runtime, "/encrypted", { encryption: { masterKey: new Uint8Array(32) } });
    const stream = log.stream("orders");
    const first = (generator: AsyncGenerator<unknown>) => generator.next();
    const calls: [string, (options: object) => unknown][] = [
      ["expectedoffset", (options) => stream.append("x", options)],
      ["keyID", (options) => stream.appendSync("x", options)],
      ["keyid", (options) => stream.tryAppend("x", options)],
      ["form", (options) => [...stream.read(options)]],
      ["limit", (options) => first(stream.follow(options))],
      ["agianst", (options) => stream.verify(options)],
      ["withhold", (options) => first(stream.entries(options))],
      ["withold", (options) => first(stream.exportRange(options))],
      ["haed", (options) => verifyExport([], options)],
      ["too", (options) => encrypted.rotateKeys(options)],
      ["keyId", (options) => encrypted.eraseSubject("subject", options as { by: string })],
    ];
    for (const [option, call] of calls) {
      await expectFailure("OPTION_INVALID", UsageError, { option, value: "not known" }, () => call({ [option]: 1 }));
      await expectFailure("OPTION_INVALID", UsageError, { option: "options" }, () => call(["from"]));
      await expectFailure("OPTION_INVALID", UsageError, { option: "options" }, () => call("5" as never));
    }
    for (const signal of [{}, 5, "stop"]) {
      const wrong = { signal } as object;
      for (const [option, call] of calls.slice(0, 8)) {
        await expectFailure("OPTION_INVALID", UsageError, { option: "signal" }, () => call(wrong)).catch((error) => {
          throw new Error(option, { cause: error });
        });
      }
    }
    await expectFailure("OPTION_INVALID", UsageError, { option: "onProgress" }, () =>
      stream.verify({ onProgress: 1 as never }),
    );
    await expectFailure("OPTION_INVALID", UsageError, { option: "segment" }, () => stream.offsetAt(undefined as never));
    expect(await stream.head()).toMatchObject({ nextOffset: 3 });
    await log.close();
    await encrypted.close();
  });

  it("a payload goes out only when nothing was said, or nothing unclear, of withholding it", async () => {
    const { runtime } = await written();
    const log = await openLogOn(runtime, "/log", { readOnly: true });
    const stream = log.stream("orders");
    const exported = async (options: object) => {
      let text = "";
      for await (const chunk of stream.exportRange(options)) text += new TextDecoder().decode(chunk);
      return text;
    };
    const unclear = [["1"], "1", [1n], [Number.NaN], null, 1, true, [-1], [3], [0.5], new Set(["all"]), {}];
    for (const withhold of unclear) {
      await expectFailure("OPTION_INVALID", UsageError, { option: "withhold" }, () => exported({ withhold }));
    }
    await expectFailure("OPTION_INVALID", UsageError, { option: "withhold" }, () =>
      exported({ from: 1, withhold: [0] }),
    );
    await expectFailure("OPTION_INVALID", UsageError, { option: "withhold" }, () => exported({ to: 2, withhold: [2] }));
    const payload = Buffer.from("event 1").toString("base64");
    expect(await exported({})).toContain(payload);
    for (const withhold of [[1], new Set([1, 2]), "all", (offset: number) => offset === 1]) {
      expect(await exported({ withhold })).not.toContain(payload);
    }
    await log.close();
  });

  it("an event that cannot be stored as it is is EVENT_INVALID, and nothing of its append is written", async () => {
    const { runtime } = memoryRuntime({ seed: 1 });
    const log = await openLogOn(runtime, "/log");
    const stream = log.stream("orders");
    const loop: Record<string, unknown> = {};
    loop["loop"] = loop;
    const wrong = [() => 1, Symbol("s"), 1n, loop, "\ud800", new Map(), new Set(), new ArrayBuffer(1)];
    for (const event of [...wrong, new Uint16Array(2), new DataView(new ArrayBuffer(1))]) {
      await expectFailure("EVENT_INVALID", UsageError, { stream: "orders", index: 1 }, () =>
        stream.append(["fine", event] as string[]),
      );
    }
    await expect(stream.append([undefined] as never)).rejects.toMatchObject({ code: "EVENT_INVALID", index: 0 });
    await expect(stream.append(undefined as never)).rejects.toMatchObject({ code: "EVENT_INVALID", index: 0 });
    expect(await stream.head()).toMatchObject({ nextOffset: 0 });
  });

  it("a record or an append over its limit is RECORD_TOO_LARGE or APPEND_TOO_LARGE", async () => {
    const { runtime } = memoryRuntime({ seed: 1 });
    const log = await openLogOn(runtime, "/log", { maxRecordBytes: 100, maxAppendBytes: 400 });
    const stream = log.stream("orders");
    const facts = { stream: "orders", limit: 100, bytes: 101, index: 1 };
    await expectFailure("RECORD_TOO_LARGE", UsageError, facts, () => stream.append(["", "x".repeat(101)]));
    await expectFailure("RECORD_TOO_LARGE", UsageError, facts, () => stream.append(["", new Uint8Array(101)]));
    await expectFailure("RECORD_TOO_LARGE", UsageError, { bytes: 150 }, () => stream.append("漢".repeat(50)));
    const many = Array.from({ length: 5 }, () => "12345678");
    await expectFailure("APPEND_TOO_LARGE", UsageError, { stream: "orders", limit: 400 }, () =>
      stream.append([...many, ...many]),
    );
    expect(await stream.append("still works")).toMatchObject({ firstOffset: 0 });
  });

  it("appendSync() among unfinished appends is APPEND_IN_FLIGHT", async () => {
    const { runtime, disk } = memoryRuntime({ seed: 1 });
    const log = await openLogOn(runtime, "/log");
    disk.holdSyncs();
    const append = log.stream("orders").append("one");
    await expectFailure("APPEND_IN_FLIGHT", UsageError, { stream: "orders" }, () =>
      log.stream("orders").appendSync("two"),
    );
    disk.releaseSyncs();
    await append;
  });

  it("a closed log is LOG_CLOSED, a read-only one LOG_READ_ONLY", async () => {
    const { runtime } = await written();
    const log = await openLogOn(runtime, "/log");
    const stream = log.stream("orders");
    await log.close();
    await log.close();
    const facts = { directory: "/log" };
    await expectFailure("LOG_CLOSED", UsageError, facts, () => log.stream("orders"));
    await expectFailure("LOG_CLOSED", UsageError, facts, () => stream.append("x"));
    await expectFailure("LOG_CLOSED", UsageError, facts, () => [...stream.read()]);
    await expectFailure("LOG_CLOSED", UsageError, facts, () => stream.verify());
    const readOnly = await openLogOn(runtime, "/log", { readOnly: true });
    await expectFailure("LOG_READ_ONLY", UsageError, facts, () => readOnly.stream("orders").append("x"));
  });

  it("a missing log is LOG_NOT_FOUND, a folder of something else NOT_A_LOG, and neither is touched", async () => {
    const { runtime, disk } = memoryRuntime({ seed: 1 });
    for (const options of [{ readOnly: true }, { create: false }]) {
      await expectFailure("LOG_NOT_FOUND", UsageError, { directory: "/none" }, () =>
        openLogOn(runtime, "/none", options),
      );
    }
    runtime.files.makeFolder("/photos");
    disk.put("/photos/cat.png", new Uint8Array(3));
    for (const options of [{}, { readOnly: true }]) {
      const facts = { directory: "/photos", reason: expect.stringContaining("cat.png") };
      await expectFailure("NOT_A_LOG", UsageError, facts, () => openLogOn(runtime, "/photos", options));
    }
    await expectFailure("NOT_A_LOG", UsageError, {}, () => openLogOn(runtime, "/photos/cat.png"));
    expect(disk.paths()).toEqual(["/photos/cat.png"]);
  });

  it("a log of another version is LOG_VERSION_UNSUPPORTED and not touched", async () => {
    const { runtime, disk } = await written();
    const text = new TextDecoder().decode(disk.bytes("/log/log.json"));
    disk.put("/log/log.json", new TextEncoder().encode(text.replace('"version":1', '"version":7')));
    const facts = { path: "/log/log.json", found: 7, supported: 1 };
    await expectFailure("LOG_VERSION_UNSUPPORTED", UsageError, facts, () => openLogOn(runtime, "/log"));
  });

  it("a stream that is not there is STREAM_NOT_FOUND where it would not be made", async () => {
    const { runtime, disk } = await written();
    const before = disk.paths();
    const facts = { directory: "/log", stream: "order" };
    const readOnly = await openLogOn(runtime, "/log", { readOnly: true });
    await expectFailure("STREAM_NOT_FOUND", UsageError, facts, () => [...readOnly.stream("order").read()]);
    const log = await openLogOn(runtime, "/log");
    await expectFailure("STREAM_NOT_FOUND", UsageError, facts, () => log.stream("order").verify());
    await expectFailure("STREAM_NOT_FOUND", UsageError, facts, () => log.stream("order").inspect());
    await log.close();
    expect(disk.paths().filter((path) => !path.includes("/lock/"))).toEqual(
      before.filter((path) => !path.includes("/lock/")),
    );
  });

  it("a zeroCopy record used after the next step is VIEW_EXPIRED", async () => {
    const { runtime } = await written();
    const log = await openLogOn(runtime, "/log", { readOnly: true });
    const [first] = [...log.stream("orders").read({ zeroCopy: true })];
    await expectFailure("VIEW_EXPIRED", UsageError, { stream: "orders", offset: 0 }, () => first?.payload);
  });

  it("json() of something else is PAYLOAD_NOT_JSON and does not show the payload", async () => {
    const { runtime } = await written();
    const log = await openLogOn(runtime, "/log", { readOnly: true });
    const event = await log.stream("orders").get(0);
    await expectFailure("PAYLOAD_NOT_JSON", UsageError, { stream: "orders", offset: 0 }, () => event?.json());
  });
});

describe("a conflict", () => {
  it("over the next offset is OFFSET_MISMATCH with both numbers", async () => {
    const { runtime } = await written();
    const log = await openLogOn(runtime, "/log");
    const facts = { stream: "orders", expected: 2, actual: 3 };
    const stream = log.stream("orders");
    await expectFailure("OFFSET_MISMATCH", ConflictError, facts, () => stream.append("x", { expectedOffset: 2 }));
    await expectFailure("OFFSET_MISMATCH", ConflictError, facts, () => stream.appendSync("x", { expectedOffset: 2 }));
  });

  it("while following, when a record that was shown is gone, is FOLLOWED_RECORD_REPLACED", async () => {
    const { runtime, disk } = memoryRuntime({ seed: 11 });
    const writer = await openLogOn(runtime, "/log", OPTIONS);
    await writer.stream("orders").append(["one", "two", "three"]);
    const log = await openLogOn(disk.runtime({ pid: 2 }), "/log", { readOnly: true });
    const records = log.stream("orders").follow();
    let hash = "";
    for (let i = 0; i < 3; i++) hash = ((await records.next()).value as { hash: string }).hash;
    runtime.files.open(SEGMENT, "write").truncate(disk.bytes(SEGMENT).length - 1);
    const facts = { stream: "orders", offset: 2, shown: hash, found: "nothing" };
    await expectFailure("FOLLOWED_RECORD_REPLACED", ConflictError, facts, () => records.next());
    await writer.close();
  });

  it("with a live writer is LOG_LOCKED, naming the holder; a dead one's lock is taken over", async () => {
    const { runtime, disk } = await written();
    const holder = await openLogOn(runtime, "/log");
    const facts = { directory: "/log", pid: 1, path: expect.stringContaining("/log/lock/") };
    const other = disk.runtime({ pid: 2 });
    await expectFailure("LOG_LOCKED", ConflictError, facts, () => openLogOn(other, "/log"));
    await expectFailure("LOG_LOCKED", ConflictError, facts, () => openLogOn(runtime, "/log"));
    disk.kill(1);
    const heir = await openLogOn(other, "/log");
    await expectFailure("LOG_LOCKED", ConflictError, { pid: 2 }, () => openLogOn(disk.runtime({ pid: 3 }), "/log"));
    await heir.close();
    await (await openLogOn(disk.runtime({ pid: 3 }), "/log")).close();
    void holder;
  });
});

describe("damage", () => {
  // Changes a log's file, then reads all of the stream.
  async function damaged(path: string, change: (bytes: Uint8Array, view: DataView) => void, count = 3) {
    const { runtime, disk } = await written(count);
    const bytes = disk.bytes(path).slice();
    change(bytes, new DataView(bytes.buffer));
    disk.put(path, bytes);
    return async () => {
      const log = await openLogOn(runtime, "/log", { readOnly: true });
      return [...log.stream("orders").read()];
    };
  }

  // The CRC of a record as a forger makes it: over the salt and the record.
  async function forged(change: (record: Uint8Array, view: DataView) => void, index = 1) {
    const { crc32 } = await import("./crc32.ts");
    return damaged(SEGMENT, (bytes, view) => {
      const at = 128 + index * 79;
      const part = bytes.subarray(at, at + 79);
      change(part, new DataView(bytes.buffer, at, 79));
      view.setUint32(at + 75, crc32(new Uint8Array([...bytes.subarray(112, 116), ...part.subarray(0, 75)])), true);
    });
  }

  it("of log.json is LOG_IDENTITY_INVALID", async () => {
    const read = await damaged("/log/log.json", (bytes) => bytes.fill(32, 60, 61));
    const facts = { path: "/log/log.json", reason: expect.any(String) };
    await expectFailure("LOG_IDENTITY_INVALID", CorruptionError, facts, read);
  });

  it("of a segment's header is SEGMENT_HEADER_INVALID with the condition", async () => {
    const read = await damaged(SEGMENT, (bytes) => bytes.fill(1, 24, 25));
    await expectFailure("SEGMENT_HEADER_INVALID", CorruptionError, { ...record, condition: "S3" }, read);
  });

  it("that takes a segment away is SEGMENT_MISSING; one in a wrong place SEGMENT_OFFSET_WRONG", async () => {
    const { runtime, disk } = await written(20, { segmentBytes: 500 });
    const bytes = disk.bytes("/log/orders/segment_000001.log");
    disk.take("/log/orders/segment_000001.log");
    const read = async () => [...(await openLogOn(runtime, "/log", { readOnly: true })).stream("orders").read()];
    await expectFailure("SEGMENT_MISSING", CorruptionError, { stream: "orders", segment: 1 }, read);
    // The first half of its records only, as if that were all.
    const { crc32 } = await import("./crc32.ts");
    const moved = bytes.slice();
    const view = new DataView(moved.buffer);
    view.setUint32(16, 99, true);
    view.setUint32(124, crc32(moved.subarray(0, 124)), true);
    disk.put("/log/orders/segment_000001.log", moved);
    await expectFailure("SEGMENT_OFFSET_WRONG", CorruptionError, { segment: 1, found: 99 }, read);
  });

  it("of a record's bytes is RECORD_CRC_MISMATCH with both sums", async () => {
    const read = await damaged(SEGMENT, (bytes) => bytes.fill(65, 128 + 79 + 64, 128 + 79 + 65));
    const hex = expect.stringMatching(/^[0-9a-f]{8}$/);
    const facts = { ...record, offset: 1, position: 207, stored: hex, computed: hex };
    await expectFailure("RECORD_CRC_MISMATCH", CorruptionError, facts, read);
  });

  it("of a record's magic, or a forged field, is RECORD_HEADER_INVALID with the condition", async () => {
    const read = await damaged(SEGMENT, (bytes) => bytes.fill(65, 207, 208));
    const facts = { ...record, offset: 1, position: 207 };
    await expectFailure("RECORD_HEADER_INVALID", CorruptionError, { ...facts, condition: "R1" }, read);
    const fields: [string, number, number][] = [
      ["R4", 24, 2],
      ["R5", 25, 1],
      ["R6", 26, 2],
      ["R7", 27, 1],
      ["R8", 28, 1],
    ];
    for (const [condition, at, value] of fields) {
      const readForged = await forged((_, view) => view.setUint8(at, value));
      await expectFailure("RECORD_HEADER_INVALID", CorruptionError, { ...facts, condition }, readForged);
    }
    const reserved = await forged((_, view) => view.setUint32(71, 0x40000000, true));
    await expectFailure("RECORD_HEADER_INVALID", CorruptionError, { ...facts, condition: "R7" }, reserved);
    const long = await damaged(SEGMENT, (_, view) => view.setUint32(207 + 4, 0x7fffffff, true));
    await expectFailure("RECORD_TRUNCATED", CorruptionError, { ...facts, bytes: 0x7fffffff + 72 }, long);
  });

  it("that cuts the end of a closed log is RECORD_TRUNCATED", async () => {
    const { runtime, disk } = await written();
    disk.put(SEGMENT, disk.bytes(SEGMENT).slice(0, 128 + 2 * 79));
    const read = async () => [...(await openLogOn(runtime, "/log", { readOnly: true })).stream("orders").read()];
    const facts = { ...record, offset: 2, position: 286, available: 0 };
    await expectFailure("RECORD_TRUNCATED", CorruptionError, facts, read);
  });

  it("that renumbers or re-dates a record with a right CRC is RECORD_OFFSET_WRONG or RECORD_TIMESTAMP_BACKWARDS", async () => {
    const renumbered = await forged((_, view) => view.setUint32(8, 5, true));
    await expectFailure("RECORD_OFFSET_WRONG", CorruptionError, { ...record, offset: 1, found: 5 }, renumbered);
    const dated = await forged((_, view) => view.setUint32(20, 1, true));
    const facts = { ...record, offset: 1, found: expect.any(Number), previous: expect.any(Number) };
    await expectFailure("RECORD_TIMESTAMP_BACKWARDS", CorruptionError, facts, dated);
  });

  it("of a payload with a right CRC is RECORD_CHAIN_BROKEN, of a link RECORD_LINK_WRONG", async () => {
    const hash = expect.stringMatching(/^[0-9a-f]{64}$/);
    const place = { ...record, offset: 1, position: 207 };
    const payload = await forged((_, view) => view.setUint8(64, 65));
    await expectFailure("RECORD_CHAIN_BROKEN", CorruptionError, { ...place, linked: hash, computed: hash }, payload);
    const link = await forged((_, view) => view.setUint8(40, 65));
    await expectFailure("RECORD_LINK_WRONG", CorruptionError, { ...place, linked: hash, expected: hash }, link);
    const first = await forged((_, view) => view.setUint8(40, 65), 0);
    await expectFailure("RECORD_LINK_WRONG", CorruptionError, { ...record, offset: 0, position: 128 }, first);
    const last = await forged((_, view) => view.setUint8(64, 65), 2);
    expect(await last()).toHaveLength(3); // Nothing links to the last record: only a head kept elsewhere tells.
  });

  it("that says that an append goes on where its segment ends is APPEND_INCOMPLETE", async () => {
    const { runtime, disk } = await written(20, { segmentBytes: 500 });
    const { crc32 } = await import("./crc32.ts");
    const bytes = disk.bytes(SEGMENT).slice();
    const view = new DataView(bytes.buffer);
    const at = bytes.length - 79;
    view.setUint32(at + 71, 0x80000000, true);
    const part = bytes.subarray(at, at + 75);
    view.setUint32(at + 75, crc32(new Uint8Array([...bytes.subarray(112, 116), ...part])), true);
    disk.put(SEGMENT, bytes);
    const read = async () => [...(await openLogOn(runtime, "/log", { readOnly: true })).stream("orders").read()];
    const facts = { ...record, offset: expect.any(Number), position: expect.any(Number) };
    await expectFailure("APPEND_INCOMPLETE", CorruptionError, facts, read);
  });
});

describe("evidence", () => {
  const key = PrivateKey.fromBytes(new Uint8Array(32).fill(1));
  const otherKey = PrivateKey.fromBytes(new Uint8Array(32).fill(2));
  const publicKeys = [publicKeyOn(currentRuntime(), key)];
  const id = publicKeys[0]?.id as string;

  /** A log with three signed records, and what was kept of it after each. */
  async function kept(count = 3, signer = key) {
    const machine = memoryRuntime({ seed: 11 });
    const runtime = { ...machine.runtime, signatures: currentRuntime().signatures };
    const log = await openLogOn(runtime, "/log", { ...OPTIONS, signer });
    const checkpoints = [];
    for (let i = 0; i < count; i++) {
      await log.stream("orders").append(`event ${i}`);
      checkpoints.push(await log.stream("orders").checkpoint());
    }
    await log.close();
    return { ...machine, runtime, checkpoints, notes: checkpoints.map(({ note }) => note) };
  }

  async function verify(runtime: Runtime, against: string | undefined) {
    const log = await openLogOn(runtime, "/log", { readOnly: true, publicKeys });
    return log.stream("orders").verify(against === undefined ? {} : { against });
  }

  // What a report says is wrong is thrown, so that its facts are checked like those of an error.
  async function problemOf(runtime: Runtime, against?: string) {
    const { problem } = await verify(runtime, against);
    expect(problem).not.toBeNull();
    const { code, message, ...facts } = problem as NonNullable<typeof problem>;
    throw Object.assign(new EvidenceError(code, 1, message, facts, undefined));
  }

  it("that is no checkpoint is CHECKPOINT_INVALID, of nobody known CHECKPOINT_NOT_SIGNED", async () => {
    const { runtime, notes } = await kept();
    const invalid = { condition: "T1", reason: expect.any(String) };
    await expectFailure("CHECKPOINT_INVALID", EvidenceError, invalid, () => verify(runtime, "what?"));
    const theirs = (await kept(3, otherKey)).notes[2] as string;
    await expectFailure("CHECKPOINT_NOT_SIGNED", EvidenceError, { keys: id }, () => verify(runtime, theirs));
    const changed = (notes[2] as string).replace("\n3\n", "\n2\n");
    await expectFailure("CHECKPOINT_SIGNATURE_WRONG", EvidenceError, { key: id }, () => verify(runtime, changed));
  });

  it("of another log is LOG_OTHER", async () => {
    const { runtime, checkpoints } = await kept();
    const { logId } = checkpoints[0] as { logId: string };
    const log = await openLogOn(runtime, "/other", { signer: key });
    const { note, logId: claimedLog } = await log.stream("orders").checkpoint();
    await log.close();
    const facts = { stream: "orders", log: logId, claimedStream: "orders", claimedLog };
    await expectFailure("LOG_OTHER", EvidenceError, facts, () => problemOf(runtime, note));
  });

  it("of more than there is is LOG_ROLLED_BACK or LOG_TRUNCATED, of something else LOG_FORKED", async () => {
    const long = await kept(3);
    const claim = long.checkpoints[2] as { nextOffset: number; head: string };
    const [, two] = long.checkpoints as [unknown, { head: string }];
    const short = { stream: "orders", nextOffset: 2, found: two.head, claimedOffset: 3, claimed: claim.head, key: id };
    const { disk } = long;
    const segment = disk.bytes(SEGMENT).slice();
    const checkpoints = disk.bytes(`${SEGMENT}.ckpt`).slice();
    disk.take(`${SEGMENT}.idx`);
    disk.put(SEGMENT, segment.slice(0, 128 + 2 * 79));
    disk.put(`${SEGMENT}.ckpt`, checkpoints.slice(0, 16 + 2 * 128));
    const against = long.notes[2] as string;
    await expectFailure("LOG_ROLLED_BACK", EvidenceError, short, () => problemOf(long.runtime, against));
    disk.put(`${SEGMENT}.ckpt`, checkpoints.slice(0, 16 + 128));
    await expectFailure("LOG_TRUNCATED", EvidenceError, short, () => problemOf(long.runtime, against));

    const log = await openLogOn(long.runtime, "/log", OPTIONS);
    const { head } = await log.stream("orders").append("fraud 2");
    await log.close();
    const fork = { stream: "orders", nextOffset: 3, claimed: claim.head, found: head, agreesTo: 0, key: id };
    await expectFailure("LOG_FORKED", EvidenceError, fork, () => problemOf(long.runtime, against));

    // The old checkpoint back beside the new records.
    disk.put(`${SEGMENT}.ckpt`, checkpoints);
    const contradicted = { ...record, nextOffset: 3, claimed: claim.head, found: head, key: id };
    await expectFailure("CHECKPOINT_CONTRADICTED", EvidenceError, contradicted, () => problemOf(long.runtime));
  });

  it("needs a key that is one, and a runtime that can check it", async () => {
    const facts = { kind: "public", reason: expect.any(String) };
    await expectFailure("KEY_INVALID", UsageError, facts, () => PublicKey.parse("no key"));
    const { runtime } = memoryRuntime({ seed: 1 });
    const without = { ...runtime, signatures: null };
    await expectFailure("SIGNATURES_MISSING", UsageError, { runtime: "memory" }, () =>
      openLogOn(without, "/log", { signer: key }),
    );
  });
});

it("an export that is not as it was made is EXPORT_INVALID, as a problem in a report", async () => {
  const { problem } = await verifyExport([new TextEncoder().encode("{}\n")]);
  const message = expect.stringMatching(/^Line 1 of the export fails condition X1: .*\.$/);
  expect(problem).toEqual({ code: "EXPORT_INVALID", line: 1, condition: "X1", message });
  provoked.add("EXPORT_INVALID");
});

describe("a failure of the system", () => {
  it.each([
    ["FILE_NOT_FOUND", "open", ".log"],
    ["ACCESS_DENIED", "open", ".log"],
    ["TOO_MANY_OPEN_FILES", "open", ".log"],
    ["IO_FAILED", "read", ".log"],
    ["NO_SPACE", "write", ".log"],
  ] as const)("%s on %s reaches the caller with the path", async (code, kind, end) => {
    const { runtime, disk } = await written();
    disk.onOperation = (operation) =>
      operation.kind === kind && operation.path.endsWith(end) ? { fail: code } : undefined;
    const expected = code === "FILE_NOT_FOUND" ? "SEGMENT_MISSING" : code;
    const type = code === "FILE_NOT_FOUND" ? CorruptionError : StorageError;
    await expectFailure(expected, type, code === "FILE_NOT_FOUND" ? {} : { path: SEGMENT }, async () => {
      const log = await openLogOn(runtime, "/log");
      await log.stream("orders").append("x");
    });
  });

  it("FILE_NOT_FOUND reaches the caller when a folder vanishes", async () => {
    const { runtime, disk } = await written();
    const log = await openLogOn(runtime, "/log", { readOnly: true });
    disk.onOperation = ({ kind, path }) =>
      kind === "list" && path === "/log" ? { fail: "FILE_NOT_FOUND" } : undefined;
    await expectFailure("FILE_NOT_FOUND", StorageError, { path: "/log" }, () => log.streams());
  });

  it("a link or special file in the place of a log's file is FILE_NOT_REGULAR", async () => {
    const { runtime, disk } = await written();
    disk.take(SEGMENT);
    disk.putLink(SEGMENT, "/elsewhere");
    const facts = { path: SEGMENT, kind: "link" };
    const open = async () => (await openLogOn(runtime, "/log", { readOnly: true })).stream("orders").head();
    await expectFailure("FILE_NOT_REGULAR", StorageError, facts, open);
  });

  it("a giant log.json is FILE_TOO_LARGE and not read", async () => {
    const { runtime, disk } = await written();
    disk.put("/log/log.json", new Uint8Array(10_000));
    const facts = { path: "/log/log.json", bytes: 10_000, limit: 4096 };
    await expectFailure("FILE_TOO_LARGE", StorageError, facts, () => openLogOn(runtime, "/log"));
  });

  it("a segment that appears from nowhere is FILE_EXISTS and not overwritten", async () => {
    const { runtime, disk } = await written(1, { segmentBytes: 300 });
    const log = await openLogOn(runtime, "/log", { segmentBytes: 300, spaceAhead: false });
    const stream = log.stream("orders");
    await stream.head();
    const path = "/log/orders/segment_000001.log";
    disk.put(path, new Uint8Array(5));
    await expectFailure("FILE_EXISTS", StorageError, { path }, () => stream.append("x".repeat(200)));
    expect(disk.bytes(path)).toEqual(new Uint8Array(5));
  });

  it("a failed sync is SYNC_FAILED, and what comes after it LOG_POISONED", async () => {
    const { runtime, disk } = await written();
    const log = await openLogOn(runtime, "/log");
    const stream = log.stream("orders");
    await stream.head();
    disk.onOperation = ({ kind }) => (kind === "sync" ? { fail: "IO_FAILED" } : undefined);
    await expectFailure("SYNC_FAILED", StorageError, { path: SEGMENT }, () => stream.append("x"));
    const facts = { stream: "orders", reason: expect.any(String) };
    await expectFailure("LOG_POISONED", StorageError, facts, () => stream.append("y"));
  });
});

describe("encryption", () => {
  const masterKey = new Uint8Array(32).fill(7);
  const encryption = { masterKey };
  const KEYS = "/log/keys.json";
  const directory = "/log";
  const stream = "orders";
  const fingerprint = expect.stringMatching(/^[0-9a-f]{32}$/);

  async function encrypted() {
    const machine = memoryRuntime({ seed: 12 });
    const log = await openLogOn(machine.runtime, "/log", { ...OPTIONS, encryption });
    await log.stream(stream).append("secret 0");
    await log.stream(stream).append("secret 1", { keyId: "subject" });
    await log.close();
    return machine;
  }

  async function payloadOf(machine: { runtime: Runtime }, offset: number, options: object = { encryption }) {
    const log = await openLogOn(machine.runtime, "/log", { ...OPTIONS, ...options, readOnly: true });
    for (const one of log.stream(stream).read({ verify: "crc" })) if (one.offset === offset) return one.payload;
    return undefined;
  }

  it("that the runtime does not have is ENCRYPTION_UNAVAILABLE", async () => {
    const { runtime } = memoryRuntime({ seed: 1 });
    const facts = { runtime: "memory", lacks: "AES-256-GCM" };
    const open = () => openLogOn({ ...runtime, aead: null }, "/log", { encryption });
    await expectFailure("ENCRYPTION_UNAVAILABLE", UsageError, facts, open);
    const poor = { ...runtime, passphrases: null };
    const stretch = () => openLogOn(poor, "/other", { encryption: { passphrase: "swordfish" } });
    await expectFailure("ENCRYPTION_UNAVAILABLE", UsageError, { ...facts, lacks: "Argon2id" }, stretch);
  });

  it("that is wanted from a log opened without is ENCRYPTION_OFF or ENCRYPTION_REQUIRED", async () => {
    const { runtime } = await encrypted();
    const log = await openLogOn(runtime, "/log");
    await expectFailure("ENCRYPTION_OFF", UsageError, { directory }, () => log.keys());
    await expectFailure("ENCRYPTION_OFF", UsageError, { directory }, () => log.rotateKeys());
    await expectFailure("ENCRYPTION_OFF", UsageError, { directory }, () => log.eraseSubject("subject", { by: "me" }));
    const facts = { stream, reason: "it has a key" };
    await expectFailure("ENCRYPTION_REQUIRED", UsageError, facts, () => log.stream(stream).append("plain"));
    const other = { stream: "other", reason: "the append has a keyId" };
    const append = () => log.stream("other").append("plain", { keyId: "subject" });
    await expectFailure("ENCRYPTION_REQUIRED", UsageError, other, append);
    const begun = { stream: "other", reason: "the log has keys, and this would be the stream's first record" };
    await expectFailure("ENCRYPTION_REQUIRED", UsageError, begun, () => log.stream("other").append("plain"));
    await log.close();
  });

  it.each<[string, object]>([
    ["encryption", {}],
    ["encryption", { masterKey, passphrase: "swordfish" }],
    ["encryption.masterkey", { masterkey: masterKey }],
    ["encryption.masterKey", { masterKey: new Uint8Array(31) }],
    ["encryption.passphrase", { passphrase: "" }],
    ["encryption.passphraseCost", { passphrase: "swordfish", passphraseCost: { memoryKib: 1, passes: 1, lanes: 1 } }],
    ["encryption.provider", { provider: {} }],
    ["encryption.streams", { masterKey, streams: ["Orders"] }],
    ["encryption.create", { masterKey, create: 1 }],
  ])("with options that make no sense is OPTION_INVALID for %s, and shows nothing of them", async (option, wrong) => {
    const { runtime } = memoryRuntime({ seed: 1 });
    const open = () => openLogOn(runtime, "/log", { encryption: wrong });
    const value = option === "encryption.masterkey" ? "not known" : "something else";
    await expectFailure("OPTION_INVALID", UsageError, { option, value }, open);
  });

  it("with a keyId, or a reason to erase, that is none is OPTION_INVALID, and does not show it", async () => {
    const { runtime } = await encrypted();
    const log = await openLogOn(runtime, "/log", { encryption });
    for (const keyId of ["", "x".repeat(256), "\ud800", 7]) {
      const append = () => log.stream(stream).append("x", { keyId: keyId as string });
      await expectFailure("OPTION_INVALID", UsageError, { option: "keyId", value: "something else" }, append);
    }
    const erase = () => log.eraseSubject("subject", { by: "" });
    await expectFailure("OPTION_INVALID", UsageError, { option: "by" }, erase);
    await log.close();
  });

  it("of a log that has streams and no keys is KEYS_NOT_FOUND, unless keys may be made", async () => {
    const { runtime } = await written();
    const open = () => openLogOn(runtime, "/log", { encryption });
    await expectFailure("KEYS_NOT_FOUND", KeyError, { path: KEYS }, open);
    await (await openLogOn(runtime, "/log", { encryption: { masterKey, create: true } })).close();
    await (await open()).close();
  });

  it("with another key is KEY_WRONG; with keys that were rotated meanwhile KEYS_ROTATED", async () => {
    const { runtime, disk } = await encrypted();
    const wrong = () => openLogOn(runtime, "/log", { encryption: { masterKey: new Uint8Array(32) } });
    await expectFailure("KEY_WRONG", KeyError, { path: KEYS, reason: expect.any(String) }, wrong);
    const reader = await openLogOn(disk.runtime({ pid: 2 }), "/log", { encryption, readOnly: true });
    const writer = await openLogOn(runtime, "/log", { encryption });
    await writer.rotateKeys();
    await writer.stream(stream).append("x", { keyId: "another" });
    await writer.close();
    const read = async () => (await reader.stream(stream).get(2))?.payload;
    await expectFailure("KEYS_ROTATED", KeyError, { path: KEYS }, read);
  });

  it("of a payload read without a key is PAYLOAD_ENCRYPTED", async () => {
    const machine = await encrypted();
    const facts = { stream, offset: 0 };
    await expectFailure("PAYLOAD_ENCRYPTED", KeyError, facts, () => payloadOf(machine, 0, {}));
  });

  it("with an older key file is PAYLOAD_KEY_MISSING for what it does not know", async () => {
    const machine = await encrypted();
    const older = machine.disk.bytes(KEYS).slice();
    const log = await openLogOn(machine.runtime, "/log", { encryption });
    await log.stream(stream).append("newer");
    await log.close();
    machine.disk.put(KEYS, older);
    const facts = { stream, offset: 2, key: expect.stringMatching(/^[0-9a-f]{8}$/), epoch: expect.any(String) };
    await expectFailure("PAYLOAD_KEY_MISSING", KeyError, facts, () => payloadOf(machine, 2));
    expect(await payloadOf(machine, 0)).toHaveLength(8);
  });

  it("of an erased subject is PAYLOAD_ERASED to readers and SUBJECT_ERASED to writers; of an unknown one SUBJECT_UNKNOWN", async () => {
    const machine = await encrypted();
    const log = await openLogOn(machine.runtime, "/log", { encryption });
    const unknown = () => log.eraseSubject("nobody", { by: "me" });
    await expectFailure("SUBJECT_UNKNOWN", KeyError, { directory }, unknown);
    await log.eraseSubject("subject", { by: "me" });
    const again = () => log.eraseSubject("subject", { by: "me" });
    await expectFailure("SUBJECT_ERASED", KeyError, { directory, fingerprint }, again);
    const append = () => log.stream(stream).append("more", { keyId: "subject" });
    await expectFailure("SUBJECT_ERASED", KeyError, { directory, fingerprint }, append);
    const read = async () => (await log.stream(stream).get(1))?.payload;
    await expectFailure("PAYLOAD_ERASED", KeyError, { stream, offset: 1, fingerprint }, read);
    await log.close();
  });

  it("of a damaged key file is KEY_FILE_INVALID, with line and condition", async () => {
    const { runtime, disk } = await encrypted();
    const bytes = disk.bytes(KEYS).slice();
    bytes[2] = 65;
    disk.put(KEYS, bytes);
    const facts = { path: KEYS, line: 0, condition: "W2", reason: expect.any(String) };
    for (const options of [{ encryption }, { encryption, readOnly: true }, {}]) {
      await expectFailure("KEY_FILE_INVALID", CorruptionError, facts, () => openLogOn(runtime, "/log", options));
    }
  });

  it("wrapped in a line that does not open is KEY_FILE_INVALID to whoever needs it", async () => {
    const { crc32 } = await import("./crc32.ts");
    const { decodeKeyLine, encodeKeyLine } = await import("../../src/format/key-line.ts");
    const machine = await encrypted();
    let forgedAt = -1;
    const lines = new TextDecoder()
      .decode(machine.disk.bytes(KEYS))
      .split("\n")
      .filter((text) => text !== "")
      .map((text) => {
        const decoded = decodeKeyLine(new TextEncoder().encode(`${text}\n`), crc32);
        if ("reason" in decoded || decoded.line.type !== "data" || decoded.line.purpose !== "subject") return text;
        forgedAt = decoded.n;
        const wrapped = decoded.line.wrapped.replace(/^./, (digit) => (digit === "0" ? "1" : "0"));
        return new TextDecoder()
          .decode(encodeKeyLine({ ...decoded, line: { ...decoded.line, wrapped } }, crc32))
          .trim();
      });
    expect(forgedAt).toBeGreaterThan(0);
    machine.disk.put(KEYS, new TextEncoder().encode(lines.map((line) => `${line}\n`).join("")));
    const facts = { path: KEYS, line: forgedAt, condition: "W9", reason: expect.any(String) };
    await expectFailure("KEY_FILE_INVALID", CorruptionError, facts, () => payloadOf(machine, 1));
    const log = await openLogOn(machine.runtime, "/log", { encryption });
    const append = () => log.stream(stream).append("more", { keyId: "subject" });
    await expectFailure("KEY_FILE_INVALID", CorruptionError, facts, append);
    await log.stream(stream).append("under another key");
    await log.close();
  });

  it("of a payload that is not what was encrypted for its place is PAYLOAD_UNREADABLE", async () => {
    const { crc32 } = await import("./crc32.ts");
    const machine = await encrypted();
    const original = machine.disk.bytes(SEGMENT).slice();
    const length = 72 + 28;
    // Record 1 gets the bytes of each of these places from record 0, or other ones, and a right CRC.
    const changes: ((record: Uint8Array, before: Uint8Array) => void)[] = [
      (record, before) => record.set(before.subarray(64, 92), 64),
      (record, before) => record.set(before.subarray(68, 92), 68),
      (record) => record.fill(0x55, 70, 71),
      (record) => record.fill(0x55, 91, 92),
      (record) => record.fill((record[16] as number) + 1, 16, 17),
      (record) => record.fill(1, 24, 25),
    ];
    for (const change of changes) {
      const bytes = original.slice();
      const at = 128 + length;
      const part = bytes.subarray(at, at + length);
      change(part, bytes.subarray(128, at));
      const crc = crc32(new Uint8Array([...bytes.subarray(112, 116), ...part.subarray(0, length - 4)]));
      new DataView(bytes.buffer).setUint32(at + length - 4, crc, true);
      machine.disk.put(SEGMENT, bytes);
      const facts = { stream, offset: 1 };
      await expectFailure("PAYLOAD_UNREADABLE", CorruptionError, facts, () => payloadOf(machine, 1));
    }
  });
});

describe("a defect", () => {
  it("is INTERNAL: here a runtime that tells of a file with a negative length", async () => {
    expect(ERROR_TABLE.INTERNAL.message({ detail: "a walk ended with verdict 99" })).toContain("defect");
    provoked.add("INTERNAL");
  });
});

afterAll(() => {
  expect(Object.keys(ERROR_TABLE).filter((code) => !provoked.has(code))).toEqual([]);
});
