// Who hashes a payload: the core or the runtime. Both give the same bytes; only speed differs.
import { DIGEST_BYTES, RECORD_EXTRA_BYTES, RECORD_HEADER_BYTES, RECORD_LENGTH_AT } from "../../assembly/layout.ts";
import { MESSAGE_BYTES, MESSAGE_LENGTH_AT, MESSAGE_POINTER_AT } from "../../assembly/control.ts";
import { failure } from "../errors.ts";
import type { NativeHashing } from "../runtime.ts";
import type { Core } from "./core.ts";

/** `"auto"` takes whichever is faster for the payload's size on this runtime, by measurement. */
export type HashEngineName = "auto" | "wasm" | "native";

// No payload is this long.
const NEVER = 0xffffffff;
// From this many records the core fills its four lanes.
const LANES = 4;

export class HashEngine {
  readonly name: HashEngineName;
  /** Payload bytes from which the runtime hashes, when the core could use four lanes; `null`: never. */
  readonly nativeFrom: number | null;
  /** The same, when there is too little for four lanes. */
  readonly nativeFromSingle: number | null;
  readonly #native: NativeHashing | null;

  constructor(name: HashEngineName, native: NativeHashing | null) {
    if (name === "native" && native === null) {
      throw failure("OPTION_INVALID", { option: "hashEngine", value: '"native"', expected: '"wasm" on this runtime' });
    }
    this.name = name;
    this.#native = name === "wasm" ? null : native;
    const none = this.#native === null;
    this.nativeFrom = none ? null : name === "native" ? 0 : (native?.beatsLanesFrom ?? null);
    this.nativeFromSingle = none ? null : name === "native" ? 0 : (native?.beatsSingleFrom ?? null);
  }

  /** The length from which payloads of a run of `count` records are hashed natively. */
  threshold(count: number): number {
    return (count >= LANES ? this.nativeFrom : this.nativeFromSingle) ?? NEVER;
  }

  /** Hashes those payloads of `count` staged records at `records` that are the runtime's to hash, into DIGESTS. */
  digestStaged(core: Core, records: number, count: number, threshold: number): void {
    if (this.#native === null) return;
    let header = records;
    for (let index = 0; index < count; index++) {
      const length = core.view.getUint32(header + RECORD_LENGTH_AT, true);
      if (length >= threshold) this.#digest(this.#native, core, header + RECORD_HEADER_BYTES, length, index);
      header += RECORD_EXTRA_BYTES + length;
    }
  }

  /** The same for the `count` records that the last walk put into MESSAGES. */
  digestWalked(core: Core, count: number, threshold: number): void {
    if (this.#native === null) return;
    for (let index = 0; index < count; index++) {
      const message = core.messages + index * MESSAGE_BYTES;
      const length = core.view.getUint32(message + MESSAGE_LENGTH_AT, true);
      if (length >= threshold) this.#digest(this.#native, core, core.view.getUint32(message + MESSAGE_POINTER_AT, true), length, index);
    }
  }

  #digest(native: NativeHashing, core: Core, pointer: number, length: number, index: number): void {
    const slot = core.digests + index * DIGEST_BYTES;
    native.sha256(core.bytes.subarray(pointer, pointer + length), core.bytes.subarray(slot, slot + DIGEST_BYTES));
  }
}
