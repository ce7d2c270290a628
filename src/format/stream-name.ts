// Which names a stream may have. A stream's name is its folder's name, so nothing that means something to a file system
// or to the log itself may pass.
import { failure } from "../errors.ts";

const PATTERN = /^[a-z0-9][a-z0-9._-]{0,63}$/;
// Names that the log's own files and folders have.
const RESERVED = /^(log\.json|keys\.json|lock|state_\d{6,}\.snap)$/;

export function isStreamName(name: string): boolean {
  return PATTERN.test(name) && !RESERVED.test(name);
}

/** @throws {UsageError} `STREAM_NAME_INVALID` */
export function checkStreamName(name: unknown): asserts name is string {
  if (typeof name !== "string") {
    const stream = typeof name === "object" && name !== null ? "an object" : String(name);
    throw failure("STREAM_NAME_INVALID", { stream, reason: "it is no string" });
  }
  if (RESERVED.test(name))
    throw failure("STREAM_NAME_INVALID", { stream: name, reason: "the log needs it for itself" });
  if (!PATTERN.test(name)) throw failure("STREAM_NAME_INVALID", { stream: name, reason: reasonAgainst(name) });
}

function reasonAgainst(name: string): string {
  if (name === "") return "it is empty";
  if (name.length > 64) return `it has ${name.length} characters`;
  const bad = name.match(/[^a-z0-9._-]/u);
  if (bad !== null) return `it has the character ${JSON.stringify(bad[0])}`;
  return `it starts with ${JSON.stringify(name.charAt(0))}`;
}
