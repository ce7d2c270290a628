// One line that says how far a command is, for a person who is watching; nothing for anybody else.
import type { Terminal } from "./terminal.ts";

const EVERY_MS = 250;
const TO_LINE_START = "\r\u001b[2K";

export class Progress {
  readonly #terminal: Terminal;
  readonly #isShown: boolean;
  #last: number;
  #shown = "";

  constructor(terminal: Terminal, { readsInput = true }: { readsInput?: boolean } = {}) {
    this.#terminal = terminal;
    // Somebody who types lines into a terminal is not to have them overwritten.
    this.#isShown = terminal.errors.isInteractive && !(readsInput && terminal.input.isInteractive);
    this.#last = terminal.monotonicMs();
  }

  /** Shows the text, unless the last one is too young to be replaced. */
  show(text: () => string): void {
    if (!this.#isShown) return;
    const now = this.#terminal.monotonicMs();
    if (now - this.#last < EVERY_MS) return;
    this.#last = now;
    const { errors } = this.#terminal;
    this.#shown = text().slice(0, errors.columns - 1);
    this.#write(`${TO_LINE_START}${errors.paint("quiet", this.#shown)}`);
  }

  /** Takes the line away again. */
  clear(): void {
    if (this.#shown !== "") this.#write(TO_LINE_START);
    this.#shown = "";
  }

  // Nothing hangs on whether anybody saw it.
  #write(text: string): void {
    this.#terminal.errors.write(text).catch(() => {});
  }
}
