// Defects of readers and of what a log leaves behind when it is closed, found by attacking them: one test each, so that
// none comes back.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keepAll, type MemoryDisk, memoryRuntime } from "../../adapters/memory.ts";
import { PAGE_ENTRIES } from "../../assembly/layout.ts";
import { publicKeyOn } from "../../src/crypto/signer.ts";
import { failure } from "../../src/errors.ts";
import { decodeSegmentHeader, encodeSegmentHeader, segmentFileName } from "../../src/format/segment-header.ts";
import {
  type EncryptionOptions,
  openLogOn,
  PrivateKey,
  PublicKey,
  type Runtime,
  repairLogOn,
  type Stream,
  verifyExport,
} from "../../src/index.ts";
import { encryptionSettings, masterChoice } from "../../src/keys/encryption-options.ts";
import { openKeyring } from "../../src/keys/open-keyring.ts";
import { IndexReader } from "../../src/log/segments/index-reader.ts";
import { openSegment } from "../../src/log/segments/segment.ts";
import type { FileAccess, RuntimeFile } from "../../src/runtime.ts";
import { takeCore } from "../../src/wasm/core-pool.ts";
import { IndexPages } from "../../src/wasm/index-pages.ts";
import { currentRuntime, type TemporaryFolder, temporaryFolder } from "../contract/current-runtime.ts";
import { crc32 } from "./crc32.ts";
import { withThreads } from "./thread-in-process.ts";

const SEGMENT = "/log/orders/segment_000000.log";
const masterKey = () => new Uint8Array(32).fill(7);

async function closed(records: number, options: object = {}) {
  const { runtime, disk } = memoryRuntime({ seed: 3 });
  const log = await openLogOn(runtime, "/log", { spaceAhead: false, ...options });
  for (let i = 0; i < records; i++) await log.stream("orders").append(`r${i}`);
  await log.close();
  return { runtime, disk, logId: log.id };
}

describe("when its log is closed", () => {
  it("an index reader touches its pages no more, which may be another log's by then", async () => {
    const { runtime, logId } = await closed(PAGE_ENTRIES + 5);
    const place = { runtime, logId, stream: "orders", folder: "/log/orders" };
    const segment = openSegment(place, 0, "read");
    const file = runtime.files.open(`${SEGMENT}.idx`, "read");
    const core = takeCore();
    let isOpen = true;
    const reader = new IndexReader(new IndexPages(core, core.arena, 4), () => {
      if (!isOpen) throw new Error("closed");
    });
    expect(reader.locate(segment, file, PAGE_ENTRIES + 2).offset).toBe(PAGE_ENTRIES + 2);
    isOpen = false;
    core.bytes.fill(0x55, core.arena, core.arena + 4 * 4096);
    const before = core.bytes.slice(core.arena, core.arena + 4 * 4096);
    expect(() => reader.locate(segment, file, 7)).toThrow("closed");
    expect(() => reader.nearest(segment, file, 5000)).toThrow("closed");
    expect(core.bytes.slice(core.arena, core.arena + 4 * 4096)).toEqual(before);
    file.close();
    segment.file.close();
  });

  it("an erasure that waits for another one says so, instead of that there is nothing to erase", async () => {
    const { runtime, disk } = memoryRuntime({ seed: 1 });
    const log = await openLogOn(runtime, "/log", { encryption: { masterKey: masterKey() } });
    for (const keyId of ["alice", "bob"]) await log.stream("orders").append(keyId, { keyId });
    disk.holdSyncs();
    const erasures = ["alice", "bob"].map((keyId) =>
      log.eraseSubject(keyId, { by: "test" }).then(
        () => "erased",
        (error: { code: string }) => error.code,
      ),
    );
    disk.releaseSyncs();
    const closing = log.close();
    const ends = await Promise.all(erasures);
    await closing;
    expect(ends[1]).toBe("LOG_CLOSED");
    const again = await openLogOn(runtime, "/log", { encryption: { masterKey: masterKey() } });
    expect((await again.stream("orders").get(1))?.text()).toBe("bob");
    await again.close();
  });

  it("what a full disk has left unwritten ends a follower with LOG_CLOSED, and nothing more is written", async () => {
    const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
    const { runtime, disk } = memoryRuntime({ seed: 1, pause: turn });
    const log = await openLogOn(runtime, "/log", { sync: "onFlush" });
    const stream = log.stream("orders");
    await stream.append("1");
    await stream.flush();
    const seen: string[] = [];
    const following = (async () => {
      for await (const record of stream.follow()) seen.push(record.text());
    })();
    await turn();
    disk.onOperation = ({ kind }) => (kind === "write" ? { fail: "NO_SPACE" } : undefined);
    await stream.append("2");
    await expect(log.close()).rejects.toMatchObject({ code: "NO_SPACE" });
    await expect(following).rejects.toMatchObject({ code: "LOG_CLOSED" });
    expect(seen).toEqual(["1"]);
  });

  it("the copies of a master key, as it was opened with and rotated to, are wiped", async () => {
    const { runtime } = memoryRuntime({ seed: 1 });
    const place = { runtime, directory: "/log", logId: "f6a8ef9c-1b40-4c33-95a4-7d5c4b6f3a10" };
    runtime.files.makeFolder(place.directory);
    const settings = encryptionSettings({ masterKey: masterKey() });
    const keyring = await openKeyring(place, settings, { writable: true, mayCreate: () => true });
    const next = masterChoice({ masterKey: masterKey() }, "to");
    await keyring.rotate(next);
    await keyring.close();
    const late = masterChoice({ masterKey: masterKey() }, "to");
    await expect(keyring.rotate(late)).rejects.toMatchObject({ code: "LOG_CLOSED" });
    for (const choice of [settings.master, next, late]) {
      expect(choice).toEqual({ kind: "key", key: new Uint8Array(32) });
    }
  });
});

// The slice of a Buffer is a view.
describe.each([
  ["this runtime", currentRuntime],
  ["memory", () => memoryRuntime({ seed: 1 }).runtime],
] as const)("a key in a Buffer, on %s,", (_, runtimeOf) => {
  const secret = () => Buffer.alloc(32, 7);
  const zeros = new Uint8Array(32);
  let folder: TemporaryFolder;
  let path: string;
  let runtime: Runtime;
  beforeEach(() => {
    folder = temporaryFolder();
    path = `${folder.path}/log`;
    runtime = runtimeOf();
    if (runtime.description.startsWith("memory")) path = "/log";
  });
  afterEach(() => folder.remove());

  const open = (encryption: EncryptionOptions) => openLogOn(runtime, path, { encryption });
  const contents = async (encryption: EncryptionOptions) => {
    const log = await open(encryption);
    const text = (await log.stream("orders").get(0))?.text();
    await log.close();
    return text;
  };

  it("is the caller's as before, opens what it has made, and nothing else does", async () => {
    const masterKey = secret();
    const log = await open({ masterKey });
    await log.stream("orders").append("x");
    const to = { masterKey: Buffer.alloc(32, 9) };
    await log.rotateKeys({ to });
    await log.close();
    expect([masterKey, to.masterKey]).toEqual([secret(), Buffer.alloc(32, 9)]);
    expect(await contents(to)).toBe("x");
    expect(await contents(to)).toBe("x");
    await expect(open({ masterKey: zeros })).rejects.toMatchObject({ code: "KEY_WRONG" });
    await expect(open({ masterKey })).rejects.toMatchObject({ code: "KEY_WRONG" });
  });

  it("may come from a provider, who may keep it", async () => {
    const kept = new Map<string, Buffer>();
    const provider = {
      wrap: async (key: Uint8Array) => {
        kept.set("key", Buffer.from(key));
        return Buffer.from("wrapped");
      },
      unwrap: async () => kept.get("key") ?? Buffer.alloc(0),
    };
    const log = await open({ provider });
    await log.stream("orders").append("x");
    await log.close();
    expect(await contents({ provider })).toBe("x");
    expect(kept.get("key")).not.toEqual(Buffer.alloc(32));
    expect(await contents({ provider })).toBe("x");
  });

  it("that signs or is trusted may be wiped when it was taken", async () => {
    const raw = secret();
    const signer = PrivateKey.fromBytes(raw);
    raw.fill(0);
    expect(signer.toBytes()).toEqual(new Uint8Array(32).fill(7));
    const publicKey = publicKeyOn(runtime, signer);
    const bytes = Buffer.from(publicKey.toBytes());
    const trusted = PublicKey.fromBytes(bytes);
    bytes.fill(1);
    trusted.toBytes().fill(2);
    expect(trusted.toBytes()).toEqual(publicKey.toBytes());
  });
});

it("an export may come in Buffers that are used again", async () => {
  const { runtime } = await closed(3);
  const log = await openLogOn(runtime, "/log", { readOnly: true });
  const chunks: Uint8Array[] = [];
  for await (const chunk of log.stream("orders").exportRange()) chunks.push(chunk);
  const text = Buffer.concat(chunks);
  const again = Buffer.alloc(7);
  function* pieces() {
    for (let at = 0; at < text.length; at += 7) {
      const bytes = text.copy(again, 0, at);
      yield again.subarray(0, bytes);
    }
  }
  expect(await verifyExport(pieces())).toMatchObject({ ok: true, records: 3 });
});

it("options count as they were checked: inherited ones, and those of getters, too", async () => {
  const { runtime } = await closed(6);
  const log = await openLogOn(runtime, "/log", { readOnly: true });
  const stream = log.stream("orders");
  class Choice {
    get from(): number {
      return 2;
    }
    get to(): number {
      return 4;
    }
  }
  for (const options of [Object.create({ from: 2, to: 4 }), new Choice()]) {
    expect([...stream.read(options)].map(({ offset }) => offset)).toEqual([2, 3]);
    let text = "";
    const chosen = Object.assign(options, { withhold: [3] });
    for await (const chunk of stream.exportRange(chosen)) text += new TextDecoder().decode(chunk);
    expect(text.split("\n")).toHaveLength(1 + 2 + 1 + 1);
  }
});

it("what onTornTail throws does not take the stream's writer away", async () => {
  const { runtime, disk } = await closed(3);
  disk.put(SEGMENT, new Uint8Array([...disk.bytes(SEGMENT), 68, 84, 82, 49, 0, 0]));
  disk.take(`${SEGMENT}.idx`);
  const told = failure("RECORD_CRC_MISMATCH", {
    stream: "bad",
    segment: 0,
    offset: 0,
    position: 0,
    stored: "",
    computed: "",
  });
  const log = await openLogOn(runtime, "/log", {
    onTornTail: () => {
      throw told;
    },
  });
  await expect(log.stream("orders").get(0)).rejects.toBe(told);
  expect(await log.stream("orders").append("goes on")).toMatchObject({ firstOffset: 3 });
  await log.close();
});

it("an append that is refused for its options or its keys makes no stream", async () => {
  const { runtime } = memoryRuntime({ seed: 1 });
  const keyed = await openLogOn(runtime, "/log", { encryption: { masterKey: masterKey() } });
  await keyed.stream("orders").append("x");
  await keyed.close();
  const log = await openLogOn(runtime, "/log");
  for (const options of [{}, { keyId: "k" }, { kezId: "k" }]) {
    const append = log.stream("new").append("x", options as object);
    await expect(append).rejects.toMatchObject({
      code: expect.stringMatching(/^ENCRYPTION_REQUIRED$|^OPTION_INVALID$/),
    });
  }
  expect(await log.streams()).toEqual(["orders"]);
  await log.close();
});

it("an index that cannot be read is not called missing, and repair decides nothing without it", async () => {
  const { disk } = await closed(10);
  disk.onOperation = ({ kind, path }) =>
    kind === "open" && path.endsWith(".idx") ? { fail: "ACCESS_DENIED" } : undefined;
  const log = await openLogOn(disk.runtime({ pid: 2 }), "/log", { readOnly: true });
  const { index } = await log.stream("orders").verify();
  expect(index).toEqual([expect.stringMatching(/^The index of segment 0 cannot be read \(/)]);
  await log.close();
  expect(await repairLogOn(disk.runtime({ pid: 3 }), "/log")).toMatchObject({
    ok: false,
    steps: [],
    findings: [{ kind: "unexplained", code: "ACCESS_DENIED" }],
  });
});

it("what stands in an option's place is not shown when it may be a secret", async () => {
  const { runtime } = await closed(1);
  const secret = "-----BEGIN PRIVATE KEY----- swordfish";
  const log = await openLogOn(runtime, "/log");
  const calls: (() => unknown)[] = [
    () => openLogOn(runtime, "/log", secret as never),
    () => openLogOn(runtime, "/log", { signer: secret as never }),
    () => openLogOn(runtime, "/log", { publicKeys: secret as never }),
    () => openLogOn(runtime, "/log", { encryption: secret as never }),
    () => log.stream("orders").append("x", secret as never),
    () => log.stream("orders").verify(secret as never),
  ];
  for (const call of calls) {
    const error = await Promise.resolve()
      .then(call)
      .then(
        () => null,
        (thrown: Error) => thrown,
      );
    expect(error).toMatchObject({ code: "OPTION_INVALID" });
    expect(JSON.stringify(error)).not.toContain("swordfish");
  }
  await log.close();
});

describe("an index", () => {
  it.each(["read", "open", "size"] as const)("whose %s fails keeps nobody from reading", async (kind) => {
    const { disk } = await closed(PAGE_ENTRIES + 10);
    disk.onOperation = (operation) =>
      operation.kind === kind && operation.path.endsWith(".idx")
        ? { fail: kind === "open" ? "ACCESS_DENIED" : "IO_FAILED" }
        : undefined;
    const log = await openLogOn(disk.runtime({ pid: 2 }), "/log", { readOnly: true });
    const stream = log.stream("orders");
    expect([...stream.read()]).toHaveLength(PAGE_ENTRIES + 10);
    expect((await stream.get(PAGE_ENTRIES + 3))?.text()).toBe(`r${PAGE_ENTRIES + 3}`);
    expect(await stream.verify()).toMatchObject({ ok: true, records: PAGE_ENTRIES + 10 });
    await log.close();
  });

  it("that lags behind its segment is not sealed as if it reached the end", async () => {
    const { runtime, disk } = memoryRuntime({ seed: 1 });
    const log = await openLogOn(runtime, "/log");
    const stream = log.stream("orders");
    disk.onOperation = ({ kind, path }) =>
      kind === "write" && path.endsWith(".idx") ? { fail: "NO_SPACE" } : undefined;
    for (let i = 0; i < 10; i++) await stream.append(new Array(PAGE_ENTRIES).fill("x"));
    disk.onOperation = null;
    await stream.append("last");
    await log.close();
    const pages = disk.bytes(`${SEGMENT}.idx`);
    for (let at = 0; at < pages.length; at += 4096) expect(pages[at + 6]).toBe(0);
    const again = await openLogOn(runtime, "/log");
    expect(await again.stream("orders").head()).toMatchObject({ nextOffset: 10 * PAGE_ENTRIES + 1 });
    await again.close();
    const reader = await openLogOn(runtime, "/log", { readOnly: true });
    expect(await reader.stream("orders").verify()).toMatchObject({ ok: true, index: [] });
    await reader.close();
  });
});

/** Puts so many segments without records between the two of a log. */
async function withEmptySegments(count: number): Promise<{ runtime: Runtime; disk: MemoryDisk }> {
  const { runtime, disk } = memoryRuntime({ seed: 1 });
  const log = await openLogOn(runtime, "/log", { segmentBytes: 400, spaceAhead: false });
  await log.stream("orders").append(["a", "b"]);
  await log.stream("orders").append(["c", "d"]);
  await log.close();
  const path = (number: number) => `/log/orders/${segmentFileName(number)}`;
  const last = disk.bytes(path(1)).slice();
  const place = { logId: log.id, stream: "orders" };
  const header = decodeSegmentHeader(last, { ...place, segment: 1, path: "" }, crc32);
  for (const name of disk.paths()) if (/segment_000001|ckpt$|idx$/.test(name)) disk.take(name);
  const empty = { firstOffset: 2, created: 1, ...place, salt: new Uint8Array(4) };
  for (let number = 1; number <= count; number++) {
    disk.put(path(number), encodeSegmentHeader({ ...empty, number }, crc32));
  }
  last.set(encodeSegmentHeader({ ...header, number: count + 1 }, crc32));
  disk.put(path(count + 1), last);
  return { runtime, disk };
}

it("thousands of segments without records are bad, and neither overflow the stack nor take their square's time", async () => {
  const { runtime } = await withEmptySegments(6000);
  const log = await openLogOn(runtime, "/log", { readOnly: true });
  const { ok, records, problem } = await log.stream("orders").verify({ stopAtFirst: true });
  expect({ ok, records, code: problem?.code }).toEqual({ ok: false, records: 2, code: "RECORD_TRUNCATED" });
  await log.close();
  expect(await repairLogOn(runtime, "/log")).toMatchObject({ ok: false });
});

it("a begun erasure does not keep the log from being opened because a link stands where a stream might be", async () => {
  const { runtime, disk } = memoryRuntime({ seed: 1 });
  const encryption = { masterKey: masterKey() };
  const log = await openLogOn(runtime, "/log", { encryption });
  await log.stream("orders").append("x", { keyId: "subject" });
  disk.putLink("/log/archive", "/elsewhere");
  await expect(log.eraseSubject("subject", { by: "test" })).rejects.toMatchObject({ code: "FILE_NOT_REGULAR" });
  await log.close();
  const again = await openLogOn(runtime, "/log", { encryption });
  expect(await again.stream("orders").append("goes on")).toMatchObject({ firstOffset: 1 });
  await again.close();
});

it("whatever single call fails, no file stays open", async () => {
  const works: ((runtime: Runtime) => Promise<unknown>)[] = [
    async (runtime) => {
      const log = await openLogOn(runtime, "/log", { segmentBytes: 3000 });
      try {
        const stream = log.stream("orders");
        await stream.append(new Array(30).fill("x".repeat(90)));
        await stream.inspect();
        await stream.latestCheckpoint();
        await stream.verify();
      } finally {
        await log.close();
      }
    },
    async (runtime) => {
      const log = await openLogOn(runtime, "/log", { readOnly: true });
      try {
        for await (const record of log.stream("orders").read({ verify: "genesis" }))
          await log.stream("orders").get(record.offset);
        await log.stream("orders").verify();
      } finally {
        await log.close();
      }
    },
    (runtime) => repairLogOn(runtime, "/log"),
    (runtime) => repairLogOn(runtime, "/log", { apply: true }),
  ];
  for (const work of works) {
    for (const damage of [null, "header", "record"]) {
      const { disk } = await closed(24, { segmentBytes: 900 });
      if (damage !== null) disk.flip("/log/orders/segment_000001.log", damage === "header" ? 20 : 200, 1);
      for (let at = 0; ; at++) {
        const image = disk.crashImage(keepAll);
        let calls = 0;
        image.onOperation = () => (calls++ === at ? { fail: "IO_FAILED" } : undefined);
        const open = new Map<object, string>();
        await work(withFilesWatched(image.runtime(), open)).catch(() => undefined);
        expect([...open.values()], `call ${at}, damage ${damage}`).toEqual([]);
        if (calls > at) continue;
        expect(at).toBeGreaterThan(20);
        break;
      }
    }
  }
});

describe("what was left lying", () => {
  const lying: [string, (stream: Stream) => Promise<unknown>][] = [
    ["a read", (stream) => stream.read()[Symbol.asyncIterator]().next()],
    ["a read from the genesis", (stream) => stream.read({ verify: "genesis" })[Symbol.asyncIterator]().next()],
    ["a loop that stands still", async (stream) => stream.read()[Symbol.iterator]().next()],
    ["entries", (stream) => stream.entries().next()],
    ["an export", (stream) => stream.exportRange().next()],
    ["a follow", (stream) => stream.follow().next()],
    [
      "a follow that waits",
      async (stream) =>
        void stream
          .follow({ from: 24 })
          .next()
          .catch(() => undefined),
    ],
  ];

  it.each(lying)("%s keeps no file, watch or timer when its log is closed", async (_, begin) => {
    const { disk } = await closed(24, { segmentBytes: 900 });
    for (const readOnly of [true, false]) {
      const open = new Map<object, string>();
      const plain = disk.runtime({ pid: 2 });
      let waiting = 0;
      const after: Runtime["clock"]["after"] = (ms, callback) => {
        waiting++;
        const cancel = plain.clock.after(ms, () => {
          waiting--;
          callback();
        });
        return () => {
          waiting--;
          cancel();
        };
      };
      const clock = new Proxy(plain.clock, {
        get: (from, name: keyof Runtime["clock"]) => (name === "after" ? after : from[name].bind(from)),
      });
      const runtime = { ...withFilesWatched(plain, open), clock };
      const log = await openLogOn(runtime, "/log", { readOnly });
      await begin(log.stream("orders"));
      await new Promise((resolve) => setImmediate(resolve));
      await log.close();
      expect([...open.values()]).toEqual([]);
      expect(waiting).toBe(0);
    }
  });

  it("a verification by threads that is given up closes its files", async () => {
    const { disk } = await closed(600, { segmentBytes: 2000 });
    const open = new Map<object, string>();
    const controller = new AbortController();
    const runtime = withThreads(withFilesWatched(disk.runtime({ pid: 2 }), open), 2, (answer, count) => {
      if (count === 2) controller.abort(new Error("given up"));
      return answer;
    });
    const log = await openLogOn(runtime, "/log", { readOnly: true });
    const verifying = log.stream("orders").verify({ jobs: 3, rangeBytes: 500, signal: controller.signal });
    await expect(verifying).rejects.toThrow("given up");
    await log.close();
    expect([...open.values()]).toEqual([]);
  });
});

describe("followers beside a writer", () => {
  it("in another process share one watch, and each is told", async () => {
    const { runtime, disk } = await closed(1);
    const writing = await openLogOn(runtime, "/log");
    let watches = 0;
    const plain = disk.runtime({ pid: 2 });
    const files = new Proxy(plain.files, {
      get: (from, name: keyof Runtime["files"]) => {
        if (name === "watch") watches++;
        return from[name].bind(from);
      },
    });
    const log = await openLogOn({ ...plain, files }, "/log", { readOnly: true });
    const following = [0, 1, 2].map(() => log.stream("orders").follow({ from: 1 }));
    for (const text of ["first", "second"]) {
      const next = following.map((one) => one.next());
      await new Promise((resolve) => setImmediate(resolve));
      await writing.stream("orders").append(text);
      for (const one of next) expect((await one).value?.text()).toBe(text);
    }
    expect(watches).toBe(1);
    for (const one of following) await one.return();
    await log.close();
    await writing.close();
  });

  it("in this process get records that keep few others in memory", async () => {
    const { runtime } = await closed(1);
    const log = await openLogOn(runtime, "/log");
    const stream = log.stream("orders");
    const following = stream.follow({ from: 1 });
    const first = following.next();
    await new Promise((resolve) => setImmediate(resolve));
    await stream.append(Array.from({ length: 1000 }, (_, at) => `${at} `.padEnd(900, "x")));
    let offset = 1;
    for (let record = (await first).value; offset <= 1000; offset++) {
      if (record === undefined) throw new Error("it ended");
      expect(record.offset).toBe(offset);
      expect(record.text()).toBe(`${offset - 1} `.padEnd(900, "x"));
      expect(record.hash).toBe((await stream.get(offset))?.hash);
      expect(record.payload.buffer.byteLength).toBeLessThan(20_000);
      if (offset < 1000) record = (await following.next()).value;
    }
    await following.return();
    await log.close();
  });
});

/** A runtime whose open files are in `open`, with their paths. */
function withFilesWatched(runtime: Runtime, open: Map<object, string>): Runtime {
  const watched = (path: string, access: FileAccess): RuntimeFile => {
    const file = runtime.files.open(path, access);
    open.set(file, path);
    const close = file.close.bind(file);
    file.close = () => {
      open.delete(file);
      close();
    };
    return file;
  };
  const files = new Proxy(runtime.files, {
    get: (from, name: keyof Runtime["files"]) => (name === "open" ? watched : from[name].bind(from)),
  });
  return { ...runtime, files };
}
