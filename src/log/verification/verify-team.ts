// The threads of one verification. Ranges go to whichever thread has the least to do; answers come back as promises.
import type { Clock, RuntimeWorker, Workers } from "../../runtime.ts";
import type { LogSettings } from "../options.ts";
import type { SegmentFiles } from "../segments/segment-files.ts";
import type { VerifyRange } from "./verify-range.ts";
import { jobFor, READY, type ThreadAnswer } from "./verify-thread.ts";

// A thread that has not started by then will not: a bundle may have put something else where its program should be.
const START_MS = 10_000;

interface Member {
  readonly worker: RuntimeWorker;
  waiting: number;
}

export class VerifyTeam {
  readonly #members: readonly Member[];

  private constructor(workers: readonly RuntimeWorker[]) {
    this.#members = workers.map((worker) => ({ worker, waiting: 0 }));
  }

  get size(): number {
    return this.#members.length;
  }

  /** Starts `size` threads. Throws when any of them cannot be, or `signal` is aborted; then none is left. */
  static async start(
    { workers, clock, signal }: { workers: Workers; clock: Clock; signal: AbortSignal | undefined },
    files: SegmentFiles,
    settings: LogSettings,
    size: number,
  ): Promise<VerifyTeam> {
    const started: RuntimeWorker[] = [];
    try {
      const job = jobFor(files, settings);
      for (let count = 0; count < size; count++) {
        const worker = workers.start(workers.program);
        started.push(worker);
        worker.post(job, []);
      }
      const greetings = await within(clock, signal, Promise.all(started.map((worker) => worker.receive())));
      if (greetings.some((greeting) => greeting !== READY)) throw new Error("its program is another one");
      return new VerifyTeam(started);
    } catch (error) {
      await Promise.all(started.map((worker) => worker.stop()));
      throw error;
    }
  }

  /** Rejects when the thread has ended. */
  check(range: VerifyRange): Promise<ThreadAnswer> {
    const member = this.#members.reduce((least, one) => (one.waiting < least.waiting ? one : least));
    member.waiting++;
    member.worker.post(range, []);
    const answer = member.worker.receive().finally(() => {
      member.waiting--;
    }) as Promise<ThreadAnswer>;
    // Whoever asked may have gone by the time it fails.
    answer.catch(() => {});
    return answer;
  }

  /** Ends the threads; answers that are still awaited reject. */
  async stop(): Promise<void> {
    await Promise.all(this.#members.map(({ worker }) => worker.stop()));
  }
}

function within<T>(clock: Clock, signal: AbortSignal | undefined, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(START_MS, () => reject(new Error("it did not start in time")));
    const giveUp = () => reject(signal?.reason);
    signal?.addEventListener("abort", giveUp, { once: true });
    promise.then(resolve, reject).finally(() => {
      cancel();
      signal?.removeEventListener("abort", giveUp);
    });
  });
}
