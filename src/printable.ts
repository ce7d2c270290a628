// Text of unknown origin, as it may be shown on a terminal: nothing in it moves the cursor, colours, or turns the
// direction of writing.

const CONTROLS = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** The text with controls and marks that format as escapes of JSON. */
export function printable(text: string): string {
  return text.replace(CONTROLS, (character) =>
    [...Array(character.length).keys()]
      .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

/** The same in quotes. */
export function quoted(text: string): string {
  return printable(JSON.stringify(text));
}
