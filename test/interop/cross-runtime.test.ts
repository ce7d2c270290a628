// A log written in one runtime is read, verified and continued in another. Runs the built package, once for all runtimes:
// byte identity, which golden.test.ts shows in each, says the same more strictly.
import { execFile } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openLogOn } from "../../src/index.ts";
import { currentRuntime, temporaryFolder } from "../contract/current-runtime.ts";
import { entryUrl, OTHER_RUNTIMES } from "./installed-runtimes.ts";

const root = new URL("../../", import.meta.url);
const script = fileURLToPath(new URL("other-runtime.mjs", import.meta.url));
const expectedRuntime = process.env["DIATREME_EXPECT_RUNTIME"];

interface Found {
  readonly ok: boolean;
  readonly records: number;
  readonly head: string;
  readonly problem: unknown;
  readonly index: readonly string[];
  readonly bytes: number;
}

/** Why these tests cannot run now; `null` when they can. Where a runtime is expected, as in CI, they have to. */
function obstacle(): string | null {
  if (expectedRuntime !== undefined) return expectedRuntime === "node 24" ? null : "runs once, on node 24";
  if (!existsSync(new URL("dist/adapters/entry-node.js", root))) return "there is no dist: npm run build";
  if (newest("dist", ".js") < Math.max(newest("src", ".ts"), newest("adapters", ".ts"))) {
    return "dist is older than src: npm run build";
  }
  return null;
}

function newest(folder: string, extension: string): number {
  const base = fileURLToPath(new URL(folder, root));
  const files = readdirSync(base, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(extension));
  return Math.max(...files.map((file) => statSync(`${base}/${file}`).mtimeMs));
}

const reason = obstacle();

describe.skipIf(reason !== null)(`a log and other runtimes${reason === null ? "" : ` (skipped: ${reason})`}`, () => {
  for (const { name, entry, before, binary } of OTHER_RUNTIMES) {
    const missing = binary === undefined ? " (skipped: not installed)" : "";

    it.skipIf(binary === undefined)(
      `${name} writes it, this one verifies and continues it, ${name} verifies that${missing}`,
      async () => {
        const work = temporaryFolder();
        const folder = `${work.path}/log`;
        const run = (task: string) => runOther(binary as string, [...before, script, task, entryUrl(entry), folder]);
        try {
          const written = await run("write");
          expect(Object.keys(written)).toEqual(["large", "mixed", "small"]);
          for (const [stream, { ok, records, index }] of Object.entries(written)) {
            expect({ ok, records, index }, stream).toEqual({ ok: true, records: RECORDS[stream], index: [] });
          }
          expect(await whatIsRead(folder)).toEqual(written);
          await continueLog(folder);
          const continued = await whatIsRead(folder);
          expect(continued).toMatchObject({ small: { records: 62 } });
          expect(await run("read")).toEqual(continued);
          const again = await run("write");
          expect(again).toMatchObject({ small: { records: 122 } });
          expect(await whatIsRead(folder)).toEqual(again);
        } finally {
          work.remove();
        }
      },
    );
  }
});

const RECORDS: Readonly<Record<string, number>> = { large: 3, mixed: 15, small: 60 };

function runOther(binary: string, args: string[]): Promise<Record<string, Found>> {
  return new Promise((resolve, reject) => {
    execFile(binary, args, { env: { ...process.env, NODE_OPTIONS: "" } }, (error, stdout, stderr) => {
      if (error === null) resolve(JSON.parse(stdout) as Record<string, Found>);
      else reject(new Error(`${binary} failed:\n${stdout}${stderr}`, { cause: error }));
    });
  });
}

async function continueLog(folder: string): Promise<void> {
  await using log = await openLogOn(currentRuntime(), folder);
  await log.stream("small").append(["one", "two"]);
  await log.stream("mixed").append(new Uint8Array(30_000).fill(1));
}

async function whatIsRead(folder: string): Promise<Record<string, Found>> {
  const found: Record<string, Found> = {};
  const log = await openLogOn(currentRuntime(), folder, { readOnly: true });
  for (const name of await log.streams()) {
    const { ok, records, head, problem, index } = await log.stream(name).verify();
    let bytes = 0;
    for await (const record of log.stream(name).read({ verify: "genesis" })) bytes += record.payload.length;
    found[name] = { ok, records, head, problem, index, bytes };
  }
  await log.close();
  return found;
}
