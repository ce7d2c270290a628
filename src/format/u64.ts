// 64-bit fields as JavaScript numbers: offsets, positions and times stay below 2^53.

const HIGH = 2 ** 32;

export function getU64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * HIGH + view.getUint32(at, true);
}

export function setU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % HIGH, true);
  view.setUint32(at + 4, Math.floor(value / HIGH), true);
}
