// What recovery tells of an append that never completed.

/** What a torn tail was and what became of it. */
export interface TornTail {
  readonly stream: string;
  readonly segment: number;
  /** Where the last complete append ends: byte position, and the offset that comes next. */
  readonly position: number;
  readonly offset: number;
  /** How many bytes behind it belonged to appends that never completed. */
  readonly bytes: number;
  /** What is wrong with the first of them. */
  readonly reason: string;
}
