// Who gets the lock: one of many, the living before the dead, and never on a guess.
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { keepAll, memoryRuntime } from "../../adapters/memory.ts";
import { openLogOn, type ProcessIdentity, type Runtime, repairLogOn } from "../../src/index.ts";
import { start } from "../cli/run.ts";
import { currentRuntime, temporaryFolder } from "../contract/current-runtime.ts";
import { entryUrl, mixesRuntimes, OTHER_RUNTIMES, THIS_RUNTIME } from "../interop/installed-runtimes.ts";

const CONTENDER = fileURLToPath(new URL("lock-contender.mjs", import.meta.url));

interface Answer {
  readonly self: number;
  readonly won?: boolean;
  readonly nextOffset?: number;
  readonly code?: string;
  readonly pid?: number;
  readonly path?: string;
}

function contenders(directory: string, count: number) {
  const installed = mixesRuntimes ? OTHER_RUNTIMES.filter(({ binary }) => binary !== undefined) : [];
  const runtimes = installed.length > 0 ? installed : [THIS_RUNTIME];
  return Array.from({ length: count }, (_, i) => {
    const { binary = "", before, entry } = runtimes[i % runtimes.length] ?? THIS_RUNTIME;
    const run = start(CONTENDER, [entryUrl(entry), directory], { binary, before });
    onTestFinished(() => void run.child.kill("SIGKILL"));
    const answer = async (): Promise<Answer> => JSON.parse(await run.nextLine()) as Answer;
    return { ...run, answer };
  });
}

describe(`processes of ${mixesRuntimes ? "all runtimes" : "this runtime"} that race to open a log`, () => {
  it("have one winner, whom the others name; killed, it is followed by one of those, each time", async () => {
    const folder = temporaryFolder();
    onTestFinished(folder.remove);
    const directory = `${folder.path}/log`;
    let alive = contenders(directory, 8);
    await Promise.all(alive.map(({ answer }) => answer()));
    const winners: number[] = [];
    while (alive.length > 0) {
      for (const { child } of alive) child.stdin.write(`round ${winners.length}\n`);
      const answers = await Promise.all(alive.map(({ answer }) => answer()));
      const [winner, ...others] = answers.filter(({ won }) => won);
      expect(winner, JSON.stringify(answers)).toBeDefined();
      expect(others).toEqual([]);
      const self = winner?.self as number;
      // Each has appended once: what the killed ones wrote is there.
      expect(winner?.nextOffset).toBe(winners.length + 1);
      winners.push(self);
      for (const { won, code, pid, path } of answers) {
        if (won !== true) expect({ code, pid, path }).toMatchObject({ code: "LOG_LOCKED", pid: self });
      }
      const killed = alive.find(({ child }) => child.pid === self);
      killed?.child.kill("SIGKILL");
      await killed?.ended;
      alive = alive.filter((one) => one !== killed);
    }
    const log = await openLogOn(currentRuntime(), directory);
    const texts = [...log.stream("claims").read()].map((record) => record.text());
    expect(texts).toEqual(winners.map((pid, round) => `${pid} round ${round}`));
    await log.close();
    expect(readdirSync(`${directory}/lock`).filter((name) => !name.endsWith(".free"))).toEqual([]);
  });
});

describe("a claim on disk", () => {
  // A log whose lock is claimed by whom the test says.
  async function claimed(runtime: Runtime, claim: Partial<ProcessIdentity> | string): Promise<[string, string]> {
    const folder = temporaryFolder();
    onTestFinished(folder.remove);
    const directory = `${folder.path}/log`;
    await (await openLogOn(runtime, directory)).close();
    const [free = ""] = readdirSync(`${directory}/lock`);
    rmSync(`${directory}/lock/${free}`);
    const path = `${directory}/lock/00000007`;
    const since = "2026-01-01T00:00:00.000Z";
    writeFileSync(
      path,
      typeof claim === "string" ? claim : `${JSON.stringify({ ...runtime.processes.self(), since, ...claim })}\n`,
    );
    return [directory, path];
  }

  async function expectTakenOver(runtime: Runtime, directory: string): Promise<void> {
    const log = await openLogOn(runtime, directory);
    const [name = ""] = readdirSync(`${directory}/lock`);
    expect(readFileSync(`${directory}/lock/${name}`, "utf8")).toContain(`"pid":${process.pid},`);
    expect(name).toBe("00000008");
    await log.close();
  }

  async function expectRefused(runtime: Runtime, directory: string, path: string, pid: number): Promise<void> {
    const refusal = { code: "LOG_LOCKED", pid, path, message: expect.stringContaining(`remove ${path}.`) };
    await expect(openLogOn(runtime, directory)).rejects.toMatchObject(refusal);
    expect(readdirSync(`${directory}/lock`)).toEqual(["00000007"]);
    // The message's advice works.
    rmSync(path);
    await (await openLogOn(runtime, directory)).close();
  }

  it("of this very process is held: it has the log open already", async () => {
    const runtime = currentRuntime();
    const [directory, path] = await claimed(runtime, {});
    await expectRefused(runtime, directory, path, process.pid);
  });

  it.runIf(process.platform === "linux")("of a number that another process got since is taken over", async () => {
    const runtime = currentRuntime();
    const [directory] = await claimed(runtime, { started: "1" });
    await expectTakenOver(runtime, directory);
  });

  it.runIf(process.platform === "linux")(
    "of another boot of this machine is taken over, whatever runs now",
    async () => {
      const runtime = currentRuntime();
      const [directory] = await claimed(runtime, { boot: "00000000-0000-4000-8000-000000000000" });
      await expectTakenOver(runtime, directory);
    },
  );

  it("of a number that nobody has is taken over", async () => {
    const runtime = currentRuntime();
    const [directory] = await claimed(runtime, { pid: 2 ** 31 - 1 });
    await expectTakenOver(runtime, directory);
  });

  it("of another host is never taken over, though its number is not in use here", async () => {
    const runtime = currentRuntime();
    const [directory, path] = await claimed(runtime, { host: "elsewhere", pid: 2 ** 31 - 1 });
    await expectRefused(runtime, directory, path, 2 ** 31 - 1);
  });

  it("of a host that was not known is never taken over", async () => {
    const runtime = currentRuntime();
    const [directory, path] = await claimed(runtime, { host: "", pid: 2 ** 31 - 1 });
    await expectRefused(runtime, directory, path, 2 ** 31 - 1);
  });

  it.each([
    ["empty", ""],
    ["half", '{"pid":1,"star'],
    ["short of fields", '{"pid":1}'],
    ["of other types", '{"pid":"x","started":"","boot":"","host":"","since":""}'],
    ["zeros", "\0".repeat(90)],
  ])("that makes no sense (%s) was torn by a power loss, and is taken over", async (_, text) => {
    const runtime = currentRuntime();
    const [directory] = await claimed(runtime, text);
    await expectTakenOver(runtime, directory);
  });

  it("behind a link is not looked at: the link is refused, and what it leads to left alone", async () => {
    const runtime = currentRuntime();
    const [directory] = await claimed(runtime, "");
    const elsewhere = temporaryFolder();
    onTestFinished(elsewhere.remove);
    for (const name of ["20240101", "20240102.free"]) writeFileSync(`${elsewhere.path}/${name}`, "not yours");
    rmSync(`${directory}/lock`, { recursive: true });
    symlinkSync(elsewhere.path, `${directory}/lock`);
    await expect(openLogOn(runtime, directory)).rejects.toMatchObject({ code: "FILE_NOT_REGULAR" });
    await expect(repairLogOn(runtime, directory)).rejects.toMatchObject({ code: "FILE_NOT_REGULAR" });
    expect(readdirSync(elsewhere.path).sort()).toEqual(["20240101", "20240102.free"]);
  });

  it("that is the last one there can be lets nobody in, instead of two", async () => {
    const runtime = currentRuntime();
    const [directory] = await claimed(runtime, "");
    writeFileSync(`${directory}/lock/999999999999999.free`, "");
    for (let i = 0; i < 2; i++) {
      await expect(openLogOn(runtime, directory)).rejects.toMatchObject({ code: "IO_FAILED", operation: "lock" });
    }
  });

  it("that is a folder or link is passed over, and a lock that is a file refused", async () => {
    const runtime = currentRuntime();
    const [directory] = await claimed(runtime, "");
    mkdirSync(`${directory}/lock/00000009`);
    await (await openLogOn(runtime, directory)).close();
    rmSync(`${directory}/lock`, { recursive: true });
    writeFileSync(`${directory}/lock`, "");
    await expect(openLogOn(runtime, directory)).rejects.toMatchObject({ code: "FILE_NOT_REGULAR" });
  });
});

describe("a holder in memory", () => {
  it("whose number was given to another process, also to the one that asks, is gone", async () => {
    const { disk } = memoryRuntime({ seed: 1 });
    await openLogOn(disk.runtime({ pid: 5 }), "/log");
    disk.kill(5);
    disk.runtime({ pid: 5 });
    const heir = await openLogOn(disk.runtime({ pid: 6 }), "/log");
    disk.kill(6);
    await openLogOn(disk.runtime({ pid: 6 }), "/log");
    await expect(heir.stream("a").append("late")).rejects.toMatchObject({ code: "IO_FAILED" });
  });

  it("before a power loss is gone, and one on another host is not", async () => {
    const { disk } = memoryRuntime({ seed: 1 });
    await openLogOn(disk.runtime({ pid: 5, host: "a" }), "/log");
    const after = disk.crash(keepAll);
    const refusal = { code: "LOG_LOCKED", host: "a", pid: 5 };
    await expect(openLogOn(after.runtime({ pid: 5, host: "b" }), "/log")).rejects.toMatchObject(refusal);
    await openLogOn(after.runtime({ pid: 5 + 1, host: "a" }), "/log");
  });

  it("keeps a second writer out at every step of both, whoever comes first", async () => {
    const count = await stepsOfOpening();
    for (let step = 0; step < count; step++) {
      const { disk, runtime } = memoryRuntime({ seed: 1 });
      await (await openLogOn(runtime, "/log")).close();
      let second: Promise<string> | undefined;
      const first = disk.operations;
      disk.onOperation = ({ index }) => {
        if (index === first + step && second === undefined) second = outcomeOf(disk.runtime({ pid: 2 }));
        return undefined;
      };
      const outcomes = [await outcomeOf(runtime), await second];
      expect(outcomes.sort(), `step ${step}`).toEqual(["LOG_LOCKED", "holds"]);
    }
  });

  async function stepsOfOpening(): Promise<number> {
    const { disk, runtime } = memoryRuntime({ seed: 1 });
    await (await openLogOn(runtime, "/log")).close();
    const before = disk.operations;
    await openLogOn(runtime, "/log");
    return disk.operations - before;
  }

  async function outcomeOf(runtime: Runtime): Promise<string> {
    return openLogOn(runtime, "/log").then(
      () => "holds",
      (error: { code: string }) => error.code,
    );
  }
});
