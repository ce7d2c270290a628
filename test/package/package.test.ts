// What is published, as its users have it: packed, unpacked into a folder of its own, and used from there by name.
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TemporaryFolder, temporaryFolder } from "../contract/current-runtime.ts";

interface InstalledRuntime {
  readonly name: "node" | "deno" | "bun";
  readonly version: string;
  readonly binary: string;
  readonly args: readonly string[];
}

interface Manifest {
  readonly version: string;
  readonly dependencies: { readonly [name: string]: string };
  readonly bin: { readonly diatreme: string };
}

const root = new URL("../../", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as Manifest;
const execute = promisify(execFile);

// Imported by an address that the compiler does not follow.
const { findRuntimes } = (await import(new URL("scripts/runtimes.mjs", root).href)) as {
  findRuntimes(): InstalledRuntime[];
};

const reason = obstacle();

/** Why these tests cannot run now; `null` when they can. They run in all runtimes, so one run of them is enough. */
function obstacle(): string | null {
  const expected = process.env["DIATREME_EXPECT_RUNTIME"];
  if (expected !== undefined) return expected === "node 24" ? null : "runs once, on node 24";
  return existsSync(new URL("dist/adapters/entry-node.js", root)) ? null : "there is no dist: npm run build";
}

const PROGRAM = `
import { openLog } from "diatreme";
import { memoryRuntime, openLogOn } from "diatreme/testing";

const [folder, readOnly] = process.argv.slice(2);
const log = await openLog(folder, readOnly === undefined ? {} : { readOnly: true });
const orders = log.stream("orders");
if (readOnly === undefined) await orders.append([{ item: "pen" }, "ink"]);
let records = 0;
for await (const record of orders.read()) records += record.payload.length > 0 ? 1 : 0;
const { ok } = await orders.verify();
await log.close();

const inMemory = await openLogOn(memoryRuntime({ seed: 1 }).runtime, "/log");
await inMemory.stream("orders").append("paper");
await inMemory.close();
console.log(ok, records);
`;

const REQUIRING = `
const { openLog } = require("diatreme");
openLog(process.argv[2]).then(async (log) => {
  const { nextOffset } = await log.stream("orders").append("pen");
  await log.close();
  console.log(nextOffset);
});
`;

// Verifies by threads, whose program must be found where the package is installed.
const THREADS = `
import { openLog } from "diatreme";
const log = await openLog(process.argv[2], { sync: "onFlush" });
const orders = log.stream("orders");
for (let i = 0; i < 20; i++) await orders.append(Array.from({ length: 500 }, (_, at) => "order " + i + "." + at));
await log.flush();
const { ok, records, work } = await orders.verify({ jobs: 2, rangeBytes: 20_000 });
console.log(ok, records, work.threads, work.notes.length);
await log.close();
`;

const KILLED = `
import { openLog } from "diatreme";
const log = await openLog(process.argv[2]);
await log.stream("orders").append("pen");
process.kill(process.pid, "SIGKILL");
`;

const CONSUMER = `
import { type AppendResult, CorruptionError, type Log, openLog, type VerifyReport } from "diatreme";
import { memoryRuntime, openLogOn } from "diatreme/testing";

export async function use(folder: string): Promise<number> {
  const log: Log = await openLog(folder, { sync: "everyBatch" });
  const result: AppendResult = await log.stream("orders").append([{ item: "pen", count: 2 }, new Uint8Array(3)]);
  for await (const record of log.stream("orders").read({ from: 0 })) record.payload.byteLength.toFixed();
  const report: VerifyReport = await log.stream("orders").verify();
  // @ts-expect-error: an offset is a number
  const wrong: string = result.nextOffset;
  await log.close();
  await (await openLogOn(memoryRuntime({ seed: 1 }).runtime, "/log")).close();
  return report.ok ? wrong.length : 0;
}

export function isDamage(error: unknown): boolean {
  return error instanceof CorruptionError && error.code === "RECORD_CRC_MISMATCH";
}
`;

describe.skipIf(reason !== null)(`the package${reason === null ? "" : ` (skipped: ${reason})`}`, () => {
  const found = reason === null ? findRuntimes() : [];
  const runtimes = found.map((runtime) => ({ ...runtime, title: `${runtime.name} ${runtime.version}` }));
  const nodes = runtimes.filter(({ name }) => name === "node");
  const deno = runtimes.find(({ name }) => name === "deno");
  let work: TemporaryFolder;
  let logs = 0;

  beforeAll(async () => {
    work = temporaryFolder();
    const modules = `${work.path}/node_modules`;
    mkdirSync(modules);
    const tarball = await pack(work.path);
    await execute("tar", ["-xzf", tarball], { cwd: work.path });
    cpSync(`${work.path}/package`, `${modules}/diatreme`, { recursive: true });
    for (const name of Object.keys(manifest.dependencies)) {
      cpSync(new URL(`node_modules/${name}`, root), `${modules}/${name}`, { recursive: true });
    }
    const files = {
      "package.json": JSON.stringify({ private: true, type: "module", dependencies: { diatreme: manifest.version } }),
      "program.mjs": PROGRAM,
      "requiring.cjs": REQUIRING,
      "killed.mjs": KILLED,
      "threads.mjs": THREADS,
      "consumer.ts": CONSUMER,
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(`${work.path}/${name}`, text);
  });

  afterAll(() => work.remove());

  /** A folder with nothing in it, for a log. */
  function emptyFolder(): string {
    const folder = `${work.path}/logs/${logs++}`;
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  async function run(binary: string, ...args: string[]): Promise<string> {
    const { stdout } = await execute(binary, args, { cwd: work.path, env: { ...process.env, NO_COLOR: "1" } });
    return stdout.trim();
  }

  it.each(runtimes)("verifies by threads on $title", async ({ binary, args }) => {
    expect(await run(binary, ...args, "threads.mjs", `${emptyFolder()}/log`)).toBe("true 10000 2 0");
  });

  it.each(runtimes)("works by its name on $title", async ({ binary, args }) => {
    const folder = `${emptyFolder()}/log`;
    expect(await run(binary, ...args, "program.mjs", folder)).toBe("true 2");
    expect(await run(binary, ...args, "program.mjs", folder)).toBe("true 4");
  });

  it.each(nodes)("can be required on $title", async ({ binary, args }) => {
    expect(await run(binary, ...args, "requiring.cjs", `${emptyFolder()}/log`)).toBe("1");
  });

  it.each(runtimes)("has a program that tells its version on $title", async ({ binary, args }) => {
    const program = `node_modules/diatreme/${manifest.bin.diatreme}`;
    expect(readFileSync(`${work.path}/${program}`, "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
    expect(await run(binary, ...args, program, "--version")).toBe(manifest.version);
  });

  it.each([
    ["nodenext", "of the DOM"],
    ["bundler", "of the DOM"],
    ["nodenext", "of Node"],
  ])("has types that compile strictly by %s, with those %s alone", async (how, whose) => {
    const options = {
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
      target: "es2022",
      lib: whose === "of Node" ? ["es2022", "esnext.disposable"] : ["es2022", "dom"],
      module: how === "bundler" ? "esnext" : how,
      moduleResolution: how,
      ...(whose === "of Node"
        ? { types: ["node"], typeRoots: [`${root.pathname}node_modules/@types`] }
        : { types: [] }),
    };
    const config = `tsconfig.${how}.json`;
    writeFileSync(`${work.path}/${config}`, JSON.stringify({ compilerOptions: options, files: ["consumer.ts"] }));
    const compiler = new URL("node_modules/typescript/bin/tsc", root).pathname;
    // The compiler tells what is wrong on standard output.
    const told = await run(process.execPath, compiler, "-p", config).catch((error: { stdout: string }) => error.stdout);
    expect(told).toBe("");
  });

  it("has a source for each source map", () => {
    const folder = `${work.path}/node_modules/diatreme/dist/adapters`;
    const maps = readdirSync(folder).filter((name) => name.endsWith(".js.map"));
    const sources = maps.flatMap((name) => {
      const map = JSON.parse(readFileSync(`${folder}/${name}`, "utf8")) as { sources: string[] };
      return map.sources.map((source) => fileURLToPath(new URL(source, `file://${folder}/`)));
    });
    expect(sources.some((path) => path.endsWith("/src/log/open.ts"))).toBe(true);
    expect(sources.filter((path) => !existsSync(path))).toEqual([]);
  });

  // Bundling renames what has the name of something else.
  it("exports classes under their own names, which errors show", async () => {
    const entry = (await import(`${work.path}/node_modules/diatreme/dist/adapters/entry-memory.js`)) as object;
    const classes = Object.entries(entry).filter(([name, value]) => typeof value === "function" && /^[A-Z]/.test(name));
    expect(classes.map(([name]) => name)).toEqual(expect.arrayContaining(["StorageError", "CorruptionError", "Log"]));
    expect(classes.filter(([name, { name: own }]) => own !== name)).toEqual([]);
  });

  // For a page that checks exports, say: the log, its files and threads stay away.
  it("lets a bundler leave out what is not used", async () => {
    const bun = runtimes.find(({ name }) => name === "bun") as InstalledRuntime;
    const sizeOf = async (name: string): Promise<number> => {
      writeFileSync(`${work.path}/only.mjs`, `export { ${name} } from "diatreme";`);
      return (await run(bun.binary, "build", "only.mjs", "--target=node", "--minify")).length;
    };
    expect(await sizeOf("verifyExport")).toBeLessThan((await sizeOf("openLog")) / 4);
  });

  // What a user of Deno has to permit, and no more.
  describe("on Deno", () => {
    const denoBinary = deno?.binary ?? "";
    const withPermissions = (permissions: readonly string[], ...args: string[]) =>
      run(denoBinary, "run", "--no-prompt", ...permissions, ...args);

    it("makes a log with read and write permission for the folder around it, and nothing more", async () => {
      const folder = emptyFolder();
      const around = [`--allow-read=${folder}`, `--allow-write=${folder}`];
      expect(await withPermissions(around, "program.mjs", `${folder}/log`)).toBe("true 2");
    });

    it("continues a log with read and write permission for its own folder, and reads it with read permission", async () => {
      const folder = `${emptyFolder()}/log`;
      await withPermissions(["-A"], "program.mjs", folder);
      const own = [`--allow-read=${folder}`, `--allow-write=${folder}`];
      expect(await withPermissions(own, "program.mjs", folder)).toBe("true 4");
      expect(await withPermissions([`--allow-read=${folder}`], "program.mjs", folder, "readOnly")).toBe("true 4");
    });

    it("takes over from a writer that was killed if both may name the host and look for processes", async () => {
      const folder = `${emptyFolder()}/log`;
      await withPermissions(["-A"], "program.mjs", folder);
      const own = [`--allow-read=${folder}`, `--allow-write=${folder}`];
      const processes = ["--allow-sys=hostname", "--allow-run"];
      await expect(withPermissions([...own, ...processes], "killed.mjs", folder)).rejects.toThrow();
      await expect(withPermissions(own, "program.mjs", folder)).rejects.toThrow(/is being written by process/);
      expect(await withPermissions([...own, ...processes], "program.mjs", folder)).toBe("true 5");
    });
  });
});

/** Without the scripts of the package, which would build it again under the feet of other tests. */
async function pack(folder: string): Promise<string> {
  const args = ["pack", "--ignore-scripts", "--json", "--pack-destination", folder];
  const npm = process.env["npm_execpath"];
  const [binary, before] = npm === undefined ? ["npm", []] : [process.execPath, [npm]];
  const { stdout } = await execute(binary, [...before, ...args], { cwd: new URL(root), maxBuffer: 1 << 24 });
  const [packed] = JSON.parse(stdout) as [{ filename: string }];
  return `${folder}/${packed.filename}`;
}
