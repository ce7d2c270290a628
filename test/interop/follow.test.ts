// A follower in this process, a writer in another, perhaps of another runtime: the built package writes.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openLogOn, type SyncPolicy } from "../../src/index.ts";
import { currentRuntime, temporaryFolder } from "../contract/current-runtime.ts";
import { entryUrl, mixesRuntimes, OTHER_RUNTIMES, THIS_RUNTIME } from "./installed-runtimes.ts";

const script = fileURLToPath(new URL("append-numbers.mjs", import.meta.url));
const COUNT = 3000;

const writers = [THIS_RUNTIME, ...(mixesRuntimes ? OTHER_RUNTIMES : [])].filter(({ binary }) => binary !== undefined);

const POLICIES: readonly SyncPolicy[] = ["everyBatch", "onFlush", { groupCommit: { maxDelayMs: 2 } }];

describe.each(writers)("follow() beside a writer in $name", ({ binary, before, entry }) => {
  it.each(POLICIES)("under %j shows every record once, in order, across segments", async (sync) => {
    const work = temporaryFolder();
    const folder = `${work.path}/log`;
    const runtime = currentRuntime();
    const made = await openLogOn(runtime, folder);
    await made.stream("numbers").head();
    await made.close();
    const log = await openLogOn(runtime, folder, { readOnly: true });
    try {
      const args = [...before, script, entryUrl(entry), folder, String(COUNT), JSON.stringify(sync)];
      const child = spawn(binary as string, args);
      const ended = once(child, "close");
      let next = 0;
      for await (const record of log.stream("numbers").follow()) {
        expect([record.offset, record.text()]).toEqual([next, String(next)]);
        next++;
        if (next === COUNT) break;
      }
      expect((await ended)[0]).toBe(0);
      expect((await log.stream("numbers").inspect()).segments.length).toBeGreaterThan(5);
    } finally {
      await log.close();
      work.remove();
    }
  });
});
