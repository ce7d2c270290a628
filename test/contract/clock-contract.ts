// What every clock promises.

import { describe, expect, it } from "vitest";
import type { Clock } from "../../src/runtime.ts";

/** `pass` lets at least so many milliseconds go by on the clock, or waits until they have. */
export function clockContract(name: string, clock: Clock, pass: (ms: number) => Promise<void>): void {
  describe(`clock of ${name}`, () => {
    it("tells whole microseconds since 1970, in this century", () => {
      const now = clock.nowMicros();
      expect(Number.isSafeInteger(now)).toBe(true);
      expect(new Date(now / 1000).getUTCFullYear()).toBeGreaterThanOrEqual(2024);
      expect(new Date(now / 1000).getUTCFullYear()).toBeLessThan(2100);
    });

    it("never goes back on its monotonic side", () => {
      let before = clock.monotonicMs();
      for (let reading = 0; reading < 10_000; reading += 1) {
        const now = clock.monotonicMs();
        expect(now).toBeGreaterThanOrEqual(before);
        before = now;
      }
    });

    it("lets promises that are due have their turn in a pause", async () => {
      const order: string[] = [];
      const other = Promise.resolve().then(() => order.push("other"));
      await clock.pause();
      order.push("after the pause");
      await other;
      expect(order).toEqual(["other", "after the pause"]);
    });

    it("calls back once, later and not too early", async () => {
      const started = clock.monotonicMs();
      const calls: number[] = [];
      clock.after(20, () => calls.push(clock.monotonicMs() - started));
      expect(calls).toEqual([]);
      await pass(40);
      await pass(40);
      expect(calls).toHaveLength(1);
      // Timers of the system count whole milliseconds.
      expect(calls[0]).toBeGreaterThanOrEqual(19);
    });

    it("does not call back when it was called off", async () => {
      let calls = 0;
      const callOff = clock.after(10, () => (calls += 1));
      callOff();
      callOff();
      await pass(30);
      expect(calls).toBe(0);
    });
  });
}
