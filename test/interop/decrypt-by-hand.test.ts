// Opens a log's payloads from the format page alone: with the master key, JSON and the ciphers of node:crypto. None of the
// shipping code takes part in the reading.
import { createDecipheriv, createHmac, hkdfSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { memoryRuntime } from "../../adapters/memory.ts";
import { type EncryptionOptions, openLogOn } from "../../src/index.ts";
import type { Passphrases, StretchCost } from "../../src/runtime.ts";

const MASTER = Buffer.from("00112233445566778899aabbccddeeff".repeat(2), "hex");

type Line = Record<string, string>;

function open(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Buffer {
  const cipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: 16 });
  cipher.setAAD(aad);
  cipher.setAuthTag(sealed.subarray(-16));
  return Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()]);
}

function unwrap(key: Uint8Array, wrapped: string | undefined, ...purpose: (string | undefined)[]): Buffer {
  const bytes = Buffer.from(wrapped ?? "", "hex");
  const aad = Buffer.from(["diatreme.wrap/v1", ...purpose].map((line) => `${line}\n`).join(""));
  return open(key, bytes.subarray(0, 12), aad, bytes.subarray(12));
}

const derive = (secret: Uint8Array, salt: Uint8Array, info: string, bytes: number) =>
  Buffer.from(hkdfSync("sha256", secret, salt, Buffer.from(info), bytes));

/** The texts of a stream's records. */
function readByHand(keysJson: Uint8Array, segment: Uint8Array, master: Uint8Array): (string | null)[] {
  const lines = Buffer.from(keysJson)
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
  const logId = lines[0]?.["id"] as string;
  const inForce = lines.findLast(({ type }) => type === "rotated")?.["kek"];
  const kekLine = lines.find(({ type, kek }) => type === "kek" && kek === inForce) as Line;
  const kek = unwrap(master, kekLine["wrapped"], "kek", logId, inForce);
  const dataKeys = new Map<number, Buffer>();
  for (const { type, key, purpose, of, kek: under, wrapped = "", fingerprint } of lines) {
    if (type !== "data" || under !== inForce || /^0+$/.test(wrapped)) continue;
    const secret = unwrap(kek, wrapped, purpose, logId, inForce, key, of);
    const dataKey = secret.subarray(0, 32);
    expect(derive(dataKey, Buffer.alloc(0), "diatreme.fingerprint/v1\n", 16).toString("hex")).toBe(fingerprint);
    dataKeys.set(Number.parseInt(key as string, 16), dataKey);
    if (purpose !== "subject") continue;
    const tags = lines.findLast((line) => line["purpose"] === "tags") as Line;
    const tagKey = unwrap(kek, tags["wrapped"], "tags", logId, inForce, tags["key"], "");
    const name = secret.subarray(32).toString();
    expect(createHmac("sha256", tagKey).update(`diatreme.tag/v1\n${name}`).digest("hex").slice(0, 32)).toBe(of);
  }
  const salts = new Map(
    lines.flatMap(({ type, epoch = "", salt = "" }) =>
      type === "epoch" ? [[Number.parseInt(epoch, 16), Buffer.from(salt, "hex")] as const] : [],
    ),
  );

  const bytes = Buffer.from(segment);
  const stream = bytes.subarray(48, 112).toString().replace(/\0+$/, "");
  const texts: (string | null)[] = [];
  for (let at = 128; at < bytes.length && bytes.toString("latin1", at, at + 4) === "DTR1"; ) {
    const length = bytes.readUInt32LE(at + 4);
    const payload = bytes.subarray(at + 64, at + 64 + length);
    if (bytes[at + 26] === 1) {
      const dataKey = dataKeys.get(payload.readUInt32LE(0));
      const salt = salts.get(bytes.readUInt32LE(at + 28)) as Buffer;
      const aad = Buffer.concat([bytes.subarray(32, 112), bytes.subarray(at, at + 32), payload.subarray(0, 4)]);
      const nonce = Buffer.concat([bytes.subarray(at + 8, at + 16), Buffer.alloc(4)]);
      texts.push(
        dataKey === undefined
          ? null
          : open(
              derive(dataKey, salt, `diatreme.payload/v1\n${logId}\n${stream}\n`, 32),
              nonce,
              aad,
              payload.subarray(4),
            ).toString(),
      );
    } else texts.push(payload.toString());
    at += 72 + length;
  }
  return texts;
}

async function written(encryption: EncryptionOptions) {
  const { runtime, disk } = memoryRuntime({ seed: 9 });
  for (let life = 0; life < 2; life++) {
    const log = await openLogOn(runtime, "/log", { encryption });
    const stream = log.stream("orders");
    await stream.append([`stream ${life}`, "größer als ein Block, und nicht nur ASCII"]);
    await stream.append(`anna ${life}`, { keyId: "anna" });
    await stream.append(`bert ${life}`, { keyId: "bert" });
    await log.close();
  }
  const last = await openLogOn(runtime, "/log", { encryption });
  await last.rotateKeys();
  await last.eraseSubject("anna", { by: "me" });
  await last.close();
  return { keys: disk.bytes("/log/keys.json"), segment: disk.bytes("/log/orders/segment_000000.log") };
}

const EXPECTED = [0, 1].flatMap((life) => [
  `stream ${life}`,
  "größer als ein Block, und nicht nur ASCII",
  null,
  `bert ${life}`,
]);

describe("the format page is enough to decrypt", () => {
  it("with a master key", async () => {
    const { keys, segment } = await written({ masterKey: MASTER });
    const texts = readByHand(keys, segment, MASTER);
    expect(texts.slice(0, -1)).toEqual(EXPECTED);
    expect(JSON.parse(texts.at(-1) ?? "")).toMatchObject({
      type: "diatreme.erasure/v1",
      records: 2,
      first: 2,
      last: 6,
    });
  });

  it("with a passphrase", async () => {
    const passphraseCost = { memoryKib: 64, passes: 2, lanes: 2 };
    const { keys, segment } = await written({ passphrase: "correct horse", passphraseCost });
    const { from } = JSON.parse(Buffer.from(keys).toString().split("\n")[1] ?? "") as {
      from: StretchCost & { salt: string };
    };
    const { stretch } = memoryRuntime({ seed: 1 }).runtime.passphrases as Passphrases;
    const salt = Buffer.from(from.salt, "hex");
    const master = await stretch(new TextEncoder().encode("correct horse"), salt, from);
    expect(readByHand(keys, segment, master).slice(0, -1)).toEqual(EXPECTED);
  });
});
