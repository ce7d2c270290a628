// Defects of repair that were found by attacking it, one test each, so that none comes back.
import { describe, expect, it } from "vitest";
import { loseAll, type MemoryDisk, memoryRuntime, seededChoose } from "../../adapters/memory.ts";
import { openLogOn, type Runtime, repairLogOn } from "../../src/index.ts";
import { crc32 } from "./crc32.ts";
import { putTogether, takeApart } from "./plain-chain.ts";

const segment = (number: number, stream = "orders") => `/log/${stream}/segment_00000${number}.log`;
const RECORD_BYTES = 72 + 40;

async function written(records: number, inSegment: number, streams = ["orders"]) {
  const { runtime, disk } = memoryRuntime({ seed: 8 });
  const segmentBytes = 128 + inSegment * RECORD_BYTES;
  const log = await openLogOn(runtime, "/log", { segmentBytes, spaceAhead: false });
  for (const stream of streams) {
    for (let i = 0; i < records; i++) await log.stream(stream).append(`r${i} `.padEnd(40, "x"));
  }
  await log.close();
  return { runtime, disk };
}

/** One bit of a record's payload, its CRC left. */
function flip(disk: MemoryDisk, text: string): void {
  const path = disk
    .paths()
    .find((name) => name.endsWith(".log") && Buffer.from(disk.bytes(name)).includes(text)) as string;
  disk.flip(path, Buffer.from(disk.bytes(path)).indexOf(text) + 10, 1);
}

/** A record's payload, under a right CRC. */
function alter(disk: MemoryDisk, number: number, index: number): void {
  const parts = takeApart(disk.bytes(segment(number)));
  (parts.records[index] as Uint8Array)[64] = 0x73;
  disk.put(segment(number), putTogether(parts));
}

async function verified(runtime: Runtime, stream = "orders") {
  const log = await openLogOn(runtime, "/log", { readOnly: true });
  const { ok, records, problem } = await log.stream(stream).verify();
  await log.close();
  return { ok, records, code: problem?.code };
}

const kinds = (report: { findings: readonly { kind: string }[] }) => report.findings.map(({ kind }) => kind);

it("what was set aside is there after a power loss though a folder's sync had failed, once repair was made again", async () => {
  let failures = 0;
  for (let which = 0; which < 4; which++) {
    for (let seed = 0; seed < 4; seed++) {
      const { runtime, disk } = await written(12, 4);
      flip(disk, "r5 ");
      const wanted = [disk.bytes(segment(2)), disk.bytes(segment(1)).slice(128 + RECORD_BYTES)].map((bytes) =>
        bytes.join(),
      );
      let syncs = 0;
      disk.onOperation = ({ kind, path }) =>
        kind === "syncFolder" && path === "/log/orders" && syncs++ === which ? { fail: "IO_FAILED" } : undefined;
      const first = await repairLogOn(runtime, "/log", { apply: true }).catch(() => null);
      disk.onOperation = null;
      if (first === null) failures++;
      expect(await repairLogOn(runtime, "/log", { apply: true })).toMatchObject({ ok: true });
      const log = await openLogOn(runtime, "/log", { segmentBytes: 128 + 4 * RECORD_BYTES, spaceAhead: false });
      for (let i = 0; i < 10; i++) await log.stream("orders").append(`n${i} `.padEnd(40, "y"));
      await log.close();
      const after = disk.crash(seed === 0 ? loseAll : seededChoose(seed));
      const kept = after.paths().map((path) => after.bytes(path).join());
      for (const bytes of wanted) expect(kept, `sync ${which}, seed ${seed}`).toContain(bytes);
      expect(await verified(after.runtime({ pid: 7 }))).toMatchObject({ ok: true });
    }
  }
  expect(failures).toBeGreaterThan(4);
});

describe("segments without records that were put among others", () => {
  function renumbered(bytes: Uint8Array, number: number): Uint8Array<ArrayBuffer> {
    const header = bytes.slice(0, 128);
    new DataView(header.buffer).setUint32(12, number, true);
    return header as Uint8Array<ArrayBuffer>;
  }

  it("are bad for repair as for verify, also two at the end, and no writer goes on behind them", async () => {
    const { runtime, disk } = await written(12, 4);
    const log = await openLogOn(runtime, "/log", { segmentBytes: 128 + 4 * RECORD_BYTES, spaceAhead: false });
    disk.onOperation = ({ kind, path }) =>
      kind === "write" && path === segment(3) ? { fail: "IO_FAILED" } : undefined;
    await log
      .stream("orders")
      .append("begins a segment".padEnd(40))
      .catch(() => undefined);
    disk.onOperation = null;
    await log.close();
    expect(disk.bytes(segment(3))).toHaveLength(128);
    expect(await verified(runtime)).toMatchObject({ ok: true, records: 12 });
    expect(await repairLogOn(runtime, "/log")).toMatchObject({ ok: true });
    const { records } = takeApart(disk.bytes(segment(0)));
    expect(records).toHaveLength(4);
    disk.put(segment(4), putTogether({ header: renumbered(disk.bytes(segment(3)), 4), records: [] }));
    const header = disk.bytes(segment(4));
    new DataView(header.buffer).setUint32(124, crc32(header.subarray(0, 124)), true);
    disk.put(segment(4), header);
    expect(await verified(runtime)).toMatchObject({ ok: false, records: 12, code: "RECORD_TRUNCATED" });
    const writer = await openLogOn(runtime, "/log");
    await expect(writer.stream("orders").append("more")).rejects.toMatchObject({ code: "RECORD_TRUNCATED" });
    await writer.close();
    expect(kinds(await repairLogOn(runtime, "/log"))).toEqual(["damage"]);
    expect(await repairLogOn(runtime, "/log", { apply: true })).toMatchObject({ ok: true });
    expect(await verified(runtime)).toMatchObject({ ok: true, records: 12 });
  });
});

describe("a record before damage that nothing proves", () => {
  it.each([4, 2, 1])(
    "is set aside too when a checkpoint says that it was altered, with %d in each segment",
    async (inSegment) => {
      const { runtime, disk } = await written(12, inSegment);
      alter(disk, 4 / inSegment - 1, inSegment - 1);
      flip(disk, "r4 ");
      expect(await verified(runtime)).toMatchObject({ ok: false, records: 3 });
      const report = await repairLogOn(runtime, "/log", { apply: true });
      expect(report).toMatchObject({ ok: true, streams: [{ records: 3 }] });
      expect(await verified(runtime)).toMatchObject({ ok: true, records: 3 });
    },
  );

  it.each([1015, 1016, 1017])("is not shown by a reader wherever the index's pages begin: record %d", async (at) => {
    const { runtime, disk } = await written(at + 2, 5000);
    alter(disk, 0, at);
    flip(disk, `r${at + 1} `);
    for (const path of disk.paths().filter((name) => name.endsWith(".ckpt"))) disk.take(path);
    expect(await verified(runtime)).toMatchObject({ ok: false, records: at });
  });

  it("nor when it is the last of its segment and the newest begins with the damage", async () => {
    const { runtime, disk } = await written(9, 4);
    alter(disk, 1, 3);
    flip(disk, "r8 ");
    for (const path of disk.paths().filter((name) => name.endsWith(".ckpt"))) disk.take(path);
    expect(await verified(runtime)).toMatchObject({ ok: false, records: 7, code: "RECORD_CRC_MISMATCH" });
  });
});

describe("a repair", () => {
  it("tells of the same in each stream in which it is", async () => {
    const { runtime, disk } = await written(3, 4, ["a", "b", "c"]);
    for (const stream of ["a", "b", "c"]) disk.take(`${segment(0, stream)}.idx`);
    for (const apply of [false, true]) {
      const { findings } = await repairLogOn(runtime, "/log", { apply });
      expect(findings.map(({ stream }) => stream)).toEqual(["a", "b", "c"]);
    }
  });

  it("goes on with other streams when one cannot be read", async () => {
    const { runtime, disk } = await written(3, 4, ["a", "b", "c"]);
    for (const stream of ["a", "c"]) disk.flip(segment(0, stream), 128 + RECORD_BYTES + 70, 1);
    disk.onOperation = ({ kind, path }) =>
      kind === "read" && path === segment(0, "b") ? { fail: "IO_FAILED" } : undefined;
    const report = await repairLogOn(runtime, "/log", { apply: true });
    disk.onOperation = null;
    expect(report.ok).toBe(false);
    expect(report.findings).toMatchObject(
      [
        { kind: "damage", stream: "a" },
        { kind: "damage", stream: "c" },
        { kind: "unexplained", stream: "b", code: "IO_FAILED" },
      ].sort((one, other) => one.stream.localeCompare(other.stream)),
    );
    for (const stream of ["a", "c"]) expect(await verified(runtime, stream)).toMatchObject({ ok: true, records: 1 });
  });

  it("passes over files that only look like a segment's", async () => {
    const { runtime, disk } = await written(12, 4);
    disk.put("/log/orders/segment_notes.txt", new Uint8Array(3));
    disk.put("/log/orders/segment_0000001.log.bak", new Uint8Array(3));
    runtime.files.makeFolder("/log/orders/segment_backup");
    expect(await repairLogOn(runtime, "/log")).toMatchObject({ ok: true, streams: [{ records: 12 }] });
    disk.flip(segment(0), 112, 1);
    expect(await repairLogOn(runtime, "/log", { apply: true })).toMatchObject({ ok: true });
    expect(await repairLogOn(runtime, "/log")).toMatchObject({ ok: true, findings: [] });
  });

  it("says so when the key file is bad, and leaves it", async () => {
    const { runtime, disk } = memoryRuntime({ seed: 8 });
    const encryption = { masterKey: new Uint8Array(32).fill(1) };
    const log = await openLogOn(runtime, "/log", { encryption });
    await log.stream("orders").append("secret");
    await log.close();
    disk.flip("/log/keys.json", 200, 1);
    const before = disk.bytes("/log/keys.json");
    const report = await repairLogOn(runtime, "/log", { apply: true });
    expect(report).toMatchObject({ ok: false, findings: [{ kind: "unexplained", code: "KEY_FILE_INVALID" }] });
    expect(disk.bytes("/log/keys.json")).toEqual(before);
  });

  it("leaves nothing behind that it never takes away", async () => {
    for (let step = 0; ; step++) {
      const { runtime, disk } = await written(3, 4);
      const identity = disk.bytes("/log/log.json");
      disk.put("/log/log.json", identity.slice(5));
      let steps = 0;
      disk.onOperation = ({ path }) => (/log\.json/.test(path) && steps++ === step ? { fail: "IO_FAILED" } : undefined);
      await repairLogOn(runtime, "/log", { apply: true }).catch(() => undefined);
      disk.onOperation = null;
      expect(await repairLogOn(runtime, "/log", { apply: true })).toMatchObject({ ok: true });
      expect(disk.paths().filter((path) => path.endsWith(".tmp"))).toEqual([]);
      if (steps <= step) break;
    }
  });
});

describe("the key file", () => {
  it("loses no key by one changed bit, wherever it is", async () => {
    const { runtime, disk } = memoryRuntime({ seed: 3 });
    const encryption = { masterKey: new Uint8Array(32).fill(5) };
    const log = await openLogOn(runtime, "/log", { encryption });
    await log.stream("orders").append("of nobody");
    await log.stream("orders").append("of somebody", { keyId: "somebody" });
    await log.close();
    const whole = disk.bytes("/log/keys.json").slice();
    for (let at = 0; at < whole.length; at++) {
      const bytes = whole.slice();
      bytes[at] = (bytes[at] as number) ^ (1 << (at % 7));
      disk.put("/log/keys.json", bytes);
      let opened: Awaited<ReturnType<typeof openLogOn>>;
      try {
        opened = await openLogOn(runtime, "/log", { encryption });
      } catch (error) {
        expect(error).toMatchObject({
          code: expect.stringMatching(/^(KEY_FILE_INVALID|KEY_WRONG|LOG_VERSION_UNSUPPORTED)$/),
        });
        continue;
      }
      await opened.close();
      const reader = await openLogOn(runtime, "/log", { encryption, readOnly: true });
      const texts = [...reader.stream("orders").read()].map((record) => record.text());
      expect(texts, `byte ${at}`).toEqual(["of nobody", "of somebody"]);
      await reader.close();
    }
  });
});

it("a folder whose name only begins like a segment's keeps nobody from seeing that the stream is good", async () => {
  const { runtime } = await written(3, 4);
  runtime.files.makeFolder(`${segment(0)}.backup`);
  const report = await repairLogOn(runtime, "/log");
  expect(report.streams).toMatchObject([{ stream: "orders", records: 3, steps: [] }]);
  expect(kinds(report)).toEqual(["unexplained"]);
});
