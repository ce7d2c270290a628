// The faults that tests can give to the disk in memory.

import { describe, expect, it } from "vitest";
import {
  CrashSignal,
  type Fault,
  loseAll,
  type MemoryMachine,
  memoryRuntime,
  type Operation,
} from "../../adapters/memory.ts";
import { expectFailure } from "./expect-failure.ts";

function machine(): MemoryMachine {
  const made = memoryRuntime({ seed: 1 });
  made.runtime.files.makeFolder("/log");
  return made;
}

describe("onOperation", () => {
  it("is told of every call in turn, with kind, path and bytes", async () => {
    const { runtime, disk } = memoryRuntime({ seed: 1 });
    const seen: Operation[] = [];
    disk.onOperation = (operation) => void seen.push(operation);
    const { files } = runtime;
    files.makeFolder("/log");
    const file = files.open("/log/a", "create");
    file.write(new Uint8Array(5), 0);
    file.size();
    file.read(new Uint8Array(3), 0);
    file.truncate(2);
    await file.sync();
    file.syncNow();
    file.close();
    files.open("/log/a", "read").close();
    files.rename("/log/a", "/log/b");
    files.publish("/log/c", new Uint8Array(9), "synced");
    await files.folder("/log").sync();
    files.kind("/log/c");
    files.list("/log");
    files.remove("/log/c");
    files.readSmall("/log/b", 10);
    expect(seen.map(({ kind, path, bytes }) => `${kind} ${path} ${bytes}`)).toEqual([
      "makeFolder /log 0",
      "create /log/a 0",
      "write /log/a 5",
      "size /log/a 0",
      "read /log/a 3",
      "truncate /log/a 2",
      "sync /log/a 0",
      "sync /log/a 0",
      "open /log/a 0",
      "rename /log/a 0",
      "publish /log/c 9",
      "syncFolder /log 0",
      "kind /log/c 0",
      "list /log 0",
      "remove /log/c 0",
      "open /log/b 0",
      "size /log/b 0",
      "read /log/b 2",
    ]);
    expect(seen.map(({ index }) => index)).toEqual(seen.map((_, index) => index));
    expect(disk.operations).toBe(seen.length);
  });

  it("makes a call fail with the code it names, having done nothing", () => {
    const { runtime, disk } = machine();
    disk.onOperation = ({ kind }) => (kind === "create" ? { fail: "TOO_MANY_OPEN_FILES" } : undefined);
    expectFailure("TOO_MANY_OPEN_FILES", { path: "/log/a" }, () => runtime.files.open("/log/a", "create"));
    expect(disk.paths()).toEqual([]);
  });

  it("makes a write short", () => {
    const { runtime, disk } = machine();
    const file = runtime.files.open("/log/a", "create");
    disk.onOperation = () => ({ short: 2 });
    expect(file.write(Uint8Array.of(1, 2, 3), 0)).toBe(2);
    expect(disk.bytes("/log/a")).toEqual(Uint8Array.of(1, 2));
  });

  it("makes a write fail midway", () => {
    const { runtime, disk } = machine();
    const file = runtime.files.open("/log/a", "create");
    disk.onOperation = () => ({ failAfter: 2, code: "NO_SPACE" });
    expectFailure("NO_SPACE", { path: "/log/a" }, () => file.write(Uint8Array.of(1, 2, 3), 0));
    disk.onOperation = () => ({ failAfter: 1 });
    expectFailure("IO_FAILED", { path: "/log/a" }, () => file.write(Uint8Array.of(9, 9), 0));
    expect(disk.bytes("/log/a")).toEqual(Uint8Array.of(9, 2));
  });

  it("makes a read fall short, which another makes good", () => {
    const { runtime, disk } = machine();
    disk.put("/log/a", Uint8Array.of(1, 2, 3, 4, 5));
    const file = runtime.files.open("/log/a", "read");
    const asked: number[] = [];
    disk.onOperation = ({ bytes }) => {
      asked.push(bytes);
      return asked.length < 3 ? { short: 2 } : undefined;
    };
    const target = new Uint8Array(9);
    expect(file.read(target, 0)).toBe(5);
    expect([...target]).toEqual([1, 2, 3, 4, 5, 0, 0, 0, 0]);
    expect(asked).toEqual([9, 7, 5]);
  });

  it("makes a read fail midway", () => {
    const { runtime, disk } = machine();
    disk.put("/log/a", Uint8Array.of(1, 2, 3));
    const file = runtime.files.open("/log/a", "read");
    disk.onOperation = () => ({ failAfter: 2 });
    const target = new Uint8Array(3);
    expectFailure("IO_FAILED", { path: "/log/a" }, () => file.read(target, 0));
    expect([...target]).toEqual([1, 2, 0]);
  });

  it("never makes a call that its process did not live to make", () => {
    const { runtime, disk } = machine();
    const file = runtime.files.open("/log/a", "create");
    disk.onOperation = ({ kind, pid }) => {
      if (kind === "write") disk.kill(pid);
      return undefined;
    };
    expectFailure("IO_FAILED", { path: "/log/a" }, () => file.write(Uint8Array.of(1), 0));
    expect(disk.bytes("/log/a")).toEqual(new Uint8Array(0));
  });

  it("refuses a fault that the call cannot have, so that no test passes by it", () => {
    const { runtime, disk } = machine();
    disk.onOperation = () => ({ short: 1 });
    expect(() => runtime.files.list("/log")).toThrow(TypeError);
  });

  it("takes the machine down before a call, and every call after it says so", async () => {
    const { runtime, disk } = machine();
    const file = runtime.files.open("/log/a", "create");
    disk.onOperation = ({ kind }) => (kind === "write" ? { crash: true } : undefined);
    expect(() => file.write(Uint8Array.of(1), 0)).toThrow(CrashSignal);
    disk.onOperation = null;
    expect(() => file.size()).toThrow(CrashSignal);
    expect(() => runtime.files.list("/log")).toThrow(CrashSignal);
    await expect(file.sync()).rejects.toThrow(CrashSignal);
    expect(disk.bytes("/log/a")).toEqual(new Uint8Array(0));
    expect(disk.crash().runtime().files.kind("/")).toBe("folder");
  });

  it.each(["sync", "syncNow"] as const)("takes the machine down after a %s that was durable already", async (how) => {
    const { runtime, disk } = machine();
    disk.put("/log/a", Uint8Array.of(1));
    const file = runtime.files.open("/log/a", "write");
    file.write(Uint8Array.of(2), 0);
    disk.onOperation = (): Fault => ({ crash: "after" });
    await expect((async () => file[how]())()).rejects.toThrow(CrashSignal);
    expect(disk.crash(loseAll).bytes("/log/a")).toEqual(Uint8Array.of(2));
  });
});

describe("a full disk", () => {
  it("takes what fits, then nothing, and takes again when there is room", () => {
    const { runtime, disk } = machine();
    const file = runtime.files.open("/log/a", "create");
    disk.capacityBytes = 5;
    expect(file.write(new Uint8Array(3), 0)).toBe(3);
    expect(file.write(new Uint8Array(3), 3)).toBe(2);
    expectFailure("NO_SPACE", { path: "/log/a" }, () => file.write(new Uint8Array(1), 5));
    expectFailure("NO_SPACE", { path: "/log/b" }, () => runtime.files.publish("/log/b", new Uint8Array(1), "synced"));
    expect(file.write(new Uint8Array(2), 1)).toBe(2);
    file.truncate(0);
    expect(file.write(new Uint8Array(4), 0)).toBe(4);
  });
});

describe("handles on the disk", () => {
  it("flip turns one bit around, in memory and on the disk", () => {
    const { runtime, disk } = machine();
    disk.put("/log/a", new Uint8Array(1_000));
    disk.flip("/log/a", 700, 3);
    expect(disk.durableBytes("/log/a")[700]).toBe(8);
    expect(runtime.files.readSmall("/log/a", 1_000)[700]).toBe(8);
    expect(disk.bytes("/log/a").filter((byte) => byte !== 0).length).toBe(1);
  });

  it("put and take change the disk as if it had always been so", () => {
    const { disk } = machine();
    disk.put("/other/deep/a", Uint8Array.of(1));
    disk.putLink("/other/link", "deep");
    disk.putSpecial("/other/pipe");
    expect(disk.paths()).toEqual(["/other/deep/a", "/other/link", "/other/pipe"]);
    expect(disk.crash(loseAll).paths()).toEqual(["/other/deep/a", "/other/link", "/other/pipe"]);
    disk.take("/other/deep");
    expect(disk.crash(loseAll).paths()).toEqual(["/other/link", "/other/pipe"]);
  });

  it("two processes see the same files", () => {
    const { runtime, disk } = machine();
    const other = disk.runtime({ pid: 2 });
    expect(runtime.files.publish("/log/lock", Uint8Array.of(1), "synced")).toBe(true);
    expect(other.files.publish("/log/lock", Uint8Array.of(2), "synced")).toBe(false);
    expect(other.files.readSmall("/log/lock", 9)).toEqual(Uint8Array.of(1));
  });

  it("links that lead to each other end in an error", () => {
    const { runtime, disk } = machine();
    disk.putLink("/log/x", "y");
    disk.putLink("/log/y", "x");
    expectFailure("IO_FAILED", { path: "/log/x/a" }, () => runtime.files.open("/log/x/a", "read"));
  });

  it("an empty memory is the same for every run of a seed", () => {
    const run = (): number[] => {
      const { runtime, disk } = machine();
      const bytes = new Uint8Array(8);
      runtime.random(bytes);
      const again = new Uint8Array(8);
      disk.crash().runtime().random(again);
      return [...bytes, ...again];
    };
    expect(run()).toEqual(run());
  });
});
