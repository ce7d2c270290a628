// Choices made from a seed: the same seed gives the same choices on every machine.

/** Answers a whole number from 0 to `count - 1`. */
export type Choose = (count: number) => number;

/**
 * Choices that look random and follow from the seed. (The generator is splitmix32: a counter in golden-ratio steps,
 * mixed twice. Not for secrets.)
 */
export function seededChoose(seed: number): Choose {
  let state = seed | 0;
  return (count) => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return Math.floor((((mixed ^ (mixed >>> 15)) >>> 0) / 0x1_0000_0000) * count);
  };
}

/** In a crash: nothing survives that was not synced. */
export const loseAll: Choose = () => 0;

/** In a crash: everything survives, as if it had been synced. */
export const keepAll: Choose = (count) => count - 1;
