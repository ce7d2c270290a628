// What the adapter over node:fs does with systems that this machine is not: those that read little at a time, have no
// links or cannot sync a folder; and with disks that fail. node:fs is replaced call by call.

import type * as realFs from "node:fs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { nodeFiles } from "../../adapters/node-fs.ts";
import { makePipe, type TemporaryFolder, temporaryFolder } from "./current-runtime.ts";
import { expectFailure } from "./expect-failure.ts";

/** What is called in place of node:fs, by name; what is not here is called as it is. */
const replaced = vi.hoisted(() => new Map<string, (...args: never[]) => unknown>());

vi.mock("node:fs", async (importOriginal) => {
  const original = await importOriginal<typeof realFs>();
  const names = [
    "readSync",
    "writeSync",
    "linkSync",
    "fsyncSync",
    "fsync",
    "fdatasync",
    "fdatasyncSync",
    "unlinkSync",
    "openSync",
  ] as const;
  const redirected = names.map((name) => [
    name,
    (...args: never[]) => (replaced.get(name) ?? (original[name] as (...args: never[]) => unknown))(...args),
  ]);
  return { ...original, ...Object.fromEntries(redirected) };
});

/** The functions of node:fs as they are. */
const original = await vi.importActual<typeof realFs>("node:fs");

function nativeError(code: string): Error {
  return Object.assign(new Error(`${code}: it failed`), { code });
}

function failWith(code: string): () => never {
  return () => {
    throw nativeError(code);
  };
}

let folder: TemporaryFolder;
let at: (name: string) => string;

beforeEach(() => {
  folder = temporaryFolder();
  at = (name) => `${folder.path}/${name}`;
});

afterEach(() => {
  replaced.clear();
  folder.remove();
});

describe("a call that a signal ends", () => {
  it("is made again", () => {
    const interrupted = new Set<string>();
    for (const name of ["readSync", "writeSync"] as const) {
      replaced.set(name, (...args: never[]) => {
        if (!interrupted.has(name)) {
          interrupted.add(name);
          failWith("EINTR")();
        }
        return (original[name] as (...args: never[]) => unknown)(...args);
      });
    }
    const file = nodeFiles.open(at("a"), "create");
    expect(file.write(Uint8Array.of(1, 2, 3), 0)).toBe(3);
    const read = new Uint8Array(3);
    expect(file.read(read, 0)).toBe(3);
    expect([...read]).toEqual([1, 2, 3]);
    expect([...interrupted]).toEqual(["writeSync", "readSync"]);
    file.close();
  });
});

describe("a system that takes no byte", () => {
  it("has failed: whoever goes on with what is left would do so for ever", () => {
    const file = nodeFiles.open(at("a"), "create");
    replaced.set("writeSync", () => 0);
    expectFailure("IO_FAILED", { operation: "write" }, () => file.write(Uint8Array.of(1), 0));
    expect(file.write(new Uint8Array(), 0)).toBe(0);
    expectFailure("IO_FAILED", {}, () => nodeFiles.publish(at("b"), Uint8Array.of(1), "synced"));
    file.close();
  });
});

describe("open()", () => {
  it("does not even open a pipe or a link, which could wake or change something", () => {
    makePipe(at("pipe"));
    original.symlinkSync("pipe", at("link"));
    replaced.set("openSync", failWith("EIO"));
    expectFailure("FILE_NOT_REGULAR", { kind: "special file" }, () => nodeFiles.open(at("pipe"), "read"));
    expectFailure("FILE_NOT_REGULAR", { kind: "link" }, () => nodeFiles.open(at("link"), "write"));
  });

  it.each(["pipe", "link"])("refuses a %s that takes the place of the file after it was looked at", (kind) => {
    nodeFiles.publish(at("a"), Uint8Array.of(1), "synced");
    nodeFiles.publish(at("secret"), Uint8Array.of(2), "synced");
    replaced.set("openSync", (path: string, flags: number) => {
      original.unlinkSync(path);
      if (kind === "pipe") makePipe(path);
      else original.symlinkSync("secret", path);
      return original.openSync(path, flags);
    });
    expectFailure("FILE_NOT_REGULAR", { path: at("a") }, () => nodeFiles.open(at("a"), "read"));
  });
});

describe("read()", () => {
  it("goes on until the target is full when the system reads three bytes at a time", () => {
    nodeFiles.publish(
      at("a"),
      Uint8Array.from({ length: 20 }, (_, index) => index),
      "synced",
    );
    const file = nodeFiles.open(at("a"), "read");
    let calls = 0;
    replaced.set("readSync", (fd: number, target: Uint8Array, offset: number, length: number, position: number) => {
      calls += 1;
      return original.readSync(fd, target, offset, Math.min(3, length), position);
    });
    const target = new Uint8Array(10);
    expect(file.read(target, 4)).toBe(10);
    expect([...target]).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
    expect(calls).toBe(4);
    expect(file.read(target, 15)).toBe(5);
    file.close();
  });

  it("throws IO_FAILED with the native error as cause when the disk does not answer", () => {
    nodeFiles.publish(at("a"), Uint8Array.of(1), "synced");
    const file = nodeFiles.open(at("a"), "read");
    replaced.set("readSync", failWith("EIO"));
    const facts = { path: at("a"), operation: "read", reason: "EIO: it failed" };
    expectFailure("IO_FAILED", facts, () => file.read(new Uint8Array(1), 0));
    file.close();
  });
});

describe("write()", () => {
  it("passes on how many bytes a short write took, and says NO_SPACE when the disk is full", () => {
    const file = nodeFiles.open(at("a"), "create");
    replaced.set("writeSync", (fd: number, source: Uint8Array, offset: number, _length: number, position: number) =>
      original.writeSync(fd, source, offset, 2, position),
    );
    expect(file.write(Uint8Array.of(1, 2, 3), 0)).toBe(2);
    replaced.set("writeSync", failWith("ENOSPC"));
    expectFailure("NO_SPACE", { path: at("a") }, () => file.write(Uint8Array.of(3), 2));
    file.close();
    expect([...nodeFiles.readSmall(at("a"), 9)]).toEqual([1, 2]);
  });
});

describe("sync() and syncNow()", () => {
  it("fail with SYNC_FAILED whatever the native error", async () => {
    const file = nodeFiles.open(at("a"), "create");
    replaced.set("fdatasyncSync", failWith("ENOSPC"));
    replaced.set("fdatasync", (_fd: number, callback: (error: Error) => void) => callback(nativeError("EIO")));
    expectFailure("SYNC_FAILED", { path: at("a"), reason: "ENOSPC: it failed" }, () => file.syncNow());
    await expect(file.sync()).rejects.toMatchObject({ code: "SYNC_FAILED", reason: "EIO: it failed" });
    file.close();
  });

  it("keep the descriptor of a closed file from others until the sync in flight has ended", async () => {
    const file = nodeFiles.open(at("a"), "create");
    let descriptor = -1;
    let end: (error: null) => void = () => {};
    replaced.set("fdatasync", (fd: number, callback: (error: null) => void) => {
      descriptor = fd;
      end = callback;
    });
    const sync = file.sync();
    file.close();
    const other = original.openSync(at("b"), "w");
    expect(other).not.toBe(descriptor);
    expect(() => original.fstatSync(descriptor)).not.toThrow();
    end(null);
    await sync;
    expect(() => original.fstatSync(descriptor)).toThrow(expect.objectContaining({ code: "EBADF" }));
    original.closeSync(other);
  });
});

describe("folder()", () => {
  it.each(["EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"])(
    "does without where the file system answers %s",
    async (code) => {
      replaced.set("fsyncSync", failWith(code));
      replaced.set("fsync", (_fd: number, callback: (error: Error) => void) => callback(nativeError(code)));
      expect(() => nodeFiles.folder(folder.path).syncNow()).not.toThrow();
      await expect(nodeFiles.folder(folder.path).sync()).resolves.toBeUndefined();
    },
  );

  it("fails with SYNC_FAILED when the disk fails", async () => {
    replaced.set("fsyncSync", failWith("EIO"));
    replaced.set("fsync", (_fd: number, callback: (error: Error) => void) => callback(nativeError("EIO")));
    expectFailure("SYNC_FAILED", { path: folder.path }, () => nodeFiles.folder(folder.path).syncNow());
    await expect(nodeFiles.folder(folder.path).sync()).rejects.toMatchObject({ code: "SYNC_FAILED" });
  });
});

describe("publish()", () => {
  it("makes the temporary name recognisable", () => {
    let linked = "";
    replaced.set("linkSync", (from: string, to: string) => {
      linked = from;
      original.linkSync(from, to);
    });
    nodeFiles.publish(at("lock"), Uint8Array.of(1), "synced");
    expect(linked.slice(folder.path.length)).toMatch(/^\/\.lock\.[0-9a-f]{16}\.tmp$/);
  });

  it("gives the name only after all bytes were written and synced, however short the writes", () => {
    const calls: string[] = [];
    replaced.set("writeSync", (fd: number, source: Uint8Array, offset: number, _length: number, position: number) => {
      calls.push("write");
      return original.writeSync(fd, source, offset, 1, position);
    });
    replaced.set("fdatasyncSync", (fd: number) => {
      calls.push("sync");
      original.fdatasyncSync(fd);
    });
    replaced.set("linkSync", (from: string, to: string) => {
      calls.push("link");
      original.linkSync(from, to);
    });
    expect(nodeFiles.publish(at("a"), Uint8Array.of(1, 2, 3), "synced")).toBe(true);
    expect(calls).toEqual(["write", "write", "write", "sync", "link"]);
    expect([...nodeFiles.readSmall(at("a"), 9)]).toEqual([1, 2, 3]);
  });

  it("answers false when another takes the name while the bytes are written", () => {
    replaced.set("fdatasyncSync", () => original.writeFileSync(at("a"), "theirs"));
    expect(nodeFiles.publish(at("a"), Uint8Array.of(1), "synced")).toBe(false);
    expect(original.readFileSync(at("a"), "utf8")).toBe("theirs");
    expect(original.readdirSync(folder.path)).toEqual(["a"]);
  });

  it.each(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"])("does without links where they are %s", (code) => {
    replaced.set("linkSync", failWith(code));
    expect(nodeFiles.publish(at("a"), Uint8Array.of(1, 2), "synced")).toBe(true);
    expect([...nodeFiles.readSmall(at("a"), 9)]).toEqual([1, 2]);
    expect(nodeFiles.publish(at("a"), Uint8Array.of(9), "synced")).toBe(false);
    expect(original.readdirSync(folder.path)).toEqual(["a"]);
  });

  it("without links still answers false when another takes the name meanwhile", () => {
    replaced.set("linkSync", (_from: string, to: string) => {
      original.writeFileSync(to, "theirs");
      throw nativeError("EPERM");
    });
    expect(nodeFiles.publish(at("a"), Uint8Array.of(1), "synced")).toBe(false);
    expect(original.readFileSync(at("a"), "utf8")).toBe("theirs");
    expect(original.readdirSync(folder.path)).toEqual(["a"]);
  });

  it("leaves nothing behind when it fails", () => {
    replaced.set("writeSync", failWith("ENOSPC"));
    expectFailure("NO_SPACE", { path: at("a") }, () => nodeFiles.publish(at("a"), Uint8Array.of(1), "synced"));
    replaced.delete("writeSync");
    replaced.set("fdatasyncSync", failWith("EIO"));
    expectFailure("SYNC_FAILED", {}, () => nodeFiles.publish(at("a"), Uint8Array.of(1), "synced"));
    expect(original.readdirSync(folder.path)).toEqual([]);
  });

  it("is true though the temporary name could not be removed", () => {
    replaced.set("unlinkSync", failWith("EIO"));
    expect(nodeFiles.publish(at("a"), Uint8Array.of(1), "synced")).toBe(true);
    expect(original.readdirSync(folder.path).length).toBe(2);
  });
});
