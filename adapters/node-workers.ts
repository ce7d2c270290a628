// Threads over node:worker_threads, on Node, Deno and Bun.

import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { failure } from "../src/errors.ts";
import type { RuntimeWorker, Workers } from "../src/runtime.ts";

/** Threads by node:worker_threads. */
export function nodeWorkers(): Workers {
  return {
    cores: countCores(),
    get program() {
      return programUrl();
    },
    start: (moduleUrl) => new NodeWorker(new Worker(new URL(moduleUrl))),
  };
}

// Beside this file, from sources as from a build. Found when it is wanted: what others make of this file may have no URL.
function programUrl(): string {
  const { href } = new URL("./entry-thread.js", import.meta.url);
  return import.meta.url.endsWith(".ts") ? href.replace(/js$/, "ts") : href;
}

interface Receiver {
  resolve(message: unknown): void;
  reject(reason: unknown): void;
}

/** A thread and the messages that came from it before somebody asked for them. */
class NodeWorker implements RuntimeWorker {
  readonly #worker: Worker;
  readonly #arrived: unknown[] = [];
  readonly #receivers: Receiver[] = [];
  #ended: { reason: unknown } | null = null;
  #isStopping = false;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on("message", (message: unknown) => this.#arrive(message));
    worker.on("messageerror", (error: unknown) => this.#end(error));
    // An error may overtake the messages that were sent before it; the exit that follows it does not.
    let error: unknown;
    worker.on("error", (reason: unknown) => {
      error ??= reason;
    });
    worker.on("exit", (status: number) =>
      this.#end(error ?? failure("INTERNAL", { detail: `a thread ended with status ${status}` })),
    );
    // An idle thread must not keep the program from ending; only somebody who waits for it does.
    worker.unref();
  }

  post(message: unknown, transfer: ArrayBuffer[]): void {
    this.#worker.postMessage(message, transfer);
  }

  receive(): Promise<unknown> {
    if (this.#arrived.length > 0) return Promise.resolve(this.#arrived.shift());
    if (this.#ended !== null) return Promise.reject(this.#ended.reason);
    if (this.#receivers.length === 0) this.#worker.ref();
    return new Promise((resolve, reject) => {
      this.#receivers.push({ resolve, reject });
    });
  }

  // On Deno 2.9 this resolves at once, and a thread that is busy runs on until it next waits for a message.
  async stop(): Promise<void> {
    // Somebody waits for this end: nothing else need keep the program going, whatever answers still arrive.
    this.#isStopping = true;
    this.#worker.ref();
    await this.#worker.terminate();
  }

  #arrive(message: unknown): void {
    const receiver = this.#receivers.shift();
    if (receiver === undefined) {
      this.#arrived.push(message);
      return;
    }
    if (this.#receivers.length === 0 && !this.#isStopping) this.#worker.unref();
    receiver.resolve(message);
  }

  #end(reason: unknown): void {
    // The first reason is the telling one: an error is followed by an exit.
    this.#ended ??= { reason };
    for (const receiver of this.#receivers.splice(0)) receiver.reject(this.#ended.reason);
  }
}

function countCores(): number {
  try {
    return Math.max(1, availableParallelism());
  } catch {
    // Deno without --allow-sys.
    return 1;
  }
}
