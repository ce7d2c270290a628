import { describe, expect, it } from "vitest";
import { memoryRuntime } from "../../adapters/memory.ts";
import { PrivateKey } from "../../src/crypto/private-key.ts";
import { PublicKey } from "../../src/crypto/public-key.ts";
import { generateKeyOn, publicKeyOn, Signer, Verifier } from "../../src/crypto/signer.ts";
import { decodeNote } from "../../src/format/signed-note.ts";
import { currentRuntime } from "../contract/current-runtime.ts";
import { smallOrderEncodings } from "../contract/edge-signatures.ts";

// The examples of RFC 8410 §10, and of RFC 8037 appendix A.
const PRIVATE_PEM = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
`;
const PUBLIC_PEM = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
`;
const JWK = {
  kty: "OKP",
  crv: "Ed25519",
  d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
  x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
} as const;
const { d: _, ...PUBLIC_JWK } = JWK;

const runtime = currentRuntime();

function invalid(kind: string, reason: RegExp) {
  return expect.objectContaining({ code: "KEY_INVALID", kind, reason: expect.stringMatching(reason) });
}

describe("a private key", () => {
  it("is read from PEM and written the same", () => {
    const key = PrivateKey.parse(PRIVATE_PEM);
    expect(key.toPem()).toBe(PRIVATE_PEM);
    expect(publicKeyOn(runtime, key).toPem()).toBe(PUBLIC_PEM);
    expect(PrivateKey.parse(`\n${PRIVATE_PEM.replaceAll("\n", "\r\n")}\n`).toBytes()).toEqual(key.toBytes());
  });

  it("is read from JWK, as text or object, and written the same", () => {
    const key = PrivateKey.parse(JSON.stringify(JWK));
    expect(key.toBytes()).toEqual(PrivateKey.fromJwk(JWK).toBytes());
    expect(key.toJwk(publicKeyOn(runtime, key))).toEqual(JWK);
  });

  it.each([
    [PUBLIC_PEM, /block of PUBLIC KEY, where PRIVATE KEY/],
    ["", /not one block of PEM/],
    [PRIVATE_PEM + PRIVATE_PEM, /not one block of PEM/],
    [`key:\n${PRIVATE_PEM}`, /not one block of PEM/],
    [PRIVATE_PEM.replace("END PRIVATE", "END PUBLIC"), /not one block of PEM/],
    [PRIVATE_PEM.replace("MC4C", "MC4 C"), /not one block of PEM/],
    [PRIVATE_PEM.replace("VhC", "Vh"), /not one block of PEM/],
    [PRIVATE_PEM.replace("MC4CAQAw", "MC4CAQEw"), /not an Ed25519 key/],
    [PRIVATE_PEM.replace("K2Vw", "K2Vu"), /not an Ed25519 key/],
    [PRIVATE_PEM.replace("VhC", "VhCAAAA"), /not an Ed25519 key/],
    ["{", /not JSON/],
    ["{}", /JWK without kty/],
    [JSON.stringify({ ...JWK, kty: "EC" }), /JWK without kty/],
    [JSON.stringify({ ...JWK, crv: "X25519" }), /JWK without kty/],
    [JSON.stringify({ ...JWK, alg: "HS256" }), /another algorithm/],
    [JSON.stringify(PUBLIC_JWK), /JWK of a public key, where a private one/],
    [JSON.stringify({ ...JWK, d: `${JWK.d}=` }), /"d" of the JWK/],
    [JSON.stringify({ ...JWK, d: 5 }), /"d" of the JWK/],
    [JSON.stringify({ ...JWK, x: "AAAA" }), /"x" of the JWK/],
  ])("is not taken from %j, and the error does not tell it", (text, reason) => {
    expect(() => PrivateKey.parse(text)).toThrow(invalid("private", reason));
    try {
      PrivateKey.parse(text);
    } catch (error) {
      const told = `${String(error)} ${JSON.stringify(error)} ${String((error as Error).cause)}`;
      for (const secret of ["nWGxne", "MC4CAQ", "1O5y2"]) expect(told).not.toContain(secret);
    }
  });

  it("does not sign when its JWK names another public key", () => {
    const other = PublicKey.parse(PUBLIC_PEM).toJwk().x;
    const key = PrivateKey.fromJwk({ ...JWK, x: other });
    expect(() => new Signer(runtime, key)).toThrow(invalid("private", /"x" of its JWK is not the public key/));
  });

  it("is not shown by what prints objects", () => {
    const key = PrivateKey.fromJwk(JWK);
    for (const shown of [JSON.stringify(key), String(key)]) expect(shown).not.toMatch(/nWGx|157, ?97/);
  });

  it("has 32 bytes, which are copied both ways", () => {
    const bytes = new Uint8Array(32).fill(1);
    const key = PrivateKey.fromBytes(bytes);
    bytes.fill(2);
    key.toBytes().fill(3);
    expect(key.toBytes()).toEqual(new Uint8Array(32).fill(1));
    for (const length of [0, 31, 33, 64]) {
      expect(() => PrivateKey.fromBytes(new Uint8Array(length))).toThrow(invalid("private", /bytes, not 32/));
    }
  });

  it("is another one each time it is made", () => {
    const keys = Array.from({ length: 5 }, () => generateKeyOn(runtime).toPem());
    expect(new Set(keys).size).toBe(5);
  });
});

describe("a public key", () => {
  it("is read from PEM, JWK and bytes, and written the same", () => {
    const key = PublicKey.parse(PUBLIC_PEM);
    expect(key.toPem()).toBe(PUBLIC_PEM);
    expect(PublicKey.parse(JSON.stringify(key.toJwk())).toPem()).toBe(PUBLIC_PEM);
    expect(PublicKey.fromBytes(key.toBytes()).isSame(key)).toBe(true);
    expect(PublicKey.fromJwk(PUBLIC_JWK).isSame(key)).toBe(false);
    expect(PublicKey.fromJwk(PUBLIC_JWK).toJwk()).toEqual(PUBLIC_JWK);
  });

  it.each([
    [PRIVATE_PEM, /block of PRIVATE KEY, where PUBLIC KEY/],
    [JSON.stringify(JWK), /JWK of a private key, where a public one/],
    [JSON.stringify({ ...PUBLIC_JWK, x: "AQ" }), /"x" of the JWK/],
    ["null", /not one block of PEM/],
    [PUBLIC_PEM.replace("ZuE=", "ZuEA"), /not an Ed25519 key/],
  ])("is not taken from %j", (text, reason) => {
    expect(() => PublicKey.parse(text)).toThrow(invalid("public", reason));
  });

  it("of small order, or off the curve, is refused in every form", () => {
    for (const bytes of [...smallOrderEncodings(), Uint8Array.of(2, ...new Uint8Array(31))]) {
      const x = Buffer.from(bytes).toString("base64url");
      expect(() => PublicKey.fromBytes(bytes)).toThrow(invalid("public", /small order|canonical|curve/));
      expect(() => PublicKey.fromJwk({ ...PUBLIC_JWK, x })).toThrow(invalid("public", /small order|canonical|curve/));
    }
  });

  // The example in the documentation of golang.org/x/mod/sumdb/note, where this kind of note comes from.
  it("has the id, and checks the signatures, that others give it in notes", () => {
    const [name = "", id, encoded = ""] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".split(
      "+",
    );
    const key = PublicKey.fromBytes(new Uint8Array(Buffer.from(encoded, "base64").subarray(1)));
    expect(Buffer.from(key.idUnder(name)).toString("hex")).toBe(id);
    const note = decodeNote(
      "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n" +
        "\u2014 PeterNeumann " +
        "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n",
    );
    if ("reason" in note) throw new Error(note.reason);
    const [found] = note.signatures;
    expect(found?.name).toBe(name);
    expect(found?.keyId).toEqual(key.idUnder(name));
    const verifier = new Verifier(runtime, key);
    expect(verifier.verify(new TextEncoder().encode(note.text), found?.signature ?? new Uint8Array(0))).toBe(true);
  });
});

describe("signatures of keys", () => {
  it("are right for the public key, on this runtime and without its help", () => {
    const key = generateKeyOn(runtime);
    const { runtime: portable } = memoryRuntime({ seed: 1 });
    const message = new TextEncoder().encode("pen");
    for (const [signs, checks] of [
      [runtime, portable],
      [portable, runtime],
    ] as const) {
      const signer = new Signer(signs, key);
      const verifier = new Verifier(checks, signer.publicKey);
      const signature = signer.sign(message);
      expect(verifier.verify(message, signature)).toBe(true);
      expect(verifier.verify(new TextEncoder().encode("pencil"), signature)).toBe(false);
    }
  });

  it("need a runtime that has them", () => {
    const without = { ...runtime, signatures: null };
    const missing = expect.objectContaining({ code: "SIGNATURES_MISSING", runtime: runtime.description });
    expect(() => new Signer(without, generateKeyOn(runtime))).toThrow(missing);
    expect(() => new Verifier(without, PublicKey.parse(PUBLIC_PEM))).toThrow(missing);
  });
});
