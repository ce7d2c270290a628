// Keys and signatures against OpenSSL: it checks ours, and we check its.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { memoryRuntime } from "../../adapters/memory.ts";
import { exportCheckpoint } from "../../src/crypto/checkpoint-note.ts";
import { PrivateKey } from "../../src/crypto/private-key.ts";
import { PublicKey } from "../../src/crypto/public-key.ts";
import { generateKeyOn, Signer, Verifier } from "../../src/crypto/signer.ts";
import { decodeNote } from "../../src/format/signed-note.ts";
import type { Runtime } from "../../src/runtime.ts";
import { currentRuntime, runtimeName, type TemporaryFolder, temporaryFolder } from "../contract/current-runtime.ts";

const obstacle = obstacleToOpenssl();
const RUNTIMES: readonly (readonly [string, Runtime])[] = [
  [runtimeName, currentRuntime()],
  ["the package's Ed25519", memoryRuntime({ seed: 1 }).runtime],
];

/** Why OpenSSL cannot be asked; `null` when it can. Raw Ed25519 came into `pkeyutl` with 3.0. */
function obstacleToOpenssl(): string | null {
  try {
    const version = execFileSync("openssl", ["version"], { encoding: "utf8" });
    return Number(/^OpenSSL (\d+)/.exec(version)?.[1]) >= 3 ? null : `it is ${version.trim()}`;
  } catch {
    return "openssl is not installed";
  }
}

describe.skipIf(obstacle !== null)(`OpenSSL${obstacle === null ? "" : ` (skipped: ${obstacle})`}`, () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  function file(name: string, content: string | Uint8Array): string {
    writeFileSync(`${folder.path}/${name}`, content);
    return `${folder.path}/${name}`;
  }

  function openssl(...args: string[]): string {
    return execFileSync("openssl", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  }

  it.each(RUNTIMES)("verifies a checkpoint that was signed with a key of ours, on %s", (_, runtime) => {
    const signer = new Signer(runtime, generateKeyOn(currentRuntime()));
    const claim = {
      logId: "f6a8ef9c-1b40-4c33-95a4-7d5c4b6f3a10",
      stream: "orders",
      nextOffset: 3,
      head: "ab".repeat(32),
      timestamp: 1,
    };
    const note = decodeNote(exportCheckpoint(claim, signer));
    if ("reason" in note) throw new Error(note.reason);
    const key = file("key.pub", signer.publicKey.toPem());
    const text = file("text", note.text);
    const signature = file("signature", note.signatures[0]?.signature ?? new Uint8Array(0));
    const check = (message: string) =>
      openssl("pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin", "-in", message, "-sigfile", signature);
    expect(check(text)).toContain("Signature Verified Successfully");
    expect(() => check(file("other", `${note.text}more\n`))).toThrow();
  });

  it.each(RUNTIMES)("makes keys and signatures that are ours too, on %s", (_, runtime) => {
    const [privateFile, publicFile] = [`${folder.path}/key`, `${folder.path}/key.pub`];
    openssl("genpkey", "-algorithm", "ed25519", "-out", privateFile);
    openssl("pkey", "-in", privateFile, "-pubout", "-out", publicFile);
    const signer = new Signer(runtime, PrivateKey.parse(readFileSync(privateFile, "utf8")));
    const publicKey = PublicKey.parse(readFileSync(publicFile, "utf8"));
    expect(signer.publicKey.toPem()).toBe(publicKey.toPem());
    const message = new TextEncoder().encode("a text of theirs\n");
    const signatureFile = `${folder.path}/signature`;
    const text = file("text", message);
    openssl("pkeyutl", "-sign", "-inkey", privateFile, "-rawin", "-in", text, "-out", signatureFile);
    const signature = new Uint8Array(readFileSync(signatureFile));
    expect(new Verifier(runtime, publicKey).verify(message, signature)).toBe(true);
    expect(signer.sign(message)).toEqual(signature);
  });

  it("reads our private keys, and gives them the public key that we do", () => {
    const key = generateKeyOn(currentRuntime());
    const publicPem = openssl("pkey", "-in", file("key", key.toPem()), "-pubout");
    expect(publicPem).toBe(new Signer(currentRuntime(), key).publicKey.toPem());
  });
});
