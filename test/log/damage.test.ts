// Every byte of every file of a small closed log is changed, every file is cut at every length, removed, swapped: what
// comes of it is either noticed or makes no difference to what is returned. Never an altered record, never a shorter
// stream that passes for whole.
import { beforeAll, describe, expect, it } from "vitest";
import { type MemoryDisk, memoryRuntime } from "../../adapters/memory.ts";
import { DiatremeError, openLogOn, type Runtime } from "../../src/index.ts";

const OPTIONS = { segmentBytes: 700, indexEveryRecords: 2, windowBytes: 4096 };
const STREAM = "/log/orders";

let runtime: Runtime;
let disk: MemoryDisk;
let files: Map<string, Uint8Array>;
let original: string[];

beforeAll(async () => {
  ({ runtime, disk } = memoryRuntime({ seed: 5 }));
  const log = await openLogOn(runtime, "/log", OPTIONS);
  const stream = log.stream("orders");
  await stream.append(["one", "two", new Uint8Array([0, 255, 68, 84, 82, 49])]);
  await stream.append([{ three: "drei" }]);
  for (let i = 0; i < 8; i++) await stream.append([`event ${i}`, ""]);
  await log.close();
  files = new Map(disk.paths().map((path) => [path, disk.bytes(path).slice()]));
  original = await everything();
});

// All that a caller can see of the log.
async function everything(): Promise<string[]> {
  const log = await openLogOn(runtime, "/log", { ...OPTIONS, readOnly: true });
  try {
    const stream = log.stream("orders");
    const seen = [`${log.id} ${log.created}`];
    for (const record of stream.read({ verify: "genesis" })) seen.push(shown(record));
    const { nextOffset, head } = await stream.head();
    for (let offset = 0; offset < nextOffset; offset++) seen.push(shown(stream.getSync(offset)));
    seen.push(`${nextOffset} ${head}`);
    return seen;
  } finally {
    await log.close();
  }
}

function shown(
  record: { offset: number; timestamp: number; kind: string; hash: string; text(): string } | undefined,
): string {
  if (record === undefined) return "nothing";
  return `${record.offset} ${record.timestamp} ${record.kind} ${record.hash} ${record.text()}`;
}

function restore(): void {
  for (const path of disk.paths()) if (!files.has(path)) disk.take(path);
  for (const [path, bytes] of files) disk.put(path, bytes);
}

/** What became of a damaged log: nothing, or the code of the error that tells of it. */
async function outcome(alsoWrite = true): Promise<string> {
  let verdict = "unchanged";
  try {
    expect(await everything()).toEqual(original);
  } catch (error) {
    if (!(error instanceof DiatremeError)) throw error;
    verdict = error.code;
  }
  const report = await verified();
  if (verdict !== "unchanged") expect(report).not.toBe("ok");
  // A writer either sees the same or refuses; it never cuts what was acknowledged.
  const written = alsoWrite ? await openedForWriting() : null;
  if (written !== null) expect(written).toEqual(original);
  return verdict;
}

async function verified(): Promise<string> {
  try {
    const log = await openLogOn(runtime, "/log", { ...OPTIONS, readOnly: true });
    const report = await log.stream("orders").verify();
    await log.close();
    if (report.records < report.nextOffset) expect(report.ok).toBe(false);
    return report.ok ? "ok" : (report.problem?.code ?? "");
  } catch (error) {
    if (!(error instanceof DiatremeError)) throw error;
    return error.code;
  }
}

async function openedForWriting(): Promise<string[] | null> {
  try {
    const log = await openLogOn(runtime, "/log", OPTIONS);
    try {
      await log.stream("orders").head();
    } finally {
      await log.close();
    }
    return await everything();
  } catch (error) {
    if (!(error instanceof DiatremeError)) throw error;
    return null;
  }
}

describe("a changed byte", () => {
  it("anywhere in any file is noticed, or makes no difference", async () => {
    const seen = new Map<string, number>();
    for (const [path, bytes] of files) {
      for (let at = 0; at < bytes.length; at++) {
        // An index page is almost all zeros, under one CRC: a sample of its bytes will do.
        if (path.endsWith(".idx") && at > 64 && at % 101 !== 0) continue;
        for (const mask of at % 5 === 0 ? [0x01, 0xff] : [0x80]) {
          restore();
          const changed = bytes.slice();
          changed[at] = (changed[at] as number) ^ mask;
          disk.put(path, changed);
          try {
            const verdict = await outcome(at % 3 === 0);
            // Segments and the log's identity are evidence: there every change counts.
            if (/\.log$|\.json$/.test(path)) expect(verdict).not.toBe("unchanged");
            else expect(verdict).toBe("unchanged");
            seen.set(verdict, (seen.get(verdict) ?? 0) + 1);
          } catch (error) {
            throw new Error(`byte ${at} of ${path} ^ ${mask}`, { cause: error });
          }
        }
      }
    }
    expect([...seen.keys()]).toEqual(expect.arrayContaining(["RECORD_CRC_MISMATCH", "SEGMENT_HEADER_INVALID"]));
  });
});

describe("a file", () => {
  it("cut at any length is noticed, or makes no difference", async () => {
    for (const [path, bytes] of files) {
      const step = path.endsWith(".idx") ? 331 : 5;
      for (let length = 0; length < bytes.length; length += step) {
        restore();
        disk.put(path, bytes.slice(0, length));
        try {
          const verdict = await outcome();
          if (/\.log$|\.json$/.test(path)) expect(verdict).not.toBe("unchanged");
          else expect(verdict).toBe("unchanged");
        } catch (error) {
          throw new Error(`${path} cut to ${length} bytes`, { cause: error });
        }
      }
    }
  });

  it("that grows by zeros or by noise at its end is noticed, or makes no difference", async () => {
    for (const [path, bytes] of files) {
      for (const tail of [new Uint8Array(100), new Uint8Array(5000), new Uint8Array(77).fill(171)]) {
        restore();
        const longer = new Uint8Array(bytes.length + tail.length);
        longer.set(bytes);
        longer.set(tail, bytes.length);
        disk.put(path, longer);
        try {
          await outcome();
        } catch (error) {
          throw new Error(`${path} longer by ${tail.length}`, { cause: error });
        }
      }
    }
  });

  it("that is missing is noticed, or makes no difference", async () => {
    for (const path of files.keys()) {
      // The newest segment with its index gone leaves a shorter stream that is whole: only evidence kept outside tells.
      if (path.startsWith(newestSegment())) continue;
      restore();
      disk.take(path);
      const verdict = await outcome();
      if (/\.log$|\.json$/.test(path)) expect(verdict).not.toBe("unchanged");
      else expect(verdict).toBe("unchanged");
    }
  });

  it("that is another segment's is noticed, or makes no difference", async () => {
    const segments = [...files.keys()].filter((path) => path.startsWith(STREAM));
    for (const one of segments) {
      for (const other of segments) {
        if (one === other || one.endsWith(".idx") !== other.endsWith(".idx")) continue;
        restore();
        disk.put(one, files.get(other) as Uint8Array);
        const verdict = await outcome();
        if (one.endsWith(".log")) expect(verdict).not.toBe("unchanged");
        else expect(verdict).toBe("unchanged");
      }
    }
  });
});

describe("a link or a special file", () => {
  it("in the place of any file is refused, or makes no difference", async () => {
    for (const path of files.keys()) {
      for (const put of ["putLink", "putSpecial"] as const) {
        restore();
        disk.take(path);
        if (put === "putLink") disk.putLink(path, "/elsewhere");
        else disk.putSpecial(path);
        try {
          const verdict = await outcome();
          if (/\.log$|\.json$/.test(path)) expect(verdict).not.toBe("unchanged");
        } catch (error) {
          throw new Error(`${put} at ${path}`, { cause: error });
        }
      }
    }
  });
});

function newestSegment(): string {
  const segments = [...files.keys()].filter((path) => path.startsWith(STREAM) && path.endsWith(".log")).sort();
  return segments.at(-1) as string;
}
