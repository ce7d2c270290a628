// What every runtime promises about processes.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Processes, ProcessIdentity } from "../../src/runtime.ts";

/** Processes, and another one that runs. */
export interface ProcessesUnderTest {
  readonly processes: Processes;
  /** The other's identity, as it would itself tell it. */
  readonly other: ProcessIdentity;
  /** Ends the other; resolves when it is gone. */
  end(): Promise<void>;
}

export function processesContract(name: string, make: () => Promise<ProcessesUnderTest>): void {
  describe(`processes of ${name}`, () => {
    let tested: ProcessesUnderTest;
    let processes: Processes;

    beforeEach(async () => {
      tested = await make();
      processes = tested.processes;
    });

    afterEach(() => tested.end());

    it("know themselves, the same each time, and that they are alive", () => {
      const self = processes.self();
      expect(self.pid).toBeGreaterThan(0);
      expect(self.host).not.toBe("");
      expect(processes.self()).toEqual(self);
      expect(processes.isAlive(self)).toBe(true);
    });

    it("see another process live and end", async () => {
      expect(processes.isAlive(tested.other)).toBe(true);
      await tested.end();
      expect(processes.isAlive(tested.other)).toBe(false);
    });

    it("take a number without a known start or boot for the process that has it now", () => {
      expect(processes.isAlive({ ...tested.other, started: "", boot: "" })).toBe(true);
    });

    it("know that a process of another boot of this machine is gone", () => {
      const { boot } = processes.self();
      if (boot !== "") expect(processes.isAlive({ ...tested.other, boot: `${boot}x` })).toBe(false);
    });

    it("know that a number was given to another process since, by its start", () => {
      if (tested.other.started === "") return;
      expect(processes.isAlive({ ...tested.other, started: `${tested.other.started}0` })).toBe(false);
      const self = processes.self();
      expect(processes.isAlive({ ...self, started: `${self.started}0` })).toBe(false);
    });

    it("cannot tell of another host, or of one that was not named", () => {
      expect(processes.isAlive({ ...tested.other, host: "elsewhere.invalid" })).toBeNull();
      expect(processes.isAlive({ ...tested.other, host: "" })).toBeNull();
    });
  });
}
