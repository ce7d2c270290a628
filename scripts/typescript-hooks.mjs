// Puts a module of TypeScript into the JavaScript that Node 20 knows, while it is loaded. Runs on a thread of its own, as
// Node wants it.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { transformSync } from "rolldown/utils";

const TARGET = "node20";
// What the transformed code imports for `await using`, and what stands in for it.
const USING = "@oxc-project/runtime/helpers/usingCtx";
const OWN_USING = new URL("await-using.mjs", import.meta.url).href;

export function resolve(specifier, context, next) {
  return specifier === USING ? { url: OWN_USING, shortCircuit: true } : next(specifier, context);
}

export function load(url, context, next) {
  const { protocol, pathname } = new URL(url);
  if (protocol !== "file:" || !pathname.endsWith(".ts")) return next(url, context);
  const path = fileURLToPath(url);
  const options = { target: TARGET, sourceType: "module" };
  const { code, errors } = transformSync(path, readFileSync(path, "utf8"), options);
  if (errors.length > 0) throw new SyntaxError(errors.map(({ message }) => message).join("\n"));
  return { format: "module", source: code, shortCircuit: true };
}
