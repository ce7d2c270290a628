import { defineConfig } from "vitest/config";

// These replace modules that others have loaded.
const REPLACING = ["test/contract/node-fs-troubles.test.ts"];

export default defineConfig({
  test: {
    // Forks are the only pool that works on Node, Deno and Bun alike. A hang must fail the run, not stop it.
    pool: "forks",
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // The other files share a process, which saves a third of the time: to start one and load the same modules again
    // takes longer than most files run.
    projects: [
      { extends: true, test: { name: "shared", include: ["test/**/*.test.ts"], exclude: REPLACING, isolate: false } },
      { extends: true, test: { name: "isolated", include: REPLACING } },
    ],
  },
});
