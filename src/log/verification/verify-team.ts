// The threads that help with one verification. Ranges go to whichever has the least to do; answers come back as promises.
import type { Clock, RuntimeWorker, Workers } from "../../runtime.ts";
import type { LogSettings } from "../options.ts";
import type { SegmentFiles } from "../segments/segment-files.ts";
import type { VerifyRange } from "./verify-range.ts";
import { jobFor, READY, type ThreadAnswer } from "./verify-thread.ts";

// A thread that has not started by then will not: a bundle may have put something else where its program should be.
const START_MS = 10_000;
// It looks between two windows of its range.
const GIVE_UP_MS = 1000;
// One that it works at, and some so that it need not wait for this thread, which looks at answers every 10 ms.
const MOST_WAITING = 4;

interface Member {
  readonly worker: RuntimeWorker;
  waiting: number;
  /** How many ranges it has checked. */
  checked: number;
}

export class VerifyTeam {
  /** Settles when all threads have started, or one of them could not, or `signal` was aborted; then none is left. */
  readonly started: Promise<void>;
  /** Whether all threads have started. */
  isReady = false;
  /** Why they have not; `null` as long as they may. */
  problem: { readonly error: unknown } | null = null;
  readonly #members: Member[] = [];
  readonly #clock: Clock;
  readonly #stop = typeof SharedArrayBuffer === "undefined" ? null : new Int32Array(new SharedArrayBuffer(4));
  readonly #underWay = new Set<Promise<unknown>>();
  #stopped: Promise<unknown> | null = null;

  /** Starts `size` threads. */
  constructor(
    { workers, clock, signal }: { workers: Workers; clock: Clock; signal: AbortSignal | undefined },
    files: SegmentFiles,
    settings: LogSettings,
    size: number,
  ) {
    this.#clock = clock;
    const start = async () => {
      const job = jobFor(files, settings, this.#stop);
      for (let count = 0; count < size; count++) {
        const worker = workers.start(workers.program);
        this.#members.push({ worker, waiting: 0, checked: 0 });
        worker.post(job, []);
      }
      const greetings = Promise.all(this.#members.map(({ worker }) => worker.receive()));
      if ((await within(clock, signal, greetings, START_MS)).some((greeting) => greeting !== READY))
        throw new Error("its program is another one");
    };
    this.started = start().then(
      () => {
        this.isReady = true;
      },
      async (error: unknown) => {
        await this.stop();
        this.problem = { error };
      },
    );
  }

  get size(): number {
    return this.#members.length;
  }

  /** How many of the threads have checked something. */
  get helped(): number {
    return this.#members.filter(({ checked }) => checked > 0).length;
  }

  /** Whether some thread would go on with it before long. */
  get hasRoom(): boolean {
    return this.isReady && this.#members.some(({ waiting }) => waiting < MOST_WAITING);
  }

  /** Rejects when the thread has ended. */
  check(range: VerifyRange): Promise<ThreadAnswer> {
    const checked = this.#check(range);
    const settled = checked
      .catch(() => undefined)
      .then(() => {
        this.#underWay.delete(settled);
      });
    this.#underWay.add(settled);
    return checked;
  }

  async #check(range: VerifyRange): Promise<ThreadAnswer> {
    const member = this.#members.reduce((least, one) => (one.waiting < least.waiting ? one : least));
    member.waiting++;
    try {
      member.worker.post(range, []);
      const answer = (await member.worker.receive()) as ThreadAnswer;
      if (!("failed" in answer)) member.checked++;
      return answer;
    } finally {
      member.waiting--;
    }
  }

  /** Ends the threads; answers that are still awaited reject. */
  async stop(): Promise<void> {
    this.#stopped ??= this.#stopAll();
    await this.#stopped;
  }

  // On Bun, files that a thread has open when it is ended stay open. So each is told to give up what it is at, and to close.
  async #stopAll(): Promise<void> {
    if (this.#stop !== null && this.#underWay.size > 0) {
      Atomics.store(this.#stop, 0, 1);
      const all = Promise.all(this.#underWay).then(() => undefined);
      await within(this.#clock, undefined, all, GIVE_UP_MS).catch(() => undefined);
    }
    await Promise.all(this.#members.map(({ worker }) => worker.stop()));
  }
}

function within<T>(clock: Clock, signal: AbortSignal | undefined, promise: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => reject(new Error("it did not start in time")));
    const giveUp = () => reject(signal?.reason);
    signal?.addEventListener("abort", giveUp, { once: true });
    promise.then(resolve, reject).finally(() => {
      cancel();
      signal?.removeEventListener("abort", giveUp);
    });
  });
}
