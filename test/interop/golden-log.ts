// The log of test/golden/: what is appended to it, with a clock, ids and salts that are always the same.
import type { HashEngineName, Log, LogEvent, OpenOptions, Runtime } from "../../src/index.ts";
import { openLogOn, PrivateKey } from "../../src/index.ts";

const START_MICROS = 1_790_000_000_000_000;
/** Signs the checkpoints of one stream. */
export const GOLDEN_KEY: PrivateKey = PrivateKey.fromBytes(new Uint8Array(32).fill(0x47));
const STEP_MICROS = 1_000_003;

/** A runtime whose clock moves only by `step`, and whose random bytes are the same in every run. */
function fixedRuntime(runtime: Runtime): { runtime: Runtime; step: (micros?: number) => void } {
  let now = START_MICROS;
  let state = 0x1d872b41;
  return {
    runtime: {
      ...runtime,
      clock: { ...runtime.clock, nowMicros: () => now },
      random: (target) => {
        for (let i = 0; i < target.length; i++) target[i] = nextByte();
      },
    },
    step: (micros = STEP_MICROS) => {
      now += micros;
    },
  };

  // xorshift32: numbers without meaning, the same everywhere.
  function nextByte(): number {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 0xff;
  }
}

/** Bytes without structure, of any length. */
export function patternBytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 167 + (i >>> 8) * 13) & 0xff);
}

/** Lengths around which hashing changes its ways: blocks of 64 bytes, and where the runtime takes over from the core. */
const LENGTHS = [0, 1, 55, 56, 63, 64, 65, 119, 120, 127, 128, 129, 255, 511, 512, 513, 1023, 1535, 1536, 1537, 3000];

const KINDS_OF_EVENTS: readonly LogEvent[] = [
  "",
  "a text",
  "Ünïcödé: 日本語, 🌋",
  "\uFEFFstarts with a byte order mark",
  new Uint8Array(0),
  patternBytes(256),
  { type: "placed", id: 42, lines: [{ sku: "A-1", count: 2 }], note: null },
  { toJSON: () => "what toJSON returns" },
  42,
  -0.5,
  true,
  null,
  "DTR1 looks like a record and is a payload",
];

/**
 * Makes the log in an empty folder: events of all kinds, payloads of all lengths, several segments, several index pages,
 * a stream without records, signed and unsigned checkpoints, appends of one and of many records, appends at the same time, a clock that goes back.
 */
export async function writeGoldenLog(base: Runtime, directory: string, hashEngine: HashEngineName): Promise<void> {
  const { runtime, step } = fixedRuntime(base);
  const session = async (options: OpenOptions, work: (log: Log) => Promise<void>) => {
    step();
    const log = await openLogOn(runtime, directory, { hashEngine, ...options });
    await work(log);
    await log.close();
  };

  await session({}, async (log) => {
    const events = log.stream("events");
    for (const event of KINDS_OF_EVENTS) {
      step();
      await events.append(typeof event === "object" ? [event] : event);
    }
    step();
    await events.append([...KINDS_OF_EVENTS]);
    await log.stream("empty").head();
  });

  await session({ segmentBytes: 6000 }, async (log) => {
    const lengths = log.stream("lengths");
    for (const length of LENGTHS) {
      step();
      await lengths.append(patternBytes(length));
    }
    step();
    await lengths.append(LENGTHS.map(patternBytes));
    // Longer than a segment should be: it gets one of its own.
    await lengths.append(patternBytes(7000));
  });

  await session({ segmentBytes: 1000, signer: GOLDEN_KEY, checkpointEvery: 4 }, async (log) => {
    const ledger = log.stream("ledger-2026.q1_a");
    for (let entry = 0; entry < 20; entry++) {
      step();
      await ledger.append([{ entry, amount: entry * 100 }, `entry ${entry}`]);
    }
    step(-50 * STEP_MICROS);
    await ledger.append("appended when the clock had gone back");
  });

  await session({ segmentBytes: 1000 }, async (log) => {
    step(100 * STEP_MICROS);
    await log.stream("ledger-2026.q1_a").append("appended after reopening");
  });

  await session({}, async (log) => {
    const many = log.stream("many");
    await Promise.all(["one", ["two", "three"], "four"].map((events) => many.append(events)));
    step();
    await many.append(Array.from({ length: 1100 }, (_, i) => `record ${i}`));
    await many.append("the last");
  });
}
