// A program that waits for nothing but the end of a thread whose answer is just arriving: for workers.test.ts.

import { currentRuntime } from "./current-runtime.ts";

const { workers } = currentRuntime();
const module = new URL("./thread.mjs", import.meta.url).href;
for (let i = 0; i < 20; i++) {
  const worker = workers?.start(module);
  worker?.post({ echo: "first" }, []);
  await worker?.receive();
  for (let more = 0; more < 4 * i; more++) {
    worker?.receive().catch(() => undefined);
    worker?.post({ echo: "more" }, []);
  }
  if (i % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
  await worker?.stop();
}
console.log("all stopped");
