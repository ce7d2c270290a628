// Tells a failure by its code and its facts.

import { expect } from "vitest";
import { DiatremeError, type ErrorCode, type ErrorFacts } from "../../src/errors.ts";

/** The error of Diatreme that `action` throws; fails the test when it throws none. */
export function thrownBy(action: () => unknown): DiatremeError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(DiatremeError);
    return error as DiatremeError;
  }
  throw new Error("Nothing was thrown.");
}

/** Expects `action` to throw this code with at least these facts. */
export function expectFailure<C extends ErrorCode>(
  code: C,
  facts: Partial<ErrorFacts[C]>,
  action: () => unknown,
): void {
  expect(thrownBy(action)).toMatchObject({ code, ...facts });
}
