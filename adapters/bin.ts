#!/usr/bin/env node
// The program `diatreme`, on whichever runtime runs it.

import { main } from "../src/cli/main.ts";
import type { Runtime } from "../src/runtime.ts";
import { processTerminal } from "./terminal.ts";

async function chooseRuntime(): Promise<Runtime> {
  if ("Deno" in globalThis) return (await import("./deno.ts")).denoRuntime();
  if ("Bun" in globalThis) return (await import("./bun.ts")).bunRuntime();
  return (await import("./node.ts")).nodeRuntime();
}

const status = await main(processTerminal(), await chooseRuntime());
// All output is taken by now. A read of standard input that was given up would keep the process alive.
process.exit(status);
