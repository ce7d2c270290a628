// The floor: the bytes that our log would write, made beforehand and only written. No chain, no checksum, no index, no
// recovery, not even a copy.
import { closeSync, fdatasync, fdatasyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { payloadOf } from "../workload.mjs";

// A record of our log is so much longer than its payload.
const FRAME_BYTES = 72;
const PAYLOAD_AT = 64;

const FILE = "bare.bin";

/** @param sync - `"async"`: fdatasync off the thread, as our log does it; `"standStill"`: fdatasyncSync; `"none"` */
export function bare(sync, name = "bare") {
  return {
    name,
    open(folder) {
      const descriptor = openSync(`${folder}/${FILE}`, "w");
      let position = 0;
      const write = (bytes) => {
        for (let done = 0; done < bytes.length; ) {
          done += writeSync(descriptor, bytes, done, bytes.length - done, position + done);
        }
        position += bytes.length;
      };
      const appends = {
        none: write,
        async: (bytes) => {
          write(bytes);
          return synced(descriptor);
        },
        standStill: (bytes) => {
          write(bytes);
          fdatasyncSync(descriptor);
        },
      };
      return {
        prepare: framed,
        append: appends[sync],
        flush: () => synced(descriptor),
        close: () => closeSync(descriptor),
      };
    },
    *payloads(folder) {
      const bytes = readFileSync(`${folder}/${FILE}`);
      for (let at = 0; at < bytes.length; ) {
        const length = bytes.readUInt32LE(at);
        yield bytes.subarray(at + PAYLOAD_AT, at + PAYLOAD_AT + length);
        at += FRAME_BYTES + length;
      }
    },
  };
}

function framed(events) {
  const payloads = events.map(payloadOf);
  const bytes = Buffer.alloc(
    payloads.reduce((sum, { length }) => sum + FRAME_BYTES + length, 0),
    0x2e,
  );
  let at = 0;
  for (const payload of payloads) {
    bytes.writeUInt32LE(payload.length, at);
    bytes.set(payload, at + PAYLOAD_AT);
    at += FRAME_BYTES + payload.length;
  }
  return bytes;
}

export function synced(descriptor) {
  return new Promise((resolve, reject) => {
    fdatasync(descriptor, (error) => (error ? reject(error) : resolve()));
  });
}
