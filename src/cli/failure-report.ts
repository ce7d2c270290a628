// How a command's failure is told: a sentence for people, an object for programs.
import { DiatremeError, EXIT_SYSTEM } from "../errors.ts";
import { CommandError } from "./command-error.ts";

/** Everything that is known about a failure, `code`, `message` and `exitStatus` first. */
export function factsOf(error: unknown): {
  code: string;
  message: string;
  exitStatus: number;
  [fact: string]: unknown;
} {
  if (!(error instanceof DiatremeError || error instanceof CommandError)) {
    return { code: "UNEXPECTED", message: unexpected(error), exitStatus: EXIT_SYSTEM };
  }
  const { code, message, exitStatus } = error;
  const { name: _, ...facts } = error as DiatremeError & { name: string };
  return { ...facts, code, message, exitStatus };
}

function unexpected(error: unknown): string {
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `This should not have happened. Please report it. ${detail}`;
}
