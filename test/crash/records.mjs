// What the programs of these tests append: everything follows from the offset, so that nobody has to remember it.

/** How many records the append that begins at `offset` has: mostly few, sometimes many. */
export function countAt(offset) {
  const mixed = mix(offset);
  return mixed % 31 === 0 ? 40 : 1 + (mixed % 4);
}

/** The text of the record at `offset`: mostly short, sometimes longer than what is written at once. */
export function textAt(offset) {
  const mixed = mix(offset + 1_000_000);
  const length = mixed % 499 === 0 ? 300_000 : mixed % 13 === 0 ? 9000 : mixed % 200;
  return `${offset} ${String.fromCharCode(97 + (mixed % 26)).repeat(length)}`;
}

/** The texts of the append that begins at `offset`. */
export function appendAt(offset) {
  return Array.from({ length: countAt(offset) }, (_, i) => textAt(offset + i));
}

/** Whether an append ends right before `offset`. */
export function isBorder(offset) {
  let at = 0;
  while (at < offset) at += countAt(at);
  return at === offset;
}

function mix(number) {
  let mixed = Math.imul(number ^ 0x9e3779b9, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
