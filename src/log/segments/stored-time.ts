// The times that are stored: whatever the system's clock says, what is written can be read.
import type { Clock } from "../../runtime.ts";

/** What the clock says, µs since the Unix epoch; `least` where that is earlier, or no time that a file can hold. */
export function timeNotBefore(clock: Clock, least: number): number {
  const now = clock.nowMicros();
  return Number.isSafeInteger(now) && now > least ? now : least;
}
