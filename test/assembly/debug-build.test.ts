// The debug build of the core names the assertion that failed; the release build only traps.
import { instantiateSync } from "@assemblyscript/loader";
import { describe, expect, it } from "vitest";
import { hex, readBuild } from "./kernels.ts";

interface Exports {
  [name: string]: unknown;
  memory: WebAssembly.Memory;
  sha256(input: number, bytes: number, output: number): void;
  sha256Many(messages: number, count: number, digests: number): void;
}

describe("the debug build", () => {
  const { exports } = instantiateSync<Exports>(readBuild("core.debug.wasm"));
  const free = exports.memory.grow(1) * 65536;

  it("tells which assertion failed and in which line", () => {
    const end = exports.memory.buffer.byteLength;
    expect(() => exports.sha256Many(end - 8, 2, free)).toThrow(
      /sha256Many: table outside memory.*assembly\/sha256x4\.ts:\d+:\d+/s,
    );
    expect(() => exports.sha256(end - 1, 2, free)).toThrow(
      /sha256: input outside memory.*assembly\/sha256\.ts:\d+:\d+/s,
    );
  });

  it("gives the same digests as the release build", () => {
    const bytes = new Uint8Array(exports.memory.buffer);
    bytes.set(new TextEncoder().encode("abc"), free);
    exports.sha256(free, 3, free + 64);
    expect(hex(bytes.subarray(free + 64, free + 96))).toBe(
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
  });
});
