// Up to where a stream's records are whole and may be shown.
import type { DiatremeError } from "../../errors.ts";

export interface StreamEnd {
  readonly segment: number;
  /** Byte position in that segment behind the last record. */
  readonly position: number;
  /** Offset that the next record will have. */
  readonly offset: number;
  /** Hash of the last record. */
  readonly head: Uint8Array;
  /** What keeps more from being shown, when the newest segment was found damaged. A writer has none. */
  readonly damage: DiatremeError | null;
}
