// The package on a disk in memory, for tests: `openLogOn` with a `memoryRuntime`, whose disk can be made to fail.
export * from "../src/index.ts";
export * from "./memory.ts";
