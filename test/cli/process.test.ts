// The program as it is built, in a process of its own: its arguments, streams and exit statuses are what scripts see of it.
import { statSync } from "node:fs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type TemporaryFolder, temporaryFolder } from "../contract/current-runtime.ts";
import { flipBitIn } from "./damage.ts";
import { diatremeProcess, jsonLines } from "./run.ts";
import { seededBytes } from "./seeded-bytes.ts";

let folder: TemporaryFolder;
let log: string;

beforeEach(() => {
  folder = temporaryFolder();
  log = `${folder.path}/log`;
});
afterEach(() => folder.remove());

it("takes bytes in, gives them back, and says by its exit status whether they are good", async () => {
  const bytes = Buffer.from(seededBytes(3, 300_000)).toString("base64");
  const appended = await diatremeProcess(["append", log, "orders"], `${bytes}\nsecond order\n`);
  expect(appended.status).toBe(0);
  expect(appended.errors).toMatch(/^appended 2 records, offsets 0\.\.1, head /);
  const read = await diatremeProcess(["read", log, "orders"]);
  expect(read).toMatchObject({ status: 0, errors: "" });
  expect(read.output.toString()).toBe(`${bytes}\nsecond order\n`);
  expect(await diatremeProcess(["verify", log])).toMatchObject({ status: 0, errors: "" });

  flipBitIn(`${log}/orders/segment_000000.log`, "second order");
  const bad = await diatremeProcess(["verify", log, "--json"]);
  expect(bad).toMatchObject({ status: 1, errors: "" });
  expect(jsonLines(bad.output)).toContainEqual(expect.objectContaining({ ok: false }));
});

it("ends with status 2 when it is called wrongly, and says so where errors go", async () => {
  const { status, output, errors } = await diatremeProcess(["verify", log, "--jobs", "none"]);
  expect({ status, output: output.toString() }).toEqual({ status: 2, output: "" });
  expect(errors).toContain("--jobs");
});

it("ends with status 3 when the system fails it", async () => {
  const { status, errors } = await diatremeProcess(["append", log, "orders", `${folder.path}/missing`]);
  expect(status).toBe(3);
  expect(errors).toContain("there is no such file");
});

it("takes no more than its owner may see into a file of keys", async () => {
  const { status } = await diatremeProcess(["keys", "generate", "--out", `${folder.path}/key.pem`]);
  expect(status).toBe(0);
  expect(statSync(`${folder.path}/key.pem`).mode & 0o777).toBe(0o600);
});
