// The file system in memory as one process sees it.

import { failure, isFailure } from "../src/errors.ts";
import type { EntryKind, FileAccess, Files, FolderEntry, RuntimeFile, Syncable, Watch } from "../src/runtime.ts";
import { MemoryContent } from "./memory-content.ts";
import type { OperationKind, ProcessLife } from "./memory-faults.ts";
import { MemoryFile, MemorySync } from "./memory-file.ts";
import { absolutePath, folderAt, nodeAt, pathBehindLinks, placeOf } from "./memory-paths.ts";
import { kindOf, MemoryFolder, type MemoryNode } from "./memory-tree.ts";
import type { MemoryVolume } from "./memory-volume.ts";

/** The files of `volume`, for the process that lives as long as `life`. */
export class MemoryFiles implements Files {
  readonly #volume: MemoryVolume;
  readonly #life: ProcessLife;

  constructor(volume: MemoryVolume, life: ProcessLife) {
    this.#volume = volume;
    this.#life = life;
  }

  resolve(path: string): string {
    return absolutePath(path);
  }

  makeFolder(path: string): boolean {
    return this.#pass("makeFolder", path, 0, () => {
      const known = this.#nodeAt(path, "makeFolder");
      if (known === null) {
        const { folder, name } = placeOf(this.#volume.root, path, "makeFolder");
        folder.change([name, new MemoryFolder()]);
        return true;
      }
      if (known.kind === "folder" || this.#leadsToFolder(path, known)) return false;
      throw failure("FILE_EXISTS", { path });
    });
  }

  list(path: string): FolderEntry[] {
    return this.#pass("list", path, 0, () =>
      folderAt(this.#volume.root, path, "list")
        .entries()
        .map(([name, node]) => ({ name, kind: kindOf(node) })),
    );
  }

  kind(path: string): EntryKind | null {
    return this.#pass("kind", path, 0, () => {
      try {
        return this.#nodeAt(path, "kind")?.kind ?? null;
      } catch (error) {
        if (isFailure(error, "FILE_NOT_FOUND") || isFailure(error, "IO_FAILED")) return null;
        throw error;
      }
    });
  }

  // There is no cache to read past.
  openDirect(): null {
    return null;
  }

  followLinks(path: string): string {
    return this.#pass("kind", path, 0, () => pathBehindLinks(this.#volume.root, path, "kind"));
  }

  open(path: string, access: FileAccess): RuntimeFile {
    return this.#pass(access === "create" ? "create" : "open", path, 0, () => {
      const content = access === "create" ? this.#create(path) : this.#contentAt(path, "open");
      return new MemoryFile(this.#volume, this.#life, { path, content, mayWrite: access !== "read" });
    });
  }

  publish(path: string, bytes: Uint8Array, durability: "synced" | "cached"): boolean {
    return this.#pass("publish", path, bytes.length, () => {
      const { folder, name } = placeOf(this.#volume.root, path, "publish");
      if (folder.get(name) !== undefined) return false;
      if (bytes.length > this.#volume.freeBytes()) throw failure("NO_SPACE", { path });
      const synced = durability === "synced";
      const content = new MemoryContent(this.#volume.sectorBytes, synced ? bytes.slice() : new Uint8Array());
      if (!synced) content.write(bytes, 0);
      folder.change([name, { kind: "file", content }]);
      return true;
    });
  }

  readSmall(path: string, limit: number): Uint8Array {
    const file = this.open(path, "read");
    try {
      const bytes = file.size();
      if (bytes > limit) throw failure("FILE_TOO_LARGE", { path, bytes, limit });
      const content = new Uint8Array(bytes);
      return content.subarray(0, file.read(content, 0));
    } finally {
      file.close();
    }
  }

  rename(from: string, to: string): void {
    this.#pass("rename", from, 0, () => {
      const source = placeOf(this.#volume.root, from, "rename");
      const target = placeOf(this.#volume.root, to, "rename");
      const node = source.folder.get(source.name);
      if (node === undefined) throw failure("FILE_NOT_FOUND", { path: from });
      for (const [path, found] of [
        [from, node],
        [to, target.folder.get(target.name)],
      ] as const) {
        if (found?.kind === "folder") throw failure("FILE_NOT_REGULAR", { path, kind: "folder" });
      }
      if (source.folder === target.folder) {
        source.folder.change([source.name, null], [target.name, node]);
      } else {
        target.folder.change([target.name, node]);
        source.folder.change([source.name, null]);
      }
    });
  }

  remove(path: string): boolean {
    return this.#pass("remove", path, 0, () => {
      const { folder, name } = placeOf(this.#volume.root, path, "remove");
      const node = folder.get(name);
      if (node === undefined) return false;
      if (node.kind === "folder") throw failure("FILE_NOT_REGULAR", { path, kind: "folder" });
      folder.change([name, null]);
      return true;
    });
  }

  folder(path: string): Syncable {
    return new MemorySync(this.#volume, this.#life, {
      call: { kind: "syncFolder", path, bytes: 0 },
      find: () => folderAt(this.#volume.root, path, "syncFolder"),
    });
  }

  watch(path: string, onChange: () => void): Watch {
    return this.#volume.gate.watches.add(absolutePath(path), onChange);
  }

  #create(path: string): MemoryContent {
    const { folder, name } = placeOf(this.#volume.root, path, "create");
    if (folder.get(name) !== undefined) throw failure("FILE_EXISTS", { path });
    const content = new MemoryContent(this.#volume.sectorBytes);
    folder.change([name, { kind: "file", content }]);
    return content;
  }

  #contentAt(path: string, operation: string): MemoryContent {
    const node = this.#nodeAt(path, operation);
    if (node === null) throw failure("FILE_NOT_FOUND", { path });
    if (node.kind === "file") return node.content;
    throw failure("FILE_NOT_REGULAR", { path, kind: node.kind === "other" ? "special file" : node.kind });
  }

  #leadsToFolder(path: string, node: MemoryNode): boolean {
    if (node.kind !== "link") return false;
    try {
      folderAt(this.#volume.root, path, "makeFolder");
      return true;
    } catch {
      return false;
    }
  }

  #nodeAt(path: string, operation: string): MemoryNode | null {
    return nodeAt(this.#volume.root, path, operation);
  }

  #pass<T>(kind: OperationKind, path: string, bytes: number, action: () => T): T {
    return this.#volume.gate.pass({ kind, path, bytes }, this.#life, action);
  }
}
