// How much a key file takes.
import { expect, it } from "vitest";
import { memoryRuntime } from "../../adapters/memory.ts";
import type { KeyLine } from "../../src/format/key-line.ts";
import { openLogOn } from "../../src/index.ts";
import { KeyFile, loadKeyFile, RESERVED_BYTES } from "../../src/keys/key-file.ts";
import { runNow } from "../../src/log/segments/sync-steps.ts";

const KEYS = "/log/keys.json";

it("a key file that is full for keys still has room for erasures and epochs, and says so when that is used up", async () => {
  const { runtime } = memoryRuntime({ seed: 1 });
  const log = await openLogOn(runtime, "/log", { encryption: { masterKey: new Uint8Array(32).fill(7) } });
  await log.stream("orders").append("x", { keyId: "subject" });
  await log.close();
  const read = () => loadKeyFile(runtime.files, KEYS, log.id) ?? expect.unreachable();
  const subject = [...read().table.keys].find(([, { place }]) => place.line.purpose === "subject");
  const [key, { place }] = subject ?? expect.unreachable();
  const epoch = (digit: string): KeyLine => ({ type: "epoch", epoch: digit.repeat(8), salt: digit.repeat(64) });
  const more: KeyLine = { ...place.line, key: "0badcafe", of: "ab".repeat(16) };
  const erase: KeyLine = { type: "erase", key, sealed: "ee".repeat(40) };

  const { end } = read().table;
  const file = new KeyFile(runtime.files, read(), end + RESERVED_BYTES);
  expect(() => runNow(file.append([more]))).toThrow(expect.objectContaining({ code: "FILE_TOO_LARGE" }));
  expect(() => runNow(file.append([epoch("1"), more]))).toThrow(expect.objectContaining({ code: "FILE_TOO_LARGE" }));
  runNow(file.append([epoch("1")]));
  runNow(file.append([erase]));
  file.close();

  const full = new KeyFile(runtime.files, read(), read().table.end + 10);
  expect(() => runNow(full.append([epoch("2")]))).toThrow(expect.objectContaining({ code: "FILE_TOO_LARGE" }));
  full.close();
  const { table } = read();
  expect(table.epochs.has("1".repeat(8))).toBe(true);
  expect(table.epochs.has("2".repeat(8))).toBe(false);
  expect(table.keys.get(key)?.state).toBe("erasing");
  expect(table.keys.has("0badcafe")).toBe(false);
});
