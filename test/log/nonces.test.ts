// One key and nonce never encrypt two different things, however a folder comes to be written twice. Each defect that would
// break this is planted once and caught, so that the scenes below are known to be able to.
import { afterEach, describe, expect, it, vi } from "vitest";
import { keepAll, loseAll, type MemoryDisk, memoryRuntime } from "../../adapters/memory.ts";
import { type Log, type OpenOptions, openLogOn, StorageError } from "../../src/index.ts";
import { KeyFile } from "../../src/keys/key-file.ts";
import type { KeyTable } from "../../src/keys/key-table.ts";
import { Keyring } from "../../src/keys/keyring.ts";
import { StreamCipher } from "../../src/log/writing/stream-cipher.ts";
import { NonceRegister } from "../simulation/nonce-register.ts";

const encryption = { masterKey: new Uint8Array(32).fill(3) };

class Scene {
  readonly register = new NonceRegister();
  readonly disk: MemoryDisk = memoryRuntime({ seed: 1 }).disk;
  /** Changes what the runtime gives, before the register sees it. */
  random: ((target: Uint8Array) => void) | null = null;
  #pid = 1;
  #texts = 0;

  open(disk: MemoryDisk, options: OpenOptions = {}): Promise<Log> {
    const watched = this.register.watch(disk.runtime({ pid: ++this.#pid }));
    const runtime = this.random === null ? watched : { ...watched, random: this.random };
    return openLogOn(runtime, "/log", { spaceAhead: false, ...options, encryption });
  }

  /** Appends records that nobody has appended before, under both kinds of keys. */
  async append(log: Log, count = 3): Promise<string[]> {
    const texts = Array.from({ length: count }, () => `text ${++this.#texts}`);
    await Promise.all(
      texts.map((text, i) => log.stream("orders").append(text, i % 2 === 1 ? { keyId: "subject" } : {})),
    );
    return texts;
  }
}

async function textsOf(log: Log): Promise<string[]> {
  const texts: string[] = [];
  for await (const record of log.stream("orders").read()) texts.push(record.text());
  return texts;
}

const SCENES: Record<string, (scene: Scene) => Promise<void>> = {
  async "a folder that is copied while it is open, and both copies are written"(scene) {
    const log = await scene.open(scene.disk);
    const texts = await scene.append(log);
    const copy = scene.disk.crashImage(keepAll);
    const second = await scene.open(copy);
    const both = [
      [...texts, ...(await scene.append(log))],
      [...texts, ...(await scene.append(second))],
    ];
    expect([await textsOf(log), await textsOf(second)]).toEqual(both);
    await log.close();
    await second.close();
  },

  async "a folder that is put back to an older copy, again and again"(scene) {
    const log = await scene.open(scene.disk);
    const texts = await scene.append(log);
    await log.close();
    const older = scene.disk.crashImage(keepAll);
    for (let life = 0; life < 4; life++) {
      const disk = older.crashImage(keepAll);
      const again = await scene.open(disk);
      const more = await scene.append(again);
      expect(await textsOf(again)).toEqual([...texts, ...more]);
      await again.close();
    }
  },

  async "appends whose write fails, so that their offsets are used again"(scene) {
    const log = await scene.open(scene.disk);
    const texts = await scene.append(log);
    for (let time = 0; time < 3; time++) {
      scene.disk.onOperation = ({ kind, path }) =>
        kind === "write" && path.endsWith(".log") ? { failAfter: 40, code: "NO_SPACE" } : undefined;
      await expect(scene.append(log)).rejects.toThrow(StorageError);
      expect(() => log.stream("orders").appendSync("never there")).toThrow(StorageError);
      scene.disk.onOperation = null;
      texts.push(...(await scene.append(log)));
    }
    expect(await textsOf(log)).toEqual(texts);
    await log.close();
  },

  async "a power loss that takes what was not synced, with both policies"(scene) {
    let disk = scene.disk;
    const texts: string[] = [];
    for (const sync of ["everyBatch", "onFlush", "everyBatch", "onFlush"] as const) {
      const log = await scene.open(disk, { sync });
      texts.push(...(await scene.append(log)));
      await log.flush();
      if (sync === "everyBatch") disk.holdSyncs();
      const lost = scene.append(log).catch(() => []);
      for (let turn = 0; turn < 200; turn++) await null;
      disk = disk.crash(loseAll);
      void lost;
      const after = await scene.open(disk);
      expect(await textsOf(after)).toEqual(texts);
      texts.push(...(await scene.append(after)));
      await after.close();
    }
  },

  async "an onFlush log whose records cannot be written for a while"(scene) {
    const log = await scene.open(scene.disk, { sync: "onFlush" });
    const texts = await scene.append(log);
    await log.flush();
    scene.disk.onOperation = ({ kind, path }) =>
      kind === "write" && path.endsWith(".log") ? { fail: "NO_SPACE" } : undefined;
    texts.push(...(await scene.append(log)));
    await expect(log.flush()).rejects.toThrow(StorageError);
    texts.push(...(await scene.append(log)));
    scene.disk.onOperation = null;
    await log.flush();
    expect(await textsOf(log)).toEqual(texts);
    await log.close();
  },
};

afterEach(() => vi.restoreAllMocks());

describe("no key and nonce encrypt two different things", () => {
  it.each(Object.keys(SCENES))("in %s", async (name) => {
    const scene = new Scene();
    await SCENES[name]?.(scene);
    expect(scene.register.violation).toBeNull();
    expect(scene.register.seals).toBeGreaterThan(10);
  });
});

const DEFECTS: Record<string, (scene: Scene) => void> = {
  "an epoch that is not renewed when the log is opened again"() {
    let table: KeyTable | null = null;
    const settle = KeyFile.prototype.settle;
    vi.spyOn(KeyFile.prototype, "settle").mockImplementation(function (this: KeyFile) {
      table = this.table;
      return settle.call(this);
    });
    const epochSince = Keyring.prototype.epochSince;
    vi.spyOn(Keyring.prototype, "epochSince").mockImplementation(function (this: Keyring, generation: number) {
      const [first] = table?.epochs ?? [];
      if (first === undefined) return epochSince.call(this, generation);
      return { number: first[0], salt: first[1], generation };
    });
  },
  "an epoch that is not renewed after a cut-back"() {
    vi.spyOn(StreamCipher.prototype, "spendEpoch").mockImplementation(() => undefined);
  },
  "an epoch that is used before it is durable"() {
    const append = KeyFile.prototype.append;
    vi.spyOn(KeyFile.prototype, "append").mockImplementation(function* (this: KeyFile, lines) {
      const steps = append.call(this, lines);
      while (steps.next().done !== true);
      yield* [];
    });
  },
  "epochs that count instead of being random"(scene) {
    const { random } = scene.register.watch(scene.disk.runtime());
    const open = scene.open.bind(scene);
    scene.open = async (disk, options) => {
      let count = 0;
      // The first process makes the log's keys too, which take 32 bytes each: it counts apart.
      const isFirst = scene.random === null;
      scene.random = (target) => {
        random(target);
        if (target.length === 32 && !isFirst) target.fill(0).set([++count]);
      };
      return open(disk, options);
    };
  },
};

describe("the scenes above catch", () => {
  it.each(Object.keys(DEFECTS))("%s", async (name) => {
    const reused: string[] = [];
    const broken: string[] = [];
    for (const [title, play] of Object.entries(SCENES)) {
      const scene = new Scene();
      DEFECTS[name]?.(scene);
      await play(scene).catch(() => broken.push(title));
      vi.restoreAllMocks();
      if (scene.register.violation !== null) reused.push(title);
    }
    // What is lost with an epoch is seen by whoever reads, not by who counts nonces.
    expect((name.includes("durable") ? broken : reused).length).toBeGreaterThan(0);
  });
});
