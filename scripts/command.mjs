// Runs one command to its end and keeps what it says. Nothing that it started outlives it, nor this process.
import { spawn } from "node:child_process";

const running = new Set();

/**
 * Runs a program and answers `{ status, output, seconds, outcome }`. `outcome` is `null` when it ended with status 0, else
 * says how it ended.
 */
export function runCommand(program, args, { env = {}, timeoutMs = 600_000, cwd } = {}) {
  const started = performance.now();
  const chunks = [];
  // In a group of its own, so that the processes it starts can be ended with it.
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    detached: process.platform !== "win32",
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  child.stdout.on("data", (chunk) => chunks.push(chunk));
  child.stderr.on("data", (chunk) => chunks.push(chunk));

  return new Promise((resolve) => {
    let hung = false;
    const timer = setTimeout(() => {
      hung = true;
      endGroup(child);
    }, timeoutMs);
    const settle = (status, outcome) => {
      clearTimeout(timer);
      running.delete(child);
      const seconds = (performance.now() - started) / 1000;
      resolve({ status, output: Buffer.concat(chunks).toString(), seconds, outcome });
    };
    child.on("error", (error) => settle(127, error.message));
    // What it left running holds its output open, and would keep "close" from ever coming.
    child.on("exit", () => endGroup(child));
    child.on("close", (status, signal) => {
      if (hung) settle(124, `was ended after ${timeoutMs / 1000} s`);
      else if (status === 0) settle(0, null);
      else settle(status ?? 1, signal === null ? `ended with status ${status}` : `ended by ${signal}`);
    });
  });
}

/** Runs one of package.json's scripts, with the npm that runs this where there is one. */
export function runScript(name, args = [], options = {}) {
  const npm = process.env.npm_execpath;
  const rest = ["run", name, "--", ...args];
  return npm === undefined ? runCommand("npm", rest, options) : runCommand(process.execPath, [npm, ...rest], options);
}

function endGroup(child) {
  try {
    if (process.platform === "win32") child.kill("SIGKILL");
    else process.kill(-child.pid, "SIGKILL");
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

// Groups of their own do not get the terminal's Ctrl-C.
for (const [signal, status] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
]) {
  process.once(signal, () => {
    for (const child of running) endGroup(child);
    process.exit(status);
  });
}
