// The attacks of docs/threat-model.md, one by one: somebody changes the files of a log, and it is verified with nothing, with
// the public key, and with the public key and a checkpoint that was kept elsewhere.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { type MemoryDisk, memoryRuntime } from "../../adapters/memory.ts";
import * as layout from "../../assembly/layout.ts";
import { publicKeyOn, Signer } from "../../src/crypto/signer.ts";
import { encodeCheckpoint } from "../../src/format/checkpoint.ts";
import { decodeCheckpointEntry, encodeCheckpointEntry } from "../../src/format/checkpoint-file.ts";
import { decodeNote, encodeNote } from "../../src/format/signed-note.ts";
import {
  compareCheckpointsOn,
  DiatremeError,
  type OpenOptions,
  openLogOn,
  PrivateKey,
  type Runtime,
  type VerifyReport,
} from "../../src/index.ts";
import { problemOf } from "../../src/log/verification/verify-report.ts";
import { currentRuntime } from "../contract/current-runtime.ts";
import { crc32 } from "../log/crc32.ts";
import { type ForgedSegment, putTogether, relink, takeApart } from "./forge.ts";

const KEY = PrivateKey.fromBytes(new Uint8Array(32).fill(1));
const THIEF = PrivateKey.fromBytes(new Uint8Array(32).fill(2));
const OPTIONS: OpenOptions = { segmentBytes: 800, checkpointEvery: 3, spaceAhead: false };
const RECORDS = 20;
const EARLY = 12;
const STREAM = "/log/orders";

const { signatures } = currentRuntime();
const publicKeys = [publicKeyOn(currentRuntime(), KEY)];
const signer = new Signer(currentRuntime(), KEY);

type Files = ReadonlyMap<string, Uint8Array>;

let disk: MemoryDisk;
let runtime: Runtime;
/** The whole log; the log when it had fewer records; and those that were kept of it. */
let whole: Files;
let earlier: Files;
let early: string;
let late: string;
let otherStream: string;

beforeAll(async () => {
  ({ disk } = memoryRuntime({ seed: 9 }));
  runtime = { ...disk.runtime(), signatures };
  early = await appendTo(EARLY, KEY);
  earlier = filesOf();
  late = await appendTo(RECORDS, KEY);
  const log = await openLogOn(runtime, "/log", { ...OPTIONS, signer: KEY });
  for (let i = 0; i < RECORDS; i++) await log.stream("payments").append(`event ${i}`);
  otherStream = (await log.stream("payments").checkpoint()).note;
  await log.close();
  whole = filesOf();
});

/** Appends up to so many records, and keeps a checkpoint. */
async function appendTo(count: number, key: PrivateKey, text = "event"): Promise<string> {
  const log = await openLogOn(runtime, "/log", { ...OPTIONS, signer: key });
  const stream = log.stream("orders");
  for (let { nextOffset } = await stream.head(); nextOffset < count; nextOffset++) {
    disk.clock.stepMicros(1_000_000);
    await stream.append(`${text} ${nextOffset}`);
  }
  const { note } = await stream.checkpoint();
  await log.close();
  return note;
}

function filesOf(): Files {
  return new Map(disk.paths().map((path) => [path, disk.bytes(path).slice()]));
}

function put(files: Files): void {
  for (const path of disk.paths()) disk.take(path);
  for (const [path, bytes] of files) disk.put(path, bytes.slice());
}

function segmentPaths(stream = STREAM): string[] {
  return disk.paths().filter((path) => path.startsWith(`${stream}/`) && path.endsWith(".log"));
}

function remove(pattern: RegExp): void {
  for (const path of disk.paths()) if (path.startsWith(STREAM) && pattern.test(path)) disk.take(path);
}

/** Changes the records and writes them back with right CRCs; links as they are, or all made anew. */
function rewrite(change: (segments: ForgedSegment[]) => void, links: "kept" | "made anew"): void {
  const paths = segmentPaths();
  const segments = paths.map((path) => takeApart(disk.bytes(path)));
  change(segments);
  if (links === "made anew") relink(segments);
  paths.forEach((path, index) => {
    disk.put(path, putTogether(segments[index] as ForgedSegment));
  });
}

function record(segments: readonly ForgedSegment[], offset: number) {
  return segments.flatMap(({ records }) => records)[offset] as ForgedSegment["records"][number];
}

/** The place of a record among its segment's. */
function spliceAt(
  segments: readonly ForgedSegment[],
  offset: number,
  removed: number,
  ...added: ForgedSegment["records"]
): void {
  let left = offset;
  for (const { records } of segments) {
    if (left < records.length) {
      records.splice(left, removed, ...added);
      return;
    }
    left -= records.length;
  }
}

function copyOf(one: ForgedSegment["records"][number]): ForgedSegment["records"][number] {
  return { ...one, header: one.header.slice(), payload: one.payload.slice() };
}

const fraud = (segments: readonly ForgedSegment[]) => {
  record(segments, 5).payload = new TextEncoder().encode("fraud!!");
};

/** Checkpoints beside all segments, signed by whoever has this key, of the records as they are now. */
async function forgeCheckpoints(key: PrivateKey): Promise<void> {
  remove(/\.ckpt$/);
  const log = await openLogOn(runtime, "/log", { ...OPTIONS, signer: key });
  await log.stream("orders").checkpoint();
  await log.close();
}

/** What verifying says: the code of what is wrong, or `good`. */
async function verdict(options: OpenOptions, against: readonly string[]): Promise<string> {
  return (await verified(options, against)).problem?.code ?? "good";
}

async function verified(
  options: OpenOptions,
  against: readonly string[],
): Promise<Pick<VerifyReport, "problem"> & Partial<VerifyReport>> {
  try {
    const log = await openLogOn(runtime, "/log", { ...OPTIONS, ...options, readOnly: true });
    const report = await log.stream("orders").verify({ against });
    await log.close();
    return report;
  } catch (error) {
    if (error instanceof DiatremeError) return { problem: problemOf(error) };
    throw error;
  }
}

interface Attack {
  readonly title: string;
  readonly attack: () => void | Promise<void>;
  /** The verdicts with nothing, with the public key, with the key and the early checkpoint, and with the late one too. */
  readonly verdicts: readonly [string, string, string, string];
}

const always = (code: string): Attack["verdicts"] => [code, code, code, code];

const ATTACKS: readonly Attack[] = [
  {
    title: "a changed byte",
    attack: () => {
      const path = segmentPaths()[0] as string;
      const bytes = disk.bytes(path).slice();
      bytes[300] = (bytes[300] as number) ^ 1;
      disk.put(path, bytes);
    },
    verdicts: always("RECORD_CRC_MISMATCH"),
  },
  {
    title: "a changed record with its CRC recomputed",
    attack: () => rewrite(fraud, "kept"),
    verdicts: always("RECORD_CHAIN_BROKEN"),
  },
  {
    title: "a changed record with all links and CRCs recomputed, the checkpoints left",
    attack: () => rewrite(fraud, "made anew"),
    verdicts: ["CHECKPOINT_CONTRADICTED", "CHECKPOINT_CONTRADICTED", "LOG_FORKED", "LOG_FORKED"],
  },
  {
    title: "the same, and a changed byte behind it",
    attack: () => {
      rewrite(fraud, "made anew");
      const path = segmentPaths().at(-1) as string;
      disk.flip(path, disk.bytes(path).length - 10, 1);
    },
    verdicts: ["CHECKPOINT_CONTRADICTED", "CHECKPOINT_CONTRADICTED", "LOG_FORKED", "LOG_FORKED"],
  },
  {
    title: "a changed record with all links and CRCs recomputed, the checkpoints removed",
    attack: () => {
      rewrite(fraud, "made anew");
      remove(/\.(ckpt|idx)$/);
    },
    verdicts: ["good", "good", "LOG_FORKED", "LOG_FORKED"],
  },
  {
    title: "a changed record with all recomputed, checkpoints of another key",
    attack: async () => {
      rewrite(fraud, "made anew");
      remove(/\.idx$/);
      await forgeCheckpoints(THIEF);
    },
    verdicts: ["good", "good", "LOG_FORKED", "LOG_FORKED"],
  },
  {
    title: "rewritten from record 5 on with the stolen key",
    attack: async () => {
      rewrite(fraud, "made anew");
      remove(/\.idx$/);
      await forgeCheckpoints(KEY);
    },
    verdicts: ["good", "good", "LOG_FORKED", "LOG_FORKED"],
  },
  {
    title: "a removed record",
    attack: () => rewrite((segments) => spliceAt(segments, 5, 1), "kept"),
    verdicts: always("RECORD_OFFSET_WRONG"),
  },
  {
    title: "an inserted record",
    attack: () => rewrite((segments) => spliceAt(segments, 5, 0, copyOf(record(segments, 4))), "kept"),
    verdicts: always("RECORD_OFFSET_WRONG"),
  },
  {
    title: "two swapped records",
    attack: () =>
      rewrite((segments) => spliceAt(segments, 4, 2, copyOf(record(segments, 5)), copyOf(record(segments, 4))), "kept"),
    verdicts: always("RECORD_OFFSET_WRONG"),
  },
  {
    title: "two swapped records under each other's numbers",
    attack: () =>
      rewrite((segments) => {
        const [one, other] = [record(segments, 4), record(segments, 5)];
        [one.payload, other.payload] = [other.payload, one.payload];
      }, "kept"),
    verdicts: always("RECORD_LINK_WRONG"),
  },
  {
    title: "a removed record, the others renumbered and relinked, the checkpoints removed",
    attack: () => {
      rewrite((segments) => spliceAt(segments, 5, 1), "made anew");
      remove(/\.(ckpt|idx)$/);
    },
    verdicts: ["good", "good", "LOG_FORKED", "LOG_FORKED"],
  },
  {
    title: "a record dated back",
    attack: () => rewrite((segments) => record(segments, 5).header.set(new Uint8Array(8), 16), "kept"),
    verdicts: always("RECORD_TIMESTAMP_BACKWARDS"),
  },
  {
    title: "a record dated otherwise, between its neighbours",
    attack: () =>
      rewrite((segments) => record(segments, 5).header.set(record(segments, 4).header.subarray(16, 24), 16), "kept"),
    verdicts: always("RECORD_CHAIN_BROKEN"),
  },
  {
    title: "a record brought in from another stream",
    attack: () => {
      const [donor] = segmentPaths("/log/payments").map((path) => takeApart(disk.bytes(path)));
      rewrite((segments) => spliceAt(segments, 3, 1, copyOf(record([donor as ForgedSegment], 3))), "kept");
    },
    verdicts: always("RECORD_CHAIN_BROKEN"),
  },
  {
    title: "a segment brought in from another stream",
    attack: () => disk.put(segmentPaths()[1] as string, disk.bytes(segmentPaths("/log/payments")[1] as string)),
    verdicts: always("SEGMENT_HEADER_INVALID"),
  },
  {
    title: "the tail cut off, the checkpoint file left",
    attack: () => {
      cutTail(1);
      remove(/\.idx$/);
    },
    verdicts: always("RECORD_TRUNCATED"),
  },
  {
    title: "the tail cut off, what stood beside it removed",
    attack: () => {
      cutTail(1);
      remove(new RegExp(`${(segmentPaths().at(-1) as string).slice(-18)}\\.(idx|ckpt)$`));
    },
    verdicts: ["good", "good", "good", "LOG_TRUNCATED"],
  },
  {
    title: "the newest segment dropped with all that belongs to it",
    attack: () => remove(new RegExp(`${(segmentPaths().at(-1) as string).slice(-18)}`)),
    verdicts: ["good", "good", "good", "LOG_ROLLED_BACK"],
  },
  {
    title: "a segment dropped from the middle",
    attack: () => void disk.take(segmentPaths()[1] as string),
    verdicts: always("SEGMENT_MISSING"),
  },
  {
    title: "a segment renamed to another's place",
    attack: () => disk.put(segmentPaths()[1] as string, disk.bytes(segmentPaths()[2] as string)),
    verdicts: always("SEGMENT_HEADER_INVALID"),
  },
  {
    title: "the folder put back to what it was",
    attack: () => put(earlier),
    verdicts: ["good", "good", "good", "LOG_ROLLED_BACK"],
  },
  {
    title: "the folder put back and other records added with the stolen key",
    attack: async () => {
      put(earlier);
      await appendTo(RECORDS + 3, KEY, "fraud");
    },
    verdicts: ["good", "good", "good", "LOG_FORKED"],
  },
  {
    title: "old records beside a new index and new checkpoints",
    attack: () => {
      for (const path of segmentPaths()) {
        const old = earlier.get(path);
        if (old !== undefined) disk.put(path, old);
      }
      for (const path of segmentPaths()) if (!earlier.has(path)) disk.take(path);
    },
    verdicts: always("SEGMENT_MISSING"),
  },
  {
    title: "checkpoints of another stream brought in",
    attack: () => {
      const beside = segmentPaths();
      segmentPaths("/log/payments").forEach((path, index) => {
        disk.put(`${beside[index]}.ckpt`, disk.bytes(`${path}.ckpt`));
      });
    },
    verdicts: always("good"),
  },
  {
    title: "no checkpoints left at all",
    attack: () => remove(/\.ckpt$/),
    verdicts: always("good"),
  },
];

/** Removes the last records of the newest segment. */
function cutTail(count: number): void {
  const path = segmentPaths().at(-1) as string;
  const segment = takeApart(disk.bytes(path));
  segment.records.splice(-count);
  disk.put(path, putTogether(segment));
}

describe("an untouched log", () => {
  it("is good against all that was kept, and the report says by which key", async () => {
    put(whole);
    const report = await verified({ publicKeys }, [late, early]);
    expect(report).toMatchObject({
      ok: true,
      problem: null,
      evidence: [
        { nextOffset: EARLY, signedBy: [publicKeys[0]?.id] },
        { nextOffset: RECORDS, signedBy: [publicKeys[0]?.id] },
      ],
      publicKeys: [publicKeys[0]?.id],
      checkpoints: { passedOver: 0 },
    });
    expect(report.checkpoints?.signed).toBeGreaterThan(5);
    expect(report.notProved).toEqual([
      `that nothing was cut off behind record ${RECORDS - 1}: no checkpoint from outside covers more`,
    ]);
  });

  it("says what is not proved when less is known", async () => {
    put(whole);
    expect((await verified({ publicKeys }, [early])).notProved).toEqual([
      `that nothing was cut off or replaced from record ${EARLY} on: no checkpoint from outside covers more`,
    ]);
    expect((await verified({}, [])).notProved).toEqual([
      "that nothing was cut off the end, and that the whole was not made anew: keep a checkpoint elsewhere and verify against it",
      "who made the checkpoints: no public key was given",
    ]);
  });
});

describe("an attack on the files:", () => {
  it.each(ATTACKS)("$title", async ({ attack, verdicts }) => {
    put(whole);
    await attack();
    const found = [
      await verdict({}, []),
      await verdict({ publicKeys }, []),
      await verdict({ publicKeys }, [early]),
      await verdict({ publicKeys }, [early, late]),
    ];
    expect(found).toEqual(verdicts);
  });

  it("each has its row in docs/threat-model.md, with these verdicts", () => {
    const page = readFileSync(new URL("../../docs/threat-model.md", import.meta.url), "utf8");
    const rows = [...page.matchAll(/^\| (.+?) \| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$/gm)].map(([, ...cells]) =>
      cells.map((cell) => cell.replaceAll("`", "").trim()),
    );
    for (const { title, verdicts } of ATTACKS) {
      const row = rows.find(([name]) => name === title);
      expect(row, title).toEqual([title, ...verdicts.map((code) => (code === "good" ? "not noticed" : code))]);
    }
  });
});

describe("a contradiction", () => {
  it("is told beside the first bad record, wherever that is", async () => {
    put(whole);
    rewrite(fraud, "made anew");
    const path = segmentPaths().at(-1) as string;
    disk.flip(path, disk.bytes(path).length - 10, 1);
    const { problem, further } = await verified({ publicKeys }, [early]);
    expect([problem, ...(further ?? [])].map((one) => [one?.code, one?.["offset"]])).toEqual([
      ["LOG_FORKED", undefined],
      ["CHECKPOINT_CONTRADICTED", undefined],
      ["RECORD_CRC_MISMATCH", RECORDS - 1],
    ]);
  });
});

describe("a fork", () => {
  it("is told with both heads, and between which records it lies", async () => {
    put(earlier);
    await appendTo(RECORDS, KEY, "fraud");
    const { problem } = await verified({ publicKeys }, [early, late]);
    expect(problem).toMatchObject({ code: "LOG_FORKED" });
    const { message } = problem as { message: string };
    expect(message).toContain(`The first record that differs is one of ${EARLY} to ${RECORDS - 1}.`);
  });

  it("is told to the record when the checkpoints are one record apart", async () => {
    put(earlier);
    const next = await appendTo(EARLY + 1, KEY);
    put(earlier);
    await appendTo(RECORDS, KEY, "fraud");
    const { problem } = await verified({ publicKeys }, [early, next]);
    expect(problem?.message).toContain(`Record ${EARLY} is the first that differs.`);
  });

  it("is proved by two signed checkpoints without any log", async () => {
    put(earlier);
    const other = await appendTo(RECORDS, KEY, "fraud");
    const comparison = compareCheckpointsOn(runtime, [late, other], publicKeys);
    expect(comparison).toMatchObject({ relation: "forked", signedBoth: publicKeys });
    expect(compareCheckpointsOn(runtime, [early, late], publicKeys).relation).toBe("undecided");
  });
});

describe("a checkpoint from outside", () => {
  const parts = (note: string) => {
    const decoded = decodeNote(note);
    if ("reason" in decoded) throw new Error(decoded.reason);
    return decoded;
  };

  it("that was signed by another key is CHECKPOINT_NOT_SIGNED", async () => {
    put(earlier);
    const forged = await appendTo(RECORDS, THIEF, "fraud");
    put(whole);
    expect(await verdict({ publicKeys }, [forged])).toBe("CHECKPOINT_NOT_SIGNED");
  });

  it("whose text was changed under its signature is CHECKPOINT_SIGNATURE_WRONG", async () => {
    put(whole);
    const { text, signatures: lines } = parts(late);
    const forged = encodeNote({ text: text.replace(`\n${RECORDS}\n`, `\n${EARLY}\n`), signatures: lines });
    expect(await verdict({ publicKeys }, [forged])).toBe("CHECKPOINT_SIGNATURE_WRONG");
  });

  it("that was cut short is CHECKPOINT_INVALID or not signed, at every length", async () => {
    put(whole);
    for (let length = 0; length < late.length; length++) {
      expect(await verdict({ publicKeys }, [late.slice(0, length)])).toMatch(/^CHECKPOINT_(INVALID|NOT_SIGNED)$/);
    }
  });

  it("of another stream or another log is LOG_OTHER", async () => {
    put(whole);
    expect(await verdict({ publicKeys }, [otherStream])).toBe("LOG_OTHER");
    const foreign = { ...disk.runtime(), signatures };
    const log = await openLogOn(foreign, "/other", { signer: KEY });
    await log.stream("orders").append("event 0");
    const { note } = await log.stream("orders").checkpoint();
    await log.close();
    expect(await verdict({ publicKeys }, [note])).toBe("LOG_OTHER");
  });

  it("that is older than the newest proves less, and the report says so", async () => {
    put(earlier);
    await appendTo(RECORDS, KEY, "fraud");
    const report = await verified({ publicKeys }, [early]);
    expect(report).toMatchObject({ ok: true, evidence: [{ nextOffset: EARLY }] });
    expect(report.notProved?.[0]).toContain(`from record ${EARLY} on`);
  });

  it("is nothing that the key signed for another purpose", async () => {
    put(whole);
    const text = encodeCheckpoint({
      logId: "f6a8ef9c-1b40-4c33-95a4-7d5c4b6f3a10",
      stream: "orders",
      nextOffset: 3,
      head: "00".repeat(32),
      timestamp: 0,
    }).replace("checkpoint", "receipt");
    const signature = signer.sign(new TextEncoder().encode(text));
    const keyId = signer.publicKey.idUnder("diatreme");
    const note = encodeNote({ text, signatures: [{ name: "diatreme", keyId, signature }] });
    expect(await verified({ publicKeys }, [note])).toMatchObject({
      problem: { code: "CHECKPOINT_INVALID", condition: "T1" },
    });
  });
});

describe("a checkpoint in the log", () => {
  /** Puts an entry into the first segment's file, under a CRC that fits, in the place of the last. */
  function plant(change: (entry: NonNullable<ReturnType<typeof decodeCheckpointEntry>>) => object): void {
    const path = segmentPaths()[0] as string;
    const header = disk.bytes(path);
    const salt = header.slice(layout.SEGMENT_SALT_AT, layout.SEGMENT_SALT_AT + layout.SEGMENT_SALT_BYTES);
    const home = { number: 0, firstOffset: 0, salt };
    const bytes = disk.bytes(`${path}.ckpt`).slice();
    const at = bytes.length - layout.CHECKPOINT_BYTES;
    const entry = decodeCheckpointEntry(bytes.subarray(at), home, crc32);
    if (entry === null) throw new Error("The last entry is bad.");
    bytes.set(encodeCheckpointEntry({ ...entry, ...change(entry) }, home, crc32), at);
    disk.put(`${path}.ckpt`, bytes);
  }

  it("with a signature that was made for another is passed over", async () => {
    put(whole);
    const other = segmentPaths("/log/payments")[0] as string;
    const donor = disk.bytes(`${other}.ckpt`);
    const signature = donor.slice(16 + layout.CHECKPOINT_SIGNATURE_AT, 16 + layout.CHECKPOINT_CRC_AT);
    plant(({ signed }) => ({ signed: { keyId: signed?.keyId, signature } }));
    expect(await verified({ publicKeys }, [])).toMatchObject({ ok: true, checkpoints: { passedOver: 1 } });
  });

  it("that lies about the head is passed over by who knows the key, and contradicted for who does not", async () => {
    put(whole);
    plant(() => ({ head: new Uint8Array(32).fill(6) }));
    expect(await verdict({ publicKeys }, [])).toBe("good");
    expect(await verdict({}, [])).toBe("CHECKPOINT_CONTRADICTED");
  });
});
