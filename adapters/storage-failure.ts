// What the system's refusals mean: native errors become the few storage codes, with the native error as their cause.

import { DiatremeError, failure } from "../src/errors.ts";

/** The parts of a native error that its meaning is read from. All may be absent: anything can be thrown. */
interface NativeError {
  readonly code?: unknown;
  readonly errno?: unknown;
  readonly name?: unknown;
  readonly message?: unknown;
  readonly syscall?: unknown;
}

/** The system's short name for an error, such as `ENOENT`; empty when it has none. */
export function nativeCode(error: unknown): string {
  const { code, errno, message } = asNative(error);
  // Node has no names for some numbers.
  if (typeof code === "string" && !(code === "UNKNOWN" || code.startsWith("Unknown system error"))) return code;
  if (typeof errno === "number" && UNNAMED[String(-errno)] !== undefined) return UNNAMED[String(-errno)] as string;
  // Deno 2.9 has no names for these, only the system's numbers at the end of its message.
  const number = typeof message === "string" ? /\(os error (\d+)\)$/.exec(message)?.[1] : undefined;
  return number === undefined ? "" : (UNNAMED[number] ?? "");
}

const UNNAMED: { readonly [number: string]: string } = { 4: "EINTR", 11: "EAGAIN", 27: "EFBIG", 122: "EDQUOT" };

/** The error to throw when `operation` ("read", "open" …) on `path` failed natively with `error`. */
export function storageFailure(error: unknown, operation: string, path: string): DiatremeError {
  if (error instanceof DiatremeError) return error;
  if (isRefusedPermission(error)) return failure("ACCESS_DENIED", { path, reason: reasonOf(error) }, error);
  switch (nativeCode(error)) {
    case "ENOENT":
      return failure("FILE_NOT_FOUND", { path }, error);
    case "EEXIST":
      return failure("FILE_EXISTS", { path }, error);
    // FreeBSD says EMLINK where others say ELOOP when O_NOFOLLOW meets a link.
    case "ELOOP":
    case "EMLINK":
      return failure("FILE_NOT_REGULAR", { path, kind: "link" }, error);
    case "EISDIR":
      return failure("FILE_NOT_REGULAR", { path, kind: "folder" }, error);
    // A socket, or a device that nothing drives.
    case "ENXIO":
    case "ENODEV":
      return failure("FILE_NOT_REGULAR", { path, kind: "special file" }, error);
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return failure("ACCESS_DENIED", { path, reason: reasonOf(error) }, error);
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG":
      return failure("NO_SPACE", { path }, error);
    case "EMFILE":
    case "ENFILE":
      return failure("TOO_MANY_OPEN_FILES", { path }, error);
    default:
      return failure("IO_FAILED", { path, operation, reason: reasonOf(error) }, error);
  }
}

/**
 * The error to throw when a sync of `path` failed. Whatever the native code: after any failed sync nobody knows
 * what reached the disk, so that a full disk and a broken one are the same news.
 */
export function syncFailure(error: unknown, path: string): DiatremeError {
  if (error instanceof DiatremeError) return error;
  return failure("SYNC_FAILED", { path, reason: reasonOf(error) }, error);
}

/** Deno refuses by permission flags with these names, and with codes that differ between versions. */
function isRefusedPermission(error: unknown): boolean {
  const name = asNative(error).name;
  return name === "NotCapable" || name === "PermissionDenied";
}

/** The native message without the call and the path at its end: the code's own message names both. */
function reasonOf(error: unknown): string {
  const { message, syscall } = asNative(error);
  if (typeof message !== "string" || message === "") return String(error);
  const tail = typeof syscall === "string" ? message.lastIndexOf(`, ${syscall}`) : -1;
  return tail > 0 ? message.slice(0, tail) : message;
}

function asNative(error: unknown): NativeError {
  return typeof error === "object" && error !== null ? error : {};
}
