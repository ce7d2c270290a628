// diatreme compare: what two exported checkpoints prove, without their log.
import type { OpenedCheckpoint } from "../crypto/checkpoint-note.ts";
import { type CheckpointComparison, compareCheckpointsOn } from "../crypto/compare-notes.ts";
import type { PublicKey } from "../crypto/public-key.ts";
import { EXIT_BAD_DATA, EXIT_GOOD } from "../errors.ts";
import type { CheckpointRelation } from "../format/checkpoint.ts";
import { readPublicKeys } from "./keys.ts";
import { say } from "./say.ts";
import { readSmallText } from "./small-text.ts";
import type { Host, Outlet } from "./terminal.ts";
import { formatCount, formatTime } from "./units.ts";

export interface CompareArguments {
  readonly files: readonly [string, string];
  /** Files of keys that are trusted. */
  readonly publicKeys: readonly string[];
  readonly json: boolean;
}

/** Returns the exit status: a contradiction is an outcome here, not a failure. */
export async function compare({ terminal, runtime }: Host, args: CompareArguments): Promise<number> {
  const publicKeys = await readPublicKeys(terminal, args.publicKeys);
  const [first, second] = args.files;
  const texts = [await readSmallText(terminal, first), await readSmallText(terminal, second)] as const;
  const comparison = compareCheckpointsOn(runtime, texts, publicKeys);
  const text = args.json ? JSON.stringify(toJson(comparison)) : describe(comparison, args, terminal.output);
  await say(terminal.output, text);
  return comparison.relation === "forked" ? EXIT_BAD_DATA : EXIT_GOOD;
}

function toJson({ relation, first, second, signedBoth }: CheckpointComparison): object {
  const withIds = (checkpoint: OpenedCheckpoint) => ({ ...checkpoint, signedBy: idsOf(checkpoint.signedBy) });
  return { relation, first: withIds(first), second: withIds(second), signedBoth: idsOf(signedBoth) };
}

const ONE_HEAD_TWICE =
  "They contradict each other: different numbers of records, one head, which hashes that number. One is false.";

const SAID: { readonly [R in CheckpointRelation]: string } = {
  same: "They agree: the same records, the same head.",
  forked: "They contradict each other: the same number of records, different heads. The log forked.",
  undecided:
    "They cover different numbers of records. Only the log can tell whether one leads to the other: diatreme verify --against.",
  otherStream: "They are about different streams of one log. Nothing follows.",
  otherLog: "They are about different logs. Nothing follows.",
};

function describe(comparison: CheckpointComparison, { files, publicKeys }: CompareArguments, output: Outlet): string {
  const { relation, first, second } = comparison;
  const said = relation === "forked" && first.head === second.head ? ONE_HEAD_TWICE : SAID[relation];
  const verdict = output.paint(relation === "forked" ? "bad" : "strong", said);
  const lines = [verdict, describeOne(files[0], first), describeOne(files[1], second)];
  if (publicKeys.length === 0) {
    lines.push("not proved", "  who made them: no --public-key was given, so anybody could have written these texts");
  } else if (relation === "forked") {
    lines.push(describeProof(comparison.signedBoth));
  }
  return lines.join("\n");
}

function describeProof(signedBoth: readonly PublicKey[]): string {
  if (signedBoth.length === 0)
    return "not proved\n  that one holder of a key made both: they are signed by different ones";
  return `proved\n  key ${idsOf(signedBoth).join(", ")} signed both of these histories`;
}

function describeOne(file: string, { logId, stream, nextOffset, head, timestamp, signedBy }: OpenedCheckpoint): string {
  const by = signedBy.length === 0 ? "" : `, signed by ${idsOf(signedBy).join(", ")}`;
  return [
    `${file}  ${formatCount(nextOffset)} records of "${stream}", made ${formatTime(timestamp)}${by}`,
    `  log ${logId}`,
    `  head ${head}`,
  ].join("\n");
}

function idsOf(keys: readonly PublicKey[]): string[] {
  return keys.map(({ id }) => id);
}
