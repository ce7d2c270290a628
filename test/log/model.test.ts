// Random programs against a trivial model: a stream is an array of payloads.
import { describe, expect, it } from "vitest";
import { memoryRuntime } from "../../adapters/memory.ts";
import { type Log, type OpenOptions, openLogOn, type Stream } from "../../src/index.ts";
import { currentRuntime, doesMost } from "../contract/current-runtime.ts";
import { type Random, randomFrom } from "./random.ts";

const PROGRAMS = Number(process.env["DIATREME_MODEL_PROGRAMS"] ?? (doesMost ? 25 : 12));
const FIRST_SEED = Number(process.env["DIATREME_MODEL_SEED"] ?? Math.floor(Math.random() * 1e9));

describe("random programs of appends, reads and reopenings", () => {
  it(`agree with an array (${PROGRAMS} programs from seed ${FIRST_SEED}; replay with DIATREME_MODEL_SEED)`, async () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + PROGRAMS; seed++) {
      try {
        await runProgram(seed);
      } catch (error) {
        throw new Error(`program ${seed} fails; replay with DIATREME_MODEL_SEED=${seed} DIATREME_MODEL_PROGRAMS=1`, {
          cause: error,
        });
      }
    }
  });
});

async function runProgram(seed: number): Promise<void> {
  const random = randomFrom(seed);
  const { runtime: machine } = memoryRuntime({ seed });
  const runtime = { ...machine, nativeHashing: currentRuntime().nativeHashing };
  const model: string[] = [];
  const heads: string[] = [];
  let log = await openLogOn(runtime, "/log", optionsFrom(random));
  let stream = log.stream("orders");
  expect(await stream.head()).toMatchObject({ nextOffset: 0 });
  for (let step = 0; step < 40; step++) {
    const choice = random(10);
    if (choice < 4) await appendSome(random, stream, model, heads);
    else if (choice === 4) await expectRange(random, stream, model);
    else if (choice === 5) await expectOne(random, stream, model, heads);
    else if (choice === 6) await stream.flush();
    else if (choice === 7) expect((await stream.verify()).problem).toBeNull();
    else if (choice === 8) await expectReadOnly(runtime, model, heads, stream);
    else {
      await log.close();
      log = await openLogOn(runtime, "/log", optionsFrom(random));
      stream = log.stream("orders");
      expect(stream.tornTail).toBeNull();
    }
  }
  await expectAll(stream, model);
  await log.close();
  await expectClosed(runtime, model);
}

function optionsFrom(random: Random): OpenOptions {
  return {
    sync: random(2) === 0 ? "everyBatch" : "onFlush",
    segmentBytes: 1000 + random(20_000),
    windowBytes: 4096 + random(3) * 10_000,
    indexEveryRecords: 1 + random(200),
    hashEngine: (["auto", "wasm", "native"] as const)[random(3)] as "auto",
    spaceAhead: random(2) === 0,
    maxPendingBytes: 1 + random(5000),
  };
}

async function appendSome(random: Random, stream: Stream, model: string[], heads: string[]): Promise<void> {
  const appends: Promise<{ firstOffset: number; nextOffset: number; head: string }>[] = [];
  let expected = model.length;
  const calls = 1 + random(4);
  for (let call = 0; call < calls; call++) {
    const events = Array.from({ length: random(6) === 0 ? random(1200) : random(4) }, () => textOf(random));
    const first = expected;
    expected += events.length;
    const options = random(2) === 0 ? { expectedOffset: first } : {};
    model.push(...events);
    if (random(4) === 0) {
      await Promise.all(appends);
      const result = stream.appendSync(events.map(asEvent), options);
      expect(result).toMatchObject({ firstOffset: first, nextOffset: expected });
      heads[expected] = result.head;
      continue;
    }
    appends.push(
      stream.append(events.map(asEvent), options).then((result) => {
        expect(result).toMatchObject({ firstOffset: first, nextOffset: first + events.length });
        heads[result.nextOffset] = result.head;
        return result;
      }),
    );
  }
  await Promise.all(appends);
  await expect(stream.append("x", { expectedOffset: expected + 1 })).rejects.toMatchObject({ actual: expected });
}

function textOf(random: Random): string {
  const length = random(10) === 0 ? random(2000) : random(40);
  const letters = random(2) === 0 ? ["a", "b", "7"] : ["a", "é", "漢", "😀", "\n", "\u0000"];
  return Array.from({ length }, () => letters[random(letters.length)]).join("");
}

// The same payload in each of the forms that an event may have.
function asEvent(text: string, index: number): string | Uint8Array {
  return index % 2 === 0 ? text : new TextEncoder().encode(text);
}

async function expectRange(random: Random, stream: Stream, model: string[]): Promise<void> {
  const from = random(model.length + 2);
  const to = from + random(model.length + 2);
  const limit = random(3) === 0 ? random(10) : Number.MAX_SAFE_INTEGER;
  const verify = (["crc", "chain", "genesis"] as const)[random(3)] as "chain";
  const zeroCopy = random(2) === 0;
  const texts: string[] = [];
  const read = stream.read({ from, to, limit, verify, zeroCopy });
  if (random(2) === 0) for await (const record of read) texts.push(record.text());
  else for (const record of read) texts.push(record.text());
  expect(texts).toEqual(model.slice(from, to).slice(0, limit));
}

async function expectOne(random: Random, stream: Stream, model: string[], heads: string[]): Promise<void> {
  const offset = random(model.length + 1);
  const record = await stream.get(offset);
  expect(record?.text()).toBe(model[offset]);
  if (record !== undefined && heads[offset + 1] !== undefined) expect(record.hash).toBe(heads[offset + 1]);
}

async function expectReadOnly(
  runtime: Parameters<typeof openLogOn>[0],
  model: string[],
  heads: string[],
  writer: Stream,
): Promise<void> {
  // What a writer has made durable, a reader beside it sees.
  await writer.flush();
  const log: Log = await openLogOn(runtime, "/log", { readOnly: true });
  const stream = log.stream("orders");
  const { nextOffset, head } = await stream.head();
  expect(nextOffset).toBe(model.length);
  if (heads[nextOffset] !== undefined) expect(head).toBe(heads[nextOffset]);
  await expectAll(stream, model);
  await log.close();
}

async function expectAll(stream: Stream, model: string[]): Promise<void> {
  const texts: string[] = [];
  for await (const record of stream.read()) texts.push(record.text());
  expect(texts).toEqual(model);
}

async function expectClosed(runtime: Parameters<typeof openLogOn>[0], model: string[]): Promise<void> {
  const log = await openLogOn(runtime, "/log", { readOnly: true });
  const report = await log.stream("orders").verify();
  expect(report).toMatchObject({ ok: true, records: model.length, index: [] });
  await log.close();
}
