// A disk in memory with the machine around it, and the handles by which tests trouble both.

import type { Runtime } from "../src/runtime.ts";
import { type Choose, seededChoose } from "./memory-choice.ts";
import type { MemoryClock } from "./memory-clock.ts";
import { MemoryContent } from "./memory-content.ts";
import { type Fault, FaultGate, type Operation } from "./memory-faults.ts";
import { MemoryFiles } from "./memory-files.ts";
import { nodeAt, placeOf } from "./memory-paths.ts";
import { ProcessTable } from "./memory-processes.ts";
import { SyncsInFlight } from "./memory-syncs.ts";
import { MemoryFolder, type MemoryLeaf } from "./memory-tree.ts";
import type { MemoryVolume } from "./memory-volume.ts";
import { portableAead } from "./portable-aead.ts";
import { portablePassphrases } from "./portable-passphrases.ts";
import { portableSignatures } from "./portable-signatures.ts";

/** What a disk and its machine are made of. */
export interface MachineParts {
  readonly root: MemoryFolder;
  readonly sectorBytes: number;
  readonly choose: Choose;
  readonly clock: MemoryClock;
  /** How often the machine was started. */
  readonly boots: number;
}

/** A process on the machine: its number, and the machine's name where that matters. */
export interface ProcessOptions {
  readonly pid?: number;
  readonly host?: string;
}

/** A machine with one disk in memory. */
export class MemoryDisk {
  /** The disk takes no more than this many bytes of files: writes become short, then fail with `NO_SPACE`. */
  capacityBytes: number = Number.POSITIVE_INFINITY;
  readonly clock: MemoryClock;
  readonly #parts: MachineParts;
  readonly #gate = new FaultGate();
  readonly #syncs = new SyncsInFlight();
  readonly #processes: ProcessTable;
  readonly #volume: MemoryVolume;

  constructor(parts: MachineParts) {
    this.#parts = parts;
    this.clock = parts.clock;
    this.#processes = new ProcessTable(`boot-${parts.boots}`);
    this.#volume = {
      root: parts.root,
      sectorBytes: parts.sectorBytes,
      gate: this.#gate,
      syncs: this.#syncs,
      freeBytes: () => this.capacityBytes - (Number.isFinite(this.capacityBytes) ? bytesIn(parts.root) : 0),
    };
  }

  /** The runtime of a process on this machine: of the one with that number when it runs already, else of a new one. */
  runtime({ pid = 1, host = "memory" }: ProcessOptions = {}): Runtime {
    const { identity, life } = this.#processes.start(pid, host);
    return {
      description: "memory",
      files: new MemoryFiles(this.#volume, life),
      nativeHashing: null,
      aead: portableAead,
      passphrases: portablePassphrases,
      signatures: portableSignatures,
      clock: this.clock,
      random: (target) => {
        for (let at = 0; at < target.length; at += 1) target[at] = this.#parts.choose(256);
      },
      processes: this.#processes.seenBy(identity),
      workers: null,
    };
  }

  /** The numbers of the processes that run. */
  get alive(): number[] {
    return this.#processes.alive;
  }

  /** Ends a process without giving it a chance (kill -9). What it wrote stays; its files answer `IO_FAILED`. */
  kill(pid: number): void {
    this.#processes.kill(pid);
  }

  /** Asked before every call to the disk; answers what goes wrong with it. */
  get onOperation(): ((operation: Operation) => Fault | undefined) | null {
    return this.#gate.onOperation;
  }

  set onOperation(ask: ((operation: Operation) => Fault | undefined) | null) {
    this.#gate.onOperation = ask;
  }

  /** How many calls were made to this disk. */
  get operations(): number {
    return this.#gate.operations;
  }

  /**
   * Takes the power away and starts the machine again: a new disk with what survived, no faults and no processes.
   * This one is dead, apart from this method and `crashImage`.
   *
   * @param choose - what survives; `loseAll` and `keepAll` are the two extremes. By default it follows from the seed
   */
  crash(choose: Choose = this.#parts.choose): MemoryDisk {
    const after = this.crashImage(choose);
    this.#gate.replace();
    this.#syncs.abandon();
    this.clock.dropTimers();
    return after;
  }

  /** One of the disks that a crash now could leave. Nothing happens to this one: it can be asked again, and goes on. */
  crashImage(choose: Choose): MemoryDisk {
    const root = this.#parts.root.afterCrash(choose);
    const after = seededChoose(choose(0x1_0000_0000));
    return new MemoryDisk({ ...this.#parts, root, choose: after, boots: this.#parts.boots + 1 });
  }

  /** From now on, syncs that do not block stay in flight until they are released. */
  holdSyncs(): void {
    this.#syncs.hold();
  }

  get syncsInFlight(): number {
    return this.#syncs.count;
  }

  /** Lets the oldest sync in flight end; others stay held. */
  releaseSync(): void {
    this.#syncs.releaseOne();
  }

  /** Lets every sync in flight end, and holds no more. */
  releaseSyncs(): void {
    this.#syncs.releaseAll();
  }

  /** The paths of everything but folders, in order. */
  paths(): string[] {
    return pathsIn(this.#parts.root, "");
  }

  /** A copy of a file's bytes as programs see them. */
  bytes(path: string): Uint8Array {
    return this.#contentAt(path).bytes();
  }

  /** A copy of a file's bytes as they surely are on the disk. */
  durableBytes(path: string): Uint8Array {
    return this.#contentAt(path).durableBytes();
  }

  /** Places a file with these bytes, and the folders above it, as if they had always been on the disk. */
  put(path: string, bytes: Uint8Array): void {
    this.#place(path, { kind: "file", content: new MemoryContent(this.#parts.sectorBytes, bytes.slice()) });
  }

  /** Places a link likewise. */
  putLink(path: string, target: string): void {
    this.#place(path, { kind: "link", target });
  }

  /** Places something that is neither file, folder nor link, such as a pipe. */
  putSpecial(path: string): void {
    this.#place(path, { kind: "other" });
  }

  /** Takes away what is at a path, a folder with all that is in it, as if it had never been there. */
  take(path: string): void {
    const { folder, name } = placeOf(this.#parts.root, path, "take");
    folder.place(name, null);
  }

  /** Decay: turns bit 0 to 7 of one byte around, in memory and on the disk. */
  flip(path: string, at: number, bit: number): void {
    this.#contentAt(path).flip(at, bit);
  }

  #place(path: string, leaf: MemoryLeaf): void {
    const names = path.split("/").filter((name) => name !== "");
    const name = names.pop();
    if (name === undefined) throw new RangeError("Nothing can be placed at the root.");
    let folder = this.#parts.root;
    for (const each of names) {
      const node = folder.get(each) ?? new MemoryFolder();
      if (node.kind !== "folder") throw new RangeError(`${each} in ${path} is not a folder.`);
      folder.place(each, node);
      folder = node;
    }
    folder.place(name, leaf);
  }

  #contentAt(path: string): MemoryContent {
    const node = nodeAt(this.#parts.root, path, "look at");
    if (node?.kind !== "file") throw new RangeError(`No file is at ${path}.`);
    return node.content;
  }
}

function pathsIn(folder: MemoryFolder, above: string): string[] {
  return folder
    .entries()
    .flatMap(([name, node]) => (node.kind === "folder" ? pathsIn(node, `${above}/${name}`) : [`${above}/${name}`]));
}

function bytesIn(folder: MemoryFolder): number {
  let bytes = 0;
  for (const [, node] of folder.entries()) {
    if (node.kind === "folder") bytes += bytesIn(node);
    else if (node.kind === "file") bytes += node.content.size;
  }
  return bytes;
}
