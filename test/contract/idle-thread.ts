// A program that ends by itself though its threads still run, one used and one never: for workers.test.ts.

import { currentRuntime } from "./current-runtime.ts";

const { workers } = currentRuntime();
const module = new URL("./thread.mjs", import.meta.url).href;
workers?.start(module);
const worker = workers?.start(module);
worker?.post({ echo: "answered" }, []);
console.log(await worker?.receive());
