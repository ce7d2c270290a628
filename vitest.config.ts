import { defineConfig } from "vitest/config";

// These replace modules that others have loaded.
const REPLACING = ["test/contract/node-fs-troubles.test.ts"];

// Whose tests share a process.
const ROOMS = [["log"], ["simulation"], ["evidence", "cli", "interop", "crash"]];

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
        test: { name: rooms.join(", "), include: rooms.map((room) => `test/${room}/**/*.test.ts`), isolate: false },
      })),
      {
        extends: true,
        test: {
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
