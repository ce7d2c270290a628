// The recipe of docs/format.md, "Verify by hand", does what it says.
import { spawnSync } from "node:child_process";
import { cpSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import * as layout from "../../assembly/layout.ts";
import { temporaryFolder } from "../contract/current-runtime.ts";
import { SegmentBytes } from "./damage.ts";

const page = readFileSync(new URL("../../docs/format.md", import.meta.url), "utf8");
const golden = fileURLToPath(new URL("../golden/v1", import.meta.url));
const segment = `${golden}/log/events/segment_000000.log`;
const missing = ["sh", "sha256sum", "xxd", "od"].filter(
  (tool) => spawnSync("sh", ["-c", `command -v ${tool}`]).status !== 0,
);

describe.skipIf(missing.length > 0)(
  `the recipe${missing.length > 0 ? ` (skipped: no ${missing.join(", ")})` : ""}`,
  () => {
    it("prints the head", () => {
      const { head } = JSON.parse(readFileSync(`${golden}/expected.json`, "utf8")).streams.events;
      expect(runRecipe(segment)).toBe(`${head}\n`);
    });

    it("names the place of a broken link", () => {
      const work = temporaryFolder();
      cpSync(segment, `${work.path}/damaged`);
      const damaged = new SegmentBytes(`${work.path}/damaged`);
      const [, second = 0, third = 0] = damaged.positions();
      damaged.flip(second + layout.RECORD_HEADER_BYTES, 1);
      damaged.save();
      expect(runRecipe(damaged.path)).toMatch(new RegExp(`^broken link at byte ${third}\n[0-9a-f]{64}\n$`));
      work.remove();
    });
  },
);

function runRecipe(file: string): string {
  const recipe = /^## Verify by hand$[\s\S]*?^```sh$([\s\S]*?)^```$/m.exec(page)?.[1] ?? "exit 1";
  const { stdout, stderr } = spawnSync("sh", ["-c", recipe], { env: { ...process.env, f: file }, encoding: "utf8" });
  expect(stderr).toBe("");
  return stdout;
}
