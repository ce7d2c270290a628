// What is known of one stream from outside: what was submitted, in which order, and what was promised of it. Knows
// nothing of files.
import type { Shown } from "./shown.ts";
import { Violation } from "./violation.ts";

/** One call of `append`. */
export interface Submitted {
  readonly texts: readonly string[];
  /** What the call was told, once it was. */
  head: string | null;
}

/** Where somebody looks from: what an append that was rejected may have left there. */
export type Look =
  /** After a power loss, or when a sync or a cut has failed: rejected appends may be there. */
  | "in doubt"
  /** In a system that stayed up: what was rejected was cut off. */
  | "sure";

export class StreamModel {
  readonly name: string;
  /** Checkpoints that were kept: the stream contains what they claim. */
  readonly notes: string[] = [];
  /** How many records the newest of them covers. */
  checkpointed = 0;
  /** Records that must be there whatever happens: found by a writer when it opened the stream. */
  readonly #confirmed: Shown[] = [];
  /** Where the appends that made them end. */
  readonly #ends: number[] = [];
  /** Submitted since and not rejected, in order. */
  #live: Submitted[] = [];
  /** How many of those must be there. */
  #acknowledged = 0;
  /**
   * Other courses of events: the stream as it was when appends were rejected, with them. What was written of them and
   * cut off again may come back until something later is known to be durable.
   */
  #alternatives: { readonly appends: readonly Submitted[]; readonly error: unknown }[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /** Records that are known to survive, whatever happens. */
  get durableRecords(): number {
    return this.#confirmed.length + recordsIn(this.#live.slice(0, this.#acknowledged));
  }

  /** Records that would be there if all that was submitted and not rejected came to be. */
  get records(): number {
    return this.#confirmed.length + recordsIn(this.#live);
  }

  /** How many of the appends that were submitted since the last opening must be there. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  submit(texts: readonly string[]): Submitted {
    const append: Submitted = { texts, head: null };
    this.#live.push(append);
    return append;
  }

  /** The appends that a flush made now speaks for. */
  get submitted(): readonly Submitted[] {
    return [...this.#live];
  }

  /** A checkpoint was handed out and is kept. */
  handOut(nextOffset: number, note: string): void {
    this.notes.push(note);
    this.checkpointed = Math.max(this.checkpointed, nextOffset);
  }

  /** An append was told where it stands. */
  place(append: Submitted, result: { firstOffset: number; nextOffset: number }): void {
    const index = this.#live.indexOf(append);
    if (index < 0) throw new Violation(`${this.name}: an append resolved that had been rejected`);
    const firstOffset = this.#confirmed.length + recordsIn(this.#live.slice(0, index));
    const nextOffset = firstOffset + append.texts.length;
    if (result.firstOffset !== firstOffset || result.nextOffset !== nextOffset) {
      throw new Violation(
        `${this.name}: an append was told ${result.firstOffset} to ${result.nextOffset} and is ${firstOffset} to ${nextOffset}`,
      );
    }
  }

  /** The last of these appends that was not rejected is durable, and so are all before it. One without records is no proof. */
  acknowledge(appends: readonly Submitted[]): void {
    const last = appends.findLast((append) => append.texts.length > 0 && this.#live.includes(append));
    if (last === undefined) return;
    this.#acknowledged = Math.max(this.#acknowledged, this.#live.indexOf(last) + 1);
    this.#alternatives = this.#alternatives.filter(({ appends: course }) => course.includes(last));
  }

  /** `written`: some of it may have reached the file. */
  reject(append: Submitted, error: unknown, written: boolean): void {
    const index = this.#live.indexOf(append);
    if (index < 0) return;
    if (index < this.#acknowledged)
      throw new Violation(`${this.name}: an append was rejected after it was durable`, error);
    const known = this.#alternatives.some((one) => one.error === error && one.appends.includes(append));
    if (written && !known) this.#alternatives.push({ appends: [...this.#live], error });
    this.#live.splice(index, 1);
  }

  /**
   * What somebody sees must be all that was promised, and of the rest whole appends in the order in which they were
   * submitted, from the first on. Answers how many of the appends are there.
   *
   * @param acknowledged - how many appends were promised when it was seen
   */
  check(
    shown: readonly Shown[],
    look: Look,
    acknowledged = this.#acknowledged,
  ): { appends: readonly Submitted[]; count: number } {
    this.#checkConfirmed(shown);
    const rest = shown.slice(this.#confirmed.length);
    const count = wholeAppends(this.#live, rest);
    if (count !== null && count >= acknowledged) return { appends: this.#live, count };
    for (const { appends } of look === "in doubt" ? this.#alternatives : []) {
      const there = wholeAppends(appends, rest);
      if (there !== null && there >= acknowledged) return { appends, count: there };
    }
    throw new Violation(this.#difference(rest, count));
  }

  /** Checks what somebody sees, and answers how many records there are up to the end of each append. */
  endsOfAppends(shown: readonly Shown[], look: Look): number[] {
    const { appends, count } = this.check(shown, look);
    const ends = [...this.#ends];
    for (const { texts } of appends.slice(0, count)) ends.push((ends.at(-1) ?? 0) + texts.length);
    return ends;
  }

  /** Somebody who is only shown what is durable was shown records up to this one. */
  acknowledgeShown(nextOffset: number): void {
    let records = this.#confirmed.length;
    const reaches = ({ texts }: Submitted): boolean => {
      records += texts.length;
      return records >= nextOffset;
    };
    const count = this.#live.findIndex(reaches) + 1;
    if (nextOffset > this.#confirmed.length) this.acknowledge(this.#live.slice(0, count));
  }

  /** A writer has opened the stream and found this: from now on it is there for good, and the rest is gone. */
  confirm(shown: readonly Shown[], look: Look): void {
    const ends = this.endsOfAppends(shown, look);
    this.#ends.splice(0, this.#ends.length, ...ends);
    this.#confirmed.push(...shown.slice(this.#confirmed.length));
    this.#live = [];
    this.#acknowledged = 0;
    this.#alternatives = [];
  }

  /** What one record must be; `null` when there is none or when it is not known. */
  textAt(offset: number): string | null {
    const confirmed = this.#confirmed[offset];
    if (confirmed !== undefined) return confirmed.text;
    let first = this.#confirmed.length;
    for (const { texts } of this.#live) {
      if (offset < first + texts.length) return texts[offset - first] as string;
      first += texts.length;
    }
    return null;
  }

  #checkConfirmed(shown: readonly Shown[]): void {
    const count = this.#confirmed.length;
    for (let offset = 0; offset < count; offset++) {
      const wanted = this.#confirmed[offset] as Shown;
      const found = shown[offset];
      if (found === undefined) {
        throw new Violation(`${this.name}: record ${offset} of ${count} that were there for good is gone`);
      }
      if (found.text !== wanted.text) throw new Violation(`${this.name}: record ${offset} was altered`);
      if (found.hash !== wanted.hash) throw new Violation(`${this.name}: record ${offset} has another hash`);
    }
  }

  #difference(rest: readonly Shown[], count: number | null): string {
    const found = rest.map(({ text }) => text.slice(0, 12)).join(" ");
    const wanted = this.#live.map(({ texts }) => `[${texts.map((text) => text.slice(0, 12)).join(" ")}]`);
    wanted.splice(this.#acknowledged, 0, "| then perhaps");
    const which = count === null ? "are not the first of what was submitted" : "lack what was acknowledged";
    return `${this.name}: behind ${this.#confirmed.length} records, ${rest.length} ${which}: ${found} instead of ${wanted.join(" ")}`;
  }
}

/** How many whole appends, from the first on, make up exactly these records; `null` when they do not. */
function wholeAppends(appends: readonly Submitted[], shown: readonly Shown[]): number | null {
  let at = 0;
  let count = 0;
  for (const { texts, head } of appends) {
    if (at + texts.length > shown.length) break;
    for (const text of texts) if (shown[at++]?.text !== text) return null;
    if (head !== null && texts.length > 0 && shown[at - 1]?.hash !== head) return null;
    count++;
  }
  return at === shown.length ? count : null;
}

function recordsIn(appends: readonly Submitted[]): number {
  return appends.reduce((sum, { texts }) => sum + texts.length, 0);
}
