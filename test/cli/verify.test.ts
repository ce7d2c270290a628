import { readdirSync, readFileSync, rmSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type TemporaryFolder, temporaryFolder } from "../contract/current-runtime.ts";
import { flipBitIn } from "./damage.ts";
import { diatreme, jsonLines } from "./run.ts";

let folder: TemporaryFolder;
let log: string;

beforeEach(async () => {
  folder = temporaryFolder();
  log = `${folder.path}/log`;
  await diatreme(["append", log, "orders"], "first order\nsecond order\nthird order\n");
  await diatreme(["append", log, "payments"], "a payment\n");
});
afterEach(() => folder.remove());

describe("verify", () => {
  it("finds all streams good, says what was checked and what is not proved, and ends with status 0", async () => {
    const { status, output } = await diatreme(["verify", log]);
    const text = output.toString();
    expect(text).toMatch(/^orders {2}good: 3 records, \d+ bytes, 1 segment\n {2}head [0-9a-f]{64} at offset 2\n/);
    expect(text).toMatch(/^payments {2}good: 1 record, /m);
    expect(text).toMatch(/^checked\n {2}every record's CRC-32$/m);
    expect(text).toMatch(/^not proved\n {2}that nothing was cut off the end/m);
    expect(text).toMatch(/^2 streams, 4 records, .* records\/s, /m);
    expect(status).toBe(0);
  });

  it("checks the one stream that is named", async () => {
    const { output } = await diatreme(["verify", log, "payments"]);
    expect(output.toString()).toMatch(/^payments {2}good/);
    expect(output.toString()).not.toContain("orders");
  });

  it("names the bad record and its place, goes on to the other streams, and ends with status 1", async () => {
    const at = flipBitIn(`${log}/orders/segment_000000.log`, "second order");
    const { status, output } = await diatreme(["verify", log]);
    const text = output.toString();
    expect(text).toContain(
      `orders  BAD: Record 1 of "orders" at byte ${at - 64} of orders/segment_000000.log has CRC `,
    );
    expect(text).toContain("good before that: 1 record, ");
    expect(text).toMatch(/^payments {2}good: 1 record, /m);
    expect(status).toBe(1);
  });

  it("calls a stream bad whose first segment's header is damaged", async () => {
    flipBitIn(`${log}/orders/segment_000000.log`, "orders");
    const { status, output } = await diatreme(["verify", log]);
    expect(output.toString()).toMatch(/^orders {2}BAD: The header of orders\/segment_000000\.log fails condition /);
    expect(output.toString()).toMatch(/^payments {2}good/m);
    expect(status).toBe(1);
  });

  it("tells of a missing index without calling the stream bad: it is derived", async () => {
    rmSync(`${log}/orders/segment_000000.log.idx`);
    const { status, output } = await diatreme(["verify", log, "orders"]);
    expect(output.toString()).toMatch(/^ {2}The index of segment 0 is missing\. Reading is not affected/m);
    expect(status).toBe(0);
  });

  it("changes nothing", async () => {
    const contents = () =>
      readdirSync(`${log}/orders`).map((name) => [name, readFileSync(`${log}/orders/${name}`).toString("hex")]);
    const before = contents();
    await diatreme(["verify", log]);
    expect(contents()).toEqual(before);
  });

  it("finds an empty stream good", async () => {
    await diatreme(["append", log, "empty"]);
    const { status, output } = await diatreme(["verify", log, "empty"]);
    expect(output.toString()).toMatch(
      /^empty {2}good: 0 records, 0 bytes, 1 segment\n {2}head [0-9a-f]{64} before the first record\n/,
    );
    expect(status).toBe(0);
  });

  it("has nothing to say of a stream that is not there but that, with status 2", async () => {
    const { status, output, errors } = await diatreme(["verify", log, "other"]);
    expect(output.toString()).toBe("");
    expect(errors).toBe(`diatreme: The log in ${log} has no stream "other".\n`);
    expect(status).toBe(2);
  });
});

describe("verify --json", () => {
  it("prints one report a line", async () => {
    flipBitIn(`${log}/orders/segment_000000.log`, "second order");
    const { status, output } = await diatreme(["verify", log, "--json"]);
    expect(jsonLines(output)).toMatchObject([
      { stream: "orders", ok: false, records: 1, problem: { code: "RECORD_CRC_MISMATCH", segment: 0, offset: 1 } },
      { stream: "payments", ok: true, records: 1, problem: null },
    ]);
    expect(status).toBe(1);
  });
});

describe("inspect", () => {
  it("shows the log's id, its streams, their segments and who hashes", async () => {
    const { status, output } = await diatreme(["inspect", log]);
    const text = output.toString();
    expect(text).toMatch(/^log {6}[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\n/);
    expect(text).toContain(`folder   ${log}\n`);
    expect(text).toMatch(/^orders {2}3 records, \d+ bytes, 1 segment$/m);
    expect(text).toMatch(/^ {2}head {10}[0-9a-f]{64}$/m);
    expect(text).toMatch(/^ {2}hashing {7}auto: /m);
    expect(text).toMatch(/^ {2}segment_000000\.log +0 +3 +\d+ +1 +\d{4}-\d\d-\d\dT/m);
    expect(status).toBe(0);
  });

  it("gives the same as one JSON object, of one stream when it is named", async () => {
    const { output } = await diatreme(["inspect", log, "payments", "--json"]);
    expect(jsonLines(output)).toMatchObject([
      { directory: log, streams: [{ stream: "payments", nextOffset: 1, segments: [{ number: 0, records: 1 }] }] },
    ]);
  });
});
