import { defineConfig } from "vitest/config";

export default defineConfig({
  // Forks are the only pool that works on Node, Deno and Bun alike. A hang must fail the run, not stop it.
  test: { include: ["test/**/*.test.ts"], pool: "forks", testTimeout: 120_000, hookTimeout: 120_000 },
});
