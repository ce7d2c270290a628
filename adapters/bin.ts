#!/usr/bin/env node
// The program `diatreme`, on whichever runtime runs it.

import { main } from "../src/cli/main.ts";
import type { OpenLog } from "../src/cli/terminal.ts";
import { processTerminal } from "./terminal.ts";

async function chooseOpenLog(): Promise<OpenLog> {
  if ("Deno" in globalThis) return (await import("./entry-deno.ts")).openLog;
  if ("Bun" in globalThis) return (await import("./entry-bun.ts")).openLog;
  return (await import("./entry-node.ts")).openLog;
}

const status = await main(processTerminal(), await chooseOpenLog());
// All output is taken by now. A read of standard input that was given up would keep the process alive.
process.exit(status);
