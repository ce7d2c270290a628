// One instance of the compiled core: its exports, its memory, and the views on it. An instance serves one owner, a
// writer or a reader, which lays out the arena; whoever grows memory gets the views renewed here and nowhere else.
import { CONTROL_HEAD_AT } from "../../assembly/control.ts";
import { DIGEST_BYTES, ENTRY_BYTES, RECORD_HEADER_BYTES } from "../../assembly/layout.ts";
import { coreBase64 } from "./core.wasm.ts";

/** The compiled functions; docs and units stand in assembly/. Pointers and lengths are bytes. */
interface CoreExports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  controlPointer(): number;
  messagesPointer(): number;
  digestsPointer(): number;
  hashesPointer(): number;
  entryPointer(): number;
  arenaStart(): number;
  sha256(input: number, bytes: number, output: number): void;
  crc32(seed: number, pointer: number, bytes: number): number;
  encode(records: number, count: number, unsynced: number, nativeFrom: number): number;
  encodeHeaders(records: number, count: number): number;
  encodeTrailers(records: number, count: number, unsynced: number): void;
  linkToEntry(header: number): void;
  enterHeader(header: number): void;
  keepEntryHash(index: number): void;
  walk(window: number, bytes: number, maxLength: number): number;
  link(count: number, successor: number, nativeFrom: number): number;
  compareLinks(count: number, successor: number): number;
  pageAdd(page: number, records: number, count: number, position: number): number;
  pageFinish(page: number, flags: number, crcSeed: number): void;
  pageIsGood(page: number, crcSeed: number): number;
  pageFindDistance(page: number, distance: number): number;
  findTimestamp(count: number, timestamp: number): number;
  findMagic(pointer: number, bytes: number): number;
  countZeros(pointer: number, bytes: number): number;
}

const PAGE = 65536;
// What 32-bit addresses reach.
const MOST_BYTES = 65_536 * PAGE;

export class Core {
  readonly run: CoreExports;
  readonly control: number;
  readonly messages: number;
  readonly digests: number;
  readonly hashes: number;
  readonly entry: number;
  readonly arena: number;
  /** All of linear memory. Valid until `reserve` grows it: take it from here each time. */
  bytes!: Uint8Array<ArrayBuffer>;
  view!: DataView<ArrayBuffer>;
  /** What a view can be made on in half the time that `bytes.subarray` takes on V8, likewise. */
  buffer!: ArrayBuffer;
  /** The entry in ENTRY, the digest that ends it, and the place behind it for its hash, likewise. */
  entryBytes!: Uint8Array<ArrayBuffer>;
  entryDigest!: Uint8Array<ArrayBuffer>;
  entryHash!: Uint8Array<ArrayBuffer>;
  /** The first of HASHES, likewise. */
  firstHash!: Uint8Array<ArrayBuffer>;

  constructor() {
    const instance = new WebAssembly.Instance(compiledCore());
    this.run = instance.exports as unknown as CoreExports;
    this.control = this.run.controlPointer();
    this.messages = this.run.messagesPointer();
    this.digests = this.run.digestsPointer();
    this.hashes = this.run.hashesPointer();
    this.entry = this.run.entryPointer();
    this.arena = this.run.arenaStart();
    this.#makeViews();
  }

  /** Makes sure that memory reaches to `end`; renews the views when it had to grow. */
  reserve(end: number): void {
    if (end <= this.bytes.byteLength) return;
    // By half at least, so that growing step by step costs a constant factor, as far as that can be had.
    const wanted = Math.max(end, Math.min(this.bytes.byteLength * 1.5, MOST_BYTES));
    this.run.memory.grow(Math.ceil((wanted - this.bytes.byteLength) / PAGE));
    this.#makeViews();
  }

  getControl(fieldAt: number): number {
    return this.view.getUint32(this.control + fieldAt, true);
  }

  setControl(fieldAt: number, value: number): void {
    this.view.setUint32(this.control + fieldAt, value, true);
  }

  getControlNumber(fieldAt: number): number {
    return this.view.getFloat64(this.control + fieldAt, true);
  }

  setControlNumber(fieldAt: number, value: number): void {
    this.view.setFloat64(this.control + fieldAt, value, true);
  }

  /** A copy of the hash that the next record must link to. */
  head(): Uint8Array<ArrayBuffer> {
    const at = this.control + CONTROL_HEAD_AT;
    return this.bytes.slice(at, at + DIGEST_BYTES);
  }

  setHead(hash: Uint8Array): void {
    this.bytes.set(hash, this.control + CONTROL_HEAD_AT);
  }

  #makeViews(): void {
    const { buffer } = this.run.memory;
    this.buffer = buffer;
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
    this.entryBytes = this.bytes.subarray(this.entry, this.entry + ENTRY_BYTES);
    this.entryDigest = this.entryBytes.subarray(RECORD_HEADER_BYTES);
    this.entryHash = this.bytes.subarray(this.entry + ENTRY_BYTES, this.entry + ENTRY_BYTES + DIGEST_BYTES);
    this.firstHash = this.bytes.subarray(this.hashes, this.hashes + DIGEST_BYTES);
  }

  /** SHA-256 of bytes from outside. Uses the arena: only for an owner that has nothing in it. */
  sha256(message: Uint8Array): Uint8Array<ArrayBuffer> {
    this.reserve(this.arena + message.length + DIGEST_BYTES);
    const output = this.arena + message.length;
    this.bytes.set(message, this.arena);
    this.run.sha256(this.arena, message.length, output);
    return this.bytes.slice(output, output + DIGEST_BYTES);
  }

  /** CRC-32 of bytes from outside. Uses the arena like `sha256`. */
  crc32(message: Uint8Array): number {
    this.reserve(this.arena + message.length);
    this.bytes.set(message, this.arena);
    return this.run.crc32(0, this.arena, message.length) >>> 0;
  }
}

/**
 * The module: a `WebAssembly.Module`, which the types of a program that imports the package may not know. It holds no state
 * and can be sent to threads.
 */
export type CompiledCore = object;

let compiled: CompiledCore | undefined;

/** The module, compiled once a process. */
export function compiledCore(): CompiledCore {
  compiled ??= new WebAssembly.Module(fromBase64(coreBase64));
  return compiled;
}

/** Takes over a module that another thread has compiled. */
export function adoptCore(module: CompiledCore): void {
  compiled ??= module;
}

// Deno, Bun and Node from 25 on have a function for it. Where there is none, a loop over atob's text takes 0.1 ms, and 2 when
// it was never run before; a callback per byte took 5.
function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const native = (Uint8Array as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> }).fromBase64;
  if (native !== undefined) return native(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
