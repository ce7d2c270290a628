// Turns what callers append into staged payloads: bytes as they are, strings as UTF-8, anything else as JSON.
import { PAYLOAD_EXTRA_BYTES, RECORD_EXTRA_BYTES } from "../../../assembly/layout.ts";
import { DiatremeError, failure, messageOf } from "../../errors.ts";
import type { Batch } from "../../wasm/batch.ts";

/** A value that JSON can hold. Objects with `toJSON` count as what that returns. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/** What one record is made of. */
export type LogEvent = Uint8Array | JsonValue | object;

export interface StageLimits {
  readonly stream: string;
  readonly maxRecordBytes: number;
  readonly maxAppendBytes: number;
  /** The payloads will be encrypted, which makes them longer. */
  readonly isSealed: boolean;
}

/**
 * Stages one event, or each of an array of events. Stages nothing when one of them will not do.
 *
 * @throws {UsageError} `EVENT_INVALID`, `RECORD_TOO_LARGE`, `APPEND_TOO_LARGE`
 */
export function stageEvents(batch: Batch, events: LogEvent | readonly LogEvent[], limits: StageLimits): void {
  let index = 0;
  batch.begin(limits.isSealed);
  try {
    if (!Array.isArray(events)) {
      stageOne(batch, events as LogEvent, 0, limits);
      return;
    }
    for (; index < events.length; index++) {
      stageOne(batch, events[index], index, limits);
      if (batch.stagedBytes > limits.maxAppendBytes) {
        const facts = { stream: limits.stream, bytes: batch.stagedBytes, limit: limits.maxAppendBytes };
        throw failure("APPEND_TOO_LARGE", facts);
      }
    }
  } catch (error) {
    batch.unstage();
    if (error instanceof DiatremeError) throw error;
    // A getter, a toJSON method or a proxy of the caller's has thrown.
    throw invalid(`cannot be read (${messageOf(error)})`, index, limits, error);
  }
}

// A subclass may have a `length` of its own; this one tells how many bytes there are.
const byteLengthOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), "byteLength")
  ?.get as (this: Uint8Array) => number;

function stageOne(batch: Batch, event: unknown, index: number, limits: StageLimits): void {
  if (event instanceof Uint8Array) {
    const bytes = byteLengthOf.call(event);
    checkSize(bytes, index, limits);
    batch.stageBytes(event, bytes);
    return;
  }
  const text = typeof event === "string" ? wellFormed(event, index, limits) : toJson(event, index, limits);
  // UTF-8 takes at least a byte for each code unit: refuse what is surely too long before making room for it.
  checkSize(text.length, index, limits);
  checkSize(batch.stageText(text), index, limits);
}

function checkSize(bytes: number, index: number, limits: StageLimits): void {
  const extra = limits.isSealed ? PAYLOAD_EXTRA_BYTES : 0;
  if (bytes + extra > limits.maxRecordBytes) {
    throw failure("RECORD_TOO_LARGE", { stream: limits.stream, bytes, limit: limits.maxRecordBytes - extra, index });
  }
  if (bytes + extra + RECORD_EXTRA_BYTES > limits.maxAppendBytes) {
    throw failure("APPEND_TOO_LARGE", { stream: limits.stream, bytes, limit: limits.maxAppendBytes });
  }
}

// UTF-8 has no lone surrogates: encoding one would silently store another text than was given.
function wellFormed(text: string, index: number, limits: StageLimits): string {
  if (text.isWellFormed()) return text;
  throw invalid("is a string with a lone surrogate, which UTF-8 cannot hold", index, limits);
}

const NOT_JSON: ReadonlySet<string> = new Set([
  ...["ArrayBuffer", "SharedArrayBuffer", "Map", "Set", "WeakMap", "WeakSet", "WeakRef", "Promise"],
  ...["RegExp", "Error", "Blob", "File", "Generator", "AsyncGenerator"],
]);

function toJson(event: unknown, index: number, limits: StageLimits): string {
  // JSON.stringify makes "{}" or "null" of these: data would be lost without a word.
  if (typeof event === "number" && !Number.isFinite(event))
    throw invalid(`is ${event}, which JSON cannot hold`, index, limits);
  const kind = Object.prototype.toString.call(event).slice(8, -1);
  if (ArrayBuffer.isView(event) || NOT_JSON.has(kind))
    throw invalid(`is of type ${kind}, which JSON cannot hold`, index, limits);
  let text: string | undefined;
  try {
    text = JSON.stringify(event);
  } catch (error) {
    throw invalid(`is not a JSON value (${messageOf(error)})`, index, limits, error);
  }
  if (text === undefined) throw invalid(`is ${String(event)}, which JSON cannot hold`, index, limits);
  return text;
}

function invalid(reason: string, index: number, limits: StageLimits, cause?: unknown): Error {
  return failure("EVENT_INVALID", { stream: limits.stream, index, reason }, cause);
}
