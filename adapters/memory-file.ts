// One open file in memory, and what a sync does there.

import { failure } from "../src/errors.ts";
import type { RuntimeFile, Syncable } from "../src/runtime.ts";
import type { MemoryContent } from "./memory-content.ts";
import { type Call, type Fault, faultFailure, type OperationKind, type ProcessLife } from "./memory-faults.ts";
import type { MemoryVolume } from "./memory-volume.ts";

/** What can be synced: a file's content, or a folder's names. */
interface Settling<Carried> {
  beginSync(): Carried;
  finishSync(carried: Carried): void;
  failSync(carried: Carried): void;
}

/** What a sync is of, looked up when it is asked for. */
export interface SyncTarget<Carried> {
  readonly call: Call;
  readonly find: () => Settling<Carried>;
}

/** Makes changes durable: those that were made before it began, when it has ended well. */
export class MemorySync<Carried> implements Syncable {
  readonly #volume: MemoryVolume;
  readonly #life: ProcessLife;
  readonly #target: SyncTarget<Carried>;

  constructor(volume: MemoryVolume, life: ProcessLife, target: SyncTarget<Carried>) {
    this.#volume = volume;
    this.#life = life;
    this.#target = target;
  }

  async sync(): Promise<void> {
    const settle = this.#volume.gate.pass(this.#target.call, this.#life, (fault) => {
      const end = this.#begin(fault);
      // A machine that goes down after a sync goes down when all is durable and nobody has been told.
      if (fault !== null && "crash" in fault) end();
      return end;
    });
    await this.#volume.syncs.start(() => {
      this.#volume.gate.checkUp(this.#target.call, this.#life);
      settle();
    });
  }

  syncNow(): void {
    this.#volume.gate.pass(this.#target.call, this.#life, (fault) => this.#begin(fault)());
  }

  /** Takes what is to be carried, and gives what is to be done with it in the end. */
  #begin(fault: Fault | null): () => void {
    const settling = this.#target.find();
    const carried = settling.beginSync();
    if (fault === null || "crash" in fault) return () => settling.finishSync(carried);
    return () => {
      settling.failSync(carried);
      throw faultFailure("SYNC_FAILED", this.#target.call, "the test says so");
    };
  }
}

/** What an open file is opened on. */
interface Opened {
  readonly path: string;
  readonly content: MemoryContent;
  readonly mayWrite: boolean;
}

/** An open file in memory. */
export class MemoryFile implements RuntimeFile {
  readonly #volume: MemoryVolume;
  readonly #life: ProcessLife;
  readonly #opened: Opened;
  readonly #sync: Syncable;
  #isClosed = false;

  constructor(volume: MemoryVolume, life: ProcessLife, opened: Opened) {
    this.#volume = volume;
    this.#life = life;
    this.#opened = opened;
    this.#sync = new MemorySync(volume, life, {
      call: { kind: "sync", path: opened.path, bytes: 0 },
      find: () => this.#content("sync"),
    });
  }

  size(): number {
    return this.#pass("size", 0, (content) => content.size);
  }

  read(target: Uint8Array, position: number): number {
    let filled = 0;
    // A read that falls short is made good by another, as every adapter does: only the end of the file ends it.
    for (let isShort = true; isShort; ) {
      const rest = target.subarray(filled);
      isShort = this.#pass("read", rest.length, (content, fault) => {
        const wanted = Math.min(rest.length, limitOf(fault));
        const count = content.read(rest.subarray(0, wanted), position + filled);
        filled += count;
        this.#failMidway({ kind: "read", bytes: rest.length }, fault);
        return count === wanted && wanted < rest.length;
      });
    }
    return filled;
  }

  write(source: Uint8Array, position: number): number {
    return this.#pass("write", source.length, (content, fault) => {
      this.#checkWritable("write");
      const wanted = Math.min(source.length, limitOf(fault));
      const written = Math.min(wanted, this.#room(content, position));
      if (written < wanted && written === 0) throw failure("NO_SPACE", { path: this.#opened.path });
      content.write(source.subarray(0, written), position);
      this.#failMidway({ kind: "write", bytes: source.length }, fault);
      return written;
    });
  }

  truncate(bytes: number): void {
    this.#pass("truncate", bytes, (content) => {
      this.#checkWritable("truncate");
      content.truncate(bytes);
    });
  }

  sync(): Promise<void> {
    return this.#sync.sync();
  }

  syncNow(): void {
    this.#sync.syncNow();
  }

  close(): void {
    this.#isClosed = true;
  }

  #failMidway(call: Omit<Call, "path">, fault: Fault | null): void {
    if (fault === null || !("failAfter" in fault)) return;
    throw faultFailure(fault.code ?? "IO_FAILED", { ...call, path: this.#opened.path }, "the test says so");
  }

  /** How many bytes may be written from `position` on before the disk is full. */
  #room(content: MemoryContent, position: number): number {
    return Math.max(0, content.size - position + this.#volume.freeBytes());
  }

  #content(operation: OperationKind): MemoryContent {
    const { path, content } = this.#opened;
    if (!this.#isClosed) return content;
    const call = { kind: operation, path, bytes: 0 };
    throw faultFailure(operation === "sync" ? "SYNC_FAILED" : "IO_FAILED", call, "it is closed");
  }

  #checkWritable(operation: OperationKind): void {
    const { path, mayWrite } = this.#opened;
    if (!mayWrite) throw failure("IO_FAILED", { path, operation, reason: "it was opened for reading" });
  }

  #pass<T>(kind: OperationKind, bytes: number, action: (content: MemoryContent, fault: Fault | null) => T): T {
    const call = { kind, path: this.#opened.path, bytes };
    return this.#volume.gate.pass(call, this.#life, (fault) => action(this.#content(kind), fault));
  }
}

function limitOf(fault: Fault | null): number {
  if (fault === null) return Number.POSITIVE_INFINITY;
  if ("short" in fault) return fault.short;
  return "failAfter" in fault ? fault.failAfter : Number.POSITIVE_INFINITY;
}
