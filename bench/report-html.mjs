// The results as one page without scripts: for each suite how this log stands to its rivals, and the table behind it.
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { formatRatio, formatValue } from "./report-number.mjs";

export function renderHtml(results) {
  const { document } = parseHTML("<!doctype html><html lang='en'><head></head><body></body></html>");
  const { machine, runtimes, seed, effort, measured } = results;
  const names = Object.keys(runtimes);
  const sections = results.suites.map((suite) => sectionOf(document, suite, names)).join("");
  const versions = names.map((name) => `${name} ${runtimes[name]}`).join(", ");
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Diatreme: benchmarks</title>
<style>${STYLE}</style>
<h1>Diatreme: benchmarks</h1>
<p>${escaped(`${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.kernel}, files on ${machine.fileSystem}`)}<br>
${escaped(`${versions}; ${effort} run of ${measured}, seed ${seed}`)}</p>
<p>Ratios say how many times as good the first of each group is as the others: right of the line it is ahead. Dots are
medians of the rounds, bars reach from the least to the greatest.</p>
${sections}
</html>
`;
}

function sectionOf(document, suite, runtimes) {
  return `<h2>${escaped(suite.title)}</h2><p>${escaped(suite.sync)}.</p>${plotOf(document, suite)}${tableOf(suite, runtimes)}`;
}

function plotOf(document, { rows }) {
  const points = Object.entries(rows).flatMap(([runtime, measured]) =>
    measured.flatMap(({ name, cells }) =>
      cells
        .filter(({ ratio }) => ratio !== null)
        .map(({ contender, ratio }) => ({ runtime, what: `${name}  ·  ${contender}`, ...ratio })),
    ),
  );
  const lines = new Set(points.map(({ what }) => what)).size;
  const plot = Plot.plot({
    document,
    width: 960,
    height: 90 + 22 * lines,
    marginLeft: 390,
    marginTop: 40,
    x: { type: "log", grid: true, label: "times as good →", tickFormat: (value) => `${value}` },
    y: { label: null, domain: [...new Set(points.map(({ what }) => what))] },
    fx: { label: null, domain: Object.keys(rows) },
    marks: [
      Plot.ruleX([1], { stroke: "#c33" }),
      Plot.ruleY(points, { fx: "runtime", y: "what", x1: "least", x2: "greatest", stroke: "#789", strokeWidth: 3 }),
      Plot.dot(points, { fx: "runtime", y: "what", x: "median", fill: "#124", r: 4 }),
    ],
  });
  return plot.outerHTML;
}

function tableOf({ rows }, runtimes) {
  const head = runtimes.map((name) => `<th colspan="2">${escaped(name)}</th>`).join("");
  const body = rows[runtimes[0]].map(({ name, unit, cells }, index) => {
    const lines = cells.map(({ contender }, place) => {
      const columns = runtimes.map((runtime) => columnsOf(rows[runtime][index].cells[place])).join("");
      return `<tr><td>${escaped(contender)}</td>${columns}</tr>`;
    });
    return `<tbody><tr><th colspan="${1 + 2 * runtimes.length}">${escaped(`${name}, ${unit}`)}</th></tr>${lines.join("")}</tbody>`;
  });
  return `<table><thead><tr><th></th>${head}</tr></thead>${body.join("")}</table>`;
}

function columnsOf({ value, ratio }) {
  const shown =
    ratio === null
      ? ""
      : `×${formatRatio(ratio.median)} (${formatRatio(ratio.least)} – ${formatRatio(ratio.greatest)})`;
  return `<td class="number">${formatValue(value)}</td><td class="ratio">${shown}</td>`;
}

function escaped(text) {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; color: #123 }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 3rem; font-size: 13px }
td, th { text-align: left; padding: 0.1rem 0.6rem 0.1rem 0 }
tbody th { padding-top: 0.7rem; border-bottom: 1px solid #cde }
.number { text-align: right; font-variant-numeric: tabular-nums }
.ratio { color: #567; white-space: nowrap }
`;
