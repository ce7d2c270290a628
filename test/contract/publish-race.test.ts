// Four processes that publish the same names at once.

import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";
import { argumentsToRun, loadsTypeScript, temporaryFolder } from "./current-runtime.ts";

const COUNT = 50;

it.runIf(loadsTypeScript)(
  "of four processes that publish a name at once exactly one wins, with whole bytes",
  async () => {
    const folder = temporaryFolder();
    onTestFinished(folder.remove);
    const program = fileURLToPath(new URL("./publish-race.ts", import.meta.url));
    const run = async (): Promise<{ pid: number; won: string[] }> => {
      const args = argumentsToRun(program, folder.path, String(COUNT));
      const { stdout } = await promisify(execFile)(process.execPath, args);
      return JSON.parse(stdout);
    };
    const results = await Promise.all([run(), run(), run(), run()]);
    const winners = results.flatMap(({ pid, won }) => won.map((name) => [name, pid] as const));
    expect(winners.length).toBe(COUNT);
    expect(new Set(winners.map(([name]) => name)).size).toBe(COUNT);
    for (const [name, pid] of winners) {
      expect(readFileSync(`${folder.path}/${name}`, "latin1")).toBe(String(pid).padEnd(5_000));
    }
    expect(readdirSync(folder.path).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  },
);
