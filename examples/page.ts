// How the examples print: plain text that stands without colour, with colour where a terminal shows it.
import * as util from "node:util";

type Style = "bold" | "gray" | "green" | "red";

const { NO_COLOR = "", TERM } = process.env;
const coloured =
  process.stdout.isTTY === true && NO_COLOR === "" && TERM !== "dumb" && typeof util.styleText === "function";

export function paint(style: Style, text: string): string {
  return coloured ? util.styleText(style, text) : text;
}

export function print(line = ""): void {
  console.log(line);
}

export function title(text: string): void {
  print();
  print(paint("bold", text));
}

/** A number, or a text such as `12.3 ms`. */
export type Cell = string | number;

/** Prints rows in columns, quantities to the right. */
export function table(rows: readonly (readonly Cell[])[]): void {
  const texts = rows.map((row) => row.map((cell) => (typeof cell === "number" ? count(cell) : cell)));
  const widths = (texts[0] ?? []).map((_, column) => Math.max(...texts.map((row) => (row[column] ?? "").length)));
  texts.forEach((row, y) => {
    const cells = row.map((text, x) =>
      isQuantity(rows[y]?.[x]) ? text.padStart(widths[x] ?? 0) : text.padEnd(widths[x] ?? 0),
    );
    print(`  ${cells.join("  ")}`.trimEnd());
  });
}

function isQuantity(cell: Cell | undefined): boolean {
  return typeof cell === "number" || /^[\d.]+ (bytes|kB|MB|GB|ms|s)(\/s)?$/.test(cell ?? "");
}

export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

export function bytes(value: number): string {
  if (value < 1000) return `${value} bytes`;
  if (value < 1e6) return `${(value / 1e3).toFixed(1)} kB`;
  return value < 1e9 ? `${(value / 1e6).toFixed(1)} MB` : `${(value / 1e9).toFixed(2)} GB`;
}

export function duration(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

/** Bytes as text on one line, at most `columns` wide; what does not print becomes a dot. */
export function excerpt(source: Uint8Array, columns: number): string {
  const text = new TextDecoder().decode(source.subarray(0, columns * 4)).replace(/[\p{C}\ufffd]/gu, "·");
  const characters = [...text];
  return characters.length <= columns ? text : `${characters.slice(0, columns - 1).join("")}…`;
}
