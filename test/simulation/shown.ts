// What a reader is shown of a stream.
import type { ReadVerify, Stream } from "../../src/index.ts";
import { Violation } from "./violation.ts";

/** A record as a reader shows it. */
export interface Shown {
  readonly text: string;
  readonly hash: string;
}

/** All records of a stream, one after the other. */
export function* shownBy(stream: Stream, verify: ReadVerify): Generator<Shown, void> {
  let next = 0;
  for (const record of stream.read({ verify })) {
    if (record.offset !== next) throw new Violation(`${stream.name}: shows ${record.offset} where ${next} should be`);
    next++;
    yield { text: record.text(), hash: record.hash };
  }
}
