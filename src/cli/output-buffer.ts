// Gathers what is printed into few large writes.
import type { Outlet } from "./terminal.ts";

const BUFFER_BYTES = 256 << 10;
const NEWLINE = 10;

const encoder = new TextEncoder();

export class OutputBuffer {
  readonly #outlet: Outlet;
  readonly #bytes = new Uint8Array(BUFFER_BYTES);
  #used = 0;

  constructor(outlet: Outlet) {
    this.#outlet = outlet;
  }

  /** Adds bytes and a \n. `null`: done; otherwise `bytes` must stay as they are until the promise has resolved. */
  addLine(bytes: Uint8Array): Promise<void> | null {
    if (this.#used + bytes.length >= BUFFER_BYTES) return this.#flushThenAdd(bytes);
    this.#bytes.set(bytes, this.#used);
    this.#used += bytes.length;
    this.#bytes[this.#used++] = NEWLINE;
    return null;
  }

  /** Adds a text and a \n. */
  addText(text: string): Promise<void> | null {
    // UTF-8 takes at most three bytes for a code unit.
    if (this.#used + text.length * 3 >= BUFFER_BYTES) return this.addLine(encoder.encode(text));
    this.#used += encoder.encodeInto(text, this.#bytes.subarray(this.#used)).written;
    this.#bytes[this.#used++] = NEWLINE;
    return null;
  }

  async flush(): Promise<void> {
    if (this.#used === 0) return;
    const full = this.#bytes.subarray(0, this.#used);
    this.#used = 0;
    await this.#outlet.write(full);
  }

  async #flushThenAdd(bytes: Uint8Array): Promise<void> {
    await this.flush();
    if (bytes.length < BUFFER_BYTES) {
      await this.addLine(bytes);
      return;
    }
    await this.#outlet.write(bytes);
    this.#bytes[this.#used++] = NEWLINE;
  }
}
