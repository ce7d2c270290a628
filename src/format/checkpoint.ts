// A checkpoint: what a log claims about a stream at one moment, as the text that is signed. docs/format.md,
// "Checkpoint"; conditions T1 to T7 are its.
import { isStreamName } from "./stream-name.ts";

/** The claim that a stream's records before an offset have this head. */
export interface CheckpointClaim {
  /** UUID of the log. */
  readonly logId: string;
  readonly stream: string;
  /** How many records it covers: those with offsets 0 to `nextOffset` − 1. */
  readonly nextOffset: number;
  /** Hash of the last record covered, hexadecimal; of none, the genesis hash. */
  readonly head: string;
  /** When it was made, µs since the Unix epoch; never less than the timestamp of a record that it covers. */
  readonly timestamp: number;
}

const TITLE = "diatreme.checkpoint/v1";
const LINES = 6;

/** One writing for each claim: six lines, each ended by a line feed. */
export function encodeCheckpoint({ logId, stream, nextOffset, head, timestamp }: CheckpointClaim): string {
  return `${TITLE}\n${logId}\n${stream}\n${nextOffset}\n${head}\n${timestamp}\n`;
}

/** The claim in a text, or why there is none: the first condition that fails. */
export function decodeCheckpoint(
  text: string,
): CheckpointClaim | { readonly condition: string; readonly reason: string } {
  const lines = text.split("\n");
  const [title, logId = "", stream = "", nextOffset = "", head = "", timestamp = ""] = lines;
  if (title !== TITLE) return { condition: "T1", reason: `its first line is not ${TITLE}` };
  if (lines.length !== LINES + 1 || lines[LINES] !== "") {
    return { condition: "T2", reason: `it has not ${LINES} lines, each ended by a line feed` };
  }
  if (!UUID.test(logId)) return { condition: "T3", reason: "its second line is not a log id" };
  if (!isStreamName(stream)) return { condition: "T4", reason: "its third line is not a stream's name" };
  if (!isCount(nextOffset)) return { condition: "T5", reason: "its fourth line is not an offset" };
  if (!HASH.test(head)) return { condition: "T6", reason: "its fifth line is not a hash" };
  if (!isCount(timestamp)) return { condition: "T7", reason: "its sixth line is not a time in microseconds" };
  return { logId, stream, nextOffset: Number(nextOffset), head, timestamp: Number(timestamp) };
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const HASH = /^[0-9a-f]{64}$/;

function isCount(text: string): boolean {
  return /^(0|[1-9]\d{0,15})$/.test(text) && Number.isSafeInteger(Number(text));
}

/**
 * How two claims stand to each other. `forked` is a contradiction: both cannot be about one honest log. `undecided`
 * says that they are about different lengths of the stream, so that only the log itself can tell.
 */
export type CheckpointRelation = "same" | "forked" | "undecided" | "otherStream" | "otherLog";

export function compareCheckpoints(a: CheckpointClaim, b: CheckpointClaim): CheckpointRelation {
  if (a.logId !== b.logId) return "otherLog";
  if (a.stream !== b.stream) return "otherStream";
  const isSameHead = a.head === b.head;
  // A head hashes its record's offset too, so that no honest log has one head at two lengths.
  if (a.nextOffset !== b.nextOffset) return isSameHead ? "forked" : "undecided";
  return isSameHead ? "same" : "forked";
}
