// The processes of a machine in memory: which numbers are alive, and since which start.

import type { Processes, ProcessIdentity } from "../src/runtime.ts";
import type { ProcessLife } from "./memory-faults.ts";

interface KnownProcess {
  readonly identity: ProcessIdentity;
  readonly life: ProcessLife;
}

/** Which processes run on one machine, between one boot and the next. */
export class ProcessTable {
  readonly #boot: string;
  readonly #running = new Map<number, KnownProcess>();
  #starts = 0;

  constructor(boot: string) {
    this.#boot = boot;
  }

  /** The numbers that are in use. */
  get alive(): number[] {
    return [...this.#running.keys()];
  }

  /** The process with this number, started if none has it. */
  start(pid: number, host: string): KnownProcess {
    const running = this.#running.get(pid);
    if (running !== undefined) return running;
    this.#starts += 1;
    const identity = { pid, started: String(this.#starts), boot: this.#boot, host };
    const started = { identity, life: { pid, ended: false } };
    this.#running.set(pid, started);
    return started;
  }

  /** Ends a process; its number is free for another. */
  kill(pid: number): void {
    const running = this.#running.get(pid);
    if (running !== undefined) running.life.ended = true;
    this.#running.delete(pid);
  }

  /** What a process can know of the others. */
  seenBy(self: ProcessIdentity): Processes {
    return {
      self: () => self,
      isAlive: (identity) => {
        if (identity.host === "" || identity.host !== self.host) return null;
        if (identity.boot !== "" && identity.boot !== self.boot) return false;
        const running = this.#running.get(identity.pid);
        if (running === undefined) return false;
        return identity.started === "" || identity.started === running.identity.started;
      },
    };
  }
}
