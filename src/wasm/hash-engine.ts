// Who hashes: the core or the runtime. Both give the same bytes; only speed differs, and differently on each runtime.
import { CONTROL_HEAD_AT, MESSAGE_BYTES, MESSAGE_LENGTH_AT, MESSAGE_POINTER_AT } from "../../assembly/control.ts";
import {
  DIGEST_BYTES,
  ENTRY_BYTES,
  RECORD_EXTRA_BYTES,
  RECORD_HEADER_BYTES,
  RECORD_LENGTH_AT,
  RECORD_PREVIOUS_AT,
} from "../../assembly/layout.ts";
import { failure } from "../errors.ts";
import type { NativeHashing } from "../runtime.ts";
import type { Core } from "./core.ts";

/** `"auto"` takes whichever is faster for the size on this runtime, by measurement. */
export type HashEngineName = "auto" | "wasm" | "native";

// No message is this long.
const NEVER = 0xffffffff;
// From this many records the core fills its four lanes.
const LANES = 4;

export class HashEngine {
  readonly name: HashEngineName;
  /** Bytes from which the runtime hashes a message, when the core could use four lanes; `null`: never. */
  readonly nativeFrom: number | null;
  /** The same, when there is too little for four lanes. */
  readonly nativeFromSingle: number | null;
  readonly #native: NativeHashing | null;

  /** @throws {UsageError} `OPTION_INVALID` when `"native"` is asked for and there is none */
  constructor(name: HashEngineName, native: NativeHashing | null) {
    if (name === "native" && native === null) {
      throw failure("OPTION_INVALID", { option: "hashEngine", value: '"native"', expected: '"wasm" on this runtime' });
    }
    this.name = name;
    this.#native = name === "wasm" ? null : native;
    const always = name === "native" ? 0 : null;
    this.nativeFrom = this.#native === null ? null : (always ?? this.#native.beatsLanesFrom);
    this.nativeFromSingle = this.#native === null ? null : (always ?? this.#native.beatsSingleFrom);
  }

  /** Completes `count` staged records at `records`; see `encode` of the core. Returns the pointer behind them. */
  encode(core: Core, records: number, count: number, unsynced: number): number {
    const native = this.#native;
    const threshold = this.#threshold(count);
    // The chain is hashed one entry after the other.
    if (native !== null && (this.nativeFromSingle ?? NEVER) <= ENTRY_BYTES) {
      const end = core.run.encodeHeaders(records, count) >>> 0;
      this.#digestPayloads(native, core, count, 0);
      this.#chain(native, core, count);
      core.run.encodeTrailers(records, count, unsynced);
      return end;
    }
    if (native !== null) this.#digestStaged(native, core, records, count, threshold);
    return core.run.encode(records, count, unsynced, threshold) >>> 0;
  }

  /** Hashes the `count` records of the last walk and compares their links; see `link` of the core. */
  link(core: Core, count: number, successor: number): number {
    const native = this.#native;
    const threshold = this.#threshold(count);
    if (native === null) return core.run.link(count, successor, threshold);
    if (threshold <= ENTRY_BYTES) {
      this.#digestPayloads(native, core, count, 0);
      this.#hashEntries(native, core, count);
      return core.run.compareLinks(count, successor);
    }
    this.#digestPayloads(native, core, count, threshold);
    return core.run.link(count, successor, threshold);
  }

  #threshold(count: number): number {
    return (count >= LANES ? this.nativeFrom : this.nativeFromSingle) ?? NEVER;
  }

  // Digests of the payloads of `threshold` bytes or more among `count` records at `records`.
  #digestStaged(native: NativeHashing, core: Core, records: number, count: number, threshold: number): void {
    let header = records;
    for (let index = 0; index < count; index++) {
      const length = core.view.getUint32(header + RECORD_LENGTH_AT, true);
      if (length >= threshold) digest(native, core, header + RECORD_HEADER_BYTES, length, index);
      header += RECORD_EXTRA_BYTES + length;
    }
  }

  // The same for the records in MESSAGES.
  #digestPayloads(native: NativeHashing, core: Core, count: number, threshold: number): void {
    for (let index = 0; index < count; index++) {
      const message = core.messages + index * MESSAGE_BYTES;
      const length = core.view.getUint32(message + MESSAGE_LENGTH_AT, true);
      if (length >= threshold)
        digest(native, core, core.view.getUint32(message + MESSAGE_POINTER_AT, true), length, index);
    }
  }

  // Links and hashes `count` staged records in a row, from the head in the control block.
  #chain(native: NativeHashing, core: Core, count: number): void {
    let head = core.control + CONTROL_HEAD_AT;
    for (let index = 0; index < count; index++) {
      const header = headerOf(core, index);
      core.bytes.copyWithin(header + RECORD_PREVIOUS_AT, head, head + DIGEST_BYTES);
      hashEntry(native, core, header, index);
      head = core.hashes + index * DIGEST_BYTES;
    }
    core.bytes.copyWithin(core.control + CONTROL_HEAD_AT, head, head + DIGEST_BYTES);
  }

  #hashEntries(native: NativeHashing, core: Core, count: number): void {
    for (let index = 0; index < count; index++) hashEntry(native, core, headerOf(core, index), index);
  }
}

function headerOf(core: Core, index: number): number {
  const message = core.messages + index * MESSAGE_BYTES;
  return core.view.getUint32(message + MESSAGE_POINTER_AT, true) - RECORD_HEADER_BYTES;
}

function digest(native: NativeHashing, core: Core, pointer: number, length: number, index: number): void {
  const slot = core.digests + index * DIGEST_BYTES;
  native.sha256(core.bytes.subarray(pointer, pointer + length), core.entryHash);
  core.bytes.copyWithin(slot, core.entry + ENTRY_BYTES, core.entry + ENTRY_BYTES + DIGEST_BYTES);
}

// The header's bytes and the payload's digest are brought together in ENTRY, on which there are lasting views.
function hashEntry(native: NativeHashing, core: Core, header: number, index: number): void {
  const digestAt = core.digests + index * DIGEST_BYTES;
  const result = core.entry + ENTRY_BYTES;
  core.bytes.copyWithin(core.entry, header, header + RECORD_HEADER_BYTES);
  core.bytes.copyWithin(core.entry + RECORD_HEADER_BYTES, digestAt, digestAt + DIGEST_BYTES);
  native.sha256(core.entryBytes, core.entryHash);
  core.bytes.copyWithin(core.hashes + index * DIGEST_BYTES, result, result + DIGEST_BYTES);
}
