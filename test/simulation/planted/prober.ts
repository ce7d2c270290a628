// Has planted defects tried in another process, one after the other, and ends that process when one of them hangs.
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { removePlanted } from "./copy.ts";
import type { Told } from "./process.ts";

const PROCESS = fileURLToPath(new URL("process.ts", import.meta.url));

export class PlantedProber {
  readonly #hangsAfterMs: number;
  #child: ChildProcess | null = null;

  constructor(hangsAfterMs: number) {
    this.#hangsAfterMs = hangsAfterMs;
  }

  /** What becomes of the program that is to catch a defect; a sentence when nobody can tell. Not two at once. */
  async probe(name: string): Promise<Told | string> {
    const child = this.#child ?? this.#start();
    let hang: NodeJS.Timeout | undefined;
    const told = await new Promise<Told | string>((resolve) => {
      child.once("message", (message) => resolve(message as Told));
      child.once("exit", (status, signal) => resolve(`the process ended with ${signal ?? status}`));
      hang = setTimeout(() => resolve(`it hangs for ${this.#hangsAfterMs} ms`), this.#hangsAfterMs);
      child.send(name);
    });
    clearTimeout(hang);
    child.removeAllListeners();
    // The next one has a new process.
    if (typeof told === "string") this.end();
    return told;
  }

  /** Ends the other process, if there is one, and removes what it has planted. */
  end(): void {
    const child = this.#child;
    this.#child = null;
    child?.kill("SIGKILL");
    if (child?.pid !== undefined) removePlanted(child.pid);
  }

  #start(): ChildProcess {
    // Without the options that a test runner was started with.
    this.#child = fork(PROCESS, { execArgv: [], stdio: ["ignore", "ignore", "inherit", "ipc"] });
    return this.#child;
  }
}
