// Telling what was done, to whoever is still there. What was found, and with which status a command ends, does not depend
// on whether anybody reads it.
import { type Outlet, OutputClosed, type Terminal } from "./terminal.ts";

/** Writes a verdict. Somebody who stops reading, as `head` does, takes nothing away from the exit status. */
export async function say(output: Outlet, text: string): Promise<void> {
  try {
    await output.write(`${text}\n`);
  } catch (error) {
    if (!(error instanceof OutputClosed)) throw error;
  }
}

/** Tells people news, where it can be told: no work is left undone for it. */
export async function tell({ errors }: Terminal, text: string): Promise<void> {
  await errors.write(`${text}\n`).catch(() => undefined);
}
