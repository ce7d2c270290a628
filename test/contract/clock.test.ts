// The clocks: this runtime's and the one in memory.

import { stat } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { memoryRuntime } from "../../adapters/memory.ts";
import { clockContract } from "./clock-contract.ts";
import { currentRuntime, runtimeName } from "./current-runtime.ts";

clockContract(runtimeName, currentRuntime().clock, (ms) => new Promise((resolve) => setTimeout(resolve, ms)));
const { runtime: inMemory, disk: memoryDisk } = memoryRuntime({ seed: 1 });
clockContract("memory", inMemory.clock, async (ms) => memoryDisk.clock.stepMicros(ms * 1000));

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

  it("lets sockets in, within few pauses between pieces of work", async () => {
    const { clock } = currentRuntime();
    const echo = createServer((socket) => socket.pipe(socket));
    await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
    const socket = connect((echo.address() as AddressInfo).port, "127.0.0.1");
    try {
      await new Promise((resolve) => socket.once("connect", resolve));
      let isBack = false;
      socket.once("data", () => {
        isBack = true;
      });
      socket.write("x");
      let pauses = 0;
      for (; !isBack && pauses < 100; pauses++) {
        for (const started = performance.now(); performance.now() - started < 2; );
        await clock.pause();
      }
      expect(isBack, `after ${pauses} pauses`).toBe(true);
    } finally {
      socket.destroy();
      echo.close();
    }
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

  it("lets timers go off in the order of their times when it is moved past them", () => {
    const { runtime, disk } = memoryRuntime({ seed: 1 });
    const rang: string[] = [];
    runtime.clock.after(3, () => rang.push("late"));
    const callOff = runtime.clock.after(2, () => rang.push("never"));
    runtime.clock.after(1, () => {
      rang.push("early");
      callOff();
    });
    expect(disk.clock.timers).toBe(3);
    disk.clock.stepMicros(5000);
    expect(rang).toEqual(["early", "late"]);
    expect(disk.clock.timers).toBe(0);
  });

  it("goes on after a crash, without the timers of the programs that are gone", () => {
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
