// Checks a stream, or a range of it: every record, every link, every segment's header, the index beside it. Damage is the
// report's content, not an exception. With several threads, of which this is one, ranges are checked apart and their ends
// held against one another; as soon as something does not fit, this one goes on alone from before that place. So the verdict
// is always that of one thread.
import { SEGMENT_HEADER_BYTES } from "../../../assembly/layout.ts";
import { openCheckpoint } from "../../crypto/checkpoint-note.ts";
import { DiatremeError, failure, messageOf, UsageError } from "../../errors.ts";
import { toHex } from "../../format/hex.ts";
import { sameBytes } from "../../format/same-bytes.ts";
import { pageAlignedBytes } from "../../wasm/aligned-bytes.ts";
import { invalidOption } from "../call-options.ts";
import { Pace } from "../pace.ts";
import type { ReadableStreamState } from "../reading/read.ts";
import type { StreamScanStart } from "../reading/stream-scan.ts";
import { findStart } from "../reading/verify-start.ts";
import { segmentPath } from "../segments/segment.ts";
import { SegmentFiles } from "../segments/segment-files.ts";
import type { StreamEnd } from "../segments/stream-end.ts";
import type { CheckpointFindings } from "./checkpoint-check.ts";
import { findGoodAfter, type GoodRange } from "./good-after.ts";
import { OutsideEvidence } from "./outside-evidence.ts";
import { type CheckedRange, LEAST_RANGES, spread } from "./spread.ts";
import { bytesIn, planRanges, type VerifyTarget } from "./verify-plan.ts";
import { type RangeOutcome, RangeVerifier, type VerifyRange } from "./verify-range.ts";
import { problemOf, statementsOn, type VerifyOptions, type VerifyReport } from "./verify-report.ts";
import { VerifyTeam } from "./verify-team.ts";
import type { ThreadAnswer } from "./verify-thread.ts";

const RANGE_BYTES = 8 << 20;
const MOST_THREADS = 64;

export async function verifyStream(
  state: ReadableStreamState,
  end: StreamEnd,
  options: VerifyOptions,
): Promise<VerifyReport> {
  return new Verification(state, end, options).run();
}

/** What is beyond doubt so far: everything before `place`, which says what the next record must join. */
interface Agreed {
  readonly place: StreamScanStart;
  readonly records: number;
  readonly bytes: number;
  /** Whether a link was there to hold the last of them against. */
  readonly isLastLinked: boolean;
  /** The first thing wrong with the index of a segment. */
  readonly index: ReadonlyMap<number, string>;
  readonly checkpoints: CheckpointFindings;
  readonly heads: ReadonlyMap<number, Uint8Array>;
}

class Verification {
  readonly #state: ReadableStreamState;
  readonly #files: SegmentFiles;
  readonly #end: StreamEnd;
  readonly #options: VerifyOptions;
  readonly #from: number;
  readonly #to: number;
  readonly #pace: Pace;
  readonly #outside: OutsideEvidence;
  readonly #notes: string[] = [];
  #threads = 1;
  #agreed: Agreed;
  // What is wrong with the records, and what evidence says against those that passed.
  #fault: DiatremeError | null = null;
  readonly #contradictions: DiatremeError[] = [];

  constructor(state: ReadableStreamState, end: StreamEnd, options: VerifyOptions) {
    const { segments, settings } = state;
    const { from = 0, to = end.offset } = options;
    if (end.damage === null) checkRange(from, options.to, end.offset);
    this.#end = end;
    this.#options = options;
    this.#from = Math.min(from, end.offset);
    this.#to = Math.max(this.#from, Math.min(to, end.offset));
    const { against = [] } = options;
    const texts = typeof against === "string" ? [against] : against;
    const opened = texts.map((text) => openCheckpoint(text, settings.checkpoints.verifiers));
    this.#outside = new OutsideEvidence(segments.place, opened);
    const checkGoesOn = () => {
      options.signal?.throwIfAborted();
      segments.checkOpen();
    };
    this.#pace = new Pace(settings.clock, this.#to - this.#from, checkGoesOn, options.onProgress);
    this.#files = options.directIo === true ? this.#directFiles(segments) : segments;
    this.#state = { ...state, segments: this.#files };
    const place = { segment: 0, offset: this.#from, position: SEGMENT_HEADER_BYTES, timestamp: 0, head: null };
    const nothing = { records: 0, bytes: 0, isLastLinked: true, index: new Map(), heads: new Map() };
    this.#agreed = { place, ...nothing, checkpoints: NO_CHECKPOINTS };
  }

  async run(): Promise<VerifyReport> {
    let goodAfter: readonly GoodRange[] = [];
    try {
      try {
        await this.#check();
      } catch (error) {
        if (!this.#isFinding(error)) throw error;
        this.#fault = error;
      }
      this.#holdAgainstEvidence();
      if (this.#fault !== null && this.#options.stopAtFirst !== true) goodAfter = await this.#goOn(this.#fault);
    } finally {
      if (this.#files.isDirect) this.#files.close();
    }
    this.#pace.report();
    return this.#report(goodAfter);
  }

  async #check(): Promise<void> {
    const start = await this.#start();
    if (start === null) return;
    const heads: [number, Uint8Array][] = start.head === null ? [] : [[start.offset, start.head]];
    this.#agreed = { ...this.#agreed, place: start, heads: new Map(heads) };
    const target = { start, end: this.#end, to: this.#to, wantedHeads: this.#outside.wantedHeads };
    if (start.offset < target.to) {
      await this.#checkInParallel(target);
      await this.#checkAlone(target);
    }
    if (this.#wantsMore) this.#fault ??= this.#end.damage;
    if (this.#fault === null) this.#files.get(this.#end.segment);
  }

  // Whether what comes behind the end was asked for too.
  get #wantsMore(): boolean {
    return (this.#options.to ?? Number.POSITIVE_INFINITY) > this.#end.offset;
  }

  // It is about records that passed, which stand before the first bad one.
  #holdAgainstEvidence(): void {
    const { offset, head } = this.#end;
    const { contradiction, agreedTo } = this.#agreed.checkpoints;
    this.#outside.compare(this.#agreed.heads);
    if (this.#fault === null && this.#wantsMore) this.#outside.finish(offset, head, agreedTo === offset);
    if (this.#outside.fault !== null) this.#contradictions.push(this.#outside.fault);
    if (contradiction !== null) this.#contradictions.push(failure("CHECKPOINT_CONTRADICTED", contradiction));
  }

  // `null` when a fault before the range keeps it from being reached.
  async #start(): Promise<StreamScanStart | null> {
    const { place } = this.#agreed;
    if (this.#from === 0) return { ...place, head: this.#files.get(0).genesis };
    if (this.#from === this.#to) return place;
    const beat = () => this.#pace.beat(0, 0);
    const { start, fault } = await findStart(this.#state, this.#state.settings, this.#end, this.#from, beat);
    this.#fault = fault;
    return fault === null ? start : null;
  }

  // Goes on from what is agreed on, to the end or to the first fault.
  async #checkAlone({ end, to, wantedHeads }: VerifyTarget): Promise<void> {
    const { place: start } = this.#agreed;
    if (start.offset >= to) return;
    const whole = { start, end, to, newest: end.segment, wantedHeads };
    const range = new RangeVerifier(this.#files, this.#state.settings, whole);
    try {
      for (let records = 0, bytes = 0; range.step(); { records, bytes } = range) {
        const pause = this.#pace.beat(range.records - records, range.bytes - bytes);
        if (pause !== null) await pause;
      }
    } finally {
      range.close();
    }
    this.#fault = range.fault;
    const outcome = range.outcome();
    // Where it ended matters to nobody: there is nothing behind it.
    this.#agreed = added(this.#agreed, { ...start, head: outcome.head }, outcome);
  }

  // Moves on over ranges that are whole and fit together. Stops before the last one that did when the next does not, for
  // whether a record stands may depend on the one behind it.
  async #checkInParallel(target: VerifyTarget): Promise<void> {
    const { signal, rangeBytes = RANGE_BYTES } = this.#options;
    const team = this.#startTeam(target);
    if (team === null) return;
    const endTeam = () => void team.stop();
    signal?.addEventListener("abort", endTeam, { once: true });
    const here = { isWanted: true, last: Promise.resolve() as Promise<unknown> };
    const checkHere = (range: VerifyRange) => {
      const checked = this.#checkRange(range, () => here.isWanted);
      here.last = checked.catch(() => {});
      return checked;
    };
    try {
      signal?.throwIfAborted();
      await this.#joinRanges(spread(planRanges(this.#state, target, rangeBytes), team, checkHere), target.to);
      signal?.throwIfAborted();
      this.#threads = 1 + team.helped;
      if (team.problem !== null) {
        const reason = messageOf(team.problem.error);
        this.#notes.push(`Threads could not be started (${reason}): one has done all the work.`);
      }
    } finally {
      here.isWanted = false;
      signal?.removeEventListener("abort", endTeam);
      await Promise.all([team.stop(), here.last]);
    }
  }

  // `null` when one thread is enough, or there is no other.
  #startTeam(target: VerifyTarget): VerifyTeam | null {
    const { clock } = this.#state.settings;
    const { workers } = this.#files.place.runtime;
    const { rangeBytes = RANGE_BYTES, jobs = workers?.cores ?? 1, signal } = this.#options;
    if (jobs === 1) return null;
    const most = Math.min(jobs, MOST_THREADS);
    const ranges = Math.floor(bytesIn(this.#state, target, Math.max(most, LEAST_RANGES) * rangeBytes) / rangeBytes);
    if (ranges < LEAST_RANGES) return null;
    if (workers === null) {
      this.#notes.push("This runtime has no threads: one has done all the work.");
      return null;
    }
    // Each takes memory, and time to start.
    const size = Math.min(most, ranges);
    return new VerifyTeam({ workers, clock, signal }, this.#files, this.#state.settings, size - 1);
  }

  async #checkRange(range: VerifyRange, isWanted: () => boolean): Promise<RangeOutcome> {
    const verifier = new RangeVerifier(this.#files, this.#state.settings, range);
    try {
      while (verifier.step()) {
        const pause = this.#pace.beat(0, 0);
        if (pause !== null) await pause;
        if (!isWanted()) throw new Error("nobody waits for it any more");
      }
    } finally {
      verifier.close();
    }
    return verifier.outcome();
  }

  async #joinRanges(checked: AsyncIterable<CheckedRange>, to: number): Promise<void> {
    let before = this.#agreed;
    let goesOn = false;
    for await (const { range, answer } of checked) {
      const outcome = this.#outcome(answer);
      if (outcome === null || !joins({ ...this.#agreed.place, goesOn }, range, outcome)) break;
      ({ goesOn } = outcome);
      const place = { ...range.end, offset: range.to, ...endOf(outcome) };
      [before, this.#agreed] = [this.#agreed, added(this.#agreed, place, outcome)];
      const pause = this.#pace.beat(outcome.records, outcome.bytes);
      if (pause !== null) await pause;
    }
    if (this.#agreed.place.offset === to) return;
    this.#agreed = before;
    this.#pace.records = before.records;
    this.#pace.bytes = before.bytes;
  }

  #outcome(answer: ThreadAnswer): RangeOutcome | null {
    this.#options.signal?.throwIfAborted();
    if (this.#pace.interruption !== null) throw this.#pace.interruption.error;
    if (!("failed" in answer)) return answer;
    this.#notes.push(`A thread has failed (${answer.failed}): one has done the rest of the work.`);
    return null;
  }

  async #goOn(fault: DiatremeError): Promise<readonly GoodRange[]> {
    const beat = (records: number, bytes: number) => this.#pace.beat(records, bytes);
    const wanted = this.#options.to ?? Number.POSITIVE_INFINITY;
    try {
      return await findGoodAfter(this.#files, this.#state.settings, fault, { end: this.#end, to: wanted }, beat);
    } catch (error) {
      if (!this.#isFinding(error)) throw error;
      this.#notes.push(`What is good behind the first bad record was not found out: ${error.message}`);
      return [];
    }
  }

  #isFinding(error: unknown): error is DiatremeError {
    const { signal } = this.#options;
    // What the caller's own code throws is no finding, whatever it is.
    if (this.#pace.interruption?.error === error || (signal?.aborted && signal.reason === error)) return false;
    return error instanceof DiatremeError && !(error instanceof UsageError);
  }

  // Files of our own that pass by the system's cache, where that can be done.
  #directFiles(segments: SegmentFiles): SegmentFiles {
    const { place, count } = segments;
    const { files } = place.runtime;
    try {
      const probe = files.openDirect(segmentPath(place, 0), pageAlignedBytes(1));
      probe?.close();
      if (probe !== null) return new SegmentFiles(place, count, true);
      this.#notes.push("The system cannot read past its cache here: it was read through.");
    } catch (error) {
      // What is wrong with the file is found when it is read.
      if (!(error instanceof DiatremeError)) throw error;
    }
    return segments;
  }

  #report(goodAfter: readonly GoodRange[]): VerifyReport {
    const { place, records, bytes, index } = this.#agreed;
    const { counts: checkpoints } = this.#agreed.checkpoints;
    const faults = this.#fault === null ? this.#contradictions : [...this.#contradictions, this.#fault];
    const [problem = null, ...further] = faults.map(problemOf);
    const range = { from: this.#from, to: this.#to };
    const publicKeys = this.#state.settings.checkpoints.verifiers.map(({ publicKey }) => publicKey);
    const findings = {
      range,
      end: this.#end,
      isGood: problem === null,
      isLastLinked: this.#agreed.isLastLinked,
      checkpoints,
      outside: this.#outside,
      publicKeys,
    };
    return {
      stream: this.#files.place.stream,
      ok: problem === null,
      range,
      records,
      bytes,
      segments: this.#files.count,
      nextOffset: this.#end.offset,
      head: toHex(place.head ?? new Uint8Array()),
      problem,
      further,
      goodAfter,
      index: [...index.values()],
      checkpoints,
      evidence: this.#outside.found,
      publicKeys: publicKeys.map(({ id }) => id),
      ...statementsOn(findings),
      work: { threads: this.#threads, reading: this.#files.isDirect ? "direct" : "cached", notes: this.#notes },
      elapsedMs: this.#pace.elapsedMs,
    };
  }
}

// What begins behind the end was there once, perhaps: to call nothing good would hide that.
function checkRange(from: number, to: number | undefined, records: number): void {
  if (from <= Math.min(to ?? records, records)) return;
  const expected = from > records ? `at most ${records}, the number of records` : `at most ${to}, where the range ends`;
  throw invalidOption("from", from, expected);
}

// Whether a range is whole and its first record follows on what was agreed on.
function joins(
  { segment, offset, timestamp, head, goesOn }: StreamScanStart & { goesOn: boolean },
  { start }: VerifyRange,
  { isWhole, firstLink, firstTimestamp }: RangeOutcome,
): boolean {
  if (!isWhole || firstLink === null || start.offset !== offset || firstTimestamp < timestamp) return false;
  // No append goes on over a segment's end.
  if (goesOn && start.segment !== segment) return false;
  return head === null || sameBytes(firstLink, head);
}

function endOf({ head, timestamp }: RangeOutcome): { head: Uint8Array | null; timestamp: number } {
  return { head, timestamp };
}

function added(agreed: Agreed, place: StreamScanStart, outcome: RangeOutcome): Agreed {
  const { records, bytes, isLastLinked, index, checkpoints, heads } = outcome;
  const notes = new Map(agreed.index);
  for (const [at, segment] of index.segments.entries()) {
    if (!notes.has(segment)) notes.set(segment, index.problems[at] as string);
  }
  return {
    place,
    records: agreed.records + records,
    bytes: agreed.bytes + bytes,
    isLastLinked,
    index: notes,
    checkpoints: joined(agreed.checkpoints, checkpoints),
    heads: new Map([...agreed.heads, ...heads]),
  };
}

const NO_CHECKPOINTS: CheckpointFindings = {
  counts: { agreed: 0, signed: 0, passedOver: 0 },
  contradiction: null,
  agreedTo: -1,
};

// What is behind a contradiction does not count.
function joined(one: CheckpointFindings, next: CheckpointFindings): CheckpointFindings {
  if (one.contradiction !== null) return one;
  const { agreed, signed, passedOver } = one.counts;
  return {
    counts: {
      agreed: agreed + next.counts.agreed,
      signed: signed + next.counts.signed,
      passedOver: passedOver + next.counts.passedOver,
    },
    contradiction: next.contradiction,
    agreedTo: Math.max(one.agreedTo, next.agreedTo),
  };
}
