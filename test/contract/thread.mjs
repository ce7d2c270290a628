// A thread for workers-contract.ts: does as each message says. Plain JavaScript, for Node 20 loads no other in a thread.

import { parentPort } from "node:worker_threads";

parentPort.on("message", (message) => {
  if ("echo" in message) parentPort.postMessage(message.echo);
  if ("reverse" in message) {
    const bytes = new Uint8Array(message.reverse).reverse();
    parentPort.postMessage(bytes.buffer, [bytes.buffer]);
  }
  if ("module" in message) {
    new Uint8Array(message.shared)[0] = 42;
    const instance = new WebAssembly.Instance(message.module);
    parentPort.postMessage(Object.keys(instance.exports).length);
  }
  if ("fail" in message) throw new Error(message.fail);
  if ("exit" in message) process.exit(message.exit);
  if ("count" in message) {
    const counter = new Int32Array(message.count);
    parentPort.postMessage("counting");
    for (;;) Atomics.add(counter, 0, 1);
  }
});
