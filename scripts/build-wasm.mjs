// Compiles assembly/ and puts the binary, as text, where the package can carry it: src/wasm/core.wasm.ts.
// Text, because only that loads synchronously and without permissions on every runtime, bundler and browser.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import asc from "assemblyscript/asc";

mkdirSync("build", { recursive: true });
for (const target of process.argv.includes("--release-only") ? ["release"] : ["release", "debug"]) {
  const { error, stderr } = await asc.main(["--target", target]);
  if (error) {
    console.error(stderr.toString());
    process.exit(1);
  }
}

const binary = readFileSync("build/core.wasm");
const header = "// Made by scripts/build-wasm.mjs from assembly/. Not edited, not committed.\n";
writeFileSync("src/wasm/core.wasm.ts", `${header}export const coreBase64: string = "${binary.toString("base64")}";\n`);
console.log(`core: ${binary.length} bytes of WebAssembly`);
