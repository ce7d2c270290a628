// What threads promise.

import { describe, expect, it, onTestFinished } from "vitest";
import type { RuntimeWorker, Workers } from "../../src/runtime.ts";

export function workersContract(name: string, workers: Workers): void {
  describe(`threads of ${name}`, () => {
    function start(): RuntimeWorker {
      const worker = workers.start(new URL("./thread.mjs", import.meta.url).href);
      onTestFinished(() => worker.stop());
      return worker;
    }

    it("can run at least one at once", () => {
      expect(Number.isInteger(workers.cores)).toBe(true);
      expect(workers.cores).toBeGreaterThanOrEqual(1);
    });

    it("answer in the order in which they were asked, whether somebody waits already or not", async () => {
      const worker = start();
      const early = [worker.receive(), worker.receive()];
      for (const echo of [1, 2, 3, 4]) worker.post({ echo }, []);
      expect(await Promise.all(early)).toEqual([1, 2]);
      expect([await worker.receive(), await worker.receive()]).toEqual([3, 4]);
    });

    it("take buffers over, both ways, without a copy staying behind", async () => {
      const worker = start();
      const buffer = Uint8Array.of(1, 2, 3).buffer;
      worker.post({ reverse: buffer }, [buffer]);
      expect(buffer.byteLength).toBe(0);
      expect([...new Uint8Array((await worker.receive()) as ArrayBuffer)]).toEqual([3, 2, 1]);
    });

    it("take compiled WebAssembly and shared memory", async () => {
      const worker = start();
      // The smallest module: magic and version only.
      const module = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
      const shared = new SharedArrayBuffer(4);
      worker.post({ module, shared }, []);
      expect(await worker.receive()).toBe(0);
      expect([...new Uint8Array(shared)]).toEqual([42, 0, 0, 0]);
    });

    it("reject with what the thread threw, now and later", async () => {
      const worker = start();
      const waiting = worker.receive();
      worker.post({ fail: "it broke" }, []);
      await expect(waiting).rejects.toThrow("it broke");
      await expect(worker.receive()).rejects.toThrow("it broke");
    });

    it("reject when the thread ends by itself", async () => {
      const worker = start();
      worker.post({ exit: 3 }, []);
      await expect(worker.receive()).rejects.toThrow(/ended/);
    });

    it("hand out what a thread sent before it ended", async () => {
      const worker = start();
      worker.post({ echo: "last words" }, []);
      worker.post({ fail: "it broke" }, []);
      expect(await worker.receive()).toBe("last words");
      await expect(worker.receive()).rejects.toThrow("it broke");
    });

    it("reject when the module is not there", async () => {
      const worker = workers.start(new URL("./no-such-thread.mjs", import.meta.url).href);
      onTestFinished(() => worker.stop());
      await expect(worker.receive()).rejects.toThrow();
    });

    it("are gone when stopped, and those who wait are told", async () => {
      const worker = start();
      const waiting = expect(worker.receive()).rejects.toThrow();
      await worker.stop();
      await waiting;
      await worker.stop();
    });
  });
}
