// What only the command line can say no to. What the library refuses keeps the library's code.

export type CommandErrorCode =
  | "ARGUMENT_INVALID"
  | "INPUT_TOO_LONG"
  | "INPUT_UNREADABLE"
  | "INTERRUPTED"
  | "KEY_UNUSABLE"
  | "LINE_TOO_LONG"
  | "NO_CHECKPOINT"
  | "OUTPUT_EXISTS"
  | "OUTPUT_FAILED";

/** A command that could not do what it was asked to. */
export class CommandError extends Error {
  readonly code: CommandErrorCode;
  readonly exitStatus: number;

  constructor(code: CommandErrorCode, exitStatus: number, message: string, facts: object = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "CommandError";
    this.code = code;
    this.exitStatus = exitStatus;
    Object.assign(this, facts);
  }
}
