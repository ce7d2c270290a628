// Somebody who follows a stream all along, and checks each record as it comes.
import type { Stream } from "../../src/index.ts";
import type { StreamModel } from "./stream-model.ts";
import type { System } from "./system.ts";
import { Violation } from "./violation.ts";

// How following may end when nothing is wrong.
const ENDINGS = new Set(["LOG_CLOSED", "LOG_POISONED", "FOLLOWED_RECORD_REPLACED", "STREAM_NOT_FOUND", "KEYS_ROTATED"]);

export class Follower {
  readonly model: StreamModel;
  readonly beside: boolean;
  /** How many records were shown. */
  shown = 0;
  /** Why it ended, if it has. */
  ending: unknown = null;
  readonly #stop = new AbortController();
  readonly #isDoubtful: () => boolean;

  /** `beside`: in another process than the writer. `isDoubtful`: records may be shown that were rejected. */
  constructor(stream: Stream, model: StreamModel, beside: boolean, isDoubtful: () => boolean) {
    this.model = model;
    this.beside = beside;
    this.#isDoubtful = isDoubtful;
    void this.#run(stream).catch((error: unknown) => {
      this.ending = error;
    });
  }

  stop(): void {
    this.#stop.abort(STOPPED);
  }

  /** How it ended, unless that was as it should be; `null` while it goes on. */
  failure(system: System): unknown {
    const { ending } = this;
    if (ending === STOPPED) return null;
    return ending instanceof system.DiatremeError && ENDINGS.has(ending.code) ? null : ending;
  }

  async #run(stream: Stream): Promise<void> {
    for await (const record of stream.follow({ signal: this.#stop.signal })) {
      if (record.offset !== this.shown) {
        throw new Violation(`${stream.name}: a follower is shown ${record.offset} where ${this.shown} should be`);
      }
      if (!this.#isDoubtful() && record.text() !== this.model.textAt(record.offset)) {
        throw new Violation(`${stream.name}: a follower is shown a wrong ${record.offset}`);
      }
      this.shown++;
    }
  }
}

const STOPPED = new Error("stopped");
