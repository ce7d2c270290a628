// Entries and exports: what a stream proves without its payloads, or without its log.
import { describe, expect, it } from "vitest";
import { memoryRuntime } from "../../adapters/memory.ts";
import {
  type ExportOptions,
  openLogOn,
  type Runtime,
  type Stream,
  type VerifyExportOptions,
  verifyExport,
} from "../../src/index.ts";
import { hashOf } from "./plain-chain.ts";

const COUNT = 400;
const payloadAt = (offset: number) => new Uint8Array(offset % 50).map((_, at) => (offset * 31 + at * 7) & 0xff);

async function written(count = COUNT): Promise<{ runtime: Runtime; stream: Stream; head: string }> {
  const { runtime, disk } = memoryRuntime({ seed: 4 });
  const log = await openLogOn(runtime, "/log", { segmentBytes: 9000 });
  const stream = log.stream("orders");
  for (let offset = 0; offset < count; offset++) {
    disk.clock.stepMicros(10);
    await stream.append([payloadAt(offset)]);
  }
  return { runtime, stream, head: (await stream.head()).head };
}

async function linesOf(stream: Stream, options: ExportOptions = {}): Promise<string[]> {
  const parts: Uint8Array[] = [];
  for await (const chunk of stream.exportRange(options)) parts.push(chunk);
  return Buffer.concat(parts).toString().split("\n").slice(0, -1);
}

const verifyLines = (lines: readonly string[], options: VerifyExportOptions = {}) =>
  verifyExport([Buffer.from(lines.map((line) => `${line}\n`).join(""))], options);

describe("entries", () => {
  it("are what records are hashed as, without payloads", async () => {
    const { stream } = await written();
    let offset = 37;
    for await (const entry of stream.entries({ from: 37, to: 341 })) {
      const record = await stream.get(offset);
      const { timestamp, kind, hash } = record as { timestamp: number; kind: string; hash: string };
      expect(entry).toMatchObject({ offset, timestamp, kind, hash, payloadBytes: offset % 50 });
      expect(entry.header).toHaveLength(64);
      const whole = new Uint8Array(64 + (offset % 50) + 4);
      whole.set(entry.header);
      whole.set(payloadAt(offset), 64);
      expect(Buffer.from(hashOf(whole)).toString("hex")).toBe(entry.hash);
      offset++;
    }
    expect(offset).toBe(341);
  });

  it("end at the first bad record, after those before it", async () => {
    const { runtime, disk } = memoryRuntime({ seed: 4 });
    const log = await openLogOn(runtime, "/log", { segmentBytes: 2000 });
    for (let offset = 0; offset < 60; offset++) await log.stream("orders").append(`event ${offset}!`);
    const path = "/log/orders/segment_000000.log";
    const bytes = disk.bytes(path);
    const at = Buffer.from(bytes).indexOf("event 9!");
    bytes[at] = 0;
    disk.put(path, bytes);
    const seen: number[] = [];
    const reading = async () => {
      for await (const { offset } of log.stream("orders").entries()) seen.push(offset);
    };
    await expect(reading()).rejects.toMatchObject({ code: "RECORD_CRC_MISMATCH", offset: 9 });
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    // Those behind it are of no use without a way there; another segment has one.
    const later: number[] = [];
    for await (const { offset } of log.stream("orders").entries({ from: 50 })) later.push(offset);
    expect(later).toEqual([50, 51, 52, 53, 54, 55, 56, 57, 58, 59]);
  });
});

describe("an export", () => {
  it.each([
    ["whole", {}, COUNT, 0],
    ["without any payload", { withhold: "all" }, COUNT, COUNT],
    ["without some", { withhold: [3, 17, 399] }, COUNT, 3],
    ["of a range", { from: 100, to: 200, withhold: (offset: number) => offset % 2 === 0 }, 100, 50],
  ] as const)("%s verifies to the head of its last record", async (_name, options, records, withheld) => {
    const { stream, head } = await written();
    const { from = 0, to = COUNT } = options as { from?: number; to?: number };
    const lines = await linesOf(stream, options as ExportOptions);
    const last = to === COUNT ? head : ((await stream.get(to - 1))?.hash as string);
    const report = await verifyLines(lines, { head: last });
    expect(report).toMatchObject({ ok: true, problem: null, records, withheld, head: last });
    expect(report.heading).toMatchObject({ stream: "orders", from });
    expect(lines).toHaveLength(records + 2);
  });

  it("holds nothing of what is withheld but its SHA-256", async () => {
    const { runtime } = memoryRuntime({ seed: 4 });
    const log = await openLogOn(runtime, "/log");
    await log.stream("orders").append(["public", "a secret that nobody may see", "public too"]);
    const text = (await linesOf(log.stream("orders"), { withhold: [1] })).join("\n");
    expect(text).not.toContain(Buffer.from("a secret that nobody may see").toString("base64").slice(0, 8));
    expect(text).toContain(Buffer.from("public too").toString("base64"));
    expect(text).toContain('","digest":"');
  });

  it("of an empty stream verifies, and one of no records of another is refused", async () => {
    const { stream, head } = await written(0);
    expect(await verifyLines(await linesOf(stream), { head })).toMatchObject({ ok: true, records: 0 });
    const { stream: other } = await written(3);
    await expect(linesOf(other, { from: 3 })).rejects.toMatchObject({ code: "OPTION_INVALID", option: "from" });
  });

  it("comes in the same lines however its bytes are cut", async () => {
    const { stream, head } = await written(30);
    const bytes = Buffer.from((await linesOf(stream)).map((line) => `${line}\n`).join(""));
    for (const size of [1, 7, 64, 1000]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      expect(await verifyExport(chunks, { head })).toMatchObject({ ok: true, records: 30 });
    }
  });

  it("has every changed character noticed, in its line", async () => {
    const { stream, head } = await written(12);
    const lines = await linesOf(stream, { withhold: [5] });
    const text = lines.map((line) => `${line}\n`).join("");
    let line = 1;
    for (let at = 0; at < text.length; at++) {
      const changed = `${text.slice(0, at)}${text[at] === "5" ? "6" : "5"}${text.slice(at + 1)}`;
      const report = await verifyExport([Buffer.from(changed)], { head });
      expect(report.ok, `character ${at}`).toBe(false);
      // A changed payload or header shows where the next line links to it, unless it is nonsense by itself.
      expect(report.problem?.line, `character ${at} of line ${line}`).toBeGreaterThanOrEqual(
        Math.min(line, lines.length),
      );
      expect(report.problem?.line).toBeLessThanOrEqual(line + 1);
      if (text[at] === "\n") line++;
    }
  });

  it("is refused when it is cut, reordered, doubled, or goes on", async () => {
    const { stream, head } = await written(10);
    const lines = await linesOf(stream);
    const at = (index: number) => lines[index] as string;
    const cases: [string, string[], string, number][] = [
      ["cut after a line", lines.slice(0, 6), "X9", 7],
      ["empty", [], "X1", 1],
      ["a record removed", lines.filter((_, index) => index !== 4), "X6", 5],
      ["a record doubled", [...lines.slice(0, 5), at(4), ...lines.slice(5)], "X6", 6],
      ["two swapped", [at(0), at(2), at(1), ...lines.slice(3)], "X6", 2],
      ["something behind", [...lines, at(11)], "X9", 13],
      ["the last records removed", [...lines.slice(0, 8), at(11)], "X10", 9],
    ];
    for (const [name, changed, condition, line] of cases) {
      const { ok, problem } = await verifyLines(changed, { head });
      expect({ ok, condition: problem?.condition, line: problem?.line }, name).toEqual({ ok: false, condition, line });
    }
    const unended = await verifyExport([Buffer.from(lines.join("\n"))], { head });
    expect(unended.problem).toMatchObject({ condition: "X3", line: 12 });
  });

  it("that was cut and given a new end does not have the head that is known", async () => {
    const { stream, head } = await written(10);
    const short = await linesOf(stream, { to: 7 });
    expect((await verifyLines(short)).ok).toBe(true);
    expect((await verifyLines(short, { head })).problem).toMatchObject({ condition: "X11" });
  });

  it("of another stream or log does not pass for this one's", async () => {
    const { stream } = await written(5);
    const lines = await linesOf(stream);
    for (const [from, to] of [
      ['"stream":"orders"', '"stream":"orderz"'],
      [/"created":\d/, '"created":2'],
    ] as const) {
      const changed = [(lines[0] as string).replace(from, to), ...lines.slice(1)];
      expect((await verifyLines(changed)).problem).toMatchObject({ condition: "X2", line: 1 });
    }
  });

  it("with endless lines and giant lengths is refused in bounded memory", async () => {
    const { stream } = await written(3);
    const lines = await linesOf(stream);
    let given = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(`${lines[0]}\n{"header":"`);
      for (;;) {
        given += 1 << 20;
        yield new Uint8Array(1 << 20).fill(97);
      }
    }
    const report = await verifyExport(endless(), { maxRecordBytes: 5 << 20 });
    expect(report.problem).toMatchObject({ condition: "X3", line: 2 });
    expect(given).toBeLessThan(10 << 20);
    const giant = (lines[2] as string).replace(/^(\{"header":".{8}).{8}/, "$1ffffffff");
    expect((await verifyLines([lines[0] as string, lines[1] as string, giant])).problem).toMatchObject({
      condition: "X5",
      line: 3,
    });
  });

  it("whose bytes cannot be had is not judged", async () => {
    const { stream } = await written(3);
    const cause = new Error("the connection was closed");
    async function* cut(error: unknown): AsyncGenerator<Uint8Array> {
      yield Buffer.from(`${(await linesOf(stream))[0]}\n`);
      throw error;
    }
    await expect(verifyExport(cut(cause))).rejects.toBe(cause);
    const { stream: damaged } = await written(3);
    const reading = damaged.exportRange({ from: 99 });
    await expect(verifyExport(reading)).rejects.toMatchObject({ code: "OPTION_INVALID", option: "from" });
    await expect(verifyExport(["text"] as never)).rejects.toMatchObject({ code: "OPTION_INVALID", option: "chunks" });
  });

  it("without a record shows nothing about records", async () => {
    const { stream: empty, head: genesis } = await written(0);
    const { ok, checked, notProved } = await verifyLines(await linesOf(empty), { head: genesis });
    expect(ok).toBe(true);
    expect(checked).toEqual([
      "the head against the identity of log and stream",
      "the last record's hash against the head that was given",
    ]);
    expect(notProved[0]).toBe("anything about records: none has passed");
    const { stream, head } = await written(5);
    const [heading, ...lines] = await linesOf(stream, { from: 4 });
    const vacuous = (heading as string).replace(/"from":4,"previous":".*"/, `"from":5,"previous":"${head}"`);
    const report = await verifyLines([vacuous, lines.at(-1) as string], { head });
    expect(report).toMatchObject({ ok: false, records: 0, problem: { condition: "X10", line: 2 } });
  });

  it.each([
    [{ head: "ABC" }, "head"],
    [{ maxRecordBytes: 0 }, "maxRecordBytes"],
  ])("is not looked at with %j", async (options, option) => {
    await expect(verifyExport([], options)).rejects.toMatchObject({ code: "OPTION_INVALID", option });
  });
});
