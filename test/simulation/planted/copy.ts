// A copy of the shipping code with one defect in it, as a system to simulate.
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { System } from "../system.ts";
import type { PlantedDefect } from "./defect.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const ROOMS = ["src", "adapters", "assembly"];

/** @throws when the place of the defect is not in the code, or not just once */
export async function plant({ name, file, find, replace }: PlantedDefect): Promise<System> {
  const text = readFileSync(`${ROOT}${file}`, "utf8");
  const [before, after, ...more] = text.split(find);
  if (before === undefined || after === undefined || more.length > 0) {
    throw new Error(`${name}: the place for it stands ${more.length + (after === undefined ? 0 : 1)} times in ${file}`);
  }
  const folder = `${folderOf(process.pid)}/${name.replaceAll(/\W+/g, "-")}`;
  for (const room of ROOMS) link(room, folder, file);
  // The rooms' own settings extend it.
  linkSync(`${ROOT}tsconfig.json`, `${folder}/tsconfig.json`);
  writeFileSync(`${folder}/${file}`, before + replace + after, { flag: "wx" });
  return (await import(/* @vite-ignore */ pathToFileURL(`${folder}/adapters/entry-memory.ts`).href)) as System;
}

// Linked, which is faster than copied: all but the file that will be another one.
function link(room: string, folder: string, except: string): void {
  mkdirSync(`${folder}/${room}`, { recursive: true });
  for (const entry of readdirSync(`${ROOT}${room}`, { withFileTypes: true })) {
    const path = `${room}/${entry.name}`;
    if (entry.isDirectory()) link(path, folder, except);
    else if (path !== except) linkSync(`${ROOT}${path}`, `${folder}/${path}`);
  }
}

/** Removes what a process has planted. */
export function removePlanted(pid: number): void {
  rmSync(folderOf(pid), { recursive: true, force: true });
}

// One for each process: several may be planting at once.
function folderOf(pid: number): string {
  return `${ROOT}build/planted-${pid}`;
}
