// Small file systems that really fill up, and a limit on the size of files. The program under test runs in a mount
// namespace of its own, so that nothing stays mounted whatever happens.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { openLogOn, type SyncPolicy } from "../../src/index.ts";
import { currentRuntime, isRoot, temporaryFolder } from "../contract/current-runtime.ts";
import { entryUrl, THIS_RUNTIME } from "../interop/installed-runtimes.ts";

const program = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const RECORD_BYTES = 10_000;

interface Said {
  readonly filled: { readonly durable: number; readonly code: string; readonly message: string; readonly path: string };
  readonly readable: unknown;
  readonly again: string;
  readonly reader: unknown;
  readonly closed: string;
  readonly reopened: unknown;
  readonly reopenedMessage?: string;
  readonly readerAfter: unknown;
  readonly resumedAt?: number;
  readonly resumed?: unknown;
  readonly verified?: unknown;
}

// Each mounts a file system on "$0/disk" and runs the rest with 1 MB of it taken up by a file.
const FILE_SYSTEMS = [
  { name: "tmpfs", unshare: isRoot ? "-m" : "-rm", mount: 'mount -t tmpfs -o size=4m none "$0/disk"' },
  {
    name: "ext4",
    unshare: "-m",
    mount: 'head -c 6000000 /dev/zero > "$0/image" && mkfs.ext4 -q -F "$0/image" && mount -o loop "$0/image" "$0/disk"',
  },
].map((system) => {
  const script = `set -e; mkdir "$0/disk"; ${system.mount}; head -c 1000000 /dev/zero > "$0/disk/ballast"; exec "$@"`;
  return {
    ...system,
    run: (folder: string, args: string[]) => run("unshare", [system.unshare, "sh", "-c", script, folder, ...args]),
  };
});

function run(
  command: string,
  args: string[],
): { status: number | null; signal: string | null; output: string; errors: string } {
  const { status, signal, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  return { status, signal, output: stdout ?? "", errors: `${error?.message ?? ""}${stderr ?? ""}` };
}

/** Why a file system cannot be mounted here; `null` when it can. */
function obstacle(system: (typeof FILE_SYSTEMS)[number]): string | null {
  const folder = temporaryFolder();
  try {
    const { status, errors } = system.run(folder.path, ["true"]);
    return status === 0 ? null : errors.trim().split("\n")[0] || `status ${status}`;
  } finally {
    folder.remove();
  }
}

function command(name: string, ...args: string[]): string[] {
  const { binary, before, entry } = THIS_RUNTIME;
  return [binary, ...before, program(name), entryUrl(entry), ...args];
}

const POLICIES: readonly SyncPolicy[] = ["everyBatch", "onFlush"];

describe.each(FILE_SYSTEMS.map((system) => ({ ...system, reason: obstacle(system) })))(
  "a full $name",
  ({ run: runOn, reason }) => {
    const skipped = reason === null ? "" : ` (skipped: cannot mount one here: ${reason})`;

    it.skipIf(reason !== null).each(POLICIES)(
      `is NO_SPACE; nothing durable is lost, readers go on, and so do writers when there is room again, under %s${skipped}`,
      (policy) => {
        const folder = temporaryFolder();
        onTestFinished(folder.remove);
        const disk = `${folder.path}/disk`;
        const args = command("fill.mjs", `${disk}/log`, JSON.stringify(policy), `${disk}/ballast`);
        const { status, output, errors } = runOn(folder.path, args);
        expect(errors).toBe("");
        expect(status).toBe(0);
        const said = JSON.parse(output) as Said;
        const { durable } = said.filled;
        expect(said.filled).toMatchObject({ code: "NO_SPACE", path: expect.stringMatching(/segment_\d+\.log$/) });
        expect(said.filled.message).toContain("No space left for ");
        // It was really full: of 4 MB and more, more than half are records.
        expect(durable).toBeGreaterThan(2_000_000 / RECORD_BYTES);
        expect(said.readable).toBe(durable);
        // What is freed when a write is cut back may be enough for one record, and no other code is an answer.
        expect(["NO_SPACE", "appended"]).toContain(said.again);
        const least = said.again === "appended" ? durable + 1 : durable;
        expect(said.reader).toBe(least);
        // Under onFlush an append that was taken and could not be written is told of when the log is closed.
        expect(said.closed).toBe(policy === "onFlush" && said.again === "NO_SPACE" ? "NO_SPACE" : "closed");
        expect([least, "NO_SPACE"]).toContain(said.reopened);
        expect(said.readerAfter).toBe(least);
        expect(said.resumedAt).toBe(least);
        expect(said.resumed).toBe(least + 20);
        expect(said.verified).toEqual({ ok: true, index: [] });
      },
    );
  },
);

const hasPrlimit = run("prlimit", ["--version"]).status === 0;
const noPrlimit = hasPrlimit ? "" : " (skipped: there is no prlimit)";

describe.skipIf(!hasPrlimit)(`a limit on the size of files${noPrlimit}`, () => {
  it("is NO_SPACE where the system's signal is ignored; nothing durable is lost", async () => {
    const folder = temporaryFolder();
    onTestFinished(folder.remove);
    const args = command("fill.mjs", `${folder.path}/log`, '"everyBatch"');
    const { output, errors } = run("sh", ["-c", 'trap "" XFSZ; exec prlimit --fsize=200000 "$@"', "sh", ...args]);
    expect(errors).toBe("");
    const said = JSON.parse(output) as Said;
    const { durable } = said.filled;
    expect(durable).toBe(Math.floor((200_000 - 128) / (RECORD_BYTES + 72)));
    expect(said).toMatchObject({ filled: { code: "NO_SPACE" }, readable: durable, again: "NO_SPACE", reader: durable });
    expect(said).toMatchObject({ closed: "closed", reopened: durable, readerAfter: durable });
    await expectWhole(`${folder.path}/log`, durable);
  });

  // Node and Bun ignore the signal themselves; Deno leaves it to the system, which ends the process.
  it("otherwise is that or the end of the process, which is then like any other kill", async () => {
    const folder = temporaryFolder();
    onTestFinished(folder.remove);
    const args = command("appender.mjs", `${folder.path}/log`, '"everyBatch"');
    const { status, signal, output } = run("prlimit", ["--fsize=200000", ...args]);
    expect(status).not.toBe(0);
    if (THIS_RUNTIME.entry === "deno") expect(signal).toBe("SIGXFSZ");
    else expect(signal).toBeNull();
    const acknowledged = [...output.matchAll(/^ACK (\d+)\n/gm)].map(([, offset]) => Number(offset));
    expect(output).toContain("\nOPEN 0\n");
    await expectWhole(`${folder.path}/log`, Math.max(0, ...acknowledged));
  });

  async function expectWhole(directory: string, durable: number): Promise<void> {
    const log = await openLogOn(currentRuntime(), directory);
    const stream = log.stream("orders");
    const { ok, records } = await stream.verify();
    expect(ok).toBe(true);
    expect(records).toBeGreaterThanOrEqual(durable);
    for (let offset = 0; offset < records; offset++) {
      const text = (await stream.get(offset))?.text();
      expect(text?.startsWith(`${offset} `)).toBe(true);
    }
    await stream.append("goes on");
    await log.close();
  }
});
