// Runs a command and shows what it says only when it fails: node scripts/quietly.mjs npm run build
import { spawn } from "node:child_process";

const [command, ...args] = process.argv.slice(2);
if (command === undefined) {
  console.error("usage: node scripts/quietly.mjs COMMAND [ARGUMENT…]");
  process.exit(2);
}

// npm is a script on Windows, which only a shell starts.
const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], shell: process.platform === "win32" });
const said = [];
child.stdout.on("data", (chunk) => said.push(chunk));
child.stderr.on("data", (chunk) => said.push(chunk));

if (process.stderr.isTTY) process.stderr.write(`${[command, ...args].join(" ")} …`);
const failure = await new Promise((resolve) => {
  child.on("error", (error) => resolve({ status: 127, reason: error.message }));
  child.on("close", (code, signal) => {
    resolve(code === 0 ? null : { status: code ?? 1, reason: signal === null ? `status ${code}` : signal });
  });
});
if (process.stderr.isTTY) process.stderr.write("\r\u001b[2K");

if (failure !== null) {
  process.stderr.write(Buffer.concat(said));
  console.error(`${[command, ...args].join(" ")} failed: ${failure.reason}`);
  process.exitCode = failure.status;
}
