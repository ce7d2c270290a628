// The bytes of one file in memory, and what of them a disk would hold: the file half of the fault model in memory.ts.

import type { Choose } from "./memory-choice.ts";

/**
 * Changes that one sync carries: made since the sync before it began.
 * Of a sector every state that it went through is kept, for the system may have written any of them by itself.
 */
export interface ContentChanges {
  readonly sectors: Map<number, Uint8Array[]>;
  readonly sizes: number[];
  /** Its sync failed: the system thinks that the sectors are clean, and no later sync writes them. */
  stranded: boolean;
}

/** The bytes of one file: as programs see them, and as the disk surely or perhaps has them. */
export class MemoryContent {
  readonly #sectorBytes: number;
  readonly #seen: GrowingBytes;
  readonly #durable: GrowingBytes;
  /** Oldest first. The last takes new changes; those before it have a sync in flight or are stranded. */
  #changes: ContentChanges[] = [noChanges()];

  /** A file that is on the disk with these bytes, which are its own from now on. */
  constructor(sectorBytes: number, bytes: Uint8Array | GrowingBytes = new Uint8Array(0)) {
    this.#sectorBytes = sectorBytes;
    this.#seen = bytes instanceof GrowingBytes ? bytes : new GrowingBytes(bytes, bytes.length);
    this.#durable = this.#seen.share();
  }

  get size(): number {
    return this.#seen.size;
  }

  /** A copy of what programs see. */
  bytes(): Uint8Array {
    return this.#seen.view().slice();
  }

  /** A copy of what surely is on the disk. */
  durableBytes(): Uint8Array {
    return this.#durable.view().slice();
  }

  read(target: Uint8Array, position: number): number {
    const found = this.#seen.view().subarray(position, position + target.length);
    target.set(found);
    return found.length;
  }

  write(source: Uint8Array, position: number): void {
    if (source.length === 0) return;
    const end = position + source.length;
    if (end > this.#seen.size) this.#resize(end);
    this.#seen.put(source, position);
    this.#noteSectors(position, end);
  }

  truncate(bytes: number): void {
    if (bytes === this.#seen.size) return;
    const cut = bytes < this.#seen.size;
    this.#resize(bytes);
    if (cut) this.#noteCut(bytes);
  }

  /** Decay: turns one bit around, in memory and on the disk. */
  flip(at: number, bit: number): void {
    const sector = Math.floor(at / this.#sectorBytes);
    const states = this.#changes.flatMap((changes) => changes.sectors.get(sector) ?? []);
    for (const state of states) flipBit(state, at % this.#sectorBytes, bit);
    flipBit(this.#durable.own(), at, bit);
    flipBit(this.#seen.own(), at, bit);
  }

  /** The changes that a sync which begins now must carry. */
  beginSync(): ContentChanges {
    const begun = this.#newest();
    this.#changes.push(noChanges());
    return begun;
  }

  /** The sync of `carried` ended well; so did those that began before it, for a sync is of all that was written. */
  finishSync(carried: ContentChanges): void {
    const count = this.#changes.indexOf(carried) + 1;
    const older = this.#changes.slice(0, count);
    this.#settleSizes(older);
    // The newest state of a sector is the one that counts: whoever comes first settles it for all.
    for (const changes of older.toReversed()) {
      if (changes.stranded) continue;
      for (const [sector, states] of changes.sectors) {
        this.#durable.put(last(states), sector * this.#sectorBytes);
        for (const other of older) other.sectors.delete(sector);
      }
    }
    this.#changes = this.#changes.filter((changes, index) => index >= count || changes.sectors.size > 0);
  }

  /** The sync of `carried` failed: some of it may be on the disk, and none will be written again by itself. */
  failSync(carried: ContentChanges): void {
    carried.stranded = true;
  }

  /** What the disk holds after power was lost now. */
  afterCrash(choose: Choose): MemoryContent {
    if (this.#changes.every(isEmpty)) return new MemoryContent(this.#sectorBytes, this.#durable.share());
    const sizes = [this.#durable.size, ...this.#changes.flatMap((changes) => changes.sizes)];
    const settled = choose(sizes.length);
    const size = sizes[settled] ?? 0;
    const bytes = new Uint8Array(size);
    // Sizes settle in order: a cut that the file went through has emptied what was behind it.
    const uncut = Math.min(...sizes.slice(0, settled + 1));
    bytes.set(this.#durable.view().subarray(0, uncut));
    this.#surviveSectors(bytes, choose);
    return new MemoryContent(this.#sectorBytes, bytes);
  }

  #surviveSectors(bytes: Uint8Array, choose: Choose): void {
    const manner = choose(MANNERS.length);
    if (MANNERS[manner] === "none") return;
    const histories = this.#sectorHistories();
    const boundary = MANNERS[manner] === "in order" ? choose(histories.length + 1) : 0;
    histories.forEach(([sector, states], place) => {
      const start = sector * this.#sectorBytes;
      const target = bytes.subarray(start, start + this.#sectorBytes);
      if (start >= this.#durable.size) this.#fillUnwritten(target, manner, choose);
      switch (MANNERS[manner]) {
        case "in order":
          if (place < boundary) putSector(target, last(states));
          else if (place === boundary) tear(target, last(states), choose);
          break;
        case "each by itself":
          surviveSector(target, states, choose);
          break;
        case "all":
          putSector(target, last(states));
      }
    });
  }

  /** A sector that never was on the disk reads as zeros, mostly; some file systems show what was there before. */
  #fillUnwritten(target: Uint8Array, manner: number, choose: Choose): void {
    if (MANNERS[manner] !== "each by itself") return;
    const kind = choose(8);
    if (kind === 6) {
      target.forEach((_, at) => {
        target[at] = choose(256);
      });
    } else if (kind === 7) {
      const stale = choose(Math.floor(this.#durable.size / this.#sectorBytes) + 1) * this.#sectorBytes;
      putSector(target, this.#durable.view().subarray(stale, stale + this.#sectorBytes));
    }
  }

  /** The states of each sector since it was surely on the disk, oldest first; sectors in order. */
  #sectorHistories(): [number, Uint8Array[]][] {
    const histories = new Map<number, Uint8Array[]>();
    for (const changes of this.#changes) {
      for (const [sector, states] of changes.sectors) {
        histories.set(sector, [...(histories.get(sector) ?? []), ...states]);
      }
    }
    return [...histories].sort(([a], [b]) => a - b);
  }

  #settleSizes(older: ContentChanges[]): void {
    for (const size of older.flatMap((changes) => changes.sizes.splice(0))) this.#durable.resize(size);
  }

  #resize(bytes: number): void {
    this.#seen.resize(bytes);
    this.#newest().sizes.push(bytes);
  }

  /** What is cut off is zero from then on, should the file grow again: part of a sector, and sectors changed before. */
  #noteCut(bytes: number): void {
    if (bytes % this.#sectorBytes !== 0) this.#noteSectors(bytes, bytes + 1);
    for (const [sector] of this.#sectorHistories()) {
      const start = sector * this.#sectorBytes;
      if (start >= bytes) this.#noteSectors(start, start + 1);
    }
  }

  /** Keeps the state of each sector between two positions, as it is now. */
  #noteSectors(from: number, to: number): void {
    const first = Math.floor(from / this.#sectorBytes);
    const end = Math.ceil(to / this.#sectorBytes);
    const states = new Uint8Array((end - first) * this.#sectorBytes);
    states.set(this.#seen.view().subarray(first * this.#sectorBytes, end * this.#sectorBytes));
    const { sectors } = this.#newest();
    for (let sector = first; sector < end; sector += 1) {
      const at = (sector - first) * this.#sectorBytes;
      const state = states.subarray(at, at + this.#sectorBytes);
      const history = sectors.get(sector);
      if (history === undefined) sectors.set(sector, [state]);
      else history.push(state);
    }
  }

  #newest(): ContentChanges {
    return last(this.#changes);
  }
}

/** How much of the changed sectors survives; from none to all, as `loseAll` and `keepAll` choose. */
const MANNERS = ["none", "in order", "each by itself", "all"] as const;

/** Leaves a sector in one of the states that it went through, or half-way to the next. */
function surviveSector(target: Uint8Array, states: Uint8Array[], choose: Choose): void {
  const reached = choose(states.length + 1);
  const state = states[reached - 1];
  if (state !== undefined) putSector(target, state);
  const next = states[reached];
  if (next !== undefined && choose(2) === 1) tear(target, next, choose);
}

/** Writes only the bytes before some place, or only those from there on. */
function tear(target: Uint8Array, state: Uint8Array, choose: Choose): void {
  const place = choose(target.length + 1);
  const isHeadNew = choose(2) === 0;
  const part = isHeadNew ? state.subarray(0, place) : state.subarray(place, target.length);
  target.set(part, isHeadNew ? 0 : place);
}

/** The file may end inside of the sector. */
function putSector(target: Uint8Array, state: Uint8Array): void {
  target.set(state.subarray(0, target.length));
}

function flipBit(bytes: Uint8Array, at: number, bit: number): void {
  const byte = bytes[at];
  if (byte !== undefined) bytes[at] = byte ^ (1 << bit);
}

function noChanges(): ContentChanges {
  return { sectors: new Map(), sizes: [], stranded: false };
}

function isEmpty({ sectors, sizes }: ContentChanges): boolean {
  return sectors.size === 0 && sizes.length === 0;
}

function last<T>(items: readonly T[]): T {
  const item = items.at(-1);
  if (item === undefined) throw new RangeError("There is no last one of none.");
  return item;
}

/** Bytes with room to grow. What is behind the size is always zero. */
class GrowingBytes {
  #store: Uint8Array;
  #size: number;
  /** Others look at the same bytes: they are copied before they are changed. */
  #isShared = false;

  constructor(store: Uint8Array, size: number) {
    this.#store = store;
    this.#size = size;
  }

  get size(): number {
    return this.#size;
  }

  /** The same bytes for somebody else. They are copied when one of the two changes them. */
  share(): GrowingBytes {
    const other = new GrowingBytes(this.#store, this.#size);
    other.#isShared = true;
    this.#isShared = true;
    return other;
  }

  /** To read only. */
  view(): Uint8Array {
    return this.#store.subarray(0, this.#size);
  }

  /** To change. */
  own(): Uint8Array {
    if (this.#isShared) this.#copy(this.#store.length);
    return this.view();
  }

  /** Writes what of `bytes` lies before the size. */
  put(bytes: Uint8Array, position: number): void {
    const target = this.own().subarray(position);
    target.set(bytes.length > target.length ? bytes.subarray(0, target.length) : bytes);
  }

  resize(size: number): void {
    if (size > this.#store.length) this.#copy(Math.max(size, this.#store.length * 2));
    if (size < this.#size) this.own().fill(0, size);
    this.#size = size;
  }

  #copy(room: number): void {
    const copied = new Uint8Array(room);
    copied.set(this.view());
    this.#store = copied;
    this.#isShared = false;
  }
}
