// 64-bit fields as JavaScript numbers: offsets, positions and times stay below 2^53.
import { readU32 } from "./u32.ts";

const HIGH = 2 ** 32;

export function getU64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * HIGH + view.getUint32(at, true);
}

export function setU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % HIGH, true);
  view.setUint32(at + 4, Math.floor(value / HIGH), true);
}

/** The same from bytes that have no view, which would cost more than it saves for a field or two. */
export function readU64(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at + 4) * HIGH + readU32(bytes, at);
}
