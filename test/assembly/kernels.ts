// The core as the kernel tests see it: its exports, and memory of their own behind everything that the core uses.
// CORE_WASM names another core.wasm to test; its debug build lies beside it.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { crc32 as zlibCrc32 } from "node:zlib";
import { createCRC32 } from "hash-wasm";

interface Kernels {
  readonly memory: WebAssembly.Memory;
  sha256(input: number, bytes: number, output: number): void;
  sha256Entry(header: number, digest: number, output: number): void;
  sha256Many(messages: number, count: number, digests: number): void;
  sha256Entries(messages: number, count: number, digests: number, hashes: number): void;
  crc32(seed: number, pointer: number, bytes: number): number;
}

const PAGES = 64;

export function readBuild(name: "core.wasm" | "core.debug.wasm"): Uint8Array<ArrayBuffer> {
  const core = process.env["CORE_WASM"] ?? fileURLToPath(new URL("../../build/core.wasm", import.meta.url));
  return new Uint8Array(readFileSync(core.replace(/core\.wasm$/, name)));
}

/** A fresh instance, a view of its memory, and the first address of 4 MiB that nothing but the test uses. */
export function loadKernels(): { core: Kernels; bytes: Uint8Array; free: number } {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(readBuild("core.wasm")));
  const core = instance.exports as unknown as Kernels;
  const free = core.memory.grow(PAGES) * 65536;
  return { core, bytes: new Uint8Array(core.memory.buffer), free };
}

/** `count` bytes that depend on the seed alone (xorshift32). */
export function pseudoRandom(seed: number, count: number): Uint8Array {
  let state = seed * 2 + 1;
  return Uint8Array.from({ length: count }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 255;
  });
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const hashWasmCrc32 = await createCRC32();

/** The CRC-32 on which zlib and hash-wasm agree. */
export function expectedCrc32(data: Uint8Array): number {
  const expected = Number.parseInt(hashWasmCrc32.init().update(data).digest("hex"), 16);
  if (zlibCrc32(data) !== expected) throw new Error("zlib and hash-wasm disagree");
  return expected;
}
