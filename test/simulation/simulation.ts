// Runs a program on a machine in memory under the shipping code, and holds what is seen against the model.
import type { MemoryDisk, Operation } from "../../adapters/memory.ts";
import type { AppendResult, Log, OpenOptions, Stream, VerifyReport } from "../../src/index.ts";
import { checkDecay, type Decay, type Intact } from "./decay.ts";
import { Follower } from "./follower.ts";
import { checkMended } from "./mended.ts";
import { type Shown, shownBy } from "./shown.ts";
import type { Program, Step, Survival } from "./step.ts";
import { type Look, StreamModel, type Submitted } from "./stream-model.ts";
import { choiceOf, type System } from "./system.ts";
import { BEFORE, BESIDE, Troubles } from "./troubles.ts";
import { Violation } from "./violation.ts";

/** What a program went through. */
export interface Course {
  /** Crashes of the machine or the process that were recovered from, and all was found to be as promised. */
  cycles: number;
  /** Calls to the disk. */
  operations: number;
}

/**
 * Runs a program. `onCall` is told of every call to the disk, and during which step it is made.
 *
 * @throws {Violation} when a promise was broken
 */
export async function simulate(
  system: System,
  program: Program,
  onCall?: (operation: Operation, step: number) => void,
): Promise<Course> {
  let at = 0;
  const simulation = new Simulation(system, program, (operation) => onCall?.(operation, at));
  try {
    for (const [index, step] of program.steps.entries()) {
      at = index;
      try {
        await simulation.take(step);
      } catch (error) {
        throw new Violation(`step ${index}, ${JSON.stringify(step)}: ${(error as Error).message}`, error);
      }
    }
    await simulation.finish();
  } finally {
    simulation.leaveAll();
  }
  return simulation.course;
}

const DIRECTORY = "/data/log";
const STREAMS = ["orders", "audit", "meters"];
// Enough for any chain of promises that does not wait for a sync which is held.
const MOST_TURNS = 20_000;
// Enough for an append that has failed to tell its caller.
const TURNS_TO_BE_TOLD = 20;
// Attempts at opening: each may be ended by a crash that was armed before.
const MOST_ATTEMPTS = 50;

// These say that nothing of the append was written.
const REFUSALS = new Set(["OFFSET_MISMATCH", "APPEND_IN_FLIGHT", "LOG_POISONED"]);

const STORAGE_CODES = new Set<string>(["IO_FAILED", "ACCESS_DENIED", "TOO_MANY_OPEN_FILES", "NO_SPACE"]);

const PLAIN = { expect: "nothing", head: false, abort: false } as const;

// With what appends are given up.
const GIVEN_UP = new Error("given up");

type Outcome<T> = { readonly value: T } | { readonly error: unknown };

class Simulation {
  readonly course: Course = { cycles: 0, operations: 0 };
  readonly #system: System;
  readonly #models: readonly StreamModel[];
  readonly #troubles: Troubles;
  #disk: MemoryDisk;
  // Of the log that is open, and of the next.
  #options: OpenOptions = {};
  #nextOptions: OpenOptions = {};
  #log: Log | null = null;
  #beside: Log | null = null;
  // Counts processes: what was submitted by one that has ended is of no interest any more.
  #life = 0;
  #pending = new Set<Promise<unknown>>();
  // What was found wrong with something that nobody waited for.
  #broken: unknown = null;
  // The last process has closed the log, and nothing failed then.
  #closedWell = false;
  // The last process, or the machine, has ended without closing it.
  #crashed = false;
  #look: Look = "sure";
  #texts = 0;
  // Some append of this process may have been given up, and all behind it then stand elsewhere.
  #gaveUp = false;
  // A rotation may be under way that nobody waits for.
  #refused = false;
  #followers: Follower[] = [];
  #held = false;

  constructor(system: System, { sectorBytes, streams }: Program, onCall: (operation: Operation) => void) {
    this.#system = system;
    this.#models = STREAMS.slice(0, streams).map((name) => new StreamModel(name));
    this.#disk = system.memoryRuntime({ seed: 1, sectorBytes }).disk;
    this.#troubles = new Troubles(() => this.#disk.kill(this.#pid), onCall);
    this.#disk.onOperation = this.#troubles.ask;
  }

  async take(step: Step): Promise<void> {
    // Something may have ended since, in the middle of what nobody waits for.
    if (this.#troubles.ended !== null) await this.#end();
    await this.#perform(step);
    this.#throwBroken();
    if (this.#troubles.ended !== null) await this.#end();
    this.#throwBroken();
  }

  /** Ends the program in good order and looks at everything once more. */
  async finish(): Promise<void> {
    this.#troubles.heal();
    this.#setRoom(null);
    if (this.#log === null) await this.#open();
    await this.#close();
    if (this.#troubles.ended !== null) await this.#end();
    await this.#open();
    await this.#close();
    this.#throwBroken();
    this.#leave(() => true);
    await this.#beside?.close();
    if (this.#troubles.ended === null && !this.#closedWell) throw new Violation("a log on a sound disk does not close");
    this.course.operations += this.#disk.operations;
  }

  /** Nothing goes on behind a program that has ended, however it did. */
  leaveAll(): void {
    this.#disk.kill(this.#pid);
    this.#abandon();
    this.#leave(() => true);
    this.#beside?.close().catch(() => undefined);
    this.#beside = null;
  }

  get #pid(): number {
    return 1 + (this.#life % 2);
  }

  // What a step does. Anything that goes wrong without a fault is a violation.
  async #perform(step: Step): Promise<void> {
    switch (step.do) {
      case "append":
        return this.#append(step);
      case "appendMany": {
        const sizes = Array.from({ length: step.count }, () => 0);
        return this.#append({ ...step, do: "append", sizes, expect: "nothing", wait: true, head: false, abort: false });
      }
      case "tryAppend":
        return this.#tryAppend(step.stream, step.sizes);
      case "appendSync":
        return this.#appendSync(step.stream, step.sizes);
      case "flush":
        return this.#flush(step.stream, step.wait);
      case "checkpoint":
        return this.#checkpoint(step.stream, step.wait);
      case "settle":
        return this.#settleAll();
      case "turns":
        return turns(step.count);
      case "read":
        return this.#read(step);
      case "get":
        return this.#get(step.stream, step.offset);
      case "verify":
        return this.#verify(await this.#stream(step.stream));
      case "beside":
        return this.#lookFromBeside(step.stream);
      case "follow":
        return this.#follow(step.stream, step.beside);
      case "rival":
        return this.#rival();
      case "close":
        if (this.#log !== null) await this.#close();
        return;
      case "options":
        this.#nextOptions = step.options;
        return;
      case "hold":
        this.#held = true;
        this.#disk.holdSyncs();
        return;
      case "release":
        if (step.count === 0) this.#releaseAll();
        else for (let i = 0; i < step.count && this.#disk.syncsInFlight > 0; i++) this.#disk.releaseSync();
        return;
      case "time":
        this.#disk.clock.stepMicros(step.ms * 1000);
        return;
      case "clock":
        this.#disk.clock.setMicros(Math.max(1, this.#disk.clock.nowMicros() + step.micros));
        return;
      case "fault":
        this.#troubles.arm(step.on, step.skip, step.times, step.manner);
        return;
      case "room":
        this.#setRoom(step.bytes);
        return;
      case "heal":
        this.#troubles.heal();
        this.#setRoom(null);
        return;
      case "decay":
        return this.#decay(step);
      case "mend":
        return this.#mend(step);
      case "repair":
        return this.#log === null ? this.#repair() : this.#repairInVain();
      case "rotate":
        return this.#rotate(step.to, step.wait);
      case "kill":
        if (step.skip > 0) return this.#troubles.armEnd(step.skip, { of: "process" });
        this.#disk.kill(this.#pid);
        this.#troubles.ended = { of: "process" };
        return;
      case "crash":
        if (step.skip > 0) {
          return this.#troubles.armEnd(step.skip, { of: "machine", after: step.after, survival: step.survival });
        }
        this.#troubles.ended = { of: "machine", after: false, survival: step.survival };
        return;
    }
  }

  // ── The program's own calls ─────────────────────────────────────────────────────────────────────────────────────

  async #append(step: Extract<Step, { do: "append" }>): Promise<void> {
    const stream = await this.#stream(step.stream);
    const model = this.#model(stream);
    if (step.expect === "wrong") return this.#appendInVain(stream, model.records + 1);
    const append = this.#submit(model, step.sizes);
    const expectedOffset = model.records - append.texts.length;
    const abort = step.abort ? new AbortController() : null;
    const options = {
      ...(step.expect === "right" ? { expectedOffset } : {}),
      ...(abort === null ? {} : { signal: abort.signal }),
    };
    const done = this.#told(model, append, stream.append([...append.texts], options), step);
    this.#gaveUp ||= step.abort;
    abort?.abort(GIVEN_UP);
    await this.#inFlight(done, step.wait);
  }

  async #tryAppend(index: number, sizes: readonly number[]): Promise<void> {
    const stream = await this.#stream(index);
    const model = this.#model(stream);
    const append = this.#submit(model, sizes);
    const called = stream.tryAppend([...append.texts]);
    this.#refused ||= called === null;
    if (called === null) model.reject(append, null, false);
    else await this.#inFlight(this.#told(model, append, called, { head: false, expect: "nothing" }), false);
  }

  #submit(model: StreamModel, sizes: readonly number[]): Submitted {
    return model.submit(sizes.map((size) => this.#text(size)));
  }

  #told(
    model: StreamModel,
    append: Submitted,
    called: Promise<AppendResult>,
    { head, expect }: Pick<Extract<Step, { do: "append" }>, "head" | "expect">,
  ): Promise<void> {
    const syncs = this.#options.sync !== "onFlush";
    const life = this.#life;
    return called.then(
      (result) => {
        if (life !== this.#life) return;
        model.place(append, result);
        if (syncs) model.acknowledge([append]);
        if (syncs || head) append.head = result.head;
      },
      (error: unknown) => {
        if (life !== this.#life) return;
        // It was to stand right behind one that then failed, or was given up.
        const wanted = expect === "right" && (this.#isTroubled || this.#gaveUp) ? ["OFFSET_MISMATCH"] : [];
        if (error === GIVEN_UP) model.reject(append, error, false);
        else this.#rejected(model, append, error, wanted);
      },
    );
  }

  async #appendInVain(stream: Stream, expectedOffset: number): Promise<void> {
    const life = this.#life;
    const told = () => {
      throw new Violation("an append with a wrong expected offset was made");
    };
    const done = stream.append("in vain", { expectedOffset }).then(told, (error: unknown) => {
      if (life === this.#life && !this.#system.isFailure(error, "OFFSET_MISMATCH")) this.#excuse(error);
    });
    await this.#inFlight(done, false);
  }

  async #appendSync(index: number, sizes: readonly number[]): Promise<void> {
    const stream = await this.#stream(index);
    const model = this.#model(stream);
    const append = this.#submit(model, sizes);
    // Not only what somebody waits for.
    const mayBeUnderWay = this.#pending.size > 0 || this.#refused || this.#gaveUp || this.#isTroubled;
    try {
      const result = stream.appendSync([...append.texts]);
      // What was appended before may have failed on the way, and is told so when this call has returned.
      if (this.#pending.size > 0) await turns(TURNS_TO_BE_TOLD);
      model.place(append, result);
      if (this.#options.sync !== "onFlush") model.acknowledge([append]);
      append.head = result.head;
    } catch (error) {
      this.#rejected(model, append, error, mayBeUnderWay ? ["APPEND_IN_FLIGHT"] : []);
    }
  }

  async #flush(index: number, wait: boolean): Promise<void> {
    const stream = await this.#stream(index);
    const model = this.#model(stream);
    const before = model.submitted;
    const life = this.#life;
    const done = stream.flush().then(
      () => {
        if (life === this.#life) model.acknowledge(before);
      },
      (error: unknown) => {
        if (life === this.#life) this.#excuse(error);
      },
    );
    await this.#inFlight(done, wait);
  }

  async #checkpoint(index: number, wait: boolean): Promise<void> {
    const stream = await this.#stream(index);
    const model = this.#model(stream);
    const before = model.submitted;
    const life = this.#life;
    const done = stream.checkpoint().then(
      ({ nextOffset, note }) => {
        if (life !== this.#life) return;
        model.acknowledge(before);
        // The sync may have covered appends that were made later and of which nobody was told. From here on whatever the
        // checkpoint covers has to survive; it cannot cover what was never submitted.
        model.acknowledgeShown(nextOffset);
        if (nextOffset > model.durableRecords)
          throw new Violation(`${model.name}: a checkpoint of what is not durable`);
        model.handOut(nextOffset, note);
      },
      (error: unknown) => {
        if (life === this.#life) this.#excuse(error);
      },
    );
    await this.#inFlight(done, wait);
  }

  async #close(): Promise<void> {
    const log = this.#log as Log;
    await this.#settleAll();
    this.#log = null;
    const before = this.#models.map((model) => model.submitted);
    const outcome = await this.#settle(log.close());
    await this.#settleAll();
    this.#checkFollowers();
    this.#leave(({ beside }) => !beside);
    if ("error" in outcome) {
      this.#excuse(outcome.error);
      if (this.#troubles.ended !== null) return;
      // Whoever cannot close a log does not go on with it.
      this.#disk.kill(this.#pid);
      this.#abandon();
    } else {
      for (const [index, model] of this.#models.entries()) model.acknowledge(before[index] as readonly Submitted[]);
      this.#closedWell = !this.#troubles.fired;
    }
  }

  async #settleAll(): Promise<void> {
    await this.#settle(Promise.all([...this.#pending]));
    for (const follower of this.#followers) {
      if (follower.beside || this.#isTroubled) continue;
      const { model } = follower;
      // Showing a record takes some turns.
      await turns(100 + 10 * (model.durableRecords - follower.shown));
      if (follower.ending === null && follower.shown < model.durableRecords) {
        throw new Violation(`${model.name}: a follower was shown ${follower.shown} of ${model.durableRecords}`);
      }
    }
  }

  // ── Looking ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async #read({ stream: index, from, limit }: Extract<Step, { do: "read" }>): Promise<void> {
    const stream = await this.#stream(index);
    const model = this.#model(stream);
    await this.#excused(async () => {
      const first = from % (model.records + 2);
      const { durableRecords } = model;
      let offset = first;
      for await (const record of stream.read({ from: first, limit })) {
        if (record.offset !== offset) throw new Violation(`${stream.name}: read shows ${record.offset} for ${offset}`);
        if (record.text() !== model.textAt(offset)) throw new Violation(`${stream.name}: read shows a wrong ${offset}`);
        offset++;
      }
      // A reader is only shown what is durable, unless nobody waits for that.
      if (this.#options.sync !== "onFlush" && offset > first) model.acknowledgeShown(offset);
      if (offset < Math.min(first + limit, durableRecords)) {
        throw new Violation(`${stream.name}: read ends at ${offset} of ${durableRecords}`);
      }
    });
  }

  async #get(index: number, wanted: number): Promise<void> {
    const stream = await this.#stream(index);
    const model = this.#model(stream);
    await this.#excused(async () => {
      const offset = wanted % (model.records + 1);
      const { durableRecords } = model;
      const record = await stream.get(offset);
      if (record === undefined && offset < durableRecords) {
        throw new Violation(`${stream.name}: get does not find ${offset} of ${durableRecords}`);
      }
      if (record !== undefined && record.text() !== model.textAt(offset)) {
        throw new Violation(`${stream.name}: get shows a wrong ${offset}`);
      }
    });
  }

  async #verify(stream: Stream): Promise<void> {
    await this.#excused(async () => {
      const report = await this.#verified(stream);
      if (report === null) return;
      // It also tells what it could not read.
      if (report.problem !== null && this.#isTroubled && STORAGE_CODES.has(report.problem.code)) return;
      if (report.problem !== null) throw new Violation(`${stream.name}: verify finds ${report.problem.message}`);
      // A page that could not be written stays behind until the next opening.
      if (report.index.length > 0 && !this.#isTroubled)
        throw new Violation(`${stream.name}: verify finds ${report.index.join(" ")}`);
    });
  }

  // Looking at a stream does not make it.
  async #verified(stream: Stream): Promise<VerifyReport | null> {
    try {
      return await stream.verify({ against: this.#model(stream).notes });
    } catch (error) {
      if (this.#system.isFailure(error, "STREAM_NOT_FOUND") && this.#model(stream).records === 0) return null;
      throw error;
    }
  }

  async #lookFromBeside(index: number): Promise<void> {
    await this.#excused(async () => {
      const model = this.#modelAt(index);
      let shown: Shown[] | null;
      try {
        shown = await this.#shownBeside(model);
      } catch (error) {
        if (this.#nothingThere(error)) return;
        // It is told to open the log again.
        if (!this.#system.isFailure(error, "KEYS_ROTATED")) throw error;
        await this.#beside?.close();
        this.#beside = null;
        shown = await this.#shownBeside(model);
      }
      const look = this.#troubles.leftDoubt ? "in doubt" : this.#look;
      if (shown !== null) await this.#checkInFlight(model, shown, look);
    });
  }

  async #shownBeside(model: StreamModel): Promise<Shown[] | null> {
    const runtime = this.#disk.runtime({ pid: BESIDE });
    this.#beside ??= await this.#system.openLogOn(runtime, DIRECTORY, { readOnly: true, windowBytes: 4096 });
    const stream = this.#beside.stream(model.name);
    return this.#tolerant(() => [...shownBy(stream, "genesis")], model);
  }

  // Another process may see an append before anybody was told that the one before it has failed.
  async #checkInFlight(model: StreamModel, shown: readonly Shown[], look: Look): Promise<void> {
    const { acknowledged } = model;
    try {
      model.check(shown, look);
    } catch (error) {
      if (this.#pending.size === 0) throw error;
      await turns(TURNS_TO_BE_TOLD);
      model.check(shown, look, acknowledged);
    }
  }

  // A stream that was never known to be there may be missing.
  #tolerant<T>(look: () => T, model: StreamModel): T | null {
    try {
      return look();
    } catch (error) {
      if (this.#system.isFailure(error, "STREAM_NOT_FOUND") && model.durableRecords === 0) return null;
      throw error;
    }
  }

  #nothingThere(error: unknown): boolean {
    const isMissing = this.#system.isFailure(error, "LOG_NOT_FOUND") || this.#system.isFailure(error, "NOT_A_LOG");
    return isMissing && this.#models.every((model) => model.durableRecords === 0);
  }

  async #follow(index: number, beside: boolean): Promise<void> {
    const model = this.#modelAt(index);
    await this.#excused(async () => {
      if (beside) await this.#lookFromBeside(index);
      else await this.#stream(index);
      const log = beside ? this.#beside : this.#log;
      if (log === null || (beside && model.records === 0)) return;
      this.#followers.push(new Follower(log.stream(model.name), model, beside, () => this.#troubles.leftDoubt));
    });
  }

  async #rival(): Promise<void> {
    if (this.#log === null) return;
    const runtime = this.#disk.runtime({ pid: 92 });
    await this.#excused(async () => {
      try {
        const log = await this.#system.openLogOn(runtime, DIRECTORY, this.#options);
        await log.close();
      } catch (error) {
        if (this.#system.isFailure(error, "LOG_LOCKED")) return;
        throw error;
      }
      if (this.#troubles.ended === null) throw new Violation("two processes write to one log");
    });
  }

  // The calls go on with a process of their own, on the disk as it is.
  async #repair(): Promise<void> {
    await this.#startAnew();
    try {
      await this.#settleOrThrow(this.#repairAndCheck());
    } catch (error) {
      if (this.#troubles.ended !== null) return;
      this.#excuse(error);
      // As in opening.
      this.#disk.kill(this.#pid);
      this.#abandon();
    }
  }

  async #repairAndCheck(): Promise<void> {
    const runtime = this.#disk.runtime({ pid: this.#pid });
    try {
      const { ok, findings, streams } = await this.#system.repairLogOn(runtime, DIRECTORY, { apply: true });
      // An index need not survive.
      const grave = findings.filter(({ kind }) => kind !== "index");
      const found = grave.map(({ message }) => message).join(" ");
      // It leaves what it could not read.
      if (!ok && this.#isTroubled) return;
      if (!ok) throw new Violation(`a repair finds damage where there is none: ${found}`);
      if (this.#closedWell && found !== "") throw new Violation(`a repair of a closed log finds: ${found}`);
      if (this.#troubles.leftDoubt) this.#look = "in doubt";
      const shown = await this.#readOnlyRecords();
      for (const [index, model] of this.#models.entries()) {
        const repaired = streams.find(({ stream }) => stream === model.name);
        const there = shown[index] ?? [];
        if ((repaired?.records ?? 0) !== there.length) {
          throw new Violation(
            `${model.name}: a repair speaks of ${repaired?.records} records, and ${there.length} are there`,
          );
        }
        // What it has changed it has made durable.
        if (repaired !== undefined && repaired.steps.length > 0) model.confirm(there, this.#look);
      }
    } catch (error) {
      if (!this.#nothingThere(error)) throw error;
    }
  }

  async #repairInVain(): Promise<void> {
    const runtime = this.#disk.runtime({ pid: 93 });
    await this.#excused(async () => {
      try {
        await this.#system.repairLogOn(runtime, DIRECTORY, { apply: true });
      } catch (error) {
        if (this.#system.isFailure(error, "LOG_LOCKED")) return;
        throw error;
      }
      if (this.#troubles.ended === null) throw new Violation("a log is repaired while it is open");
    });
  }

  async #rotate(to: number, wait: boolean): Promise<void> {
    const { rotateKeys, loseAll } = this.#system;
    if (rotateKeys === undefined) return;
    if (this.#log === null) await this.#open();
    const life = this.#life;
    const durable = () => this.#disk.crashImage(loseAll).runtime();
    const done = rotateKeys(this.#log as Log, to, durable).catch((error: unknown) => {
      if (life === this.#life) this.#excuse(error);
    });
    await this.#inFlight(done, wait);
  }

  async #decay(step: Extract<Step, { do: "decay" }>): Promise<void> {
    await this.#damage(step, (copy, intact, decay) => checkDecay(this.#system, copy, DIRECTORY, [intact], decay));
  }

  async #mend(step: Extract<Step, { do: "mend" }>): Promise<void> {
    await this.#damage(step, (copy, intact, decay) => checkMended(this.#system, copy, DIRECTORY, intact, decay, step));
  }

  // On a copy of the disk: the program goes on as if nothing had been.
  async #damage(
    { stream: index, place, bit, closed }: Pick<Extract<Step, { do: "decay" }>, "stream" | "place" | "bit" | "closed">,
    look: (copy: () => MemoryDisk, intact: Intact, decay: Decay) => Promise<void>,
  ): Promise<void> {
    const model = this.#modelAt(index);
    // Of two appends, each of which was made alone, the second proves all that was before it.
    for (const size of [10, 20]) {
      await this.#append({ do: "append", stream: index, sizes: [size], ...PLAIN, wait: true });
      await this.#flush(index, true);
    }
    if (closed && this.#log !== null) await this.#close();
    if (this.#isTroubled || this.#broken !== null) return;
    const copy = () => this.#disk.crashImage(this.#system.keepAll);
    const log = await this.#system.openLogOn(copy().runtime(), DIRECTORY, { readOnly: true });
    const shown = [...shownBy(log.stream(model.name), "chain")];
    const checkpoint = await log.stream(model.name).latestCheckpoint();
    await log.close();
    const ends = model.endsOfAppends(shown, this.#look);
    const provenRecords = Math.max(shown.length - (closed ? 0 : 1), checkpoint?.nextOffset ?? 0);
    const bytes = this.#disk.paths().map((path) => ({ path, bytes: this.#disk.bytes(path).length }));
    let position = place % bytes.reduce((sum, file) => sum + file.bytes, 0);
    for (const file of bytes) {
      if (position < file.bytes) {
        return look(copy, { name: model.name, shown, ends, provenRecords }, { path: file.path, position, bit });
      }
      position -= file.bytes;
    }
  }

  // ── Ends and beginnings ─────────────────────────────────────────────────────────────────────────────────────────

  async #end(): Promise<void> {
    const end = this.#troubles.ended;
    if (end === null) return;
    // What was told before the end still arrives.
    await turns(100);
    this.#disk.kill(this.#pid);
    this.#abandon();
    this.#crashed = true;
    if (end.of === "process") this.#troubles.restartProcess();
    else this.#losePower(end.survival);
  }

  // Leaves behind what the process had, which is dead; closing gives its memory back.
  #abandon(): void {
    this.#life++;
    this.#pending = new Set();
    this.#log?.close().catch(() => undefined);
    this.#log = null;
    this.#leave(({ beside }) => !beside);
  }

  #leave(whom: (follower: Follower) => boolean): void {
    for (const follower of this.#followers.filter(whom)) follower.stop();
    this.#followers = this.#followers.filter((follower) => !whom(follower));
  }

  #losePower(survival: Survival): void {
    this.course.operations += this.#disk.operations;
    this.#disk = this.#disk.crash(choiceOf(this.#system, survival));
    this.#disk.onOperation = this.#troubles.ask;
    this.#troubles.restartMachine();
    this.#beside?.close().catch(() => undefined);
    this.#beside = null;
    this.#leave(() => true);
    this.#look = "in doubt";
    if (this.#held) this.#disk.holdSyncs();
  }

  async #stream(index: number): Promise<Stream> {
    if (this.#log === null) await this.#open();
    return (this.#log as unknown as Log).stream(this.#modelAt(index).name);
  }

  // Opens the log however often it takes, and holds all that is in it against the model.
  async #open(): Promise<void> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      if (await this.#tryToOpen(attempt)) return;
    }
    throw new Violation("the log does not open");
  }

  async #tryToOpen(attempt: number): Promise<boolean> {
    await this.#startAnew();
    if (attempt > 1) {
      this.#troubles.heal();
      this.#setRoom(null);
    }
    try {
      await this.#settleOrThrow(this.#openAndCheck());
      return true;
    } catch (error) {
      if (this.#troubles.ended !== null) {
        await this.#end();
        return false;
      }
      if (error instanceof Violation || !this.#isTroubled || !this.#isStorageFailure(error)) throw error;
      this.#disk.kill(this.#pid);
      this.#abandon();
      if (this.#troubles.frozen) this.#losePower(attempt);
      return false;
    }
  }

  // What failed so far is told by now; from here on it is no excuse any more.
  async #startAnew(): Promise<void> {
    await turns(20);
    this.#throwBroken();
    this.#troubles.fired = false;
  }

  async #openAndCheck(): Promise<void> {
    if (this.#troubles.leftDoubt) this.#look = "in doubt";
    // Looking at everything in every way each time would cost more than it finds.
    const before = this.course.cycles % 2 === 0 ? await this.#readOnlyRecords() : [];
    this.#options = this.#nextOptions;
    const log = await this.#system.openLogOn(this.#disk.runtime({ pid: this.#pid }), DIRECTORY, this.#options);
    this.#log = log;
    const known = await log.streams();
    for (const [index, model] of this.#models.entries()) {
      if (!known.includes(model.name)) {
        model.confirm([], this.#look);
        continue;
      }
      const stream = log.stream(model.name);
      const shown = [...shownBy(stream, "genesis")];
      model.confirm(shown, this.#look);
      const seen = before[index];
      if (seen !== null && seen !== undefined && seen.length !== shown.length) {
        throw new Violation(`${model.name}: a reader sees ${seen.length} records, a writer then ${shown.length}`);
      }
      if (this.#closedWell && stream.tornTail !== null)
        throw new Violation(`${model.name}: a closed log has a torn tail`);
      if (model.checkpointed > 0) await this.#checkCheckpoint(stream, model);
      if (this.course.cycles % 3 === 0) await this.#verify(stream);
    }
    this.#troubles.leftDoubt = false;
    this.#look = "sure";
    this.#gaveUp = false;
    this.#refused = false;
    this.#closedWell = false;
    if (this.#crashed) this.course.cycles++;
    this.#crashed = false;
  }

  // What was handed out is in the log itself too, unless a newer one is.
  async #checkCheckpoint(stream: Stream, model: StreamModel): Promise<void> {
    const newest = await stream.latestCheckpoint();
    if (newest === null || newest.nextOffset < model.checkpointed)
      throw new Violation(`${model.name}: a checkpoint of ${model.checkpointed} records that was handed out is gone`);
  }

  // What somebody sees who only reads, before anything is mended.
  async #readOnlyRecords(): Promise<(readonly Shown[] | null)[]> {
    const runtime = this.#disk.runtime({ pid: BEFORE });
    let log: Log;
    try {
      log = await this.#system.openLogOn(runtime, DIRECTORY, { readOnly: true });
    } catch (error) {
      if (this.#nothingThere(error)) return [];
      throw error;
    }
    const all = this.#models.map((model) => {
      const shown = this.#tolerant(() => [...shownBy(log.stream(model.name), "chain")], model);
      if (shown !== null) model.check(shown, this.#look);
      return shown;
    });
    await log.close();
    return all;
  }

  // ── Waiting, and what may go wrong ──────────────────────────────────────────────────────────────────────────────

  async #inFlight(done: Promise<void>, wait: boolean): Promise<void> {
    const settled: Promise<void> = done
      .catch((error: unknown) => {
        this.#broken ??= error;
      })
      .then(() => {
        this.#pending.delete(settled);
      });
    this.#pending.add(settled);
    if (wait) await this.#settleOrThrow(settled);
  }

  #throwBroken(): void {
    if (this.#broken !== null) throw this.#broken;
    this.#checkFollowers();
    const { forbidden } = this.#troubles;
    if (forbidden !== null) throw new Violation(`a reader changes something: ${forbidden.kind} ${forbidden.path}`);
  }

  #checkFollowers(): void {
    for (const follower of this.#followers) {
      const failure = follower.failure(this.#system);
      if (failure === null) continue;
      // A follower may be told late, when what failed for it is over.
      const isExcused = follower.beside && this.#troubles.firedBeside && this.#isStorageFailure(failure);
      if (!isExcused) this.#excuse(failure);
    }
    this.#leave(({ ending }) => ending !== null);
  }

  async #settleOrThrow<T>(promise: Promise<T>): Promise<T> {
    const outcome = await this.#settle(promise);
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  }

  // Lets promises have their turns, and syncs in flight their end, until this one has settled.
  async #settle<T>(promise: Promise<T>): Promise<Outcome<T>> {
    let outcome: Outcome<T> | null = null;
    promise.then(
      (value) => {
        outcome = { value };
      },
      (error: unknown) => {
        outcome = { error };
      },
    );
    for (let turn = 1; turn < MOST_TURNS; turn++) {
      await null;
      if (outcome !== null) return outcome;
      if (turn % 50 !== 0) continue;
      if (this.#disk.syncsInFlight > 0) this.#disk.releaseSync();
      else this.#disk.clock.stepMicros(1000);
    }
    throw new Violation("something is waited for that never comes");
  }

  #rejected(model: StreamModel, append: Submitted, error: unknown, wanted: readonly string[]): void {
    const code = error instanceof this.#system.DiatremeError ? error.code : "";
    if (REFUSALS.has(code)) {
      model.reject(append, error, false);
      if (!wanted.includes(code)) this.#excuse(error);
      return;
    }
    this.#excuse(error);
    // What is rejected because everything has ended may be there all the same.
    if (this.#troubles.ended !== null) this.#troubles.leftDoubt = true;
    model.reject(append, error, true);
  }

  async #excused(look: () => Promise<void>): Promise<void> {
    try {
      await this.#settleOrThrow(look());
    } catch (error) {
      this.#excuse(error);
    }
  }

  // A failure is excused when something went wrong with the disk, or has ended, and it says so.
  #excuse(error: unknown): void {
    if (error instanceof Violation) throw error;
    if (!this.#isTroubled || !this.#isStorageFailure(error)) throw error;
  }

  #isStorageFailure(error: unknown): boolean {
    const { CrashSignal, StorageError } = this.#system;
    return error instanceof StorageError || (error instanceof CrashSignal && this.#troubles.ended !== null);
  }

  get #isTroubled(): boolean {
    const isFull = Number.isFinite(this.#disk.capacityBytes);
    return this.#troubles.fired || this.#troubles.ended !== null || isFull;
  }

  #setRoom(bytes: number | null): void {
    // What is failing for want of room fails a little later.
    if (bytes !== null || Number.isFinite(this.#disk.capacityBytes)) this.#troubles.fired = true;
    const used = this.#disk.paths().reduce((sum, path) => sum + this.#disk.bytes(path).length, 0);
    this.#disk.capacityBytes = bytes === null ? Number.POSITIVE_INFINITY : used + bytes;
  }

  #releaseAll(): void {
    this.#held = false;
    this.#disk.releaseSyncs();
  }

  #model(stream: Stream): StreamModel {
    return this.#models[STREAMS.indexOf(stream.name)] as StreamModel;
  }

  #modelAt(index: number): StreamModel {
    return this.#models[index % this.#models.length] as StreamModel;
  }

  // No two payloads are the same, unless they are too short for that.
  #text(size: number): string {
    const name = `${this.#texts++}`;
    return size === 0 ? name : `${name}${size % 5 === 0 ? "DTR1" : "-"}`.padEnd(size, name);
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await null;
}
