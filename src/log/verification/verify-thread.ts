// What a thread does that helps to verify a stream: opens the files itself, read-only, and checks the ranges that it is
// sent. It never says what is wrong, only whether a range is whole: one place decides about faults.
import { PublicKey } from "../../crypto/public-key.ts";
import { messageOf } from "../../errors.ts";
import type { Runtime, ThreadPort } from "../../runtime.ts";
import { adoptCore, type CompiledCore, compiledCore } from "../../wasm/core.ts";
import type { HashEngineName } from "../../wasm/hash-engine.ts";
import { type LogSettings, settingsFrom } from "../options.ts";
import type { StreamPlace } from "../segments/segment.ts";
import { SegmentFiles } from "../segments/segment-files.ts";
import { type RangeOutcome, RangeVerifier, type VerifyRange } from "./verify-range.ts";

/** The first message to a thread. It answers with `"ready"`. */
interface VerifyJob {
  readonly module: CompiledCore;
  readonly place: Omit<StreamPlace, "runtime">;
  readonly segments: number;
  readonly maxRecordBytes: number;
  readonly hashEngine: HashEngineName;
  readonly directIo: boolean;
  /** PEM. */
  readonly publicKeys: readonly string[];
  /** Not 0 when the thread is to give up what it is at; `null` where memory cannot be shared. */
  readonly stop: Int32Array | null;
}

export const READY = "ready";
const STOPPED = "it was told to stop";

/** What a thread answers to a `VerifyRange`: what came of it, or why it could not be checked there. */
export type ThreadAnswer = RangeOutcome | { readonly failed: string };

export function jobFor(files: SegmentFiles, settings: LogSettings, stop: Int32Array | null): VerifyJob {
  const { logId, stream, folder } = files.place;
  return {
    module: compiledCore(),
    place: { logId, stream, folder },
    segments: files.count,
    maxRecordBytes: settings.maxRecordBytes,
    hashEngine: settings.engine.name,
    directIo: files.isDirect,
    publicKeys: settings.checkpoints.verifiers.map(({ publicKey }) => publicKey.toPem()),
    stop,
  };
}

/** Serves the one who started this thread, until it is ended. */
export async function serveVerify(runtime: Runtime, port: ThreadPort): Promise<never> {
  const job = (await port.receive()) as VerifyJob;
  adoptCore(job.module);
  const { maxRecordBytes, hashEngine } = job;
  const publicKeys = job.publicKeys.map((text) => PublicKey.parse(text));
  const settings = settingsFrom({ readOnly: true, maxRecordBytes, hashEngine, publicKeys }, runtime);
  port.post(READY);
  for (;;) {
    // Closed behind each range: where a thread is ended from outside, Bun leaves open what it had open.
    const files = new SegmentFiles({ runtime, ...job.place }, job.segments, job.directIo);
    const answered = answer(files, settings, (await port.receive()) as VerifyRange, job.stop);
    files.close();
    port.post(answered);
  }
}

function answer(files: SegmentFiles, settings: LogSettings, asked: VerifyRange, stop: Int32Array | null): ThreadAnswer {
  const isStopped = () => stop !== null && Atomics.load(stop, 0) !== 0;
  try {
    if (isStopped()) return { failed: STOPPED };
    const range = new RangeVerifier(files, settings, asked);
    try {
      while (range.step()) if (isStopped()) return { failed: STOPPED };
    } finally {
      range.close();
    }
    return range.outcome();
  } catch (error) {
    return { failed: messageOf(error) };
  }
}
