// Threads that are none: the program of a thread runs in this one, on a runtime of the test's choice, so that what happens
// between threads can be tested on a disk in memory, one step at a time.
import { serveVerify } from "../../src/log/verification/verify-thread.ts";
import type { Runtime, RuntimeWorker, Workers } from "../../src/runtime.ts";

/** What a test may do to a thread's answers. */
export type Tamper = (answer: unknown, count: number) => unknown;

/** A runtime with `cores` such threads, each on the same disk; `tamper` sees each answer before it is given. */
export function withThreads(runtime: Runtime, cores: number, tamper: Tamper = (answer) => answer): Runtime {
  const workers: Workers = { cores, program: "thread:", start: () => startThread(runtime, tamper) };
  return { ...runtime, workers };
}

function startThread(runtime: Runtime, tamper: Tamper): RuntimeWorker {
  const toThread = new Mailbox();
  const fromThread = new Mailbox();
  let count = 0;
  const port = {
    receive: () => toThread.take(),
    post: (message: unknown) => {
      try {
        fromThread.put(tamper(structuredClone(message), count++));
      } catch (error) {
        fromThread.end(error);
      }
    },
  };
  serveVerify(runtime, port).catch((error: unknown) => fromThread.end(error));
  return {
    post: (message) => toThread.put(message),
    receive: () => fromThread.take(),
    stop: async () => {
      fromThread.end(new Error("the thread was stopped"));
    },
  };
}

// Messages in order, and those who wait for one.
class Mailbox {
  readonly #messages: unknown[] = [];
  readonly #waiting: { resolve(message: unknown): void; reject(reason: unknown): void }[] = [];
  #ended: { reason: unknown } | null = null;

  put(message: unknown): void {
    if (this.#ended !== null) return;
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#messages.push(message);
    else waiting.resolve(message);
  }

  take(): Promise<unknown> {
    if (this.#messages.length > 0) return Promise.resolve(this.#messages.shift());
    if (this.#ended !== null) return Promise.reject(this.#ended.reason);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  end(reason: unknown): void {
    this.#ended ??= { reason };
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#ended.reason);
  }
}
