// Spreads ranges over this thread and those that help it. Where there are more ranges than are left for the others, this one
// begins while they start; then each takes the next range whenever it is free.
import { messageOf } from "../../errors.ts";
import type { VerifyRange } from "./verify-range.ts";
import type { VerifyTeam } from "./verify-team.ts";
import type { ThreadAnswer } from "./verify-thread.ts";

/** Fewer ranges than this are not worth starting threads for: so many are left for them, whatever this one does meanwhile. */
export const LEAST_RANGES = 8;

/** A range and what came of it. */
export interface CheckedRange {
  readonly range: VerifyRange;
  readonly answer: ThreadAnswer;
}

interface Share {
  readonly range: VerifyRange;
  answer: ThreadAnswer | null;
}

/**
 * What came of each range, in their order. Ends early, with ranges left over, when the threads could not be started.
 *
 * @param checkHere - checks a range on this thread, one at a time, letting the program run meanwhile
 */
export async function* spread(
  ranges: Iterator<VerifyRange>,
  team: VerifyTeam,
  checkHere: (range: VerifyRange) => Promise<ThreadAnswer>,
): AsyncGenerator<CheckedRange, void> {
  const planned: VerifyRange[] = [];
  const shares: Share[] = [];
  let isPlanned = false;
  let isWorking = false;
  let wake: () => void = () => {};

  const plan = (count: number) => {
    while (!isPlanned && planned.length < count) {
      const { value: range, done } = ranges.next();
      if (done) isPlanned = true;
      else planned.push(range);
    }
    return planned.length >= count;
  };
  const handOut = (check: (range: VerifyRange) => Promise<ThreadAnswer>): void => {
    const share: Share = { range: planned.shift() as VerifyRange, answer: null };
    shares.push(share);
    void check(share.range)
      .catch((error: unknown) => ({ failed: messageOf(error) }))
      .then((answer) => {
        share.answer = answer;
        wake();
      });
  };
  const work = (range: VerifyRange) => {
    isWorking = true;
    return checkHere(range).finally(() => {
      isWorking = false;
    });
  };

  void team.started.then(() => wake());
  for (;;) {
    // What is ahead is bounded: whoever waits for the oldest share keeps the others from running away from it.
    const most = 10 * (team.size + 1);
    while (team.hasRoom && shares.length < most && plan(1)) handOut((range) => team.check(range));
    const mayWork = team.isReady ? shares.length < most && plan(1) : team.problem === null && plan(LEAST_RANGES + 1);
    if (!isWorking && mayWork) handOut(work);
    const [oldest] = shares;
    if (oldest === undefined && (team.problem !== null || (team.isReady && !plan(1)))) return;
    if (oldest === undefined || oldest.answer === null) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      continue;
    }
    shares.shift();
    yield { range: oldest.range, answer: oldest.answer };
  }
}
