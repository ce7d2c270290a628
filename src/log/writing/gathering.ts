// Decides when the appends that wait for a sync have waited long enough for company.
import type { Clock } from "../../runtime.ts";
import type { GatherLimits } from "./sync-policy.ts";

export class Gathering {
  readonly #limits: GatherLimits;
  readonly #clock: Clock;
  readonly #onDue: () => void;
  #appends = 0;
  #isDue = false;
  #cancelTimer: (() => void) | null = null;

  /** `onDue` is called when the time of a group is up. */
  constructor(limits: GatherLimits, clock: Clock, onDue: () => void) {
    this.#limits = limits;
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** Whether a sync should begin now, or as soon as the one in flight has ended. */
  get isDue(): boolean {
    return this.#isDue;
  }

  /** One more append waits. The first of a group starts its time. */
  add(): void {
    this.#appends++;
    if (this.#appends >= this.#limits.appends || this.#limits.delayMs === 0) this.hurry();
    else if (this.#appends === 1 && !this.#isDue)
      this.#cancelTimer = this.#clock.after(this.#limits.delayMs, this.#timeIsUp);
  }

  /** Somebody cannot wait for more company. */
  hurry(): void {
    this.#isDue = true;
    this.#stopTimer();
  }

  /** All who waited are covered by the sync that begins now, or given up: the next append begins a new group. */
  reset(): void {
    this.#appends = 0;
    this.#isDue = false;
    this.#stopTimer();
  }

  readonly #timeIsUp = (): void => {
    this.#cancelTimer = null;
    this.#isDue = true;
    this.#onDue();
  };

  #stopTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }
}
