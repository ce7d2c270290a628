// Who imports whom, read from source text. Knows the forms that this repository writes: static imports and re-exports
// at the start of a line, and import() of a literal.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";

/** Source text by path from the root of the repository. */
export type Tree = ReadonlyMap<string, string>;

/** One import. `target` is a path of the tree where there is one, else what the import says. */
export interface Edge {
  readonly source: string;
  readonly target: string;
  /** Erased when compiled: `import type` and `export type`. A list of single `type` names stays, and runs its file. */
  readonly isTypeOnly: boolean;
}

const ROOT = new URL("../", import.meta.url);

/** All TypeScript of some folders. A generated file is only a name in it. */
export function readTree(folders: readonly string[], generated: string): Tree {
  const tree = new Map([[generated, ""]]);
  for (const folder of folders) {
    for (const path of readdirSync(new URL(folder, ROOT), { recursive: true, encoding: "utf8" })) {
      const file = `${folder}/${path.replaceAll("\\", "/")}`;
      if (file.endsWith(".ts") && file !== generated) tree.set(file, readFileSync(new URL(file, ROOT), "utf8"));
    }
  }
  return tree;
}

export function rootPath(path: string): string {
  return fileURLToPath(new URL(path, ROOT));
}

export function exists(path: string): boolean {
  return existsSync(new URL(path, ROOT));
}

const TOKENS = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;

/** The text without its comments; strings stay. */
export function withoutComments(text: string): string {
  return text.replace(TOKENS, (token) => (token.startsWith("/") ? " " : token));
}

const STATIC = /^(?:import|export)\s+(type\s+(?![,=]))?(?:[\w\s{},*$]*?\bfrom\s*)?"([^"\n]+)"/gm;
const DYNAMIC = /\bimport\(\s*"([^"\n]+)"\s*\)/g;

export function edgesOf(tree: Tree): Edge[] {
  const edges: Edge[] = [];
  for (const [source, text] of tree) {
    const code = withoutComments(text);
    const add = (specifier: string, isTypeOnly: boolean) => {
      edges.push({ source, target: resolve(source, specifier, tree), isTypeOnly });
    };
    for (const [, type, specifier] of code.matchAll(STATIC)) add(specifier as string, type !== undefined);
    for (const [, specifier] of code.matchAll(DYNAMIC)) add(specifier as string, false);
  }
  return edges;
}

// AssemblyScript leaves the extension out.
function resolve(source: string, specifier: string, tree: Tree): string {
  if (!specifier.startsWith(".")) return specifier;
  const path = posix.join(posix.dirname(source), specifier);
  return tree.has(path) ? path : `${path}.ts`;
}

/** Cycles along these edges, each as the files on it. One cycle of each knot is enough to fail. */
export function findCycles(edges: readonly Edge[]): string[][] {
  const targets = grouped(edges);
  const cycles: string[][] = [];
  const done = new Set<string>();
  const visit = (file: string, path: string[]) => {
    const start = path.indexOf(file);
    if (start >= 0) cycles.push([...path.slice(start), file]);
    if (start >= 0 || done.has(file)) return;
    for (const { target } of targets.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const { source } of edges) visit(source, []);
  return cycles;
}

function grouped(edges: readonly Edge[]): Map<string, Edge[]> {
  const groups = new Map<string, Edge[]>();
  for (const edge of edges) groups.set(edge.source, [...(groups.get(edge.source) ?? []), edge]);
  return groups;
}

/** Files of the tree that no path of imports leads to. */
export function findUnreached(tree: Tree, entries: readonly string[]): string[] {
  const edges = grouped(edgesOf(tree));
  const reached = new Set<string>();
  const waiting = [...entries];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (reached.has(file)) continue;
    reached.add(file);
    waiting.push(...(edges.get(file) ?? []).map(({ target }) => target));
  }
  return [...tree.keys()].filter((file) => !reached.has(file));
}
