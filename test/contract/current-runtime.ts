// The adapter of the runtime that these tests really run in.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { bunRuntime } from "../../adapters/bun.ts";
import { denoRuntime } from "../../adapters/deno.ts";
import { nodeRuntime } from "../../adapters/node.ts";
import type { Runtime } from "../../src/runtime.ts";

export type RuntimeName = "node" | "deno" | "bun";

/** Which runtime this is, by what only it has. Bun and Deno both also say that they are Node. */
export const runtimeName: RuntimeName =
  "Deno" in globalThis ? "deno" : process.versions["bun"] === undefined ? "node" : "bun";

const MAKERS: { readonly [N in RuntimeName]: () => Runtime } = {
  node: nodeRuntime,
  deno: denoRuntime,
  bun: bunRuntime,
};

/** A runtime value of the runtime that runs this. */
export function currentRuntime(): Runtime {
  return MAKERS[runtimeName]();
}

/** Whether this runtime loads TypeScript without a build: all but older Node. */
export const loadsTypeScript: boolean = runtimeName !== "node" || Number(process.versions.node.split(".")[0]) >= 24;

/** Whether this is the runtime that does most of what is the same in all of them: the current Node, which is the fastest at it. */
export const doesMost: boolean = runtimeName === "node" && loadsTypeScript;

/**
 * How far apart the cases are that tests on the disk in memory try, and on signatures in plain TypeScript. What the shipping
 * code does there is the same in every runtime, so that each tries some of them, the current Node the most; DIATREME_LONG
 * makes it every one.
 */
export const CASE_STRIDE: number = process.env["DIATREME_LONG"] !== undefined ? 1 : doesMost ? 5 : 17;

/** The arguments with which `process.execPath` runs a file. */
export function argumentsToRun(file: string, ...rest: string[]): string[] {
  return runtimeName === "deno" ? ["run", "-A", file, ...rest] : [file, ...rest];
}

/** Whether permissions do not hold this process back. */
export const isRoot: boolean = process.getuid?.() === 0;

/** A folder for one test. */
export interface TemporaryFolder {
  readonly path: string;
  remove(): void;
}

export function temporaryFolder(): TemporaryFolder {
  const path = mkdtempSync(`${tmpdir()}/diatreme-`).replaceAll("\\", "/");
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Makes a named pipe: something at a path that is neither file, folder nor link. */
export function makePipe(path: string): void {
  execFileSync("mkfifo", [path]);
}
