// The runtimes that are installed beside this one, to run built programs in.
import { existsSync } from "node:fs";
import { arch, platform } from "node:os";
import { fileURLToPath } from "node:url";
import { argumentsToRun, runtimeName } from "../contract/current-runtime.ts";

const root = new URL("../../", import.meta.url);
const machine = `${platform()}-${arch()}`;

export interface InstalledRuntime {
  readonly name: string;
  /** Which of the package's entries is for it. */
  readonly entry: "node" | "deno" | "bun";
  /** Arguments before a program's path. */
  readonly before: readonly string[];
  /** `undefined` when it is not installed. */
  readonly binary: string | undefined;
}

const KNOWN = [
  { name: "the oldest Node", entry: "node", before: [], files: [`node-oldest-${machine}/bin/node`] },
  { name: "the current Node", entry: "node", before: [], files: [`node-current-${machine}/bin/node`] },
  { name: "Deno", entry: "deno", before: ["run", "-A"], files: [`@deno/${machine}-glibc/deno`, "deno/deno"] },
  { name: "Bun", entry: "bun", before: [], files: [`@oven/bun-${machine}/bin/bun`, "bun/bin/bun.exe"] },
] as const;

export const OTHER_RUNTIMES: readonly InstalledRuntime[] = KNOWN.map(({ files, ...other }) => {
  const paths = files.map((file) => fileURLToPath(new URL(`node_modules/${file}`, root)));
  return { ...other, binary: paths.find((path) => existsSync(path)) };
});

/** The runtime that runs this. */
export const THIS_RUNTIME: InstalledRuntime & { readonly binary: string } = {
  name: "this runtime",
  entry: runtimeName,
  before: argumentsToRun("").slice(0, -1),
  binary: process.execPath,
};

/** Whether tests that mix runtimes run here: once for all, and wherever nobody says which runtime is expected. */
export const mixesRuntimes: boolean =
  process.env["DIATREME_EXPECT_RUNTIME"] === undefined || process.env["DIATREME_EXPECT_RUNTIME"] === "node 24";

/** The URL of a built entry of the package. */
export function entryUrl(entry: InstalledRuntime["entry"]): string {
  const url = new URL(`dist/adapters/entry-${entry}.js`, root);
  if (!existsSync(url)) throw new Error(`${url.href} is not there: run npm run build first`);
  return url.href;
}
