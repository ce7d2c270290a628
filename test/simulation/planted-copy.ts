// A copy of the shipping code with one defect in it, as a system to simulate.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { PlantedDefect } from "./planted-defects.ts";
import type { System } from "./system.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
// One for each process: the suite runs in several runtimes at once.
const FOLDER = `${ROOT}build/planted-${process.pid}`;

/** @throws when the place of the defect is not in the code, or not just once */
export async function plant({ name, file, find, replace }: PlantedDefect): Promise<System> {
  const folder = `${FOLDER}/${name.replaceAll(/\W+/g, "-")}`;
  for (const room of ["src", "adapters"]) cpSync(`${ROOT}${room}`, `${folder}/${room}`, { recursive: true });
  // The rooms' own settings extend it.
  cpSync(`${ROOT}tsconfig.json`, `${folder}/tsconfig.json`);
  mkdirSync(`${folder}/assembly`);
  for (const constants of ["layout.ts", "control.ts"])
    cpSync(`${ROOT}assembly/${constants}`, `${folder}/assembly/${constants}`);
  const text = readFileSync(`${folder}/${file}`, "utf8");
  const [before, after, ...more] = text.split(find);
  if (before === undefined || after === undefined || more.length > 0) {
    throw new Error(`${name}: the place for it stands ${more.length + (after === undefined ? 0 : 1)} times in ${file}`);
  }
  writeFileSync(`${folder}/${file}`, before + replace + after);
  return (await import(/* @vite-ignore */ pathToFileURL(`${folder}/adapters/entry-memory.ts`).href)) as System;
}

export function removePlanted(): void {
  rmSync(FOLDER, { recursive: true, force: true });
}
