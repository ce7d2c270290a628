// The folders in memory, and what of their names a disk would hold: the folder half of the fault model in memory.ts.

import type { EntryKind } from "../src/runtime.ts";
import type { Choose } from "./memory-choice.ts";
import type { MemoryContent } from "./memory-content.ts";

/** What a name in a folder can stand for. */
export type MemoryNode = MemoryFolder | MemoryLeaf;

/** A file, a link or something special, such as a pipe. */
export type MemoryLeaf =
  | { readonly kind: "file"; readonly content: MemoryContent }
  | { readonly kind: "link"; readonly target: string }
  | { readonly kind: "other" };

/** One step that happens whole or not at all: names, each with what it stands for from then on. */
type FolderChange = ReadonlyMap<string, MemoryNode | null>;

/** Changes that one sync of the folder carries. */
export interface FolderChanges {
  changes: FolderChange[];
  /** Its sync failed: no later one makes these durable. */
  stranded: boolean;
}

/** A folder: its names as programs see them, and as the disk surely or perhaps has them. */
export class MemoryFolder {
  readonly kind = "folder";
  readonly #seen: Map<string, MemoryNode>;
  readonly #durable: Map<string, MemoryNode>;
  /** Oldest first. The last takes new changes; those before it have a sync in flight or are stranded. */
  #changes: FolderChanges[] = [{ changes: [], stranded: false }];

  /** A folder that is on the disk with these entries. */
  constructor(entries: Iterable<[string, MemoryNode]> = []) {
    this.#seen = new Map(entries);
    this.#durable = new Map(this.#seen);
  }

  get(name: string): MemoryNode | undefined {
    return this.#seen.get(name);
  }

  /** Names and what they stand for, in code unit order of the names. */
  entries(): [string, MemoryNode][] {
    return [...this.#seen].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** Changes names in one step; `null` removes one. */
  change(...entries: [string, MemoryNode | null][]): void {
    const change = new Map(entries);
    applyChange(this.#seen, change);
    this.#changes.at(-1)?.changes.push(change);
  }

  /** Places something as if it had always been there. */
  place(name: string, node: MemoryNode | null): void {
    const change = new Map([[name, node]]);
    applyChange(this.#seen, change);
    applyChange(this.#durable, change);
    for (const older of this.#changes) older.changes = without(older.changes, change);
  }

  beginSync(): FolderChanges {
    const begun = this.#changes.at(-1) ?? { changes: [], stranded: false };
    this.#changes.push({ changes: [], stranded: false });
    return begun;
  }

  finishSync(carried: FolderChanges): void {
    const count = this.#changes.indexOf(carried) + 1;
    const older = this.#changes.slice(0, count);
    const settled = older.filter((each) => !each.stranded).flatMap((each) => each.changes.splice(0));
    for (const change of settled) {
      applyChange(this.#durable, change);
      // What was stranded of the same names is overtaken.
      for (const each of older) each.changes = without(each.changes, change);
    }
    this.#changes = this.#changes.filter((each, index) => index >= count || each.stranded);
  }

  failSync(carried: FolderChanges): void {
    carried.stranded = true;
  }

  /** What the disk holds after power was lost now. `survivors` makes a file that has two names one file again. */
  afterCrash(choose: Choose, survivors: Map<MemoryNode, MemoryNode> = new Map()): MemoryFolder {
    const entries = new Map(this.#durable);
    for (const change of this.#changes.flatMap((each) => each.changes)) {
      if (choose(2) === 1) applyChange(entries, change);
    }
    return new MemoryFolder([...entries].map(([name, node]) => [name, survivor(node, choose, survivors)]));
  }
}

function survivor(node: MemoryNode, choose: Choose, survivors: Map<MemoryNode, MemoryNode>): MemoryNode {
  const known = survivors.get(node);
  if (known !== undefined) return known;
  const made = nodeAfterCrash(node, choose, survivors);
  survivors.set(node, made);
  return made;
}

function nodeAfterCrash(node: MemoryNode, choose: Choose, survivors: Map<MemoryNode, MemoryNode>): MemoryNode {
  if (node.kind === "folder") return node.afterCrash(choose, survivors);
  return node.kind === "file" ? { kind: "file", content: node.content.afterCrash(choose) } : node;
}

function applyChange(entries: Map<string, MemoryNode>, change: FolderChange): void {
  for (const [name, node] of change) {
    if (node === null) entries.delete(name);
    else entries.set(name, node);
  }
}

/** What is left of changes when another has settled some of their names. */
function without(changes: readonly FolderChange[], settled: FolderChange): FolderChange[] {
  const names = [...settled.keys()];
  return changes.flatMap((change) => {
    if (!names.some((name) => change.has(name))) return [change];
    const left = [...change].filter(([name]) => !settled.has(name));
    return left.length === 0 ? [] : [new Map(left)];
  });
}

/** What `Runtime` calls this node. */
export function kindOf(node: MemoryNode): EntryKind {
  return node.kind;
}
