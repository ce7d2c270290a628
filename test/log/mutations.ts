// Ways to change the files of a stream: by accident, and by somebody who knows the format and the checksums.
import { crc32 } from "node:zlib";
import { hashOf, type PlainRecord, type PlainSegment, putTogether, relink, takeApart } from "./plain-chain.ts";
import type { Random } from "./random.ts";

/** Files of one stream by their names. */
export type StreamFiles = Map<string, Uint8Array<ArrayBuffer>>;

export interface Mutation {
  readonly name: string;
  /** Changes the files; what it chooses is a good log's. */
  readonly apply: (files: StreamFiles, random: Random) => void;
}

const segmentsOf = (files: StreamFiles) => [...files.keys()].filter((name) => name.endsWith(".log")).sort();
const indexesOf = (files: StreamFiles) => [...files.keys()].filter((name) => name.endsWith(".idx")).sort();
const checkpointsOf = (files: StreamFiles) => [...files.keys()].filter((name) => name.endsWith(".ckpt")).sort();
const oneOf = <T>(items: readonly T[], random: Random) => items[random(items.length)] as T;

// Takes one segment apart, lets its records be changed, and puts it together with right checksums.
function surgery(files: StreamFiles, random: Random, change: (segment: PlainSegment, at: number) => void): void {
  const name = oneOf(segmentsOf(files), random);
  const segment = takeApart(files.get(name) as Uint8Array);
  if (segment.records.length === 0) return;
  change(segment, random(segment.records.length));
  files.set(name, putTogether(segment));
}

function flip(bytes: Uint8Array, at: number, random: Random): void {
  bytes[at] = (bytes[at] as number) ^ (1 << random(8));
}

/** A field of a record or its payload, changed so that the checksum is right again. */
function changeField(from: number, bytes: number): (segment: PlainSegment, at: number, random: Random) => void {
  return (segment, at, random) => {
    const record = (segment.records[at] as PlainRecord).slice();
    const end = bytes < 0 ? record.length - 4 : from + bytes;
    if (end > from) flip(record, from + random(end - from), random);
    segment.records[at] = record;
  };
}

function withField(name: string, from: number, bytes: number): Mutation {
  const change = changeField(from, bytes);
  return {
    name,
    apply: (files, random) => surgery(files, random, (segment, at) => change(segment, at, random)),
  };
}

export const MUTATIONS: readonly Mutation[] = [
  {
    name: "bits turned around anywhere in a segment",
    apply: (files, random) => {
      const bytes = files.get(oneOf(segmentsOf(files), random)) as Uint8Array;
      for (let count = 1 + random(3); count > 0; count--) flip(bytes, random(bytes.length), random);
    },
  },
  {
    name: "a range of a segment zeroed",
    apply: (files, random) => {
      const bytes = files.get(oneOf(segmentsOf(files), random)) as Uint8Array;
      const from = random(bytes.length);
      bytes.fill(0, from, from + 1 + random(600));
    },
  },
  {
    name: "a segment cut",
    apply: (files, random) => {
      const name = oneOf(segmentsOf(files), random);
      const bytes = files.get(name) as Uint8Array;
      files.set(name, bytes.slice(0, random(bytes.length)));
    },
  },
  {
    name: "bytes added behind a segment",
    apply: (files, random) => {
      const name = oneOf(segmentsOf(files), random);
      const bytes = files.get(name) as Uint8Array;
      const longer = new Uint8Array(bytes.length + 1 + random(300));
      longer.set(bytes);
      const noise = random(2) === 0;
      for (let at = bytes.length; at < longer.length; at++) longer[at] = noise ? random(256) : 0;
      files.set(name, longer);
    },
  },
  withField("a payload rewritten", 64, -1),
  withField("a record re-dated", 16, 8),
  withField("a record's kind, flags or epoch changed", 24, 8),
  withField("a record's link changed", 32, 32),
  withField("a record's offset changed", 8, 8),
  {
    name: "a commit word changed",
    apply: (files, random) =>
      surgery(files, random, ({ records }, at) => {
        const record = (records[at] as PlainRecord).slice();
        flip(record, record.length - 4 + random(4), random);
        records[at] = record;
      }),
  },
  {
    name: "a record removed",
    apply: (files, random) => surgery(files, random, ({ records }, at) => records.splice(at, 1)),
  },
  {
    name: "a record doubled",
    apply: (files, random) =>
      surgery(files, random, ({ records }, at) => records.splice(at, 0, records[at] as PlainRecord)),
  },
  {
    name: "two records swapped",
    apply: (files, random) =>
      surgery(files, random, ({ records }, at) => {
        const other = random(records.length);
        [records[at], records[other]] = [records[other] as PlainRecord, records[at] as PlainRecord];
      }),
  },
  {
    name: "a record put in the place of another, with the offset and link of that one",
    apply: (files, random) =>
      surgery(files, random, ({ records }, at) => {
        const there = records[at] as PlainRecord;
        const spliced = relink(oneOf(records, random), there.subarray(32, 64));
        spliced.set(there.subarray(8, 24), 8);
        records[at] = spliced;
      }),
  },
  {
    name: "a payload rewritten, and the links behind it up to the segment's end",
    apply: (files, random) =>
      surgery(files, random, (segment, at) => {
        changeField(64, -1)(segment, at, random);
        const { records } = segment;
        for (let next = at + 1; next < records.length; next++) {
          records[next] = relink(records[next] as PlainRecord, hashOf(records[next - 1] as PlainRecord));
        }
      }),
  },
  {
    name: "a segment removed",
    apply: (files, random) => {
      const name = oneOf(segmentsOf(files), random);
      files.delete(name);
      if (random(2) === 0) files.delete(`${name}.idx`);
    },
  },
  {
    name: "a segment in another's place",
    apply: (files, random) => {
      const from = oneOf(segmentsOf(files), random);
      files.set(oneOf(segmentsOf(files), random), (files.get(from) as Uint8Array<ArrayBuffer>).slice());
    },
  },
  {
    name: "the newest segment removed with all that is beside it",
    apply: (files) => {
      const name = segmentsOf(files).at(-1) as string;
      files.delete(name);
      files.delete(`${name}.idx`);
      files.delete(`${name}.ckpt`);
    },
  },
  {
    name: "bits turned around in checkpoints",
    apply: (files, random) => {
      const bytes = files.get(oneOf(checkpointsOf(files), random)) as Uint8Array;
      for (let count = 1 + random(3); count > 0; count--) flip(bytes, random(bytes.length), random);
    },
  },
  {
    name: "checkpoints removed, cut or another segment's",
    apply: (files, random) => {
      const name = oneOf(checkpointsOf(files), random);
      const bytes = files.get(name) as Uint8Array<ArrayBuffer>;
      const way = random(3);
      if (way === 0) files.delete(name);
      else if (way === 1) files.set(name, bytes.slice(0, random(bytes.length)));
      else files.set(name, (files.get(oneOf(checkpointsOf(files), random)) as Uint8Array<ArrayBuffer>).slice());
    },
  },
  {
    name: "bits turned around in an index",
    apply: (files, random) => {
      const bytes = files.get(oneOf(indexesOf(files), random)) as Uint8Array;
      flip(bytes, random(bytes.length), random);
    },
  },
  {
    name: "an index removed, cut or another's",
    apply: (files, random) => {
      const name = oneOf(indexesOf(files), random);
      const bytes = files.get(name) as Uint8Array<ArrayBuffer>;
      const way = random(3);
      if (way === 0) files.delete(name);
      else if (way === 1) files.set(name, bytes.slice(0, random(bytes.length)));
      else files.set(name, (files.get(oneOf(indexesOf(files), random)) as Uint8Array<ArrayBuffer>).slice());
    },
  },
  {
    name: "an index that lies, with the right checksum",
    apply: (files, random) => {
      const name = oneOf(indexesOf(files), random);
      const bytes = files.get(name) as Uint8Array;
      const page = bytes.subarray(random(Math.ceil(bytes.length / 4096)) * 4096).subarray(0, 4096);
      const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
      const count = view.getUint16(4, true);
      const choice = random(3);
      if (choice === 0) view.setUint32(8, view.getUint32(8, true) + 1 + random(500), true);
      else if (choice === 1) view.setUint32(24, random(1000), true);
      else {
        const entry = 32 + 4 * random(count);
        view.setUint32(entry, view.getUint32(entry, true) + 1 + random(100), true);
      }
      const salt = (files.get(name.replace(".idx", "")) as Uint8Array).subarray(112, 116);
      view.setUint32(0, crc32(page.subarray(4), crc32(salt)), true);
    },
  },
];
