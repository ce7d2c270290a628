import { writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { exportCheckpoint } from "../../src/crypto/checkpoint-note.ts";
import { PrivateKey } from "../../src/crypto/private-key.ts";
import { Signer } from "../../src/crypto/signer.ts";
import type { CheckpointClaim } from "../../src/format/checkpoint.ts";
import { currentRuntime, type TemporaryFolder, temporaryFolder } from "../contract/current-runtime.ts";
import { diatreme, jsonLines } from "./run.ts";

const CLAIM: CheckpointClaim = {
  logId: "f6a8ef9c-1b40-4c33-95a4-7d5c4b6f3a10",
  stream: "orders",
  nextOffset: 8124,
  head: "9a".repeat(32),
  timestamp: 1_790_000_000_000_000,
};
const FORK: CheckpointClaim = { ...CLAIM, head: "9b".repeat(32) };

const [ours, theirs] = [1, 2].map((fill) => {
  const signer = new Signer(currentRuntime(), PrivateKey.fromBytes(new Uint8Array(32).fill(fill)));
  return { signer, id: signer.publicKey.id, pem: signer.publicKey.toPem() };
}) as [{ signer: Signer; id: string; pem: string }, { signer: Signer; id: string; pem: string }];

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
  file("ours.pub", ours.pem);
  file("theirs.pub", theirs.pem);
});
afterEach(() => folder.remove());

function file(name: string, text: string): string {
  writeFileSync(`${folder.path}/${name}`, text);
  return `${folder.path}/${name}`;
}

/** Compares two claims signed, or not, by these keys. */
function compare(
  [a, aKey]: [CheckpointClaim, Signer | null],
  [b, bKey]: [CheckpointClaim, Signer | null],
  ...options: string[]
) {
  const files = [file("a", exportCheckpoint(a, aKey)), file("b", exportCheckpoint(b, bKey))];
  const located = options.map((option) => (option.endsWith(".pub") ? `${folder.path}/${option}` : option));
  return diatreme(["compare", ...files, ...located]);
}

describe("compare", () => {
  it("proves a fork from two files alone, and names the key that signed both", async () => {
    const { status, output } = await compare([CLAIM, ours.signer], [FORK, ours.signer], "--public-key", "ours.pub");
    const text = output.toString();
    expect(text).toMatch(
      /^They contradict each other: the same number of records, different heads\. The log forked\.\n/,
    );
    expect(text).toContain(`a  8,124 records of "orders", made 2026-09-21T14:13:20.000000Z, signed by ${ours.id}\n`);
    expect(text).toContain(`  head ${CLAIM.head}\n`);
    expect(text).toContain(`  head ${FORK.head}\n`);
    expect(text).toContain(`proved\n  key ${ours.id} signed both of these histories\n`);
    expect(status).toBe(1);
  });

  it("finds one in the same head of different numbers of records", async () => {
    const longer = { ...CLAIM, nextOffset: 9000 };
    const { status, output } = await compare([CLAIM, ours.signer], [longer, ours.signer], "--public-key", "ours.pub");
    expect(output.toString()).toMatch(/^They contradict each other: different numbers of records, one head/);
    expect(output.toString()).toContain(`key ${ours.id} signed both`);
    expect(status).toBe(1);
  });

  it("says when different keys signed the two", async () => {
    const keys = ["--public-key", "ours.pub", "--public-key", "theirs.pub"];
    const { status, output } = await compare([CLAIM, ours.signer], [FORK, theirs.signer], ...keys);
    expect(output.toString()).toContain("not proved\n  that one holder of a key made both");
    expect(status).toBe(1);
  });

  it("says that texts without a trusted key prove nothing about who made them", async () => {
    const { status, output } = await compare([CLAIM, ours.signer], [FORK, null]);
    expect(output.toString()).toContain("not proved\n  who made them: no --public-key was given");
    expect(status).toBe(1);
  });

  it.each([
    [CLAIM, /^They agree/],
    [{ ...FORK, nextOffset: 9000 }, /^They cover different numbers of records/],
    [{ ...FORK, stream: "payments" }, /^They are about different streams/],
    [{ ...FORK, logId: "00000000-0000-4000-8000-000000000000" }, /^They are about different logs/],
  ])("finds no contradiction to %j", async (other, said) => {
    const { status, output } = await compare([CLAIM, ours.signer], [other, ours.signer], "--public-key", "ours.pub");
    expect(output.toString()).toMatch(said);
    expect(status).toBe(0);
  });

  it("speaks JSON", async () => {
    const { output } = await compare([CLAIM, ours.signer], [FORK, ours.signer], "--json", "--public-key", "ours.pub");
    expect(jsonLines(output)).toEqual([
      {
        relation: "forked",
        first: { ...CLAIM, signedBy: [ours.id] },
        second: { ...FORK, signedBy: [ours.id] },
        signedBoth: [ours.id],
      },
    ]);
  });

  it("refuses a checkpoint that the trusted key did not sign, and a private key in its place", async () => {
    const unsigned = await compare([CLAIM, ours.signer], [FORK, null], "--json", "--public-key", "ours.pub");
    expect(jsonLines(unsigned.output)).toMatchObject([{ error: { code: "CHECKPOINT_NOT_SIGNED", exitStatus: 1 } }]);
    expect(unsigned.status).toBe(1);
    file("secret.pub", PrivateKey.fromBytes(new Uint8Array(32)).toPem());
    const misused = await compare([CLAIM, null], [FORK, null], "--public-key", "secret.pub");
    expect(misused.errors).toContain("it is a block of PRIVATE KEY, where PUBLIC KEY is wanted");
    expect(misused.status).toBe(2);
  });
});
