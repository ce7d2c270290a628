// Makes dist, the code that ships: tsc compiles the sources, then what belongs to one entry becomes one file, and what
// several share a few more, since a runtime takes its time over each module that it has to find and load. Packages stay
// imports. Types stay as tsc leaves them in dist.
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const COMPILED = `${ROOT}build/js/`;
const TSC = `${ROOT}node_modules/typescript/bin/tsc`;

for (const folder of [COMPILED, `${ROOT}dist`]) rmSync(folder, { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [TSC, "-p", `${ROOT}tsconfig.build.json`], { stdio: "inherit" });
if (status !== 0) process.exit(1);

const entries = [...packageEntries(), "examples/bill-of-materials"];
const bundle = await rolldown({
  cwd: ROOT,
  platform: "neutral",
  input: Object.fromEntries(entries.map((entry) => [entry, `${COMPILED}${entry}.js`])),
  external: (id) => !id.startsWith(".") && !id.startsWith(COMPILED),
  plugins: [{ name: "source-maps", load: loadWithMap }],
  onLog(level, { message }) {
    if (level === "warn") throw new Error(message);
  },
});
await bundle.write({
  dir: `${ROOT}dist`,
  format: "esm",
  // A thread's program is looked for beside the file that starts it.
  chunkFileNames: "adapters/shared-[name].js",
  comments: false,
  sourcemap: true,
  sourcemapExcludeSources: true,
});

/** The modules that package.json points at, without extensions. */
function packageEntries() {
  const { exports, bin } = JSON.parse(readFileSync(`${ROOT}package.json`, "utf8"));
  const paths = [exports, bin].flatMap(stringsIn).filter((path) => path.endsWith(".js"));
  return [...new Set(paths)].map((path) => path.replace(/^\.\/dist\/(.*)\.js$/, "$1"));
}

function stringsIn(value) {
  return typeof value === "string" ? [value] : Object.values(value).flatMap(stringsIn);
}

// So that the maps that ship lead to the TypeScript.
function loadWithMap(path) {
  return { code: readFileSync(path, "utf8"), map: readFileSync(`${path}.map`, "utf8") };
}
