// What is ended before it is done: by its signal, by leaving a loop, by closing the log, by what the caller's own code throws.
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { type MemoryDisk, memoryRuntime } from "../../adapters/memory.ts";
import { type Log, openLogOn, type Stream } from "../../src/index.ts";
import { withHurry } from "./other-clock.ts";

const COUNT = 2000;

async function open(): Promise<{ log: Log; stream: Stream; disk: MemoryDisk }> {
  const { runtime, disk } = memoryRuntime({ seed: 7 });
  const log = await openLogOn(runtime, "/log", { sync: "onFlush", segmentBytes: 60_000 });
  const stream = log.stream("orders");
  for (let i = 0; i < COUNT; i += 100) await stream.append(Array.from({ length: 100 }, (_, at) => `record ${i + at}`));
  await stream.flush();
  return { log, stream, disk };
}

async function beside(disk: MemoryDisk): Promise<{ log: Log; stream: Stream }> {
  const log = await openLogOn(withHurry(disk.runtime({ pid: 9 })), "/log", { readOnly: true });
  return { log, stream: log.stream("orders") };
}

const settle = async () => {
  for (let i = 0; i < 100; i++) await Promise.resolve();
};

describe("a signal", () => {
  const ways: [string, (stream: Stream, signal: AbortSignal) => AsyncIterable<unknown>][] = [
    ...([undefined, "crc", "chain", "checkpoint", "genesis"] as const).map((verify): (typeof ways)[number] => [
      `read, ${verify ?? "by default"}`,
      (stream, signal) => stream.read({ signal, from: 10, ...(verify && { verify }) }),
    ]),
    ["follow", (stream, signal) => stream.follow({ signal, from: 10 })],
    ["entries", (stream, signal) => stream.entries({ signal, from: 10 })],
  ];

  it.each(ways)("that is aborted already shows nothing: %s", async (_name, begin) => {
    const { stream } = await open();
    const seen: unknown[] = [];
    const reading = async () => {
      for await (const record of begin(stream, AbortSignal.abort("stop"))) seen.push(record);
    };
    await expect(reading()).rejects.toBe("stop");
    expect(seen).toEqual([]);
  });

  it.each(ways)("ends it before the next record: %s", async (_name, begin) => {
    const { stream } = await open();
    const controller = new AbortController();
    let seen = 0;
    const reading = async () => {
      for await (const _ of begin(stream, controller.signal)) if (++seen === 3) controller.abort("stop");
    };
    await expect(reading()).rejects.toBe("stop");
    expect(seen).toBe(3);
  });
});

describe("a follower that waits", () => {
  it.each(["the writer's process", "another process"])(
    "ends when it is left, in %s, and leaves nothing behind",
    async (where) => {
      const { stream: own, disk } = await open();
      const stream = where === "another process" ? (await beside(disk)).stream : own;
      const timers = disk.clock.timers;
      const following = stream.follow({ from: COUNT });
      const next = following.next();
      await settle();
      await following.return();
      expect(await next).toEqual({ value: undefined, done: true });
      expect(disk.clock.timers).toBe(timers);
    },
  );

  it("ends with the stream of objects that was made of it", async () => {
    const { stream } = await open();
    const objects = Readable.from(stream.follow({ from: COUNT - 1 }));
    const closed = new Promise<void>((resolve) => void objects.once("close", resolve));
    await new Promise((resolve) => objects.once("data", resolve));
    objects.destroy();
    await closed;
  });

  it("is shown all that was acknowledged before the log was closed", async () => {
    const { log, stream } = await open();
    const seen: string[] = [];
    const following = (async () => {
      for await (const record of stream.follow({ from: COUNT })) seen.push(record.text());
    })();
    await settle();
    await stream.append("one");
    await stream.append("last");
    await Promise.all([log.close(), expect(following).rejects.toMatchObject({ code: "LOG_CLOSED" })]);
    expect(seen).toEqual(["one", "last"]);
  });

  it("takes no options that only a reading with an end can have", async () => {
    const { stream } = await open();
    for (const option of ["zeroCopy", "limit", "to", "maxBytes"]) {
      const following = stream.follow({ from: COUNT - 1, [option]: 1 } as object);
      await expect(following.next()).rejects.toMatchObject({ code: "OPTION_INVALID", option });
    }
  });
});

describe("closing the log", () => {
  it("during a verification is no damage, whenever it comes", async () => {
    let closedInTime = 0;
    for (const from of [0, 5]) {
      for (let turns = 0; turns < 12; turns++) {
        const { log, stream } = await beside((await open()).disk);
        const verified = stream.verify({ from }).then(
          ({ ok }) => ok,
          (error) => error.code,
        );
        for (let turn = 0; turn < turns; turn++) await Promise.resolve();
        await log.close();
        const outcome = await verified;
        expect([true, "LOG_CLOSED"]).toContain(outcome);
        if (outcome === "LOG_CLOSED") closedInTime++;
      }
    }
    expect(closedInTime).toBeGreaterThan(0);
  });

  it("takes the keys of encrypted records that were read before and not decrypted", async () => {
    const { runtime } = memoryRuntime({ seed: 7 });
    const log = await openLogOn(runtime, "/log", { encryption: { masterKey: new Uint8Array(32).fill(1) } });
    await log.stream("orders").append(["one", "two"]);
    const [one, two] = [...log.stream("orders").read()];
    expect(one?.text()).toBe("one");
    await log.close();
    expect(one?.text()).toBe("one");
    expect(() => two?.text()).toThrow(expect.objectContaining({ code: "LOG_CLOSED" }));
  });

  it.each(["read", "head", "get", "append"] as const)(
    "when told of a torn tail ends the call that opened the stream: %s",
    async (call) => {
      const { log, stream, disk } = await open();
      await log.close();
      const path = "/log/orders/segment_000000.log";
      const last = [0, 1, 2, 3, 4]
        .map((number) => path.replace("0.log", `${number}.log`))
        .findLast((name) => disk.paths().includes(name));
      disk.put(last as string, Buffer.concat([disk.bytes(last as string), Buffer.from("torn")]));
      const again: Log = await openLogOn(disk.runtime({ pid: 3 }), "/log", { onTornTail: () => void again.close() });
      const opened = again.stream(stream.name);
      const calls = {
        read: async () => [...opened.read()],
        head: () => opened.head(),
        get: () => opened.get(0),
        append: () => opened.append("more"),
      };
      await expect(calls[call]()).rejects.toMatchObject({ code: "LOG_CLOSED" });
    },
  );
});

describe("what the caller's own code throws", () => {
  it("ends a verification and is no finding, also when it is an error of another log", async () => {
    const { stream, log, disk } = await open();
    await log.stream("damaged").append(["one", "two"]);
    disk.flip("/log/damaged/segment_000000.log", 128 + 64, 1);
    const onProgress = () => void log.stream("damaged").getSync(0);
    await expect(stream.verify({ onProgress })).rejects.toMatchObject({ stream: "damaged" });
    const reason = await log
      .stream("damaged")
      .get(0)
      .catch((error: unknown) => error);
    const signal = AbortSignal.abort(reason);
    await expect(stream.verify({ signal })).rejects.toBe(reason);
  });
});

describe("the newest checkpoint", () => {
  it("is told beside a writer in another process, over its new segments", async () => {
    const { stream, disk } = await open();
    const reader = (await beside(disk)).stream;
    await stream.checkpoint();
    expect((await reader.latestCheckpoint())?.nextOffset).toBe(COUNT);
    await stream.append("x".repeat(59_000));
    await stream.append("y".repeat(59_000));
    await stream.checkpoint();
    expect((await reader.latestCheckpoint())?.nextOffset).toBe(COUNT + 2);
  });
});
