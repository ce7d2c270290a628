// A record as one line of JSON.
import { KeyError } from "../errors.ts";
import { toBase64 } from "../format/base64.ts";
import type { LogRecord } from "../log/reading/record.ts";
import { formatTime } from "./units.ts";

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * An encrypted payload that cannot be read is told by the code of the reason, as `unreadable`. Else the payload is `text` when it is UTF-8, else `base64`: either way nothing of it is lost. Only a text can need escapes,
 * so the rest is put together as it is, in a third of the time of one JSON.stringify.
 */
export function recordToJson(record: LogRecord): string {
  const { offset, timestamp, kind, hash } = record;
  return (
    `{"offset":${offset},"timestamp":${timestamp},"time":"${formatTime(timestamp)}","kind":"${kind}",` +
    `"hash":"${hash}",${contentToJson(record)}}`
  );
}

function contentToJson(record: LogRecord): string {
  try {
    return payloadToJson(record.payload);
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    return `"unreadable":"${error.code}"`;
  }
}

function payloadToJson(payload: Uint8Array): string {
  let text: string;
  try {
    text = strict.decode(payload);
  } catch {
    return `"base64":"${toBase64(payload)}"`;
  }
  return `"text":${JSON.stringify(text)}`;
}
