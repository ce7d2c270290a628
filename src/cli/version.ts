/** The package's version. test/cli/help.test.ts holds it against package.json. */
export const VERSION = "0.1.0";
