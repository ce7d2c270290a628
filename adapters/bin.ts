#!/usr/bin/env node
// The program `diatreme`, on whichever runtime runs it.

import { main } from "../src/cli/main.ts";
import type { Library } from "../src/cli/terminal.ts";
import { processTerminal } from "./terminal.ts";

async function chooseLibrary(): Promise<Library> {
  if ("Deno" in globalThis) return await import("./entry-deno.ts");
  if ("Bun" in globalThis) return await import("./entry-bun.ts");
  return await import("./entry-node.ts");
}

const { openLog, repairLog } = await chooseLibrary();
const status = await main(processTerminal(), { openLog, repairLog });
// All output is taken by now. A read of standard input that was given up would keep the process alive.
process.exit(status);
