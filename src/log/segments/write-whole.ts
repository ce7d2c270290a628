// Writing all of some bytes, however few of them a call takes.
import type { RuntimeFile } from "../../runtime.ts";

/** Writes `bytes` to a file from `position` on: a short write is continued. */
export function writeWhole(file: RuntimeFile, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) done += file.write(bytes.subarray(done), position + done);
}
