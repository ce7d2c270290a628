// What cannot be read, and what stands where a stream should be: neither keeps the others from being checked.
import { expect, it } from "vitest";
import { type MemoryDisk, memoryRuntime } from "../../adapters/memory.ts";
import type { Outlet, Terminal } from "../../src/cli/terminal.ts";
import { verify } from "../../src/cli/verify.ts";
import { openLogOn } from "../../src/index.ts";

const ARGUMENTS = {
  directory: "/log",
  stream: undefined,
  against: [],
  publicKeys: [],
  from: undefined,
  to: undefined,
  jobs: 1,
  direct: false,
  stopAtFirst: false,
  maxRecordBytes: undefined,
  json: false,
};

async function verifyOn(disk: MemoryDisk): Promise<{ status: number; text: string }> {
  const runtime = disk.runtime();
  let text = "";
  const outlet = {
    isInteractive: false,
    columns: 80,
    write: (line: string) => {
      text += line;
      return Promise.resolve();
    },
    paint: (_: string, painted: string) => painted,
  } as Outlet;
  const terminal = { output: outlet, errors: outlet, monotonicMs: () => 0 } as unknown as Terminal;
  const openLog: Parameters<typeof verify>[0]["openLog"] = (path, options) => openLogOn(runtime, path, options);
  const host = { terminal, runtime, openLog, repairLog: () => Promise.reject(new Error("not wanted")) };
  return { status: await verify(host, ARGUMENTS), text };
}

async function logWith(payloads: Readonly<Record<string, string>>): Promise<MemoryDisk> {
  const { runtime, disk } = memoryRuntime({ seed: 1 });
  const log = await openLogOn(runtime, "/log");
  for (const [name, payload] of Object.entries(payloads)) await log.stream(name).append(payload.repeat(1 << 19));
  await log.close();
  return disk;
}

/** Reads of a stream's segment fail from some way into the file on. */
function failReadsOf(disk: MemoryDisk, stream: string): void {
  let reads = 0;
  disk.onOperation = ({ kind, path }) =>
    kind === "read" && path.endsWith(`${stream}/segment_000000.log`) && ++reads > 3 ? { fail: "IO_FAILED" } : undefined;
}

it("a stream that cannot be read is not called bad, and the status is 3", async () => {
  const disk = await logWith({ orders: "o", payments: "p" });
  failReadsOf(disk, "orders");
  const { status, text } = await verifyOn(disk);
  expect(text).toMatch(/^orders {2}NOT READABLE: /m);
  expect(text).toMatch(/^payments {2}good: 1 record/m);
  expect(text).toMatch(/^not proved\n {2}anything about orders that could not be read$/m);
  expect(status).toBe(3);
});

it("but when another stream is bad the status is 1", async () => {
  const disk = await logWith({ orders: "o", payments: "p" });
  disk.flip("/log/payments/segment_000000.log", 300, 1);
  failReadsOf(disk, "orders");
  const { status, text } = await verifyOn(disk);
  expect(text).toMatch(/^orders {2}NOT READABLE: /m);
  expect(text).toMatch(/^payments {2}BAD: /m);
  expect(status).toBe(1);
});

it("a stream whose folder cannot be listed is told of, and the others are checked", async () => {
  const disk = await logWith({ orders: "o", payments: "p" });
  disk.onOperation = ({ kind, path }) =>
    kind === "list" && path === "/log/orders" ? { fail: "ACCESS_DENIED" } : undefined;
  const { status, text } = await verifyOn(disk);
  expect(text).toMatch(/^orders {2}NOT READABLE: /m);
  expect(text).toMatch(/^payments {2}good: 1 record/m);
  expect(status).toBe(3);
});

it("a link where a stream was is bad, and so is one where a segment was", async () => {
  const disk = await logWith({ orders: "o", payments: "p" });
  disk.putLink("/log/invoices", "/elsewhere");
  disk.take("/log/orders/segment_000000.log");
  disk.putLink("/log/orders/segment_000000.log", "/elsewhere");
  const { status, text } = await verifyOn(disk);
  expect(text).toMatch(/^invoices {2}BAD: \/log\/invoices is a link/m);
  expect(text).toMatch(/^orders {2}BAD: \/log\/orders\/segment_000000.log is a link/m);
  expect(text).toMatch(/^payments {2}good: 1 record/m);
  expect(status).toBe(1);
});
