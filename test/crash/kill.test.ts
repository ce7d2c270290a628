// Processes that append are killed at random moments, again and again on the same log; each is followed by one of this or
// another runtime. DIATREME_CRASH_ROUNDS says how often; a few times by default.
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { openLogOn, type SyncPolicy } from "../../src/index.ts";
import { start } from "../cli/run.ts";
import { currentRuntime, doesMost, temporaryFolder } from "../contract/current-runtime.ts";
import { entryUrl, mixesRuntimes, OTHER_RUNTIMES, THIS_RUNTIME } from "../interop/installed-runtimes.ts";

const { isBorder, textAt } = (await import(new URL("records.mjs", import.meta.url).href)) as {
  isBorder(offset: number): boolean;
  textAt(offset: number): string;
};
const APPENDER = fileURLToPath(new URL("appender.mjs", import.meta.url));
const ROUNDS = Number(process.env["DIATREME_CRASH_ROUNDS"] ?? (doesMost ? 5 : 3));
/** What the appender prints up to there: that it is ready, that it has opened, and the acknowledgement. */
const LINES_TO_FIRST_ACK = 3;
const POLICIES: readonly SyncPolicy[] = ["everyRecord", "everyBatch", { groupCommit: { maxDelayMs: 3 } }, "onFlush"];

interface Killed {
  readonly output: string;
  readonly errors: string;
  readonly acknowledged: number;
}

/**
 * Runs the appender and kills it: at once, or up to some time after it has said so many lines; the last time not before
 * something is durable, for rounds that all end before that would prove nothing.
 */
async function runAndKill(directory: string, policy: SyncPolicy, round: number): Promise<Killed> {
  const others = OTHER_RUNTIMES.filter(({ binary }) => binary !== undefined);
  const runtime =
    mixesRuntimes && round % 2 === 1 ? (others[(round >> 1) % others.length] ?? THIS_RUNTIME) : THIS_RUNTIME;
  const { binary = "", before, entry } = runtime;
  const run = start(APPENDER, [entryUrl(entry), directory, JSON.stringify(policy)], { binary, before });
  onTestFinished(() => void run.child.kill("SIGKILL"));
  const lines = Math.max(round === ROUNDS - 1 ? LINES_TO_FIRST_ACK : 1, Math.floor(Math.random() ** 3 * 200));
  let seen = 0;
  await new Promise<void>((resolve) => {
    run.child.stdout.on("data", (chunk: Buffer) => {
      seen += chunk.filter((byte) => byte === 10).length;
      if (seen >= lines) resolve();
    });
    run.child.once("close", () => resolve());
  });
  // Not to wait for something: any moment will do, and the next line would be no random one.
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
  run.child.kill("SIGKILL");
  const { output, errors } = await run.ended;
  const text = output.toString();
  const acknowledged = [...text.matchAll(/^ACK (\d+)\n/gm)].map(([, offset]) => Number(offset));
  return { output: text, errors, acknowledged: Math.max(0, ...acknowledged) };
}

describe.each(POLICIES.map((policy) => [JSON.stringify(policy), policy] as const))("under %s", (_, policy) => {
  it(
    `a process that is killed has lost nothing it was told is durable, ${ROUNDS} times in a row`,
    async () => {
      const folder = temporaryFolder();
      onTestFinished(folder.remove);
      const directory = `${folder.path}/log`;
      let durable = 0;
      let present = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const killed = await runAndKill(directory, policy, round);
        expect(killed.errors).toBe("");
        // What was there before is still there when the next one opens.
        const opened = /^OPEN (\d+)\n/m.exec(killed.output)?.[1];
        if (opened !== undefined) expect(Number(opened)).toBeGreaterThanOrEqual(Math.max(durable, present));
        durable = Math.max(durable, killed.acknowledged);
        // Looked at by a reader, or by a writer that recovers it: the next appender does that otherwise.
        present = await expectWhole(directory, durable, round % 3 === 0);
      }
      expect(durable).toBeGreaterThan(0);
    },
    60_000 + ROUNDS * 3000,
  );
});

async function expectWhole(directory: string, durable: number, asWriter: boolean): Promise<number> {
  const log = await openLogOn(currentRuntime(), directory, { readOnly: !asWriter }).catch((error: { code: string }) => {
    // It was killed before it made the log.
    expect(error.code).toBe("LOG_NOT_FOUND");
    return null;
  });
  if (log === null) {
    expect(durable).toBe(0);
    return 0;
  }
  try {
    if (!asWriter && !(await log.streams()).includes("orders")) {
      expect(durable).toBe(0);
      return 0;
    }
    const stream = log.stream("orders");
    let offset = 0;
    for await (const record of stream.read({ verify: "genesis" })) {
      if (record.text() !== textAt(offset)) expect(record.text()).toBe(textAt(offset));
      offset++;
    }
    expect(offset).toBeGreaterThanOrEqual(durable);
    expect(isBorder(offset)).toBe(true);
    expect(await stream.verify()).toMatchObject({ ok: true, records: offset });
    return offset;
  } finally {
    await log.close();
  }
}
