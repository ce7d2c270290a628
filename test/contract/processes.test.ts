// The processes: this runtime's and those in memory.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { describe, expect, it, onTestFinished } from "vitest";
import { memoryRuntime } from "../../adapters/memory.ts";
import { nodeProcesses } from "../../adapters/node-processes.ts";
import { currentRuntime, runtimeName } from "./current-runtime.ts";
import { processesContract } from "./processes-contract.ts";

const isLinux = process.platform === "linux";

processesContract(runtimeName, async () => {
  const { processes } = currentRuntime();
  const child = spawn("cat");
  await once(child, "spawn");
  const pid = child.pid ?? 0;
  const end = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  return { processes, other: { ...processes.self(), pid, started: startOf(pid) }, end };
});

processesContract("memory", async () => {
  const { runtime, disk } = memoryRuntime({ seed: 1 });
  const other = disk.runtime({ pid: 2 }).processes.self();
  return { processes: runtime.processes, other, end: async () => disk.kill(2) };
});

describe(`processes of ${runtimeName}`, () => {
  const { processes } = currentRuntime();

  it("have this process's number", () => {
    expect(processes.self().pid).toBe(process.pid);
  });

  it.runIf(isLinux)("tell start and boot on Linux", () => {
    expect(processes.self().started).toBe(startOf(process.pid));
    expect(processes.self().boot).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("cannot tell of numbers that no process has", () => {
    for (const pid of [0, -1, 1.5, Number.NaN, 2 ** 60]) {
      expect(processes.isAlive({ ...processes.self(), pid, started: "" })).toBeNull();
    }
  });

  it("know that a number beyond all that systems give is not in use", () => {
    expect(processes.isAlive({ ...processes.self(), pid: 2 ** 31 - 1, started: "" })).toBe(false);
  });

  it.runIf(isLinux)("count a process as gone that only waits for its parent to ask how it ended", async () => {
    // The child ends only when its shell has turned into cat, which never asks.
    const untilParentIsCat = "until read name < /proc/$PPID/comm && [ $name = cat ]; do :; done";
    const parent = spawn("sh", ["-c", `sh -c '${untilParentIsCat}' & echo $!; exec cat`]);
    onTestFinished(() => void parent.kill("SIGKILL"));
    const [line] = await once(createInterface({ input: parent.stdout }), "line");
    const zombie = { ...processes.self(), pid: Number(line), started: "" };
    while (stateOf(zombie.pid) !== "Z") await currentRuntime().clock.pause();
    expect(processes.isAlive(zombie)).toBe(false);
  });

  it("without any permission know their number, and can tell of no one", () => {
    const refused = { mayReadFile: () => false, mayNameHost: () => false, maySignal: () => false };
    const blind = nodeProcesses(refused);
    expect(blind.self()).toEqual({ pid: process.pid, started: "", boot: "", host: "" });
    expect(blind.isAlive(processes.self())).toBeNull();
    expect(blind.isAlive(blind.self())).toBeNull();
  });

  it("without /proc go by signals, and without those cannot tell of others", async () => {
    const child = spawn("cat");
    onTestFinished(() => void child.kill("SIGKILL"));
    await once(child, "spawn");
    const other = { ...processes.self(), pid: child.pid ?? 0, started: "" };
    const permissions = { mayReadFile: () => false, mayNameHost: () => true };
    const signalling = nodeProcesses({ ...permissions, maySignal: () => true });
    const mute = nodeProcesses({ ...permissions, maySignal: () => false });
    expect(signalling.isAlive(other)).toBe(true);
    expect(signalling.isAlive({ ...other, pid: 2 ** 31 - 1 })).toBe(false);
    expect(mute.isAlive(other)).toBeNull();
    expect(mute.isAlive(mute.self())).toBe(true);
  });
});

describe("processes of memory", () => {
  it("give a number that became free to a process with another start", () => {
    const { disk } = memoryRuntime({ seed: 1 });
    const first = disk.runtime({ pid: 2 }).processes.self();
    disk.kill(2);
    const again = disk.runtime({ pid: 2 });
    expect(again.processes.isAlive(first)).toBe(false);
    expect(disk.alive).toEqual([1, 2]);
  });

  it("are all gone after a crash", () => {
    const { runtime, disk } = memoryRuntime({ seed: 1 });
    const before = runtime.processes.self();
    const after = disk.crash();
    expect(after.alive).toEqual([]);
    expect(after.runtime().processes.isAlive(before)).toBe(false);
  });
});

/** Field 22 of /proc/pid/stat; empty elsewhere than on Linux. */
function startOf(pid: number): string {
  return isLinux ? (statFields(pid)[19] ?? "") : "";
}

function stateOf(pid: number): string | undefined {
  return statFields(pid)[0];
}

function statFields(pid: number): string[] {
  return readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.split(" ") ?? [];
}
