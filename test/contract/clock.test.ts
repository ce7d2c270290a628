// The clocks: this runtime's and the one in memory.

import { stat } from "node:fs";
import { describe, expect, it } from "vitest";
import { memoryRuntime } from "../../adapters/memory.ts";
import { clockContract } from "./clock-contract.ts";
import { currentRuntime, runtimeName } from "./current-runtime.ts";

clockContract(runtimeName, currentRuntime().clock);
clockContract("memory", memoryRuntime({ seed: 1 }).runtime.clock);

describe(`clock of ${runtimeName}`, () => {
  it("agrees with Date", () => {
    const before = Date.now() * 1000;
    const now = currentRuntime().clock.nowMicros();
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(Date.now() * 1000);
  });

  it("lets timers and I/O run while somebody pauses again and again", async () => {
    const { clock } = currentRuntime();
    let timers = 0;
    let answers = 0;
    setTimeout(() => {
      timers += 1;
    }, 1);
    stat(".", () => {
      answers += 1;
    });
    while (timers === 0 || answers === 0) await clock.pause();
    expect([timers, answers]).toEqual([1, 1]);
  });
});

describe("clock of memory", () => {
  it("stands still until it is moved", async () => {
    const { runtime, disk } = memoryRuntime({ seed: 1, now: 5_000 });
    await runtime.clock.pause();
    expect([runtime.clock.nowMicros(), runtime.clock.monotonicMs()]).toEqual([5_000, 0]);
    disk.clock.stepMicros(2_500);
    expect([runtime.clock.nowMicros(), runtime.clock.monotonicMs()]).toEqual([7_500, 2.5]);
  });

  it("can be set back on its wall side only", () => {
    const { runtime, disk } = memoryRuntime({ seed: 1, now: 5_000 });
    disk.clock.stepMicros(1_000);
    disk.clock.setMicros(10);
    expect([runtime.clock.nowMicros(), runtime.clock.monotonicMs()]).toEqual([10, 1]);
    expect(() => disk.clock.stepMicros(-1)).toThrow(RangeError);
  });

  it("goes on after a crash", () => {
    const { disk } = memoryRuntime({ seed: 1, now: 5_000 });
    disk.clock.stepMicros(1);
    expect(disk.crash().runtime().clock.nowMicros()).toBe(5_001);
  });

  it("pauses as it is told to", async () => {
    let pauses = 0;
    const pause = async (): Promise<void> => {
      pauses += 1;
    };
    await memoryRuntime({ seed: 1, pause }).runtime.clock.pause();
    expect(pauses).toBe(1);
  });
});
