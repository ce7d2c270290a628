// log.json: which log a folder holds. docs/format.md, "Log identity".
import { failure } from "../errors.ts";
import { crcHex, fromHex, toHex } from "./hex.ts";

export const IDENTITY_FILE = "log.json";
export const IDENTITY_MAX_BYTES = 4096;
export const FORMAT_VERSION = 1;

export interface LogIdentity {
  /** UUID, lower case. */
  readonly id: string;
  /** µs since the Unix epoch. */
  readonly created: number;
}

type Crc32 = (bytes: Uint8Array) => number;

/**
 * One line of JSON with its keys in this order, so that equal logs have equal bytes. The last is the CRC-32 of the
 * line's bytes before `,"crc"`.
 */
export function encodeIdentity({ id, created }: LogIdentity, crc32: Crc32): Uint8Array {
  const encoder = new TextEncoder();
  const text = JSON.stringify({ format: "diatreme", version: FORMAT_VERSION, id, created }).slice(0, -1);
  return encoder.encode(`${text},"crc":"${crcHex(crc32(encoder.encode(text)))}"}\n`);
}

/**
 * @throws {CorruptionError} `LOG_IDENTITY_INVALID`
 * @throws {UsageError} `LOG_VERSION_UNSUPPORTED`
 */
export function decodeIdentity(bytes: Uint8Array, path: string, crc32: Crc32): LogIdentity {
  const invalid = (reason: string, cause?: unknown) => failure("LOG_IDENTITY_INVALID", { path, reason }, cause);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw invalid("it is not JSON", error);
  }
  if (typeof value !== "object" || value === null) throw invalid("it is not a JSON object");
  const { format, version, id, created } = value as Record<string, unknown>;
  if (format !== "diatreme") throw invalid('its "format" is not "diatreme"');
  if (typeof version !== "number" || !Number.isSafeInteger(version))
    throw invalid('its "version" is not a whole number');
  if (version !== FORMAT_VERSION) {
    throw failure("LOG_VERSION_UNSUPPORTED", { path, found: version, supported: FORMAT_VERSION });
  }
  if (typeof id !== "string" || !UUID.test(id)) throw invalid('its "id" is not a lower-case UUID');
  if (typeof created !== "number" || !Number.isSafeInteger(created) || created < 0) {
    throw invalid('its "created" is not a time in microseconds');
  }
  const expected = encodeIdentity({ id, created }, crc32);
  if (bytes.length !== expected.length || !expected.every((byte, i) => bytes[i] === byte)) {
    throw invalid("it is not as it was written: its CRC does not fit");
  }
  return { id, created };
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether a text is a log's id. */
export function isLogId(text: string): boolean {
  return UUID.test(text);
}

/** A random (version 4) UUID of 16 random bytes; RFC 9562 §5.4. */
export function uuidFrom(random: Uint8Array): string {
  const bytes = random.slice(0, 16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return uuidText(bytes);
}

/** The UUID that 16 bytes are. */
export function uuidText(bytes: Uint8Array): string {
  const hex = toHex(bytes);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** The 16 bytes of a UUID. */
export function uuidBytes(id: string): Uint8Array {
  return fromHex(id.replaceAll("-", "")) as Uint8Array;
}
