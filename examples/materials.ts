// What goes into the bill of materials: the packages of a package-lock.json, or the lines of any file.
import { open, readFile } from "node:fs/promises";

/** Something to make records of. It can be gone through more than once. */
export interface Source {
  readonly title: string;
  /** Name of the stream that the records go to. */
  readonly stream: string;
  batches(): AsyncIterable<(Uint8Array | object)[]>;
}

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dev?: boolean;
}

/** One JSON record for each package that npm has locked. */
export async function packagesIn(lockFile: string): Promise<Source> {
  const lock = JSON.parse(await readFile(lockFile, "utf8")) as { packages: Record<string, LockedPackage> };
  const packages = Object.entries(lock.packages)
    .filter(([path]) => path.includes("node_modules/"))
    .map(([path, { version, resolved, integrity, license, dev }]) => {
      const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
      return { name, version, license, dev, path, resolved, integrity };
    });
  return {
    title: `${packages.length} packages of ${lockFile}`,
    stream: "packages",
    batches: async function* () {
      for (let at = 0; at < packages.length; at += BATCH_LINES) yield packages.slice(at, at + BATCH_LINES);
    },
  };
}

const BATCH_LINES = 1000;
const CHUNK_BYTES = 256 << 10;
const NEWLINE = 10;

/** One record for each line, as the bytes between two \n: no file is too long, and it need not be text. */
export function linesIn(path: string): Source {
  return { title: `the lines of ${path}`, stream: "lines", batches: () => lineBatches(path) };
}

async function* lineBatches(path: string): AsyncGenerator<Uint8Array[]> {
  const file = await open(path);
  try {
    let rest: Uint8Array[] = [];
    let batch: Uint8Array[] = [];
    for (;;) {
      const chunk = new Uint8Array(CHUNK_BYTES);
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, null);
      if (bytesRead === 0) break;
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0 && end < bytesRead; end = chunk.indexOf(NEWLINE, start)) {
        const line = chunk.subarray(start, end);
        batch.push(rest.length === 0 ? line : Buffer.concat([...rest, line]));
        rest = [];
        start = end + 1;
        if (batch.length === BATCH_LINES) {
          yield batch;
          batch = [];
        }
      }
      if (start < bytesRead) rest.push(chunk.subarray(start, bytesRead));
      if (batch.length > 0) yield batch;
      batch = [];
    }
    if (rest.length > 0) yield [Buffer.concat(rest)];
  } finally {
    await file.close();
  }
}
