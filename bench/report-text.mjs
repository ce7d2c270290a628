// The results as tables of text, one column for each runtime.
import { formatRatio, formatValue } from "./report-number.mjs";

export function renderText(results) {
  return [
    ...heading(results),
    ...results.suites.flatMap((suite) => [...tableOf(suite, Object.keys(results.runtimes))]),
  ].join("\n");
}

function heading({ machine, runtimes, seed, effort, measured }) {
  const { cpu, cores, memoryGiB, kernel, fileSystem } = machine;
  const versions = Object.entries(runtimes).map(([name, version]) => `${name} ${version}`);
  return [
    `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${kernel}, files on ${fileSystem}${fileSystem === "tmpfs" ? ": NOT A DISK, syncs are free here" : ""}`,
    `${versions.join(", ")}; ${effort} run of ${measured}, seed ${seed}`,
    "Medians. In brackets: how many times as good the first of a group is as this one, median, least and greatest of the rounds.",
  ];
}

const NAME_WIDTH = 34;
const CELL_WIDTH = 36;

function* tableOf({ title, sync, rows }, runtimes) {
  yield "";
  yield `${title}`;
  yield `  ${sync}.`;
  yield "".padEnd(NAME_WIDTH) + runtimes.map((name) => name.padStart(12).padEnd(CELL_WIDTH)).join("");
  for (const [index, { name, unit, cells }] of rows[runtimes[0]].entries()) {
    yield `  ${name}, ${unit}`;
    for (const [place, { contender }] of cells.entries()) {
      const shown = runtimes.map((runtime) => showCell(rows[runtime][index].cells[place]).padEnd(CELL_WIDTH));
      yield `    ${contender}`.padEnd(NAME_WIDTH) + shown.join("");
    }
  }
  for (const [digest, which] of digestsOf(rows))
    yield `  work ${digest.replace(/(\w{16})\w{48}$/, "$1…")}: ${which.join("; ")}`;
}

function showCell({ value, ratio }) {
  const shown = formatValue(value).padStart(12);
  if (ratio === null) return shown;
  return `${shown}  [${[ratio.median, ratio.least, ratio.greatest].map((one) => formatRatio(one)).join("  ")}]`;
}

// The same work has the same digest, on whatever runtime.
function digestsOf(rows) {
  const digests = new Map();
  for (const [runtime, measured] of Object.entries(rows)) {
    for (const { name, digest } of measured) {
      if (digest === null) continue;
      const which = digests.get(digest) ?? new Map();
      which.set(name, [...(which.get(name) ?? []), runtime]);
      digests.set(digest, which);
    }
  }
  return [...digests].map(([digest, which]) => [
    digest,
    [...which].map(([name, runtimes]) => `${name} (${runtimes.join(", ")})`),
  ]);
}
