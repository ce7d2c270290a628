// Finds the runtimes that the tests run in: the two Nodes that the package promises to work on, Deno and Bun, each as
// test/runtimes/package.json pins it.
//
// Node is pinned for Linux alone. Elsewhere the Node that runs this stands in for both, and `note` says so.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { arch, platform } from "node:os";
import { fileURLToPath } from "node:url";

const MODULES = fileURLToPath(new URL("../node_modules", import.meta.url));
const MACHINE = `${platform()}-${arch()}`;
const SUFFIX = platform() === "win32" ? ".exe" : "";

/** The names that `findRuntimes` knows. */
export const RUNTIME_NAMES = ["node", "deno", "bun"];

/**
 * The installed runtimes of these names, as `{ name, version, binary, args, note }`: `args` go before a file to run, and
 * `note` is what there is to say of the choice, or `null`.
 */
export function findRuntimes(names = RUNTIME_NAMES) {
  return names.flatMap((name) => FINDERS[name]());
}

const FINDERS = {
  node: () => {
    const pinned = ["oldest", "current"].map((which) => `${MODULES}/node-${which}-${MACHINE}/bin/node`);
    if (pinned.every((path) => existsSync(path))) return pinned.map((path) => described("node", [path], []));
    const note = `no Node is pinned for ${MACHINE}: this one stands in for the oldest and the current`;
    return [{ ...described("node", [process.execPath], []), note }];
  },
  deno: () => [
    described(
      "deno",
      [`${MODULES}/@deno/${MACHINE}-glibc/deno`, `${MODULES}/@deno/${MACHINE}/deno${SUFFIX}`, `${MODULES}/.bin/deno`],
      ["run", "-A"],
    ),
  ],
  // bun's install script moves the binary of this platform to where bun.exe is, on every platform.
  bun: () => [
    described(
      "bun",
      [`${MODULES}/bun/bin/bun.exe`, `${MODULES}/@oven/bun-${MACHINE}/bin/bun${SUFFIX}`, `${MODULES}/.bin/bun`],
      [],
    ),
  ],
};

function described(name, paths, args) {
  for (const binary of paths.filter((path) => existsSync(path))) {
    const version = versionOf(name, binary);
    if (version !== null) return { name, version, binary, args, note: null };
  }
  throw new Error(`${name} is not installed here: run npm ci`);
}

// The placeholder that a skipped install script leaves behind does not answer.
function versionOf(name, binary) {
  const expression = `${name === "deno" ? "Deno.version.deno" : `process.versions.${name}`}`;
  const args = name === "deno" ? ["eval", `console.log(${expression})`] : ["-e", `console.log(${expression})`];
  try {
    return execFileSync(binary, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return null;
  }
}
