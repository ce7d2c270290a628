// The floor for many writers at once: a queue of records and a loop that takes from it, writes and syncs. It only moves
// bytes: no chain, no checksum, no index.
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { payloadOf } from "../workload.mjs";
import { synced } from "./bare.mjs";

// A record of our log is so much longer than its payload.
const FRAME_BYTES = 72;
const FILE = "bare-queue.bin";

/** @param atOnce - how many records one write and one sync may serve; 1, or all that wait */
export function bareQueue(name, atOnce) {
  return {
    name,
    open(folder) {
      const descriptor = openSync(`${folder}/${FILE}`, "w");
      const waiting = [];
      let position = 0;
      let running = false;
      const run = async () => {
        running = true;
        while (waiting.length > 0) {
          // Those who go on because the last sync has answered them put their next records in first.
          await null;
          const taken = waiting.splice(0, atOnce);
          const bytes = taken.length === 1 ? taken[0].bytes : Buffer.concat(taken.map((one) => one.bytes));
          for (let done = 0; done < bytes.length; ) {
            done += writeSync(descriptor, bytes, done, bytes.length - done, position + done);
          }
          position += bytes.length;
          await synced(descriptor);
          for (const { resolve } of taken) resolve();
        }
        running = false;
      };
      return {
        prepare: framed,
        append: (bytes) =>
          new Promise((resolve) => {
            waiting.push({ bytes, resolve });
            if (!running) void run();
          }),
        close: () => closeSync(descriptor),
      };
    },
    *payloads(folder) {
      const bytes = readFileSync(`${folder}/${FILE}`);
      for (let at = 0; at < bytes.length; ) {
        const length = bytes.readUInt32LE(at);
        yield bytes.subarray(at + FRAME_BYTES, at + FRAME_BYTES + length);
        at += FRAME_BYTES + length;
      }
    },
  };
}

function framed([event]) {
  const payload = payloadOf(event);
  const bytes = Buffer.alloc(FRAME_BYTES + payload.length, 0x2e);
  bytes.writeUInt32LE(payload.length, 0);
  bytes.set(payload, FRAME_BYTES);
  return bytes;
}
