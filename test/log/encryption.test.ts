// Encrypted payloads: what can be read with which key, and what everybody can verify without one.
import { describe, expect, it } from "vitest";
import { type MemoryMachine, memoryRuntime } from "../../adapters/memory.ts";
import { type EncryptionOptions, isFailure, type Log, type OpenOptions, openLogOn } from "../../src/index.ts";
import type { Runtime } from "../../src/runtime.ts";

const KEY = Uint8Array.from({ length: 32 }, (_, i) => i + 1);
const OTHER_KEY = new Uint8Array(32).fill(9);
const CHEAP = { memoryKib: 64, passes: 1, lanes: 1 };

function open(runtime: Runtime, encryption: EncryptionOptions | undefined, options: OpenOptions = {}): Promise<Log> {
  return openLogOn(runtime, "/log", encryption === undefined ? options : { ...options, encryption });
}

async function texts(log: Log, stream = "orders"): Promise<string[]> {
  const found: string[] = [];
  for await (const record of log.stream(stream).read({ verify: "genesis" })) found.push(record.text());
  return found;
}

/** Every byte of every file, as one text of hexadecimal digits a file. */
function filesOf({ runtime }: MemoryMachine, folder = "/log"): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  for (const { name, kind } of runtime.files.list(folder)) {
    const path = `${folder}/${name}`;
    if (kind === "folder")
      for (const [inner, bytes] of filesOf({ runtime } as MemoryMachine, path)) found.set(inner, bytes);
    else found.set(path, runtime.files.readSmall(path, 1 << 30));
  }
  return found;
}

function holds(machine: MemoryMachine, wanted: Uint8Array | string): string[] {
  const needle = Buffer.from(wanted);
  return [...filesOf(machine)].filter(([, bytes]) => Buffer.from(bytes).includes(needle)).map(([path]) => path);
}

describe("an encrypted log", () => {
  it("reads what was appended, over reopenings, in every way of reading", async () => {
    const machine = memoryRuntime({ seed: 1 });
    const { runtime } = machine;
    const log = await open(runtime, { masterKey: KEY }, { segmentBytes: 2000 });
    const orders = log.stream("orders");
    await orders.append(["one", "a second, longer text with ümläuts", new Uint8Array([1, 2, 3]), { json: true }]);
    await Promise.all([orders.append("x".repeat(900)), orders.append("y".repeat(900)), orders.append("")]);
    await log.close();
    const again = await open(runtime, { masterKey: KEY }, { segmentBytes: 2000 });
    const stream = again.stream("orders");
    stream.appendSync("written standing still");
    const all = await texts(again);
    expect(all).toEqual([
      "one",
      "a second, longer text with ümläuts",
      "\x01\x02\x03",
      '{"json":true}',
      "x".repeat(900),
      "y".repeat(900),
      "",
      "written standing still",
    ]);
    const views: string[] = [];
    for (const record of stream.read({ zeroCopy: true, verify: "crc" })) views.push(record.text());
    expect(views).toEqual(all);
    expect((await stream.get(3))?.json()).toEqual({ json: true });
    expect((await stream.get(1))?.payloadBytes).toBe(36);
    const followed: string[] = [];
    for await (const record of stream.follow()) {
      followed.push(record.text());
      if (followed.length === all.length) void stream.append("followed live");
      if (followed.length > all.length) break;
    }
    expect(followed).toEqual([...all, "followed live"]);
    await again.close();
    for (const text of ["second, longer", "json", "standing still", "xxxxxxxx", "followed live"]) {
      expect(holds(machine, text)).toEqual([]);
    }
    expect(holds(machine, KEY)).toEqual([]);
  });

  it("verifies without a key, and says that a payload needs one", async () => {
    const { runtime } = memoryRuntime({ seed: 2 });
    const log = await open(runtime, { masterKey: KEY });
    await log.stream("orders").append(["secret", "more"]);
    const { head } = await log.stream("orders").head();
    await log.close();
    const keyless = await open(runtime, undefined, { readOnly: true });
    const stream = keyless.stream("orders");
    expect(await stream.verify()).toMatchObject({ ok: true, records: 2 });
    expect((await stream.head()).head).toBe(head);
    const record = await stream.get(0);
    expect(record).toMatchObject({ isEncrypted: true, payloadBytes: 6, kind: "data" });
    expect(record?.storedPayload).toHaveLength(26);
    for (const read of [() => record?.payload, () => record?.text(), () => record?.json()]) {
      expect(read).toThrowError(expect.objectContaining({ code: "PAYLOAD_ENCRYPTED", offset: 0 }));
    }
  });

  it.each<[string, EncryptionOptions, EncryptionOptions]>([
    ["another key", { masterKey: KEY }, { masterKey: OTHER_KEY }],
    ["another passphrase", { passphrase: "swordfish", passphraseCost: CHEAP }, { passphrase: "swordfisch" }],
    ["a key instead of a passphrase", { passphrase: "swordfish", passphraseCost: CHEAP }, { masterKey: KEY }],
  ])("refuses %s, and changes nothing", async (_, right, wrong) => {
    const machine = memoryRuntime({ seed: 3 });
    const log = await open(machine.runtime, right);
    await log.stream("orders").append("secret");
    await log.close();
    const before = filesOf(machine).get("/log/keys.json");
    for (const readOnly of [false, true]) {
      const error: unknown = await open(machine.runtime, wrong, { readOnly }).catch((caught: unknown) => caught);
      expect(isFailure(error, "KEY_WRONG"), String(error)).toBe(true);
    }
    expect(filesOf(machine).get("/log/keys.json")).toEqual(before);
    // The lock was let go, and the right one still opens it.
    const again = await open(machine.runtime, right);
    expect(await texts(again)).toEqual(["secret"]);
    await again.close();
  });

  it("takes its master key from a file, a passphrase or a provider", async () => {
    const { runtime, disk } = memoryRuntime({ seed: 4 });
    runtime.files.publish("/raw", KEY, "synced");
    disk.putLink("/linked", "raw");
    const hex = `${Buffer.from(KEY).toString("hex")}\n`;
    runtime.files.publish("/hex", new TextEncoder().encode(hex), "synced");
    runtime.files.publish("/upper", new TextEncoder().encode(hex.toUpperCase()), "synced");
    const seen: string[] = [];
    const provider = {
      wrap: async (key: Uint8Array, { keyId }: { keyId: string }) => {
        seen.push(`wrap ${keyId}`);
        return key.map((byte) => byte ^ 0x5a);
      },
      unwrap: async (wrapped: Uint8Array, { keyId }: { keyId: string }) => {
        seen.push(`unwrap ${keyId}`);
        return wrapped.map((byte) => byte ^ 0x5a);
      },
    };
    const ways: [EncryptionOptions, EncryptionOptions][] = [
      [{ masterKey: KEY }, { masterKeyFile: "/raw" }],
      [{ masterKeyFile: "/hex" }, { masterKey: KEY }],
      [{ masterKey: KEY }, { masterKeyFile: "/linked" }],
      [{ masterKeyFile: "/upper" }, { masterKey: KEY }],
      [{ passphrase: "ä", passphraseCost: CHEAP }, { passphrase: "a\u0308" }],
      [{ provider }, { provider }],
    ];
    for (const [i, [first, second]] of ways.entries()) {
      const log = await openLogOn(runtime, `/log${i}`, { encryption: first });
      await log.stream("orders").append(`text ${i}`);
      await log.close();
      const again = await openLogOn(runtime, `/log${i}`, { encryption: second, readOnly: true });
      expect(await texts(again)).toEqual([`text ${i}`]);
      await again.close();
    }
    expect(seen.map((call) => call.split(" ")[0])).toEqual(["wrap", "unwrap", "unwrap"]);
    expect(new Set(seen.map((call) => call.split(" ")[1])).size).toBe(1);
  });

  it("encrypts the chosen streams, and any record that has a keyId", async () => {
    const machine = memoryRuntime({ seed: 5 });
    const log = await open(machine.runtime, { masterKey: KEY, streams: ["orders"] });
    await log.stream("orders").append("in a chosen stream");
    await log.stream("access").append("in another stream");
    await log.stream("access").append("about a subject", { keyId: "subject-42" });
    const flags = async (stream: string) => {
      const found: boolean[] = [];
      for await (const record of log.stream(stream).read()) found.push(record.isEncrypted);
      return found;
    };
    expect(await flags("orders")).toEqual([true]);
    expect(await flags("access")).toEqual([false, true]);
    expect(await texts(log, "access")).toEqual(["in another stream", "about a subject"]);
    expect(await log.keys()).toMatchObject([
      { purpose: "stream", name: "orders", state: "live" },
      { purpose: "subject", name: "subject-42", state: "live" },
    ]);
    await log.close();
    expect(holds(machine, "in another stream")).toEqual(["/log/access/segment_000000.log"]);
    expect(holds(machine, "about a subject")).toEqual([]);
    expect(holds(machine, "subject-42")).toEqual([]);
    // What was encrypted once stays so.
    const again = await open(machine.runtime, { masterKey: KEY, streams: [] });
    await again.stream("orders").append("still encrypted");
    await again.close();
    expect(holds(machine, "still encrypted")).toEqual([]);
  });

  it("does not let anybody append in plain text to an encrypted stream", async () => {
    const { runtime } = memoryRuntime({ seed: 6 });
    const log = await open(runtime, { masterKey: KEY, streams: ["orders"] });
    await log.stream("orders").append("secret");
    await log.stream("access").append("open");
    await log.close();
    const keyless = await open(runtime, undefined);
    const refused = expect.objectContaining({ code: "ENCRYPTION_REQUIRED" });
    await expect(keyless.stream("orders").append("plain")).rejects.toThrowError(refused);
    expect(() => keyless.stream("orders").appendSync("plain")).toThrowError(refused);
    await expect(keyless.stream("access").append("plain", { keyId: "x" })).rejects.toThrowError(refused);
    await keyless.stream("access").append("plain");
    await keyless.close();
  });

  it("does not either when the file of keys is gone, over empty segments, and lets plain streams go on", async () => {
    for (const segmentBytes of [1 << 20, 200]) {
      const { runtime, disk } = memoryRuntime({ seed: 6 });
      const log = await open(runtime, { masterKey: KEY, streams: ["orders"] }, { segmentBytes });
      await log.stream("orders").append(["secret", "secret too"]);
      await log.stream("access").append("open");
      if (segmentBytes === 200) {
        // The next segment begins, and gets no record.
        disk.onOperation = ({ kind, path }) =>
          kind === "write" && path.endsWith("orders/segment_000001.log") ? { fail: "NO_SPACE" } : undefined;
        await expect(log.stream("orders").append("secret")).rejects.toMatchObject({ code: "NO_SPACE" });
        disk.onOperation = null;
        expect(disk.bytes("/log/orders/segment_000001.log")).toHaveLength(128);
        disk.kill(1);
      } else {
        await log.close();
      }
      disk.take("/log/keys.json");
      const keyless = await open(disk.runtime({ pid: 2 }), undefined);
      await expect(keyless.stream("orders").append("plain")).rejects.toMatchObject({
        code: "ENCRYPTION_REQUIRED",
        reason: expect.stringContaining("keys.json is missing"),
      });
      await keyless.stream("access").append("plain");
      await keyless.close();
      expect(holds({ disk, runtime: disk.runtime() }, "plain").filter((path) => !path.includes("/access/"))).toEqual(
        [],
      );
    }
  });

  it("does not either behind the receipt of an erasure, or with keys that are others", async () => {
    const { disk } = memoryRuntime({ seed: 6 });
    const log = await open(disk.runtime({ pid: 1 }), { masterKey: KEY, streams: ["orders"] });
    await log.stream("orders").append("secret", { keyId: "anna" });
    await log.stream("bills").append("secret", { keyId: "bert" });
    await log.eraseSubject("anna", { by: "request 7" });
    await log.close();
    disk.take("/log/keys.json");
    const keyless = await open(disk.runtime({ pid: 2 }), undefined);
    for (const stream of ["orders", "bills"])
      await expect(keyless.stream(stream).append("plain")).rejects.toMatchObject({ code: "ENCRYPTION_REQUIRED" });
    await keyless.close();
    const others = { masterKey: KEY, streams: ["access"], create: true };
    const renewed = await open(disk.runtime({ pid: 3 }), others);
    await expect(renewed.stream("bills").append("plain")).rejects.toMatchObject({
      code: "ENCRYPTION_REQUIRED",
      reason: expect.stringContaining("keys that keys.json does not hold"),
    });
    await renewed.stream("bills").append("sealed anew", { keyId: "carl" });
    await renewed.close();
    const again = await open(disk.runtime({ pid: 4 }), { masterKey: KEY, streams: ["access"] });
    await again.stream("bills").append("plain, for its last record is of these keys");
    await again.close();
  });

  it("shows a reader in another process what keys were made since it was opened", async () => {
    const { disk } = memoryRuntime({ seed: 7 });
    const writer = await open(disk.runtime({ pid: 1 }), { masterKey: KEY });
    await writer.stream("orders").append("first");
    const reader = await open(disk.runtime({ pid: 2 }), { masterKey: KEY }, { readOnly: true });
    expect(await texts(reader)).toEqual(["first"]);
    await writer.stream("orders").append("second", { keyId: "new subject" });
    expect(await texts(reader)).toEqual(["first", "second"]);
    await writer.rotateKeys();
    await writer.stream("orders").append("third", { keyId: "newer subject" });
    const record = await reader.stream("orders").get(2);
    expect(() => record?.text()).toThrowError(expect.objectContaining({ code: "KEYS_ROTATED" }));
    await reader.close();
    await writer.close();
  });

  it("makes all keys that waiting appends need with one sync", async () => {
    const { runtime, disk } = memoryRuntime({ seed: 8 });
    const log = await open(runtime, { masterKey: KEY });
    await log.stream("orders").append("first");
    let syncs = 0;
    disk.onOperation = ({ kind, path }) => {
      if (kind === "sync" && path.endsWith("keys.json")) syncs++;
      return undefined;
    };
    const count = 200;
    await Promise.all(Array.from({ length: count }, (_, i) => log.stream("orders").append(`${i}`, { keyId: `s${i}` })));
    expect(syncs).toBeLessThanOrEqual(2);
    disk.onOperation = null;
    expect(await texts(log)).toEqual(["first", ...Array.from({ length: count }, (_, i) => `${i}`)]);
    await log.close();
  });
});
