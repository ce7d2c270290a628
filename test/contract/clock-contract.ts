// What every clock promises.

import { describe, expect, it } from "vitest";
import type { Clock } from "../../src/runtime.ts";

export function clockContract(name: string, clock: Clock): void {
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
  });
}
