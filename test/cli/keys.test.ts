import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PrivateKey } from "../../src/crypto/private-key.ts";
import { PublicKey } from "../../src/crypto/public-key.ts";
import { publicKeyOn } from "../../src/crypto/signer.ts";
import { currentRuntime, type TemporaryFolder, temporaryFolder } from "../contract/current-runtime.ts";
import { diatreme } from "./run.ts";

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

const publicOf = (key: PrivateKey) => publicKeyOn(currentRuntime(), key);

describe("keys generate", () => {
  it("prints a new private key when it has no file, and tells its id", async () => {
    const [one, other] = [await diatreme(["keys", "generate"]), await diatreme(["keys", "generate"])];
    const key = PrivateKey.parse(one.output.toString());
    expect(one.errors).toBe(`diatreme: made key ${publicOf(key).id}\n`);
    expect([one.status, other.status]).toEqual([0, 0]);
    expect(other.output.toString()).not.toBe(one.output.toString());
  });

  it("writes the private key for its owner only, and prints the public one", async () => {
    const file = `${folder.path}/audit.key`;
    const { status, output, errors } = await diatreme(["keys", "generate", "--out", file]);
    const key = PrivateKey.parse(readFileSync(file, "utf8"));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(output.toString()).toBe(publicOf(key).toPem());
    expect(errors).toBe(`diatreme: made key ${publicOf(key).id}, private in ${file}\n`);
    expect(status).toBe(0);
  });

  it("makes JWK too", async () => {
    const file = `${folder.path}/audit.jwk`;
    const { output } = await diatreme(["keys", "generate", "--jwk", "--out", file]);
    const key = PrivateKey.parse(readFileSync(file, "utf8"));
    expect(PublicKey.parse(output.toString()).isSame(publicOf(key))).toBe(true);
    expect(JSON.parse(output.toString())).toEqual(publicOf(key).toJwk());
  });

  it("never replaces a file", async () => {
    const file = `${folder.path}/audit.key`;
    writeFileSync(file, "something dear");
    const { status, output, errors } = await diatreme(["keys", "generate", "--out", file]);
    expect(readFileSync(file, "utf8")).toBe("something dear");
    expect(errors).toBe(`diatreme: ${file} is there already. It was not touched: name a new file.\n`);
    expect(output.toString()).toBe("");
    expect(status).toBe(2);
  });

  it("ends with status 3 where no file can be made, and leaves none", async () => {
    const file = `${folder.path}/nowhere/audit.key`;
    const { status, output } = await diatreme(["keys", "generate", "--out", file]);
    expect([status, output.toString(), existsSync(file)]).toEqual([3, "", false]);
  });
});

describe("keys public", () => {
  it("prints the public key of a private or a public one, from a file or a pipe, as PEM or JWK", async () => {
    const key = PrivateKey.fromBytes(new Uint8Array(32).fill(5));
    const publicKey = publicOf(key);
    const texts = [
      key.toPem(),
      JSON.stringify(key.toJwk(publicKey)),
      publicKey.toPem(),
      JSON.stringify(publicKey.toJwk()),
    ];
    for (const text of texts) {
      const file = `${folder.path}/key`;
      writeFileSync(file, text);
      expect((await diatreme(["keys", "public", file])).output.toString()).toBe(publicKey.toPem());
      const piped = await diatreme(["keys", "public", "-", "--jwk"], text);
      expect(JSON.parse(piped.output.toString())).toEqual(publicKey.toJwk());
    }
    expect((await diatreme(["keys", "public", "-", "--id"], texts[0])).output.toString()).toBe(`${publicKey.id}\n`);
  });

  it("refuses what is no key, and does not repeat it", async () => {
    const secret = PrivateKey.fromBytes(new Uint8Array(32).fill(5)).toPem().replace("PRIVATE KEY", "PRIVATE  KEY");
    const { status, output, errors } = await diatreme(["keys", "public", "-"], secret);
    expect([status, output.toString()]).toEqual([2, ""]);
    expect(errors).toMatch(/^diatreme: This is not a private key that can be used: /);
    expect(errors).not.toContain("BQUFBQ");
  });

  it("refuses a file that is not there, is not text or has no end", async () => {
    expect((await diatreme(["keys", "public", `${folder.path}/none`])).status).toBe(3);
    expect((await diatreme(["keys", "public", "-"], Uint8Array.of(0xff, 0xfe))).errors).toContain("is not UTF-8 text");
    const long = await diatreme(["keys", "public", "/dev/zero"]);
    expect([long.status, long.errors]).toEqual([2, expect.stringContaining("has more than 131072 bytes")]);
  });
});

it("keys alone says what it can do", async () => {
  const { status, errors } = await diatreme(["keys"]);
  expect([status, errors]).toEqual([
    2,
    "diatreme: say what to do: generate, public, init, list or rotate. See: diatreme keys --help\n",
  ]);
});
