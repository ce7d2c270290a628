// The rooms and who may enter them (docs/architecture.md), read from the imports and words of the sources.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, it } from "vitest";
import { argumentsToRun, temporaryFolder } from "./contract/current-runtime.ts";
import {
  type Edge,
  edgesOf,
  exists,
  findCycles,
  findUnreached,
  readTree,
  rootPath,
  type Tree,
  withoutComments,
} from "./import-graph.ts";

const GENERATED = "src/wasm/core.wasm.ts";
const tree = readTree(["src", "adapters", "assembly", "examples"], GENERATED);
const manifest = JSON.parse(readFileSync(rootPath("package.json"), "utf8")) as {
  exports: { readonly [path: string]: string | { readonly [condition: string]: string } };
  bin: { readonly [name: string]: string };
};

// What a file of src may import: only from rows above its own, and from its own room. A cycle is refused whatever the rows.
const FLOORS = [
  ["src/printable.ts", "src/errors.ts", "src/runtime.ts"],
  ["src/format/"],
  ["src/wasm/"],
  ["src/crypto/"],
  // How work is written and waits for syncs, which the rooms that write share.
  ["src/log/segments/sync-steps.ts", "src/log/segments/write-whole.ts"],
  ["src/keys/"],
  ["src/log/segments/"],
  ["src/log/writing/"],
  ["src/log/reading/"],
  ["src/log/recovery/"],
  ["src/log/verification/"],
  ["src/log/export/"],
  ["src/log/"],
  ["src/log/repair/"],
  ["src/index.ts", "src/cli/"],
];

// What the rooms of the log share, although it stands beside them.
const SHARED_BY_LOG_ROOMS = new Set(
  ["options.ts", "call-options.ts", "pace.ts", "lock.ts"].map((file) => `src/log/${file}`),
);

// What stands in for a power that a runtime may lack, by packages.
const PORTABLE = new Set([
  "adapters/portable-aead.ts",
  "adapters/portable-passphrases.ts",
  "adapters/portable-signatures.ts",
]);

/** Why an import may not be, or `null`. */
function objection({ source, target }: Edge): string | null {
  const isPackage =
    !tree.has(target) && !target.includes("/..") && !/^(src|adapters|assembly|examples|test|bench)\//.test(target);
  switch (source.split("/")[0]) {
    case "assembly":
      return target.startsWith("assembly/") ? null : "the core knows only itself";
    case "src":
      if (isPackage) return target === "commander" && source.startsWith("src/cli/") ? null : "src knows no package";
      if (target === "assembly/layout.ts" || target === "assembly/control.ts") return null;
      if (!target.startsWith("src/")) return "src knows nothing above it, and of the core only its numbers";
      return isBelow(source, target) ? null : "that room is above";
    case "adapters":
      if (isPackage) {
        const may = target.startsWith("node:") || (/^(@noble\/|hash-wasm$)/.test(target) && PORTABLE.has(source));
        return may ? null : "an adapter needs no package";
      }
      if (target.startsWith("adapters/")) return null;
      if (target === "src/runtime.ts" || target === "src/errors.ts") return null;
      return target.startsWith("src/") && knowsTheLog(source) ? null : "an implementation of Runtime knows no log";
    default:
      if (isPackage) return null;
      return target.startsWith("examples/") ? null : "an example uses the package by its name";
  }
}

/** The row of the innermost room that a file is in; -1: in none. */
function floorOf(file: string): number {
  const rooms = FLOORS.flat().filter((room) => file.startsWith(room));
  const innermost = rooms.reduce((best, room) => (room.length > best.length ? room : best), "");
  return FLOORS.findIndex((floor) => floor.includes(innermost));
}

function isBelow(source: string, target: string): boolean {
  if (source.startsWith("src/log/") && SHARED_BY_LOG_ROOMS.has(target)) return true;
  const [from, to] = [floorOf(source), floorOf(target)];
  if (from !== to) return to < from;
  return source.split("/")[1] === target.split("/")[1] || from === 0;
}

/** Files of adapters that join the log to a runtime or serve its program. */
function knowsTheLog(file: string): boolean {
  return /^adapters\/(entry-.*|bin|terminal.*)\.ts$/.test(file);
}

/** The source files that package.json points at. */
function packageEntries(): string[] {
  const conditions = Object.values(manifest.exports).flatMap((entry) =>
    typeof entry === "string" ? [] : Object.values(entry),
  );
  const files = [...conditions, ...Object.values(manifest.bin)].map((path) => path.replace("./dist/", ""));
  return [...new Set(files.map((file) => file.replace(/(\.d\.ts|\.js)$/, ".ts")))];
}

function filesOf(...folders: string[]): [string, string][] {
  return [...tree].filter(([file]) => folders.some((folder) => file.startsWith(`${folder}/`)));
}

/** `file: word` for each of the words that the code of a file has outside comments. */
function wordsIn(files: Iterable<readonly [string, string]>, words: RegExp): string[] {
  return [...files].flatMap(([file, text]) =>
    [...withoutComments(text).matchAll(words)].map(([word]) => `${file}: ${word}`),
  );
}

const RUNTIME_WORDS = /\bDeno\b|\bBun\b|\bprocess\.|\bnode:|\bglobalThis as any\b/g;
// `Record<` is TypeScript's.
const LOG_WORDS = /records?(?!<)|segment|chain|checkpoint/gi;

describe("imports", () => {
  it("go only downwards", () => {
    const upward = edgesOf(tree).flatMap((edge) => {
      const reason = objection(edge);
      return reason === null ? [] : [`${edge.source} imports ${edge.target}: ${reason}`];
    });
    expect(upward).toEqual([]);
  });

  it("lead to files that are there", () => {
    const missing = edgesOf(tree).filter(({ target }) => /^[a-z]+\//.test(target) && !target.startsWith("node:"));
    expect(missing.filter(({ target }) => !tree.has(target))).toEqual([]);
  });

  // Types may know one another: they are erased, and two files that describe each other's shapes load in any order.
  it("have no cycle that is there when the code runs", () => {
    expect(findCycles(edgesOf(tree).filter(({ isTypeOnly }) => !isTypeOnly))).toEqual([]);
  });

  it("reach each file of src and adapters from what package.json exports", () => {
    // Declared, not imported.
    const declarations = "src/globals.d.ts";
    expect(findUnreached(new Map(filesOf("src", "adapters")), packageEntries())).toEqual([declarations]);
  });

  it("reach each file of assembly from what the core exports, and each example from one that can be run", () => {
    expect(findUnreached(new Map(filesOf("assembly")), ["assembly/index.ts"])).toEqual([]);
    expect(findUnreached(new Map(filesOf("examples")), ["examples/bill-of-materials.ts"])).toEqual([]);
  });
});

describe("words", () => {
  it("of a runtime are not in src", () => {
    expect(wordsIn(filesOf("src"), RUNTIME_WORDS)).toEqual([]);
  });

  it("of the log are not in the implementations of Runtime", () => {
    expect(
      wordsIn(
        filesOf("adapters").filter(([file]) => !knowsTheLog(file)),
        LOG_WORDS,
      ),
    ).toEqual([]);
  });

  it("only src/wasm touches WebAssembly", () => {
    const others = [...tree].filter(([file]) => !file.startsWith("src/wasm/") && file !== "src/globals.d.ts");
    expect(wordsIn(others, /\bWebAssembly\s*[.[;]/g)).toEqual([]);
  });

  it("no file is called utils, helpers, common or misc", () => {
    const files = [...tree.keys(), ...readdirSync(rootPath("test"), { recursive: true, encoding: "utf8" })];
    expect(files.filter((file) => /^(utils?|helpers?|common|misc)\b/.test(basename(file)))).toEqual([]);
  });
});

describe("the rules above", () => {
  const planted = (source: string, text: string): Tree =>
    new Map([...tree, [source, `${text}\n${tree.get(source) ?? ""}`]]);
  const objections = (source: string, text: string) =>
    edgesOf(planted(source, text))
      .map(objection)
      .filter((reason) => reason !== null);

  it.each([
    ["src/format/hex.ts", 'import { openLogOn } from "../log/open.ts";'],
    ["src/wasm/core.ts", 'export * from "../log/reading/record.ts";'],
    ["src/log/segments/segment.ts", 'import { StreamWriter } from "../writing/writer.ts";'],
    ["src/log/reading/scan.ts", 'import { verifyStream } from "../verification/verify.ts";'],
    ["src/log/writing/stage.ts", 'import type { Stream } from "../stream.ts";'],
    ["src/log/stream.ts", 'import { repairLogOn } from "./repair/repair.ts";'],
    ["src/log/open.ts", 'import type { Terminal } from "../cli/terminal.ts";'],
    ["src/log/open.ts", 'import { openLogOn } from "../index.ts";'],
    ["src/log/open.ts", 'import { nodeRuntime } from "../../adapters/node.ts";'],
    ["src/log/open.ts", 'import { readFileSync } from "node:fs";'],
    ["src/log/open.ts", 'const { Command } = await import("commander");'],
    ["src/wasm/core.ts", 'import { CONTROL } from "../../assembly/memory.ts";'],
    ["adapters/node-fs.ts", 'import { toHex } from "../src/format/hex.ts";'],
    ["adapters/node.ts", 'import {\n  type Log,\n  openLogOn,\n} from "../src/index.ts";'],
    ["adapters/node.ts", 'import "commander";'],
    ["adapters/node.ts", 'import { ed25519 } from "@noble/curves/ed25519.js";'],
    ["assembly/crc32.ts", 'import { toHex } from "../src/format/hex";'],
    ["examples/page.ts", 'import { toHex } from "../src/format/hex.ts";'],
  ])("object when %s has %s", (source, text) => {
    expect(objections(source, text)).toHaveLength(1);
  });

  it("see a cycle through values and not one through types", () => {
    const edges = (first: string, second: string) =>
      edgesOf(
        new Map([
          ["a/x.ts", first],
          ["a/y.ts", second],
          ["a/z.ts", 'export { x } from "./x.ts";'],
        ]),
      );
    const values = edges('import { y } from "./y.ts";', 'import { type Z, z } from "./z.ts";');
    expect(findCycles(values)).toEqual([["a/x.ts", "a/y.ts", "a/z.ts", "a/x.ts"]]);
    const types = edges('import { y } from "./y.ts";', 'import type { Z } from "./z.ts";');
    expect(findCycles(types.filter(({ isTypeOnly }) => !isTypeOnly))).toEqual([]);
    // Kept by the compiler as an import without names.
    const named = edges('import { y } from "./y.ts";', 'import { type Z } from "./z.ts";');
    expect(findCycles(named.filter(({ isTypeOnly }) => !isTypeOnly))).toHaveLength(1);
  });

  it("see a file that nothing reaches", () => {
    expect(
      findUnreached(
        new Map([
          ["src/index.ts", ""],
          ["src/left.ts", 'import "./index.ts";'],
        ]),
        ["src/index.ts"],
      ),
    ).toEqual(["src/left.ts"]);
  });

  it("see words in code and strings, not in comments", () => {
    const text =
      '// Deno\nconst url = "https://x"; /* Bun */ const name = "node:fs"; // process.exit\nprocess.exit(1);';
    expect(wordsIn([["x.ts", text]], RUNTIME_WORDS)).toEqual(["x.ts: node:", "x.ts: process."]);
    expect(
      wordsIn([["x.ts", "type A = Record<string, number>; const segmentBytes = 1, aRecord = 2;"]], LOG_WORDS),
    ).toEqual(["x.ts: segment", "x.ts: Record"]);
  });
});

// The same for every runtime, and slow.
const isChosen = (process.env["DIATREME_EXPECT_RUNTIME"] ?? "node 24") === "node 24";

describe("the compiled core", () => {
  const binary = () => new Uint8Array(readFileSync(rootPath("build/core.wasm")));

  it("imports nothing and exports functions and its memory only", () => {
    const module = new WebAssembly.Module(binary());
    expect(WebAssembly.Module.imports(module)).toEqual([]);
    const exported = WebAssembly.Module.exports(module);
    expect(exported.filter(({ kind }) => kind !== "function")).toEqual([{ name: "memory", kind: "memory" }]);
    const names = withoutComments(tree.get("assembly/index.ts") ?? "").matchAll(/export \{([^}]*)\}/g);
    const declared = [...names].flatMap(([, list]) =>
      (list as string)
        .split(",")
        .map((name) => name.trim())
        .filter((name) => name !== ""),
    );
    expect(exported.map(({ name }) => name).sort()).toEqual([...declared, "memory"].sort());
  });

  it("is in the package as it was built", () => {
    const text = readFileSync(rootPath(GENERATED), "utf8");
    expect(/"([^"]*)"/.exec(text)?.[1]).toBe(Buffer.from(binary()).toString("base64"));
  });

  it.skipIf(!isChosen)("is the same, byte for byte, whenever it is built from the same source", () => {
    const folder = temporaryFolder();
    const compiler = rootPath("node_modules/assemblyscript/bin/asc.js");
    try {
      const target = `${folder.path}/core.wasm`;
      const args = argumentsToRun(compiler, "--target", "release", "--outFile", target);
      execFileSync(process.execPath, args, { cwd: rootPath(".") });
      const made = Buffer.from(binary()).toString("base64");
      expect(readFileSync(target).toString("base64"), "not the same, or assembly has changed: npm run build").toBe(
        made,
      );
    } finally {
      folder.remove();
    }
  });
});

describe("the documentation", () => {
  it("is all linked from README.md", () => {
    const readme = readFileSync(rootPath("README.md"), "utf8");
    const pages = readdirSync(rootPath("docs")).filter((file) => file.endsWith(".md"));
    expect(pages.filter((page) => !readme.includes(`(docs/${page}`))).toEqual([]);
  });

  it("links only to files that are there", () => {
    const pages = ["README.md", "CHANGELOG.md", ...readdirSync(rootPath("docs")).map((file) => `docs/${file}`)];
    const broken = pages
      .filter((page) => page.endsWith(".md"))
      .flatMap((page) => {
        const base = page.startsWith("docs/") ? "docs/" : "";
        const links = [...readFileSync(rootPath(page), "utf8").matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)];
        return links.filter(([, link]) => !exists(`${base}${link}`)).map(([, link]) => `${page}: ${link}`);
      });
    expect(broken).toEqual([]);
  });
});
