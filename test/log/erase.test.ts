// Erasing a subject, and rotating keys: what is gone, what stays, what is said about it; and a crash or a failure at every
// single step leaves the key whole or gone, and no receipt that claims too much.
import { describe, expect, it } from "vitest";
import {
  type Choose,
  CrashSignal,
  keepAll,
  loseAll,
  type MemoryDisk,
  memoryRuntime,
  seededChoose,
} from "../../adapters/memory.ts";
import { DiatremeError, type ErasureReceipt, type Log, openLogOn } from "../../src/index.ts";
import { CASE_STRIDE, currentRuntime } from "../contract/current-runtime.ts";

const KEY = new Uint8Array(32).fill(3);
const NEW_KEY = new Uint8Array(32).fill(4);
const KEYS = "/log/keys.json";

// The runtime's own cipher: the one of the runtime in memory takes most of the time that these tests take.
const { aead } = currentRuntime();

function open(disk: MemoryDisk, masterKey: Uint8Array = KEY, pid = 1): Promise<Log> {
  return openLogOn({ ...disk.runtime({ pid }), aead }, "/log", { encryption: { masterKey }, spaceAhead: false });
}

/** Two subjects' records in two streams, among others. */
async function fill(log: Log): Promise<void> {
  await log.stream("orders").append("anna: first", { keyId: "anna" });
  await log.stream("orders").append(["bert: first", "bert: second"], { keyId: "bert" });
  await log.stream("orders").append("nobody's");
  await log.stream("access").append("anna: second", { keyId: "anna" });
  await log.stream("idle").append("nobody's either");
}

/** What each record of a stream says, or the code of why it does not. */
async function shown(log: Log, stream: string): Promise<string[]> {
  const found: string[] = [];
  for await (const record of log.stream(stream).read({ verify: "genesis" })) {
    if (record.kind === "tombstone") found.push("receipt");
    else {
      try {
        found.push(record.text());
      } catch (error) {
        found.push((error as DiatremeError).code);
      }
    }
  }
  return found;
}

async function receiptsIn(log: Log, stream: string): Promise<ErasureReceipt[]> {
  const found: ErasureReceipt[] = [];
  for await (const record of log.stream(stream).read()) {
    if (record.kind === "tombstone") found.push(record.json() as ErasureReceipt);
  }
  return found;
}

const textOf = (disk: MemoryDisk, path = KEYS) => new TextDecoder().decode(disk.bytes(path));

interface ShownLine {
  readonly type: string;
  readonly purpose?: string;
  readonly wrapped?: string;
}

function keyLines(disk: MemoryDisk): ShownLine[] {
  // The end may be torn.
  const lines = textOf(disk).split("\n");
  return lines.flatMap((line) => (/^\{.*"crc":"[0-9a-f]{8}"\}$/.test(line) ? [JSON.parse(line) as ShownLine] : []));
}

/** What the key file wraps for subjects, in the order in which they came. */
function wrappedSubjects(disk: MemoryDisk): string[] {
  return keyLines(disk).flatMap(({ purpose, wrapped }) =>
    purpose === "subject" && wrapped !== undefined ? [wrapped] : [],
  );
}

function allBytes(disk: MemoryDisk, folder = "/log"): Buffer[] {
  const { files } = disk.runtime({ pid: 900 });
  return files.list(folder).flatMap(({ name, kind }) => {
    const path = `${folder}/${name}`;
    return kind === "folder" ? allBytes(disk, path) : [Buffer.from(disk.bytes(path))];
  });
}

describe("erasing a subject", () => {
  it("makes exactly its payloads unreadable, says so in the chain, and leaves all heads as they were", async () => {
    const { disk } = memoryRuntime({ seed: 1 });
    const log = await open(disk);
    await fill(log);
    const heads = async () => [await log.stream("orders").head(), await log.stream("access").head()];
    const [orders, access] = await heads();
    const report = await log.eraseSubject("anna", { by: "ticket 7" });
    expect(await shown(log, "orders")).toEqual([
      "PAYLOAD_ERASED",
      "bert: first",
      "bert: second",
      "nobody's",
      "receipt",
    ]);
    expect(await shown(log, "access")).toEqual(["PAYLOAD_ERASED", "receipt"]);
    expect(await shown(log, "idle")).toEqual(["nobody's either"]);

    const { fingerprint, key, at } = report;
    const said = { type: "diatreme.erasure/v1", log: log.id, key, fingerprint, by: "ticket 7", at, records: 1 };
    const stood = (head: typeof orders) => ({ nextOffset: head?.nextOffset, head: head?.head });
    expect(await receiptsIn(log, "orders")).toEqual([
      { ...said, stream: "orders", first: 0, last: 0, ...stood(orders) },
    ]);
    expect(await receiptsIn(log, "access")).toEqual([
      { ...said, stream: "access", first: 0, last: 0, ...stood(access) },
    ]);
    expect(report).toEqual({
      key,
      fingerprint,
      by: "ticket 7",
      at,
      records: 2,
      streams: [
        { stream: "access", erased: 1, plain: 0, readable: 0, unreadable: 0, receipt: 1 },
        { stream: "idle", erased: 0, plain: 0, readable: 1, unreadable: 0, receipt: null },
        { stream: "orders", erased: 1, plain: 0, readable: 3, unreadable: 0, receipt: 4 },
      ],
    });
    // The record before the receipt still has the hash that was the head.
    const last = await log.stream("orders").get((orders?.nextOffset ?? 0) - 1);
    expect(last?.hash).toBe(orders?.head);
    for (const stream of ["orders", "access", "idle"])
      expect(await log.stream(stream).verify()).toMatchObject({ ok: true });
    expect((await log.keys()).map(({ name, state }) => [name, state])).toEqual([
      [null, "erased"],
      ["bert", "live"],
      ["orders", "live"],
      ["idle", "live"],
    ]);
    await log.close();
  });

  it("leaves no byte of plain text, name or key in the folder", async () => {
    const machine = memoryRuntime({ seed: 2 });
    const { disk } = machine;
    const secrets: Uint8Array[] = [];
    const runtime = machine.runtime;
    const random = (target: Uint8Array) => {
      runtime.random(target);
      // Keys have 32 bytes; so do salts, which are no secret.
      if (target.length === 32) secrets.push(target.slice());
    };
    const log = await openLogOn({ ...runtime, random }, "/log", { encryption: { masterKey: KEY } });
    await fill(log);
    const [anna, bert] = wrappedSubjects(disk) as [string, string];
    await log.rotateKeys();
    const [, , annaAgain, bertAgain] = wrappedSubjects(disk) as [string, string, string, string];
    // By the rotation alone the old wrappings are gone.
    const holds = (needle: string | Uint8Array) => allBytes(disk).some((bytes) => bytes.includes(Buffer.from(needle)));
    expect([holds(anna), holds(bert), holds(annaAgain), holds(bertAgain)]).toEqual([false, false, true, true]);
    await log.eraseSubject("anna", { by: "me" });
    await log.close();
    expect([holds(annaAgain), holds(bertAgain)]).toEqual([false, true]);
    for (const text of ["anna", "bert", "nobody's", KEY]) expect(holds(text)).toBe(false);
    const salts = keyLines(disk).flatMap((line) => ("salt" in line ? [line.salt as string] : []));
    expect(secrets.length).toBeGreaterThan(7);
    for (const secret of secrets) {
      const hex = Buffer.from(secret).toString("hex");
      if (salts.includes(hex)) continue;
      expect(holds(secret) || holds(hex)).toBe(false);
      // Nor a half of it.
      expect(holds(hex.slice(0, 32)) || holds(hex.slice(32))).toBe(false);
    }
    expect(
      disk
        .runtime({ pid: 5 })
        .files.list("/log")
        .map(({ name }) => name),
    ).not.toContainEqual(expect.stringMatching(/tmp/));
  });

  it("cannot be undone by opening again, and the rest goes on", async () => {
    const { disk } = memoryRuntime({ seed: 3 });
    const log = await open(disk);
    await fill(log);
    await log.eraseSubject("anna", { by: "me" });
    await log.close();
    const again = await open(disk);
    await again.stream("orders").append("bert: third", { keyId: "bert" });
    expect(await shown(again, "orders")).toEqual([
      "PAYLOAD_ERASED",
      "bert: first",
      "bert: second",
      "nobody's",
      "receipt",
      "bert: third",
    ]);
    await again.close();
  });

  it("that is asked for twice at once is done once", async () => {
    const { disk } = memoryRuntime({ seed: 5 });
    const log = await open(disk);
    await fill(log);
    const both = await Promise.allSettled(["one", "two"].map((by) => log.eraseSubject("anna", { by })));
    expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(await receiptsIn(log, "orders")).toMatchObject([{ by: "one" }]);
    await log.close();
  });

  it("counts what was on its way, and takes nothing after", async () => {
    const { disk } = memoryRuntime({ seed: 4 });
    const log = await open(disk);
    await fill(log);
    const stream = log.stream("orders");
    const during = Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => stream.append(`anna: ${i}`, { keyId: "anna" })),
    );
    const report = await log.eraseSubject("anna", { by: "me" });
    const after = stream.append("anna: late", { keyId: "anna" });
    await expect(after).rejects.toMatchObject({ code: "SUBJECT_ERASED" });
    const taken = (await during).filter(({ status }) => status === "fulfilled").length;
    expect(report.records).toBe(2 + taken);
    expect((await shown(log, "orders")).filter((text) => text === "PAYLOAD_ERASED")).toHaveLength(1 + taken);
    await log.close();
  });
});

describe("a crash", () => {
  const endings: [string, (seed: number) => Choose][] = [
    ["with all that was not synced lost", () => loseAll],
    ["with all of it kept", () => keepAll],
    ["with some of it kept", (seed) => seededChoose(seed)],
  ];

  async function life(disk: MemoryDisk, work: (log: Log) => Promise<unknown>): Promise<void> {
    const log = await open(disk);
    await work(log);
    await log.close();
  }

  /** Runs `check` on what is left of a log that goes down at each step of `work`. */
  async function atEachStep(
    work: (log: Log) => Promise<unknown>,
    check: (survived: MemoryDisk, wasDone: boolean) => Promise<void>,
  ): Promise<void> {
    const { disk: before } = memoryRuntime({ seed: 5 });
    await life(before, fill);
    const calm = before.crashImage(keepAll);
    await life(calm, work);
    const steps = calm.operations;
    expect(steps).toBeGreaterThan(20);
    // The last one in any case: then the work is done.
    const tried = Array.from({ length: steps }, (_, step) => step);
    for (const step of tried.filter((at) => at % CASE_STRIDE === 0 || at === steps - 1)) {
      for (const crash of [true, "after"] as const) {
        // What is lost with the step itself is what is lost before the next one.
        for (const [ending, choose] of crash === true ? endings : endings.slice(2)) {
          const disk = before.crashImage(keepAll);
          let isDone = false;
          disk.onOperation = ({ index }) => (index === step ? { crash } : undefined);
          await life(disk, async (log) => {
            await work(log);
            isDone = true;
          }).catch((error: unknown) => {
            const cause = error instanceof DiatremeError ? error.cause : error;
            if (!(cause instanceof CrashSignal)) throw error;
          });
          try {
            await check(disk.crash(choose(step)), isDone);
          } catch (error) {
            throw new Error(`crash ${crash} step ${step} of ${steps}, ${ending}`, { cause: error });
          }
        }
      }
    }
  }

  it("at any step of an erasure leaves the key whole or gone, and receipts that are true", async () => {
    const outcomes = new Set<string>();
    await atEachStep(
      (log) => log.eraseSubject("anna", { by: "me" }),
      async (survived, wasDone) => {
        const [anna = "", bert = ""] = wrappedSubjects(survived);
        const keyless = await openLogOn(survived.runtime({ pid: 7 }), "/log", { readOnly: true });
        const claims = (await receiptsIn(keyless, "orders")).length + (await receiptsIn(keyless, "access")).length;
        if (claims > 0) expect(anna).toMatch(/^0+$/);
        await keyless.close();
        // Opening goes on with what was begun.
        const log = await open(survived);
        const [orders, access] = [await shown(log, "orders"), await shown(log, "access")];
        const isWhole = access.length === 1;
        if (isWhole) {
          expect(wasDone).toBe(false);
          expect(orders).toEqual(["anna: first", "bert: first", "bert: second", "nobody's"]);
          expect(access).toEqual(["anna: second"]);
        } else {
          expect(orders).toEqual(["PAYLOAD_ERASED", "bert: first", "bert: second", "nobody's", "receipt"]);
          expect(access).toEqual(["PAYLOAD_ERASED", "receipt"]);
          expect(wrappedSubjects(survived)).toEqual([expect.stringMatching(/^0+$/), bert]);
          expect(await receiptsIn(log, "orders")).toMatchObject([{ records: 1, first: 0, last: 0, nextOffset: 4 }]);
        }
        outcomes.add(`${isWhole ? "whole" : "gone"}, ${claims} receipts`);
        for (const stream of ["orders", "access"])
          expect(await log.stream(stream).verify()).toMatchObject({ ok: true });
        await log.close();
      },
    );
    expect([...outcomes].sort()).toEqual([
      "gone, 0 receipts",
      "gone, 1 receipts",
      "gone, 2 receipts",
      "whole, 0 receipts",
    ]);
  });

  it("at any step of a rotation to another master leaves exactly one of the two in force, and all readable", async () => {
    const inForce = new Set<string>();
    await atEachStep(
      (log) => log.rotateKeys({ to: { masterKey: NEW_KEY } }),
      async (survived, wasDone) => {
        const opened: [string, Log][] = [];
        for (const [name, key] of [
          ["old", KEY],
          ["new", NEW_KEY],
        ] as const) {
          await openLogOn(survived.runtime({ pid: 8 }), "/log", {
            encryption: { masterKey: key },
            readOnly: true,
          }).then(
            (log) => opened.push([name, log]),
            (error: unknown) => expect(error).toMatchObject({ code: "KEY_WRONG" }),
          );
        }
        expect(opened).toHaveLength(1);
        const [[name, reader]] = opened as [[string, Log]];
        await reader.close();
        const log = await open(survived, name === "new" ? NEW_KEY : KEY);
        if (wasDone) expect(name).toBe("new");
        inForce.add(name);
        expect(await shown(log, "orders")).toEqual(["anna: first", "bert: first", "bert: second", "nobody's"]);
        await log.stream("orders").append("more", { keyId: "anna" });
        await log.close();
        // Nothing that the key not in force could open is left.
        const keks = keyLines(survived).filter(({ type }) => type === "kek");
        expect(keks.filter(({ wrapped }) => !/^0+$/.test(wrapped ?? ""))).toHaveLength(1);
      },
    );
    expect([...inForce].sort()).toEqual(["new", "old"]);
  });

  it("at any step of the first encrypted append loses nothing that was acknowledged", async () => {
    const { disk: calm } = memoryRuntime({ seed: 6 });
    await life(calm, fill);
    for (let step = 0; step < calm.operations; step += CASE_STRIDE) {
      for (const crash of [true, "after"] as const) {
        for (const [ending, choose] of endings) {
          const { disk } = memoryRuntime({ seed: step });
          const acknowledged: string[] = [];
          disk.onOperation = ({ index }) => (index === step ? { crash } : undefined);
          await life(disk, async (log) => {
            for (const text of ["one", "two", "three"]) {
              await log.stream("orders").append(text, text === "two" ? { keyId: "anna" } : {});
              acknowledged.push(text);
            }
          }).catch((error: unknown) => {
            const cause = error instanceof DiatremeError ? error.cause : error;
            if (!(cause instanceof CrashSignal)) throw error;
          });
          try {
            const log = await open(disk.crash(choose(step)));
            const texts = await shown(log, "orders");
            expect(texts.slice(0, acknowledged.length)).toEqual(acknowledged);
            expect(["one", "two", "three"]).toEqual(expect.arrayContaining(texts));
            await log.stream("orders").append("after", { keyId: "anna" });
            await log.close();
          } catch (error) {
            throw new Error(`crash ${crash} step ${step}, ${ending}`, { cause: error });
          }
        }
      }
    }
  });
});

describe.each(["IO_FAILED", "NO_SPACE"] as const)("a call that fails with %s", (fail) => {
  it.each([
    ["once", false],
    ["from then on", true],
  ])("%s, at any step of an erasure and a rotation, ends in the same", async (_, sticky) => {
    const { disk: before } = memoryRuntime({ seed: 8 });
    const first = await open(before);
    await fill(first);
    await first.close();
    const work = async (log: Log) => {
      await log.rotateKeys();
      await log.eraseSubject("anna", { by: "me" });
      await log.close();
    };
    const calm = before.crashImage(keepAll);
    await work(await open(calm));
    for (let step = 0; step < calm.operations; step += CASE_STRIDE) {
      const disk = before.crashImage(keepAll);
      disk.onOperation = ({ index }) => (index === step || (sticky && index > step) ? { fail } : undefined);
      let log: Log | null = null;
      try {
        log = await open(disk);
        await work(log);
      } catch (error) {
        expect(error).toBeInstanceOf(DiatremeError);
        await log?.close().catch(() => undefined);
      }
      disk.onOperation = null;
      try {
        const survived = disk.crash(step % 2 === 0 ? keepAll : seededChoose(step));
        const again = await open(survived);
        if ((await again.keys()).some(({ name }) => name === "anna")) await again.eraseSubject("anna", { by: "me" });
        expect(await shown(again, "orders")).toEqual([
          "PAYLOAD_ERASED",
          "bert: first",
          "bert: second",
          "nobody's",
          "receipt",
        ]);
        expect(await shown(again, "access")).toEqual(["PAYLOAD_ERASED", "receipt"]);
        await again.close();
        const subjects = wrappedSubjects(survived).filter((wrapped) => !/^0+$/.test(wrapped));
        expect(subjects).toHaveLength(1);
      } catch (error) {
        throw new Error(`${fail} at step ${step}`, { cause: error });
      }
    }
  });
});
