// Who hashes: the core or the runtime. Both give the same bytes; only speed differs, and differently on each runtime.
import { MESSAGE_BYTES, MESSAGE_LENGTH_AT, MESSAGE_POINTER_AT } from "../../assembly/control.ts";
import {
  DIGEST_BYTES,
  ENTRY_BYTES,
  RECORD_EXTRA_BYTES,
  RECORD_HEADER_BYTES,
  RECORD_LENGTH_AT,
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
      core.entryHash.set(core.head());
      this.#hashRecords(native, core, count, true);
      core.setHead(core.entryHash);
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
      this.#hashRecords(native, core, count, false);
      return core.run.compareLinks(count, successor);
    }
    this.#digestWalked(native, core, count, threshold);
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
  #digestWalked(native: NativeHashing, core: Core, count: number, threshold: number): void {
    for (let index = 0; index < count; index++) {
      const message = core.messages + index * MESSAGE_BYTES;
      const length = core.view.getUint32(message + MESSAGE_LENGTH_AT, true);
      if (length >= threshold)
        digest(native, core, core.view.getUint32(message + MESSAGE_POINTER_AT, true), length, index);
    }
  }

  // All hashes of the records in MESSAGES. When they are being made, each is first linked to the hash in ENTRY, which is
  // that of the one before.
  #hashRecords(native: NativeHashing, core: Core, count: number, making: boolean): void {
    const { run, view, buffer, messages, entryBytes, entryDigest, entryHash } = core;
    for (let index = 0; index < count; index++) {
      const message = messages + index * MESSAGE_BYTES;
      const pointer = view.getUint32(message + MESSAGE_POINTER_AT, true);
      const length = view.getUint32(message + MESSAGE_LENGTH_AT, true);
      if (making) run.linkToEntry(pointer - RECORD_HEADER_BYTES);
      run.enterHeader(pointer - RECORD_HEADER_BYTES);
      native.sha256(new Uint8Array(buffer, pointer, length), entryDigest);
      // A reader may ask for the digests too, as after the core's own hashing.
      if (!making) core.bytes.set(entryDigest, core.digests + index * DIGEST_BYTES);
      native.sha256(entryBytes, entryHash);
      run.keepEntryHash(index);
    }
  }
}

function digest(native: NativeHashing, core: Core, pointer: number, length: number, index: number): void {
  native.sha256(new Uint8Array(core.buffer, pointer, length), core.entryHash);
  core.bytes.set(core.entryHash, core.digests + index * DIGEST_BYTES);
}
