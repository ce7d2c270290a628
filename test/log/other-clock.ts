// A clock that says something else than the machine's.
import type { Clock, Runtime } from "../../src/runtime.ts";

export function withClock(runtime: Runtime, changes: Partial<Clock>): Runtime {
  const { clock } = runtime;
  const plain: Clock = {
    nowMicros: () => clock.nowMicros(),
    monotonicMs: () => clock.monotonicMs(),
    pause: () => clock.pause(),
    nextTurn: () => clock.nextTurn(),
    after: (delayMs, callback) => clock.after(delayMs, callback),
  };
  return { ...runtime, clock: { ...plain, ...changes } };
}

/** Each look at this clock is later than work may keep the event loop for itself. */
export function withHurry(runtime: Runtime): Runtime {
  let ms = 0;
  return withClock(runtime, {
    monotonicMs: () => {
      ms += 20;
      return ms;
    },
  });
}
