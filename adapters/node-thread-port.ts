// A thread's side of its messages, over node:worker_threads.

import { parentPort } from "node:worker_threads";
import type { ThreadPort } from "../src/runtime.ts";

/** The port of this thread, or `null` in a program's main thread. */
export function nodeThreadPort(): ThreadPort | null {
  const port = parentPort;
  if (port === null) return null;
  const arrived: unknown[] = [];
  const receivers: ((message: unknown) => void)[] = [];
  port.on("message", (message: unknown) => {
    const receiver = receivers.shift();
    if (receiver === undefined) arrived.push(message);
    else receiver(message);
  });
  return {
    post: (message) => port.postMessage(message),
    receive: () => {
      if (arrived.length > 0) return Promise.resolve(arrived.shift());
      return new Promise((resolve) => {
        receivers.push(resolve);
      });
    },
  };
}
