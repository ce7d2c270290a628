// What callers say with a call, checked. A misspelt option must not pass for one that was not given: it may be the one
// that withholds a payload or names a subject.
import { type DiatremeError, failure } from "../errors.ts";

/** The names of all options of a kind. */
export type OptionNames<T> = { readonly [K in keyof T]-?: true };

/**
 * The options that were given, each read once, so that what was checked is what counts; none for `undefined` and `null`.
 *
 * @throws {UsageError} `OPTION_INVALID` when they are no object, or have one that is not among `names`
 */
export function optionsOf<T extends object>(given: T | null | undefined, names: OptionNames<T>): T {
  const options = {} as T;
  if (given === undefined || given === null) return options;
  // What stands in the wrong place may be a secret, or somebody's name: only its kind is told.
  if (typeof given !== "object" || Array.isArray(given) || ArrayBuffer.isView(given)) {
    throw failure("OPTION_INVALID", { option: "options", value: kindOf(given), expected: "an object" });
  }
  for (const name in given) {
    if (Object.hasOwn(names, name)) continue;
    const expected = `one of ${Object.keys(names).join(", ")}`;
    throw failure("OPTION_INVALID", { option: name.slice(0, MOST_SHOWN), value: "not known", expected });
  }
  for (const name in names) {
    const value = given[name];
    if (value !== undefined) options[name] = value;
  }
  return options;
}

/** @throws {UsageError} `OPTION_INVALID` when an option is there and no whole number from `least` on */
export function checkWhole(option: string, value: unknown, least = 0): void {
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= least)) return;
  throw invalidOption(option, value, `a whole number, ${least} or more`);
}

/** @throws {UsageError} `OPTION_INVALID` when an option is there and neither `true` nor `false` */
export function checkFlag(option: string, value: unknown): void {
  if (value !== undefined && typeof value !== "boolean") throw invalidOption(option, value, "true or false");
}

/** @throws {UsageError} `OPTION_INVALID` when an option is there and cannot be called */
export function checkFunction(option: string, value: unknown): void {
  if (value !== undefined && typeof value !== "function") throw invalidOption(option, value, "a function");
}

const SIGNAL_METHODS = ["throwIfAborted", "addEventListener", "removeEventListener"] as const;

/** @throws {UsageError} `OPTION_INVALID` when it is there and no AbortSignal */
export function checkSignal(signal: AbortSignal | null | undefined): void {
  if (signal === undefined || signal === null) return;
  if (typeof signal === "object" && SIGNAL_METHODS.every((method) => typeof signal?.[method] === "function")) return;
  throw invalidOption("signal", signal, "an AbortSignal");
}

/** The error for an option that is no secret; its value is told as the caller would write it. */
export function invalidOption(option: string, value: unknown, expected: string): DiatremeError {
  const isText = typeof value === "string" && value.length <= MOST_SHOWN;
  return failure("OPTION_INVALID", { option, value: isText ? JSON.stringify(value) : kindOf(value), expected });
}

/** The same for one in whose place a key may stand. */
export function invalidSecret(option: string, value: unknown, expected: string): DiatremeError {
  return failure("OPTION_INVALID", { option, value: kindOf(value), expected });
}

const MOST_SHOWN = 60;

function kindOf(value: unknown): string {
  if (value === undefined) return "missing";
  if (typeof value === "string") return "a string";
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  return `of type ${Object.prototype.toString.call(value).slice(8, -1)}`;
}
