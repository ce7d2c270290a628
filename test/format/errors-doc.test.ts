// docs/errors.md is what the table in src/errors.ts makes it. DIATREME_REWRITE_DOCS=1 writes it anew.
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ERROR_TABLE } from "../../src/errors.ts";
import { codesWithoutPartner, errorsPage } from "./errors-page.ts";

const file = new URL("../../docs/errors.md", import.meta.url);

describe("docs/errors.md", () => {
  it("has an example of every code", () => {
    expect(codesWithoutPartner()).toEqual([]);
  });

  it("is what the table makes it", () => {
    const page = errorsPage();
    if (process.env["DIATREME_REWRITE_DOCS"] === "1") writeFileSync(file, page);
    expect(readFileSync(file, "utf8")).toBe(page);
  });

  it("shows messages in which every fact has its place", () => {
    expect(errorsPage()).not.toMatch(/undefined(?!,)|NaN|\[object/);
  });

  it("has every code that docs/format.md names", () => {
    const format = readFileSync(new URL("../../docs/format.md", import.meta.url), "utf8");
    const named = new Set([...format.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map((match) => match[1] as string));
    expect([...named].filter((code) => !(code in ERROR_TABLE))).toEqual([]);
    expect(named.size).toBeGreaterThan(15);
  });
});
