// Proves which runtime the suite runs in: launchers that start with a shebang run Node whatever they are called by.

import { describe, expect, it } from "vitest";
import { currentRuntime, runtimeName } from "./current-runtime.ts";

const expected = process.env["DIATREME_EXPECT_RUNTIME"];

describe("the runtime of this test run", () => {
  it.skipIf(expected === undefined)(`is ${expected}, as DIATREME_EXPECT_RUNTIME says`, () => {
    const [name, major] = (expected ?? "").split(" ");
    expect(runtimeName).toBe(name);
    if (major !== undefined) expect(versionOf(runtimeName).split(".")[0]).toBe(major);
  });

  it("has only the marks of its own kind", () => {
    expect("Deno" in globalThis).toBe(runtimeName === "deno");
    expect(process.versions["bun"] !== undefined).toBe(runtimeName === "bun");
    expect("Bun" in globalThis).toBe(runtimeName === "bun");
  });

  it("is described by its adapter with name, version and platform", () => {
    const version = versionOf(runtimeName);
    expect(currentRuntime().description).toBe(`${runtimeName} ${version} ${process.platform} ${process.arch}`);
  });
});

function versionOf(name: string): string {
  return process.versions[name] ?? "";
}
