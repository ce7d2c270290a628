// A program that ends by itself though its thread still runs: for workers.test.ts.

import { currentRuntime } from "./current-runtime.ts";

const worker = currentRuntime().workers?.start(new URL("./thread.mjs", import.meta.url).href);
worker?.post({ echo: "answered" }, []);
console.log(await worker?.receive());
