// A record as one line of JSON.
import type { LogRecord } from "../log/record.ts";
import { toBase64 } from "./base64.ts";
import { formatTime } from "./units.ts";

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The payload is `text` when it is UTF-8, else `base64`: either way nothing of it is lost. */
export function recordToJson(record: LogRecord): string {
  const { offset, timestamp, kind, hash, payload } = record;
  const time = formatTime(timestamp);
  return JSON.stringify({ offset, timestamp, time, kind, hash, ...payloadToJson(payload) });
}

function payloadToJson(payload: Uint8Array): { text: string } | { base64: string } {
  try {
    return { text: strict.decode(payload) };
  } catch {
    return { base64: toBase64(payload) };
  }
}
