// The threads of this runtime.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { memoryRuntime } from "../../adapters/memory.ts";
import { argumentsToRun, currentRuntime, loadsTypeScript, runtimeName } from "./current-runtime.ts";
import { workersContract } from "./workers-contract.ts";

const { workers } = currentRuntime();
if (workers !== null) workersContract(runtimeName, workers);

it("this runtime has threads, and the one in memory has none", () => {
  expect(workers).not.toBeNull();
  expect(memoryRuntime({ seed: 1 }).runtime.workers).toBeNull();
});

// Deno 2.9 resolves terminate() at once, and a busy thread runs on until it next waits for a message.
it.skipIf(runtimeName === "deno")("a thread in an endless loop is gone once stopped", async () => {
  const worker = workers?.start(new URL("./thread.mjs", import.meta.url).href);
  const counter = new Int32Array(new SharedArrayBuffer(4));
  worker?.post({ count: counter.buffer }, []);
  await worker?.receive();
  await worker?.stop();
  const stopped = Atomics.load(counter, 0);
  for (let turn = 0; turn < 100; turn += 1) await currentRuntime().clock.pause();
  expect(Atomics.load(counter, 0)).toBe(stopped);
});

it.runIf(loadsTypeScript)(
  "a program goes on until the thread has ended that it waits for, whatever still arrives",
  () => {
    const program = fileURLToPath(new URL("./stopped-thread.ts", import.meta.url));
    const run = spawnSync(process.execPath, argumentsToRun(program), { encoding: "utf8", timeout: 60_000 });
    expect({ status: run.status, stdout: run.stdout.trim() }).toEqual({ status: 0, stdout: "all stopped" });
  },
);

it.runIf(loadsTypeScript)("an idle thread lets the program end, and one that is waited for does not", () => {
  const program = fileURLToPath(new URL("./idle-thread.ts", import.meta.url));
  const run = spawnSync(process.execPath, argumentsToRun(program), { encoding: "utf8", timeout: 30_000 });
  expect({ status: run.status, stdout: run.stdout.trim() }).toEqual({ status: 0, stdout: "answered" });
});
