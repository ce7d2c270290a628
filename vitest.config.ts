import { defineConfig } from "vitest/config";

// These replace modules that others have loaded, which takes Vite's own way of loading them.
const REPLACING = ["test/contract/node-fs-troubles.test.ts"];

// Whose tests share a process.
const ROOMS = [["log"], ["simulation"], ["evidence", "cli", "interop", "crash"]];

// What a runtime loads by itself runs faster than what Vite has put into its own form. Node 20 loads no TypeScript by itself.
const isVersion20 = process.versions["bun"] === undefined && process.versions.node.startsWith("20.");
const LOADER = new URL("scripts/load-typescript.mjs", import.meta.url).href;
const NATIVELY = {
  experimental: { viteModuleRunner: false, nodeLoader: false },
  execArgv: isVersion20 ? ["--import", LOADER] : [],
};

export default defineConfig({
  test: {
    // Forks are the only pool that works on Node, Deno and Bun alike. A hang must fail the run, not stop it.
    pool: "forks",
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // The other files share a process with those of their rooms, which saves a third of the time: to start one and load the
    // same modules again takes longer than most files run. One process for all becomes slower and slower on Bun.
    projects: [
      ...ROOMS.map((rooms) => ({
        extends: true as const,
        test: {
          ...NATIVELY,
          name: rooms.join(", "),
          include: rooms.map((room) => `test/${room}/**/*.test.ts`),
          isolate: false,
        },
      })),
      {
        extends: true,
        test: {
          ...NATIVELY,
          name: "others",
          include: ["test/**/*.test.ts"],
          exclude: [...REPLACING, ...ROOMS.flat().map((room) => `test/${room}/**`)],
          isolate: false,
        },
      },
      { extends: true, test: { name: "isolated", include: REPLACING } },
    ],
  },
});
