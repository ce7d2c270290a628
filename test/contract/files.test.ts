// The file systems: this runtime's and the one in memory.

import { chmodSync, symlinkSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { memoryRuntime } from "../../adapters/memory.ts";
import { currentRuntime, isRoot, makePipe, runtimeName, temporaryFolder } from "./current-runtime.ts";
import { expectFailure, thrownBy } from "./expect-failure.ts";
import { filesContract } from "./files-contract.ts";

filesContract(runtimeName, () => {
  const folder = temporaryFolder();
  return {
    files: currentRuntime().files,
    folder: folder.path,
    putLink: (path, target) => symlinkSync(target, path),
    putSpecial: makePipe,
    dispose: folder.remove,
  };
});

for (const sectorBytes of [512, 4096]) {
  filesContract(`memory with sectors of ${sectorBytes} bytes`, () => {
    const { runtime, disk } = memoryRuntime({ seed: 1, sectorBytes });
    runtime.files.makeFolder("/tested");
    return {
      files: runtime.files,
      folder: "/tested",
      putLink: (path, target) => disk.putLink(path, target),
      putSpecial: (path) => disk.putSpecial(path),
      dispose: () => {},
    };
  });
}

describe(`files of ${runtimeName}, on a real disk`, () => {
  it("keep the native error as cause", () => {
    const folder = temporaryFolder();
    onTestFinished(folder.remove);
    const { cause } = thrownBy(() => currentRuntime().files.open(`${folder.path}/no`, "read"));
    expect(cause).toMatchObject({ code: "ENOENT" });
  });

  it("give a relative path the working folder", () => {
    expect(currentRuntime().files.resolve("a")).toBe(`${process.cwd().replaceAll("\\", "/")}/a`);
  });

  it.skipIf(isRoot)("throw ACCESS_DENIED where permissions forbid", () => {
    const folder = temporaryFolder();
    onTestFinished(folder.remove);
    const { files } = currentRuntime();
    const path = `${folder.path}/a`;
    files.publish(path, Uint8Array.of(1), "synced");
    chmodSync(path, 0);
    expectFailure("ACCESS_DENIED", { path }, () => files.open(path, "read"));
    chmodSync(folder.path, 0o500);
    const refused = `${folder.path}/b`;
    expectFailure("ACCESS_DENIED", { path: refused }, () => files.open(refused, "create"));
    expectFailure("ACCESS_DENIED", { path: refused }, () => files.publish(refused, Uint8Array.of(1), "synced"));
    chmodSync(folder.path, 0o700);
  });
});
