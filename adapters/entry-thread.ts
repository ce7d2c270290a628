// The program of a thread that works for the package, on whichever runtime runs it.
import { serveVerify } from "../src/log/verification/verify-thread.ts";
import type { Runtime } from "../src/runtime.ts";
import { nodeThreadPort } from "./node-thread-port.ts";

async function chooseRuntime(): Promise<Runtime> {
  if ("Deno" in globalThis) return (await import("./deno.ts")).denoRuntime();
  if ("Bun" in globalThis) return (await import("./bun.ts")).bunRuntime();
  return (await import("./node.ts")).nodeRuntime();
}

const port = nodeThreadPort();
// Not awaited: it ends with the thread, and Deno lets go of less when a module is still being evaluated then.
if (port !== null) void chooseRuntime().then((runtime) => serveVerify(runtime, port));
