// Deno 2.

import { createHash, randomFillSync, webcrypto } from "node:crypto";
import type { Clock, NativeHashing, Runtime } from "../src/runtime.ts";
import { denoAead } from "./node-aead.ts";
import { nodeClock } from "./node-clock.ts";
import { nodeFiles } from "./node-fs.ts";
import { nodeProcesses, type ProcessPermissions } from "./node-processes.ts";
import { nodeSignatures } from "./node-signatures.ts";
import { nodeWorkers } from "./node-workers.ts";
import { portablePassphrases } from "./portable-passphrases.ts";

/** The parts of Deno's own interface that are used. */
declare const Deno: {
  readonly permissions: { querySync(wanted: Permission): { readonly state: string } };
};

type Permission = { name: "read"; path: string } | { name: "sys"; kind: "hostname" } | { name: "run" };

/** The powers of Deno, as far as its permission flags grant them. */
export function denoRuntime(): Runtime {
  return {
    description: `deno ${process.versions["deno"]} ${process.platform} ${process.arch}`,
    files: nodeFiles,
    nativeHashing: denoHashing,
    signatures: nodeSignatures,
    aead: denoAead,
    passphrases: portablePassphrases,
    clock: denoClock,
    random: (target) => void randomFillSync(target),
    processes: nodeProcesses(permissions),
    workers: nodeWorkers(),
  };
}

const NOTHING = new Uint8Array(0);
const LET_IN_MS = 100;
let letInAt = 0;

// Deno looks at sockets and other threads when it has nothing to do, else only at every 31st to 122nd turn: for a second and
// more where turns take 10 ms. A turn by setImmediate leaves it something to do. What another thread does mostly leaves it
// nothing, and takes 0.1 ms; a timer surely does, and takes 1 or 2.
const denoClock: Clock = {
  ...nodeClock,
  pause: () => {
    const now = performance.now();
    if (now - letInAt < LET_IN_MS) return webcrypto.subtle.digest("SHA-256", NOTHING).then(() => undefined);
    letInAt = now;
    return new Promise((resolve) => setTimeout(resolve, 0));
  },
};

const denoHashing: NativeHashing = {
  // Hexadecimal is what Deno's native side gives: 1.1 µs for 96 bytes, where any other form of digest takes 1.7 or more.
  sha256(source, target) {
    const digest = createHash("sha256").update(source).digest("hex");
    for (let at = 0; at < digest.length; at += 2) {
      target[at >> 1] = (hexValue(digest.charCodeAt(at)) << 4) | hexValue(digest.charCodeAt(at + 1));
    }
  },
  beatsLanesFrom: 1200,
  beatsSingleFrom: 350,
};

// Of a digit's character: 0 to 9 have the codes from 48 on, a to f those from 97 on. Without a branch, which would be
// mispredicted at every other digit.
function hexValue(code: number): number {
  return (code & 15) + 9 * (code >> 6);
}

/** Asked beforehand: on a terminal, a refusal would first show the user a prompt that they cannot place. */
const permissions: ProcessPermissions = {
  mayReadFile: (path) => isGranted({ name: "read", path }),
  mayNameHost: () => isGranted({ name: "sys", kind: "hostname" }),
  maySignal: () => isGranted({ name: "run" }),
};

function isGranted(permission: Permission): boolean {
  return Deno.permissions.querySync(permission).state === "granted";
}
