// Lets contenders take turns and compares them. Not tinybench: it runs each task to its end before the next begins, and
// on a noisy machine the later one would pay for what happened meanwhile. Here all take turns in short slices, in an
// order that rotates, so that a disturbance meets all of them alike; medians and ratios of medians are what counts.

/**
 * Runs each entrant's `slice` in turn. Returns what the slices returned: by entrant, by round, by turn.
 *
 * @param entrants - `{ name, slice }`; a slice returns, or promises, one measurement. `oncePerRound` for the very slow
 * @param effort - `{ rounds, turns, warmups }`: rounds of so many turns each, after so many that do not count
 */
export async function takeTurns(entrants, { rounds, turns, warmups }) {
  for (let i = 0; i < warmups; i++) {
    for (const { slice, oncePerRound = false } of entrants) if (i === 0 || !oncePerRound) await slice();
  }
  const taken = entrants.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const one of taken) one.push([]);
    for (let turn = 0; turn < turns; turn++) {
      for (let place = 0; place < entrants.length; place++) {
        const index = (place + turn + round) % entrants.length;
        const { slice, oncePerRound = false } = entrants[index];
        if (turn === 0 || !oncePerRound) taken[index][round].push(await slice());
      }
    }
  }
  return taken;
}

/** The milliseconds that `run` takes. */
export async function timed(run) {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/**
 * Times entrants against the first. Each cell: the median over rounds, and how many times as good the first is as this
 * one, as the median of the rounds' ratios with the least and the greatest.
 *
 * @param row - `{ name, unit, units }`: with `units` of work in a slice the cells are rates, else milliseconds
 */
export async function contest(row, entrants, effort) {
  const taken = await takeTurns(
    entrants.map(({ name, run }) => ({ name, slice: () => timed(run) })),
    effort,
  );
  return rowOf(
    row,
    entrants,
    taken.map((rounds) => rounds.map(median)),
  );
}

/**
 * The row of a table from one cost per entrant and round. Lower costs are better; with `units` of work behind a cost in
 * milliseconds the cells show units per second.
 */
export function rowOf({ name, unit, units = null, digest = null, note = null }, entrants, costs) {
  const cells = entrants.map((entrant, index) => {
    const ratios = costs[index].map((cost, round) => cost / costs[0][round]);
    const cost = median(costs[index]);
    return {
      contender: entrant.name,
      value: units === null ? cost : (units * 1000) / cost,
      ratio: index === 0 ? null : { median: median(ratios), least: Math.min(...ratios), greatest: Math.max(...ratios) },
    };
  });
  return { name, unit, cells, digest, note };
}

export function median(values) {
  return percentile(values, 50);
}

export function percentile(values, percent) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))];
}
