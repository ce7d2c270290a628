// The quick look at single operations runs here once, tiny.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { argumentsToRun } from "../contract/current-runtime.ts";

it("bench/operations.bench.mjs measures every operation", { timeout: 60_000 }, () => {
  const script = fileURLToPath(new URL("../../bench/operations.bench.mjs", import.meta.url));
  const output = execFileSync(process.execPath, [...argumentsToRun(script), "20"], { encoding: "utf8" });
  for (const operation of ["append 1 × 256 B", "append 100 × 1 KiB", "append 1 × JSON", "getSync", "read 1,000"]) {
    expect(output).toContain(operation);
  }
});
