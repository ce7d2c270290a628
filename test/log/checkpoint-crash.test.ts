// The machine goes down, or a call fails, at every I/O step of a program that makes checkpoints. Whatever was handed out
// holds against what survived; whatever the log itself holds is true.
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  type Choose,
  CrashSignal,
  keepAll,
  loseAll,
  type MemoryDisk,
  memoryRuntime,
  seededChoose,
} from "../../adapters/memory.ts";
import {
  DiatremeError,
  type OpenOptions,
  openLogOn,
  PrivateKey,
  type Runtime,
  type Signatures,
} from "../../src/index.ts";
import { CASE_STRIDE } from "../contract/current-runtime.ts";

const KEY = PrivateKey.fromBytes(new Uint8Array(32).fill(7));
const OPTIONS: OpenOptions = {
  segmentBytes: 900,
  indexEveryRecords: 3,
  windowBytes: 4096,
  checkpointEvery: 3,
  signer: KEY,
};

/** What a program was given to keep elsewhere. */
interface Kept {
  readonly notes: string[];
}

// Not Ed25519, but a hundred times as fast, and nobody here forges: 64 bytes that follow from key and text, of such a form
// that they pass for a signature.
function quickSignature(key: Uint8Array, message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(createHash("sha512").update(key).update(message).digest());
  bytes[31] = (bytes[31] as number) & 0x3f;
  bytes[63] = (bytes[63] as number) & 0x0f;
  return bytes;
}

const signatures: Signatures = {
  signer: (privateKey) => {
    const key = privateKey.slice();
    return { publicKey: key, sign: (message) => quickSignature(key, message) };
  },
  verifier: (publicKey) => ({
    verify: (message, signature) => quickSignature(publicKey, message).every((byte, at) => byte === signature[at]),
  }),
};

function runtimeOf(disk: MemoryDisk, pid = 1): Runtime {
  return { ...disk.runtime({ pid }), signatures };
}

async function live(disk: MemoryDisk, kept: Kept, sync: "everyBatch" | "onFlush", life: number): Promise<void> {
  const log = await openLogOn(runtimeOf(disk), "/log", { ...OPTIONS, sync });
  const stream = log.stream("orders");
  const keep = async () => kept.notes.push((await stream.checkpoint()).note);
  await stream.append([`first of life ${life}`, "a"]);
  await keep();
  for (let i = 0; i < 4; i++) await stream.append([`${life}-${i}`, "x".repeat(60)]);
  await Promise.all([stream.append("b"), keep(), stream.append(["c", "y".repeat(600)]), keep()]);
  await stream.append("last");
  await log.close();
}

async function twoLives(disk: MemoryDisk, kept: Kept, sync: "everyBatch" | "onFlush"): Promise<void> {
  await live(disk, kept, sync, 1);
  await live(disk, kept, sync, 2);
}

async function expectEvidenceHolds(disk: MemoryDisk, { notes }: Kept): Promise<void> {
  for (const readOnly of [true, false]) {
    const log = await openLogOn(runtimeOf(disk, 77), "/log", { ...OPTIONS, readOnly }).catch((error: unknown) => {
      if (readOnly && notes.length === 0 && error instanceof DiatremeError) return null;
      throw error;
    });
    if (log === null) continue;
    const stream = log.stream("orders");
    if (!readOnly) await stream.append("after it");
    else if (!(await log.streams()).includes("orders")) continue;
    const report = await stream.verify({ against: notes });
    expect(report).toMatchObject({ ok: true, problem: null });
    expect(report.evidence).toHaveLength(notes.length);
    expect(report.evidence.every(({ signedBy }) => signedBy.length === 1)).toBe(true);
    expect(report.checkpoints.agreed).toBe(report.checkpoints.signed);
    expect([...stream.read({ verify: "checkpoint" })].length).toBe(report.records);
    await log.close();
  }
}

const ENDINGS: [string, (seed: number) => Choose][] = [
  ["everything unsynced lost", () => loseAll],
  ["everything unsynced kept", () => keepAll],
  ["some of it kept", (seed) => seededChoose(seed)],
];

describe.each(["everyBatch", "onFlush"] as const)("under %s, checkpoints", (sync) => {
  it("that were handed out hold after a crash at any I/O step, and those in the log are true", async () => {
    const calm = memoryRuntime({ seed: 1 });
    await twoLives(calm.disk, { notes: [] }, sync);
    const steps = calm.disk.operations;
    expect(steps).toBeGreaterThan(100);
    for (let step = 0; step < steps; step += CASE_STRIDE) {
      for (const [index, [ending, choose]] of ENDINGS.entries()) {
        const crash = (step + index) % 2 === 0 ? true : "after";
        const { disk } = memoryRuntime({ seed: step });
        const kept: Kept = { notes: [] };
        disk.onOperation = (operation) => (operation.index === step ? { crash } : undefined);
        await twoLives(disk, kept, sync).catch((error: unknown) => {
          const cause = error instanceof DiatremeError ? error.cause : error;
          if (!(cause instanceof CrashSignal)) throw error;
        });
        try {
          await expectEvidenceHolds(disk.crash(choose(step)), kept);
        } catch (error) {
          throw new Error(`crash ${crash} at step ${step} of ${steps}, ${ending}`, { cause: error });
        }
      }
    }
  });

  it("hold when any call fails once", async () => {
    const calm = memoryRuntime({ seed: 1 });
    await twoLives(calm.disk, { notes: [] }, sync);
    for (let step = 0; step < calm.disk.operations; step += CASE_STRIDE) {
      const fail = step % 2 === 0 ? "IO_FAILED" : "NO_SPACE";
      const { disk } = memoryRuntime({ seed: step });
      const kept: Kept = { notes: [] };
      disk.onOperation = ({ index }) => (index === step ? { fail } : undefined);
      await twoLives(disk, kept, sync).catch((error: unknown) => {
        if (!(error instanceof DiatremeError)) throw error;
      });
      // What the program had under way goes on, but not on this disk.
      const survived = disk.crash([keepAll, loseAll, seededChoose(step)][step % 3]);
      try {
        await expectEvidenceHolds(survived, { notes: [...kept.notes] });
      } catch (error) {
        throw new Error(`${fail} at step ${step}`, { cause: error });
      }
    }
  });
});
