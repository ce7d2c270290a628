// What native errors become.

import { describe, expect, it } from "vitest";
import { storageFailure, syncFailure } from "../../adapters/storage-failure.ts";
import { failure } from "../../src/errors.ts";

function native(code: string, message = `${code}: it failed, open '/a'`): Error {
  return Object.assign(new Error(message), { code, syscall: "open" });
}

describe("storageFailure()", () => {
  it.each([
    ["ENOENT", "FILE_NOT_FOUND"],
    ["EEXIST", "FILE_EXISTS"],
    ["ELOOP", "FILE_NOT_REGULAR"],
    ["EMLINK", "FILE_NOT_REGULAR"],
    ["EISDIR", "FILE_NOT_REGULAR"],
    ["ENXIO", "FILE_NOT_REGULAR"],
    ["ENODEV", "FILE_NOT_REGULAR"],
    ["EACCES", "ACCESS_DENIED"],
    ["EPERM", "ACCESS_DENIED"],
    ["EROFS", "ACCESS_DENIED"],
    ["ENOSPC", "NO_SPACE"],
    ["EDQUOT", "NO_SPACE"],
    ["EFBIG", "NO_SPACE"],
    ["EMFILE", "TOO_MANY_OPEN_FILES"],
    ["ENFILE", "TOO_MANY_OPEN_FILES"],
    ["EIO", "IO_FAILED"],
    ["ENOTDIR", "IO_FAILED"],
    ["ERR_OUT_OF_RANGE", "IO_FAILED"],
  ])("makes %s %s, with path and cause", (code, expected) => {
    const cause = native(code);
    expect(storageFailure(cause, "open", "/a")).toMatchObject({ code: expected, path: "/a", cause });
  });

  it("knows a file-size limit and a quota by Deno's message alone", () => {
    for (const message of ["File too large (os error 27)", "Quota exceeded (os error 122)"]) {
      expect(storageFailure(new Error(message), "write", "/a")).toMatchObject({ code: "NO_SPACE", path: "/a" });
    }
    expect(storageFailure(new Error("Odd (os error 99)"), "write", "/a")).toMatchObject({ code: "IO_FAILED" });
  });

  it("knows a quota by the number alone, which Node has no name for", () => {
    for (const code of ["UNKNOWN", "Unknown system error -122"]) {
      const cause = Object.assign(native(code), { errno: -122 });
      expect(storageFailure(cause, "write", "/a")).toMatchObject({ code: "NO_SPACE", path: "/a" });
    }
    expect(storageFailure(Object.assign(native("UNKNOWN"), { errno: -99 }), "write", "/a").code).toBe("IO_FAILED");
  });

  it.each(["NotCapable", "PermissionDenied"])("makes Deno's %s ACCESS_DENIED, whatever its code", (name) => {
    const cause = Object.assign(native("EIO"), { name });
    expect(storageFailure(cause, "open", "/a")).toMatchObject({ code: "ACCESS_DENIED" });
  });

  it("gives the native reason without call and path, which the message names itself", () => {
    const error = storageFailure(native("EIO"), "open", "/a");
    expect(error.message).toBe("Cannot open /a: EIO: it failed.");
    expect(error).toMatchObject({ operation: "open", reason: "EIO: it failed" });
  });

  it("passes an error of Diatreme on as it is", () => {
    const known = failure("FILE_EXISTS", { path: "/b" });
    expect(storageFailure(known, "open", "/a")).toBe(known);
    expect(syncFailure(known, "/a")).toBe(known);
  });

  it("makes something of whatever was thrown", () => {
    for (const thrown of [undefined, null, "text", 5, {}, { message: "" }]) {
      expect(storageFailure(thrown, "open", "/a").code).toBe("IO_FAILED");
    }
  });
});

describe("syncFailure()", () => {
  it.each(["EIO", "ENOSPC", "EDQUOT", "EBADF"])("makes %s SYNC_FAILED: nobody knows what reached the disk", (code) => {
    const cause = native(code);
    expect(syncFailure(cause, "/a")).toMatchObject({
      code: "SYNC_FAILED",
      path: "/a",
      reason: `${code}: it failed`,
      cause,
    });
  });
});
