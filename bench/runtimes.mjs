// Finds the runtimes to measure: the Node that runs this, and Deno and Bun as they were installed beside it.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const MODULES = fileURLToPath(new URL("../node_modules", import.meta.url));
const SUFFIX = process.platform === "win32" ? ".exe" : "";

/** `{ name, path, args }` of each runtime that was asked for. */
export function findRuntimes(names) {
  return names.map((name) => ({ name, path: FINDERS[name](), args: name === "deno" ? ["run", "-A"] : [] }));
}

const FINDERS = {
  node: () => process.execPath,
  deno: () => firstThatRuns("deno", inPackages("@deno", `deno${SUFFIX}`)),
  // bun's install script moves the binary of its platform into its own package.
  bun: () => firstThatRuns("bun", [...inPackages("@oven", `bin/bun${SUFFIX}`), `${MODULES}/bun/bin/bun.exe`]),
};

function inPackages(scope, file) {
  const folder = `${MODULES}/${scope}`;
  return existsSync(folder) ? readdirSync(folder).map((name) => `${folder}/${name}/${file}`) : [];
}

// A package may be for another C library or processor.
function firstThatRuns(name, paths) {
  const found = paths.find((path) => existsSync(path) && spawnSync(path, ["--version"]).status === 0);
  if (found === undefined) throw new Error(`${name} is not installed: npm ci, or leave it out with --runtime`);
  return found;
}
