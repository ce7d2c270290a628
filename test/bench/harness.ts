// The benchmarks' harness, which is plain JavaScript, with types for the test beside this file.

import type { Log, OpenOptions } from "../../src/index.ts";

export interface Library {
  readonly name: string;
  readonly openLog: (directory: string, options?: OpenOptions) => Promise<Log>;
  readonly entry: string | null;
}

export interface Environment {
  readonly libraries: readonly Library[];
  readonly effort: "full" | "quick" | "tiny";
  readonly rounds: { readonly rounds?: number };
  readonly directory: string;
  readonly execute: { readonly path: string; readonly args: readonly string[] };
  readonly progress: (text: string) => void;
}

export interface Ratio {
  readonly median: number;
  readonly least: number;
  readonly greatest: number;
}

export interface Cell {
  readonly contender: string;
  readonly value: number;
  /** How many times as good the row's first contender is; `null` for the first itself. */
  readonly ratio: Ratio | null;
}

export interface Row {
  readonly name: string;
  readonly unit: string;
  readonly cells: readonly Cell[];
  /** What all contenders have stored; `null` where nothing is. */
  readonly digest: string | null;
}

export interface Suite {
  readonly name: string;
  readonly title: string;
  readonly sync: string;
  /** It imports parts of the library by their addresses. */
  readonly importsModules?: boolean;
  /** `false` where the contenders do not store the same. */
  readonly sameWork?: boolean;
  run(environment: Environment): Promise<Row[]>;
}

export interface Results {
  readonly measured: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGiB: number;
    readonly kernel: string;
    readonly fileSystem: string;
  };
  readonly seed: number;
  readonly effort: string;
  readonly rounds: number | null;
  readonly runtimes: Readonly<Record<string, string>>;
  readonly suites: readonly {
    readonly name: string;
    readonly title: string;
    readonly sync: string;
    /** By runtime. */
    readonly rows: Readonly<Record<string, readonly Row[]>>;
  }[];
}

export interface Entered {
  readonly name: string;
  readonly folder: string;
  readonly contender: {
    payloads(folder: string): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  };
}

// Imported by addresses that the compiler does not follow.
async function harness<T>(file: string): Promise<T> {
  return import(new URL(`../../bench/${file}`, import.meta.url).href) as Promise<T>;
}

export const { suites } = await harness<{ suites: readonly Suite[] }>("suites.mjs");

export const { commonDigest } = await harness<{ commonDigest: (entered: readonly Entered[]) => Promise<string> }>(
  "common-digest.mjs",
);

export const { renderText } = await harness<{ renderText: (results: Results) => string }>("report-text.mjs");

export const { renderHtml } = await harness<{ renderHtml: (results: Results) => string }>("report-html.mjs");
