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

/** An end as a reader beside a writer has found it, with what tells whether it is the end still. */
export interface KnownEnd extends StreamEnd {
  /** Its segment's. */
  readonly salt: Uint8Array;
  /** The last record's; `null` when the segment has no record. */
  readonly trailer: Uint8Array | null;
}
