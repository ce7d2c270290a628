// The tables of docs/format.md against the numbers of assembly/layout.ts, and the relations between those numbers.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as layout from "../../assembly/layout.ts";

const page = readFileSync(new URL("../../docs/format.md", import.meta.url), "utf8");
const constants: Readonly<Record<string, number>> = layout;

interface Row {
  /** `64 + n` counts as 64 behind a payload of n = 0. */
  readonly at: number;
  readonly size: number | "n";
  readonly name: string;
}

interface Structure {
  readonly heading: string;
  /** The constant of each field's place, by the field's name in the table. */
  readonly places: Readonly<Record<string, string>>;
  /** Constants of lengths, by the field's name. */
  readonly lengths: Readonly<Record<string, string>>;
  readonly bytes: number;
}

const SEGMENT: Structure = {
  heading: "Segment header",
  places: {
    magic: "SEGMENT_MAGIC_AT",
    version: "SEGMENT_VERSION_AT",
    "reserved A": "SEGMENT_RESERVED_A_AT",
    number: "SEGMENT_NUMBER_AT",
    "first offset": "SEGMENT_FIRST_OFFSET_AT",
    created: "SEGMENT_CREATED_AT",
    "log id": "SEGMENT_LOG_ID_AT",
    stream: "SEGMENT_STREAM_AT",
    salt: "SEGMENT_SALT_AT",
    "reserved B": "SEGMENT_RESERVED_B_AT",
    CRC: "SEGMENT_CRC_AT",
  },
  lengths: { "log id": "SEGMENT_LOG_ID_BYTES", stream: "SEGMENT_STREAM_BYTES", salt: "SEGMENT_SALT_BYTES" },
  bytes: layout.SEGMENT_HEADER_BYTES,
};

const RECORD: Structure = {
  heading: "Record",
  places: {
    magic: "RECORD_MAGIC_AT",
    length: "RECORD_LENGTH_AT",
    offset: "RECORD_OFFSET_AT",
    timestamp: "RECORD_TIMESTAMP_AT",
    kind: "RECORD_KIND_AT",
    compression: "RECORD_COMPRESSION_AT",
    flags: "RECORD_FLAGS_AT",
    reserved: "RECORD_RESERVED_AT",
    epoch: "RECORD_EPOCH_AT",
    previous: "RECORD_PREVIOUS_AT",
    payload: "RECORD_HEADER_BYTES",
    "commit word": "TRAILER_COMMIT_AT",
    CRC: "TRAILER_CRC_AT",
  },
  lengths: { previous: "DIGEST_BYTES" },
  bytes: layout.RECORD_EXTRA_BYTES,
};

const INDEX_PAGE: Structure = {
  heading: "Offset index",
  places: {
    CRC: "PAGE_CRC_AT",
    count: "PAGE_COUNT_AT",
    flags: "PAGE_FLAGS_AT",
    position: "PAGE_POSITION_AT",
    offset: "PAGE_OFFSET_AT",
    timestamp: "PAGE_TIMESTAMP_AT",
    distances: "PAGE_DISTANCES_AT",
  },
  lengths: {},
  bytes: layout.PAGE_BYTES,
};

const CHECKPOINT_FILE: Structure = {
  heading: "Checkpoint file",
  places: {
    magic: "CHECKPOINT_FILE_MAGIC_AT",
    version: "CHECKPOINT_FILE_VERSION_AT",
    "entry size": "CHECKPOINT_FILE_ENTRY_BYTES_AT",
    segment: "CHECKPOINT_FILE_SEGMENT_AT",
    CRC: "CHECKPOINT_FILE_CRC_AT",
  },
  lengths: {},
  bytes: layout.CHECKPOINT_FILE_HEADER_BYTES,
};

const CHECKPOINT_ENTRY: Structure = {
  heading: "Checkpoint entry",
  places: {
    "next offset": "CHECKPOINT_OFFSET_AT",
    position: "CHECKPOINT_POSITION_AT",
    head: "CHECKPOINT_HEAD_AT",
    timestamp: "CHECKPOINT_TIMESTAMP_AT",
    key: "CHECKPOINT_KEY_AT",
    signature: "CHECKPOINT_SIGNATURE_AT",
    CRC: "CHECKPOINT_CRC_AT",
  },
  lengths: { head: "DIGEST_BYTES", key: "CHECKPOINT_KEY_BYTES", signature: "CHECKPOINT_SIGNATURE_BYTES" },
  bytes: layout.CHECKPOINT_BYTES,
};

const STRUCTURES = [SEGMENT, RECORD, INDEX_PAGE, CHECKPOINT_FILE, CHECKPOINT_ENTRY];

/** The text of a section, without the sections below it. */
function section(heading: string): string {
  const found = page.match(new RegExp(`^#+ ${heading}$([\\s\\S]*?)(?=^#+ |(?![\\s\\S]))`, "m"));
  if (found?.[1] === undefined) throw new Error(`docs/format.md has no section "${heading}".`);
  return found[1];
}

/** The cells of the rows of a section's table whose head begins with these cells. */
function table(heading: string, ...head: string[]): string[][] {
  const lines = section(heading).split("\n");
  const start = lines.findIndex((line) => line.startsWith(`| ${head.join(" | ")} |`));
  if (start < 0) throw new Error(`Section "${heading}" has no table ${head.join(", ")}.`);
  const rows: string[][] = [];
  for (const line of lines.slice(start + 2)) {
    if (!line.startsWith("|")) break;
    rows.push(
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  }
  return rows;
}

function fields(structure: Structure): Row[] {
  return table(structure.heading, "at", "size", "field").map(([at = "", size = "", name = ""]) => ({
    at: Number(at.replace("+ n", "")),
    size: size === "n" ? "n" : Number(size),
    name,
  }));
}

/** Where the code has a field; those of the trailer count from the end of the payload. */
function placeInCode(structure: Structure, name: string): number {
  const constant = structure.places[name] ?? "";
  const base = constant.startsWith("TRAILER_") ? layout.RECORD_HEADER_BYTES : 0;
  return base + (constants[constant] ?? Number.NaN);
}

describe.each(STRUCTURES)("docs/format.md, $heading", (structure) => {
  it("has each field where assembly/layout.ts has it", () => {
    const documented = Object.fromEntries(fields(structure).map(({ name, at }) => [name, at]));
    const coded = Object.fromEntries(Object.keys(structure.places).map((name) => [name, placeInCode(structure, name)]));
    expect(documented).toEqual(coded);
  });

  it("has the lengths that assembly/layout.ts has", () => {
    for (const [name, constant] of Object.entries(structure.lengths)) {
      expect(fields(structure).find((row) => row.name === name)?.size, name).toBe(constants[constant]);
    }
  });

  it("tiles the structure without gap or overlap", () => {
    let end = 0;
    for (const { at, size, name } of fields(structure)) {
      expect(at, name).toBe(end);
      end += size === "n" ? 0 : size;
    }
    expect(end).toBe(structure.bytes);
  });
});

describe("docs/format.md", () => {
  it("has every place that assembly/layout.ts names", () => {
    const named = STRUCTURES.flatMap(({ places }) => Object.values(places));
    expect(Object.keys(layout).filter((name) => name.endsWith("_AT") && !named.includes(name))).toEqual([]);
  });

  it("draws the commit word as assembly/layout.ts cuts it", () => {
    const bits = table("Commit word", "bits", "meaning").map(([cell]) => cell);
    const { COMMIT_MORE_SHIFT: more, COMMIT_RESERVED_SHIFT: reserved, COMMIT_UNSYNCED_MASK: mask } = layout;
    expect(bits).toEqual([String(more), String(reserved), `0–${reserved - 1}`]);
    expect(mask).toBe(2 ** reserved - 1);
    expect(section("Commit word")).toContain(String(mask));
    expect(more).toBe(31);
  });

  it("numbers its conditions without a gap", () => {
    for (const [letter, heading, count] of [
      ["L", "Log identity", 8],
      ["S", "Segment header", 9],
      ["R", "Conditions", 11],
      ["P", "Offset index", 6],
      ["W", "Key file", 9],
      ["T", "Checkpoint", 7],
      ["C", "Checkpoint entry", 8],
    ] as const) {
      const numbers = table(heading, "condition", "otherwise").map(([cell = ""]) => /^\*\*(\w+)\*\*/.exec(cell)?.[1]);
      expect(numbers).toEqual(Array.from({ length: count }, (_, i) => `${letter}${i + 1}`));
    }
  });

  it("says the lengths and limits that assembly/layout.ts has", () => {
    const digits = page.replace(/\s+/g, " ");
    expect(digits).toContain(`The header takes ${layout.SEGMENT_HEADER_BYTES} bytes.`);
    expect(digits).toContain(`SHA-256 of bytes 0 to ${layout.GENESIS_BYTES} of segment 0's header`);
    expect(digits).toContain(`The header is ${layout.RECORD_HEADER_BYTES} bytes, one block of SHA-256.`);
    expect(digits).toContain(`A record takes ${layout.RECORD_EXTRA_BYTES} bytes beside its payload.`);
    expect(digits).toContain(`at most ${layout.SEGMENT_MAX_BYTES} bytes`);
    expect(digits).toContain(`payload takes ${layout.PAYLOAD_EXTRA_BYTES} bytes more than what it says`);
    expect(layout.PAYLOAD_EXTRA_BYTES).toBe(layout.PAYLOAD_KEY_BYTES + layout.PAYLOAD_TAG_BYTES);
    const longest = layout.SEGMENT_MAX_BYTES - layout.SEGMENT_HEADER_BYTES - layout.RECORD_EXTRA_BYTES;
    expect(digits).toContain(`no payload is longer than ${longest}.`);
    expect(digits).toContain(`pages of ${layout.PAGE_BYTES} bytes`);
    expect(digits).toContain(`entry i mod ${layout.PAGE_ENTRIES} of page`);
    const sizes = Object.fromEntries(
      table("Entry, hash and chain", "structure", "size").map(([name, size]) => [name, Number(size)]),
    );
    expect(sizes).toEqual({ digest: layout.DIGEST_BYTES, entry: layout.ENTRY_BYTES, hash: layout.DIGEST_BYTES });
  });

  it("names the magics, versions, kinds and flags that assembly/layout.ts has", () => {
    const text = (heading: string, name: string) =>
      table(heading, "at", "size", "field").find((row) => row[2] === name)?.[3] ?? "";
    expect(text("Segment header", "version")).toBe(`format version: ${layout.SEGMENT_VERSION}`);
    const file = (name: string) => text("Checkpoint file", name);
    const checkpointMagic = new Uint8Array(Uint32Array.of(layout.CHECKPOINT_FILE_MAGIC).buffer);
    expect(file("magic")).toBe(`\`${String.fromCharCode(...checkpointMagic)}\``);
    expect(file("version")).toBe(String(layout.CHECKPOINT_FILE_VERSION));
    expect(file("entry size")).toBe(String(layout.CHECKPOINT_BYTES));
    const magic = new Uint8Array(Uint32Array.of(layout.RECORD_MAGIC).buffer);
    expect(text("Record", "magic")).toBe(`\`${String.fromCharCode(...magic)}\``);
    expect(text("Record", "kind")).toBe(`${layout.KIND_DATA} data, ${layout.KIND_TOMBSTONE} tombstone`);
    expect(text("Record", "compression")).toBe(`of the payload: ${layout.COMPRESSION_NONE} none`);
    expect(text("Record", "flags")).toBe(`bit ${Math.log2(layout.FLAG_ENCRYPTED)}: encrypted; the others zero`);
    expect(text("Offset index", "flags")).toBe(`bit ${Math.log2(layout.PAGE_FLAG_SEALED)}: sealed; the others zero`);
  });
});

describe("assembly/layout.ts", () => {
  it("has a record header of one SHA-256 block and an entry of header and digest", () => {
    expect(layout.RECORD_HEADER_BYTES).toBe(64);
    expect(layout.ENTRY_BYTES).toBe(layout.RECORD_HEADER_BYTES + layout.DIGEST_BYTES);
    expect(layout.ENTRY_BYTES).toBe(96);
  });

  it("has a trailer of 8 bytes, and with the header all that a record takes beside its payload", () => {
    expect(layout.TRAILER_BYTES).toBe(8);
    expect(layout.TRAILER_CRC_AT + 4).toBe(layout.TRAILER_BYTES);
    expect(layout.RECORD_EXTRA_BYTES).toBe(layout.RECORD_HEADER_BYTES + layout.TRAILER_BYTES);
  });

  it("fills an index page exactly with distances of four bytes", () => {
    expect(layout.PAGE_DISTANCES_AT + 4 * layout.PAGE_ENTRIES).toBe(layout.PAGE_BYTES);
  });

  it("ends the genesis where the salt begins", () => {
    expect(layout.GENESIS_BYTES).toBe(layout.SEGMENT_SALT_AT);
  });

  it("keeps every distance within a segment in four bytes and every segment within a signed one", () => {
    expect(layout.SEGMENT_MAX_BYTES).toBe(2 ** 31 - 1);
  });

  it("aligns 64-bit fields to 8 bytes", () => {
    for (const name of [
      "SEGMENT_FIRST_OFFSET_AT",
      "SEGMENT_CREATED_AT",
      "RECORD_OFFSET_AT",
      "RECORD_TIMESTAMP_AT",
      "PAGE_POSITION_AT",
      "PAGE_OFFSET_AT",
      "PAGE_TIMESTAMP_AT",
    ]) {
      expect((constants[name] ?? 1) % 8, name).toBe(0);
    }
  });
});
