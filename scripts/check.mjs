// Everything that has to hold before a change is kept, one line a step: build, form, types of each layer, package, tests.
//   npm run check [-- --without-tests]
import { readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { runCommand, runScript } from "./command.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

// Limits that growth has to be argued against, not natural bounds.
const CORE_MOST_BYTES = 16_000;
const TARBALL_MOST_BYTES = 620_000;

const LAYERS = ["src", "adapters", "test"];
const PACKED_FILES = ["CHANGELOG.md", "LICENSE", "README.md", "package.json"];
// By folder of the package: the kinds of files in it.
const PACKED_FOLDERS = {
  dist: /\.(js|js\.map|d\.ts)$/,
  src: /\.ts$/,
  adapters: /\.ts$/,
  assembly: /\.ts$/,
  // What the README and the docstrings point at.
  docs: /\.md$/,
  test: /^test\/interop\/\w+\.py$/,
};

const STEPS = {
  // First, for all that follows needs the file that carries the core.
  build: () => runScript("build", [], { cwd: ROOT }),
  "form and lint": () => node("@biomejs/biome/bin/biome", "check", "--error-on-warnings", "."),
  "form of assembly": () => node("prettier/bin/prettier.cjs", "--check", "assembly"),
  ...Object.fromEntries(
    LAYERS.map((layer) => [`types of ${layer}`, () => node("typescript/bin/tsc", "-p", `${layer}/tsconfig.json`)]),
  ),
  "package as others see it": () => node("publint/src/cli.js", "--strict"),
  "content of the package": checkContent,
  "size of the core": checkCore,
  tests: () => runScript("test", [], { cwd: ROOT, timeoutMs: 45 * 60_000 }),
};

/** One of the tools among the development dependencies. */
function node(file, ...args) {
  return runCommand(process.execPath, [`${ROOT}/node_modules/${file}`, ...args], { cwd: ROOT });
}

async function checkContent() {
  const args = ["pack", "--dry-run", "--ignore-scripts", "--json"];
  const npm = process.env.npm_execpath;
  const [program, before] = npm === undefined ? ["npm", []] : [process.execPath, [npm]];
  const packed = await runCommand(program, [...before, ...args], { cwd: ROOT });
  if (packed.outcome !== null) return packed;
  const [{ files, size, unpackedSize }] = JSON.parse(packed.output.slice(packed.output.indexOf("[\n")));
  const paths = files.map(({ path }) => path);
  const problems = [
    ...paths.filter((path) => !belongs(path)).map((path) => `${path} does not belong there`),
    ...[...PACKED_FILES, ...declarationFiles()]
      .filter((path) => !paths.includes(path))
      .map((path) => `${path} is missing`),
  ];
  if (size > TARBALL_MOST_BYTES) problems.push(`${size} bytes are more than ${TARBALL_MOST_BYTES}`);
  return told(problems, `${paths.length} files, ${size} bytes packed, ${unpackedSize} unpacked`);
}

function belongs(path) {
  return PACKED_FILES.includes(path) || PACKED_FOLDERS[path.split("/")[0]]?.test(path) === true;
}

// The types of every module: what bundles leave of the code, the tests of the package try.
function declarationFiles() {
  const sources = ["src", "adapters"].flatMap((folder) =>
    readdirSync(`${ROOT}/${folder}`, { recursive: true, encoding: "utf8" }).map((path) => `${folder}/${path}`),
  );
  const modules = sources.filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"));
  return modules.map((path) => `dist/${path.replaceAll("\\", "/").replace(/ts$/, "d.ts")}`);
}

function checkCore() {
  const { size } = statSync(`${ROOT}/build/core.wasm`);
  return told(size > CORE_MOST_BYTES ? [`${size} bytes are more than ${CORE_MOST_BYTES}`] : [], `${size} bytes`);
}

function told(problems, note) {
  const outcome = problems.length === 0 ? null : "found problems";
  return { status: problems.length === 0 ? 0 : 1, output: problems.join("\n"), seconds: 0, outcome, note };
}

const isShort = process.argv.includes("--without-tests");
const names = Object.keys(STEPS).filter((name) => name !== "tests" || !isShort);
const failed = [];
for (const name of names) {
  const started = performance.now();
  const { outcome, output, note } = await STEPS[name]();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const remark = note === undefined ? "" : `: ${note}`;
  const text = process.stdout.isTTY ? output : stripVTControlCharacters(output);
  if (outcome !== null) {
    failed.push(name);
    console.log(`${text.trimEnd()}\n✗ ${name}${remark} (${seconds} s): ${outcome}`);
    // What follows would only say it again.
    if (name === "build") break;
  } else {
    console.log(`✓ ${name}${remark} (${seconds} s)`);
    // What the tests counted is worth seeing when all is well too.
    if (name === "tests") console.log(text.trimEnd());
  }
}
if (failed.length > 0) {
  console.log(`failed: ${failed.join(", ")}`);
  process.exitCode = 1;
}
