// What every file system of a runtime promises: the sentences in src/runtime.ts, as tests.

import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Files, RuntimeFile } from "../../src/runtime.ts";
import { expectFailure, thrownBy } from "./expect-failure.ts";

/** A file system with an empty folder, and ways to put there what `Files` itself never makes. */
export interface FilesUnderTest {
  readonly files: Files;
  /** An absolute path. */
  readonly folder: string;
  putLink(path: string, target: string): void;
  /** Puts something that is neither file, folder nor link. */
  putSpecial(path: string): void;
  dispose(): void;
}

export function filesContract(name: string, make: () => FilesUnderTest): void {
  describe(`files of ${name}`, () => {
    let tested: FilesUnderTest;
    let files: Files;
    let at: (path: string) => string;

    beforeEach(() => {
      tested = make();
      files = tested.files;
      at = (path) => `${tested.folder}/${path}`;
    });

    afterEach(() => tested.dispose());

    function put(path: string, ...content: number[]): void {
      const file = files.open(at(path), "create");
      if (content.length > 0) file.write(Uint8Array.from(content), 0);
      file.close();
    }

    function content(path: string): number[] {
      return [...files.readSmall(at(path), 1_000_000)];
    }

    describe("resolve()", () => {
      it("makes a path absolute, without a slash at its end", () => {
        const path = files.resolve("some/where/");
        expect(path.endsWith("some/where")).toBe(true);
        expect(path.replace(/^[A-Za-z]:/, "").startsWith("/")).toBe(true);
      });

      it("leaves an absolute path as it is and takes dots out", () => {
        expect(files.resolve(at("a"))).toBe(at("a"));
        expect(files.resolve(at("b/.././a"))).toBe(at("a"));
      });
    });

    describe("makeFolder()", () => {
      it("answers true when it made the folder and false when it was there", () => {
        expect(files.makeFolder(at("a"))).toBe(true);
        expect(files.kind(at("a"))).toBe("folder");
        expect(files.makeFolder(at("a"))).toBe(false);
      });

      it("answers false for a folder behind a link", () => {
        files.makeFolder(at("real"));
        tested.putLink(at("link"), "real");
        expect(files.makeFolder(at("link"))).toBe(false);
      });

      it("throws FILE_EXISTS where a file or a link to nowhere is", () => {
        put("file");
        tested.putLink(at("dangling"), "nowhere");
        expectFailure("FILE_EXISTS", { path: at("file") }, () => files.makeFolder(at("file")));
        expectFailure("FILE_EXISTS", { path: at("dangling") }, () => files.makeFolder(at("dangling")));
      });

      it("throws FILE_NOT_FOUND when the parent is missing", () => {
        expectFailure("FILE_NOT_FOUND", { path: at("no/a") }, () => files.makeFolder(at("no/a")));
      });
    });

    describe("list()", () => {
      it("is empty for an empty folder", () => {
        expect(files.list(tested.folder)).toEqual([]);
      });

      it("sorts by code unit and names kinds, links as links", () => {
        for (const name of ["b", "B", "a.10", "a.9", "é", "\u{1F600}", "￡"]) put(name);
        files.makeFolder(at("c"));
        tested.putLink(at("link"), "b");
        tested.putLink(at("dangling"), "nowhere");
        tested.putSpecial(at("pipe"));
        const listed = files.list(tested.folder);
        const names = ["B", "a.10", "a.9", "b", "c", "dangling", "link", "pipe", "é", "\u{1F600}", "￡"];
        expect(listed.map((entry) => entry.name)).toEqual(names);
        const kinds = Object.fromEntries(listed.map((entry) => [entry.name, entry.kind]));
        expect(kinds).toMatchObject({ b: "file", c: "folder", link: "link", dangling: "link", pipe: "other" });
      });

      it("throws FILE_NOT_FOUND for a missing folder and IO_FAILED for a file", () => {
        put("file");
        expectFailure("FILE_NOT_FOUND", { path: at("no") }, () => files.list(at("no")));
        expectFailure("IO_FAILED", { path: at("file"), operation: "list" }, () => files.list(at("file")));
      });
    });

    describe("kind()", () => {
      it("tells file, folder, link and other, and never follows the last part", () => {
        put("file");
        files.makeFolder(at("folder"));
        tested.putLink(at("link"), "file");
        tested.putLink(at("dangling"), "nowhere");
        tested.putSpecial(at("pipe"));
        const kinds = ["file", "folder", "link", "dangling", "pipe"].map((path) => files.kind(at(path)));
        expect(kinds).toEqual(["file", "folder", "link", "link", "other"]);
      });

      it("is null where nothing is, also below what is missing or is a file", () => {
        put("file");
        expect([files.kind(at("no")), files.kind(at("no/a")), files.kind(at("file/a"))]).toEqual([null, null, null]);
      });

      it("follows links before the last part", () => {
        files.makeFolder(at("real"));
        put("real/file");
        tested.putLink(at("link"), "real");
        expect(files.kind(at("link/file"))).toBe("file");
      });
    });

    describe("followLinks()", () => {
      it("leads through links to links, in other folders too, and to where it is when there is none", () => {
        files.makeFolder(at("real"));
        put("real/file");
        tested.putLink(at("real/near"), "file");
        tested.putLink(at("far"), "real/near");
        for (const path of ["real/file", "real/near", "far"]) {
          const found = files.followLinks(at(path));
          expect(files.kind(found)).toBe("file");
          expect(found.endsWith("/real/file")).toBe(true);
        }
        expect(files.kind(files.followLinks(at("real")))).toBe("folder");
      });

      it("throws FILE_NOT_FOUND for what is not there, and ends where links lead in a circle", () => {
        tested.putLink(at("dangling"), "nowhere");
        expectFailure("FILE_NOT_FOUND", { path: at("no") }, () => files.followLinks(at("no")));
        expectFailure("FILE_NOT_FOUND", { path: at("dangling") }, () => files.followLinks(at("dangling")));
        tested.putLink(at("one"), "other");
        tested.putLink(at("other"), "one");
        expect(() => files.followLinks(at("one"))).toThrow(expect.objectContaining({ path: at("one") }));
      });
    });

    describe("open()", () => {
      it("throws FILE_NOT_FOUND when a file to read or write is missing, and makes none", () => {
        expectFailure("FILE_NOT_FOUND", { path: at("no") }, () => files.open(at("no"), "read"));
        expectFailure("FILE_NOT_FOUND", { path: at("no") }, () => files.open(at("no"), "write"));
        expect(files.list(tested.folder)).toEqual([]);
      });

      it("creates an empty file for reading and writing", () => {
        const file = files.open(at("a"), "create");
        expect(file.size()).toBe(0);
        expect(file.write(Uint8Array.of(7, 8), 0)).toBe(2);
        expect(readAt(file, 0, 4)).toEqual([7, 8]);
        file.close();
        expect(content("a")).toEqual([7, 8]);
      });

      it("throws FILE_EXISTS when asked to create what is there, and leaves it as it was", () => {
        put("a", 1, 2);
        files.makeFolder(at("folder"));
        tested.putLink(at("dangling"), "nowhere");
        for (const path of ["a", "folder", "dangling"]) {
          expectFailure("FILE_EXISTS", { path: at(path) }, () => files.open(at(path), "create"));
        }
        expect(content("a")).toEqual([1, 2]);
        expect(files.kind(at("nowhere"))).toBeNull();
      });

      it("keeps the content of a file opened to write, and reads it too", () => {
        put("a", 1, 2, 3);
        const file = files.open(at("a"), "write");
        file.write(Uint8Array.of(9), 1);
        expect(readAt(file, 0, 3)).toEqual([1, 9, 3]);
        file.close();
      });

      it("does not write through a file opened to read", () => {
        put("a", 1, 2);
        const file = files.open(at("a"), "read");
        expectFailure("IO_FAILED", { path: at("a"), operation: "write" }, () => file.write(Uint8Array.of(9), 0));
        expect(thrownBy(() => file.truncate(0)).code).toBe("IO_FAILED");
        file.close();
        expect(content("a")).toEqual([1, 2]);
      });

      it.each(["read", "write"] as const)("refuses links, folders and pipes to %s, without waiting", (access) => {
        put("a", 1);
        files.makeFolder(at("folder"));
        tested.putLink(at("link"), "a");
        tested.putLink(at("dangling"), "nowhere");
        tested.putSpecial(at("pipe"));
        const kinds = { link: "link", dangling: "link", folder: "folder", pipe: "special file" };
        for (const [path, kind] of Object.entries(kinds)) {
          expectFailure("FILE_NOT_REGULAR", { path: at(path), kind }, () => files.open(at(path), access));
        }
      });

      it("reads on in a file whose name was removed", () => {
        put("a", 1, 2);
        const file = files.open(at("a"), "read");
        files.remove(at("a"));
        put("a", 3);
        expect(readAt(file, 0, 9)).toEqual([1, 2]);
        file.close();
      });
    });

    describe("an open file", () => {
      let file: RuntimeFile;

      beforeEach(() => {
        file = files.open(at("file"), "create");
      });

      afterEach(() => file.close());

      it("reads fewer bytes than asked for only at its end, and none behind it", () => {
        file.write(Uint8Array.of(1, 2, 3, 4, 5), 0);
        expect(readAt(file, 1, 3)).toEqual([2, 3, 4]);
        expect(readAt(file, 3, 3)).toEqual([4, 5]);
        expect(readAt(file, 5, 3)).toEqual([]);
        expect(readAt(file, 5_000_000_000, 3)).toEqual([]);
        expect(readAt(file, 0, 0)).toEqual([]);
      });

      it("leaves what is behind the bytes read as it was", () => {
        file.write(Uint8Array.of(1, 2), 0);
        const target = new Uint8Array(6).fill(9);
        expect(file.read(target.subarray(1, 5), 0)).toBe(2);
        expect([...target]).toEqual([9, 1, 2, 9, 9, 9]);
      });

      it("reads into and writes from the middle of WebAssembly memory", () => {
        const memory = new WebAssembly.Memory({ initial: 1 });
        new Uint8Array(memory.buffer, 1000, 3).set([5, 6, 7]);
        expect(file.write(new Uint8Array(memory.buffer, 1000, 3), 0)).toBe(3);
        expect(file.read(new Uint8Array(memory.buffer, 2000, 8), 0)).toBe(3);
        expect([...new Uint8Array(memory.buffer, 1999, 6)]).toEqual([0, 5, 6, 7, 0, 0]);
      });

      it("reads zeros where a write beyond the end left a gap", () => {
        file.write(Uint8Array.of(1), 0);
        file.write(Uint8Array.of(2), 4);
        expect(file.size()).toBe(5);
        expect(readAt(file, 0, 9)).toEqual([1, 0, 0, 0, 2]);
      });

      it("writes nothing for no bytes", () => {
        expect(file.write(new Uint8Array(0), 100)).toBe(0);
        expect(file.size()).toBe(0);
      });

      it("is zero where it grows again after a cut", () => {
        file.write(Uint8Array.of(1, 2, 3, 4), 0);
        file.truncate(1);
        expect(file.size()).toBe(1);
        file.write(Uint8Array.of(9), 3);
        expect(readAt(file, 0, 9)).toEqual([1, 0, 0, 9]);
      });

      it("shows its writes to others that have it open", () => {
        const other = files.open(at("file"), "read");
        file.write(Uint8Array.of(4, 5), 0);
        expect(readAt(other, 0, 2)).toEqual([4, 5]);
        expect(other.size()).toBe(2);
        other.close();
      });

      it("holds what an array would hold, whatever is written, cut and read", () => {
        fc.assert(
          fc.property(fc.array(step(), { maxLength: 30 }), (steps) => {
            file.truncate(0);
            let model: number[] = [];
            for (const { kind, position, bytes } of steps) {
              if (kind === "write") {
                writeAll(file, Uint8Array.from(bytes), position);
                model = written(model, position, bytes);
              } else if (kind === "truncate") {
                const size = Math.min(position, model.length);
                file.truncate(size);
                model = model.slice(0, size);
              } else {
                const end = position + bytes.length;
                expect(readAt(file, position, bytes.length)).toEqual(model.slice(position, end));
              }
            }
            expect(file.size()).toBe(model.length);
            expect(readAt(file, 0, model.length + 1)).toEqual(model);
          }),
          { numRuns: 50 },
        );
      });

      it("syncs, waiting or not, whether anything was written or not", async () => {
        await file.sync();
        file.syncNow();
        file.write(Uint8Array.of(1), 0);
        await expect(file.sync()).resolves.toBeUndefined();
        expect(file.syncNow()).toBeUndefined();
        expect(content("file")).toEqual([1]);
      });

      it("takes writes and reads while a sync is in flight", async () => {
        file.write(Uint8Array.of(1), 0);
        const sync = file.sync();
        file.write(Uint8Array.of(2), 1);
        expect(readAt(file, 0, 2)).toEqual([1, 2]);
        await sync;
      });

      it("closes more than once without complaint, also with a sync in flight", async () => {
        file.write(Uint8Array.of(1), 0);
        const sync = file.sync();
        file.close();
        file.close();
        await expect(sync).resolves.toBeUndefined();
        file.close();
      });

      it("refuses everything once closed, and never touches the file opened next", async () => {
        file.write(Uint8Array.of(1), 0);
        file.close();
        const next = files.open(at("next"), "create");
        next.write(Uint8Array.of(5, 6), 0);
        const uses = {
          size: () => file.size(),
          read: () => file.read(new Uint8Array(1), 0),
          write: () => file.write(Uint8Array.of(9), 0),
          truncate: () => file.truncate(0),
        };
        for (const use of Object.values(uses)) expectFailure("IO_FAILED", { path: at("file") }, use);
        expectFailure("SYNC_FAILED", { path: at("file") }, () => file.syncNow());
        await expect(file.sync()).rejects.toMatchObject({ code: "SYNC_FAILED", path: at("file") });
        expect(readAt(next, 0, 9)).toEqual([5, 6]);
        next.close();
      });
    });

    describe("publish()", () => {
      it("makes a file with all the bytes, and leaves nothing else behind", () => {
        expect(files.publish(at("a"), Uint8Array.of(1, 2, 3), "synced")).toBe(true);
        expect(content("a")).toEqual([1, 2, 3]);
        expect(files.list(tested.folder)).toEqual([{ name: "a", kind: "file" }]);
      });

      it("makes an empty file too", () => {
        expect(files.publish(at("a"), new Uint8Array(0), "synced")).toBe(true);
        expect(content("a")).toEqual([]);
      });

      it("answers false and changes nothing when something is there", () => {
        put("file", 1);
        files.makeFolder(at("folder"));
        tested.putLink(at("dangling"), "nowhere");
        const before = files.list(tested.folder);
        for (const path of ["file", "folder", "dangling"]) {
          expect(files.publish(at(path), Uint8Array.of(9), "synced")).toBe(false);
        }
        expect(content("file")).toEqual([1]);
        expect(files.list(tested.folder)).toEqual(before);
      });

      it("throws FILE_NOT_FOUND when the folder is missing", () => {
        expectFailure("FILE_NOT_FOUND", { path: at("no/a") }, () =>
          files.publish(at("no/a"), Uint8Array.of(1), "synced"),
        );
      });
    });

    describe("readSmall()", () => {
      it("reads a file of up to the limit and throws FILE_TOO_LARGE above it", () => {
        put("a", 1, 2, 3);
        put("empty");
        expect([...files.readSmall(at("a"), 3)]).toEqual([1, 2, 3]);
        expect([...files.readSmall(at("empty"), 0)]).toEqual([]);
        const facts = { path: at("a"), bytes: 3, limit: 2 };
        expectFailure("FILE_TOO_LARGE", facts, () => files.readSmall(at("a"), 2));
      });

      it("refuses a link and a missing file", () => {
        put("a", 1);
        tested.putLink(at("link"), "a");
        expectFailure("FILE_NOT_REGULAR", { kind: "link" }, () => files.readSmall(at("link"), 10));
        expectFailure("FILE_NOT_FOUND", { path: at("no") }, () => files.readSmall(at("no"), 10));
      });
    });

    describe("rename()", () => {
      it("moves a file and replaces what had the name", () => {
        put("a", 1);
        put("b", 2);
        files.rename(at("a"), at("b"));
        expect(content("b")).toEqual([1]);
        expect(files.list(tested.folder)).toEqual([{ name: "b", kind: "file" }]);
      });

      it("throws FILE_NOT_FOUND when there is nothing to rename", () => {
        put("b", 2);
        expectFailure("FILE_NOT_FOUND", { path: at("a") }, () => files.rename(at("a"), at("b")));
        expect(content("b")).toEqual([2]);
      });
    });

    describe("remove()", () => {
      it("answers true when it removed a file and false when there was none", () => {
        put("a");
        expect(files.remove(at("a"))).toBe(true);
        expect(files.kind(at("a"))).toBeNull();
        expect(files.remove(at("a"))).toBe(false);
      });

      it("removes a link and not what it leads to", () => {
        put("a", 1);
        tested.putLink(at("link"), "a");
        expect(files.remove(at("link"))).toBe(true);
        expect(content("a")).toEqual([1]);
      });

      it("refuses a folder", () => {
        files.makeFolder(at("folder"));
        expectFailure("FILE_NOT_REGULAR", { kind: "folder" }, () => files.remove(at("folder")));
        expect(files.kind(at("folder"))).toBe("folder");
      });
    });

    describe("folder()", () => {
      it("syncs the names of a folder, waiting or not", async () => {
        put("a");
        await expect(files.folder(tested.folder).sync()).resolves.toBeUndefined();
        expect(files.folder(tested.folder).syncNow()).toBeUndefined();
      });

      it("fails with FILE_NOT_FOUND for a missing folder", async () => {
        const missing = files.folder(at("no"));
        expectFailure("FILE_NOT_FOUND", { path: at("no") }, () => missing.syncNow());
        await expect(missing.sync()).rejects.toMatchObject({ code: "FILE_NOT_FOUND", path: at("no") });
      });
    });
    describe("watch()", () => {
      it("calls back after a file of the folder was made, written to, cut, renamed or removed", async () => {
        put("a");
        const file = files.open(at("a"), "write");
        const changes = [
          () => put("b", 1),
          () => void file.write(Uint8Array.of(1, 2, 3), 0),
          () => file.truncate(1),
          () => files.rename(at("b"), at("c")),
          () => void files.remove(at("c")),
        ];
        for (const change of changes) {
          await new Promise<void>((resolve) => {
            const watch = files.watch(tested.folder, () => {
              watch?.close();
              resolve();
            });
            expect(watch).not.toBeNull();
            change();
          });
        }
        file.close();
      });

      it("tells nothing more once it is closed", async () => {
        let calls = 0;
        const closed = files.watch(tested.folder, () => (calls += 1));
        closed?.close();
        closed?.close();
        await new Promise<void>((resolve) => {
          const open = files.watch(tested.folder, () => {
            open?.close();
            resolve();
          });
          put("a");
        });
        expect(calls).toBe(0);
      });
    });
  });
}

function readAt(file: RuntimeFile, position: number, count: number): number[] {
  const target = new Uint8Array(count);
  return [...target.subarray(0, file.read(target, position))];
}

function writeAll(file: RuntimeFile, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) done += file.write(bytes.subarray(done), position + done);
}

interface Step {
  readonly kind: "write" | "truncate" | "read";
  readonly position: number;
  readonly bytes: number[];
}

function step(): fc.Arbitrary<Step> {
  return fc.record({
    kind: fc.constantFrom("write", "truncate", "read"),
    position: fc.nat(1500),
    bytes: fc.array(fc.integer({ min: 1, max: 255 }), { maxLength: 700 }),
  });
}

function written(model: readonly number[], position: number, bytes: readonly number[]): number[] {
  if (bytes.length === 0) return [...model];
  const gap = new Array<number>(Math.max(0, position - model.length)).fill(0);
  return [...model.slice(0, position), ...gap, ...bytes, ...model.slice(position + bytes.length)];
}
