// From paths to what is there, in memory: `/` separates, links in the middle of a path are followed as systems do.

import { failure } from "../src/errors.ts";
import type { MemoryFolder, MemoryNode } from "./memory-tree.ts";

/** Where systems give up on links that lead to links. */
const MAX_LINKS = 40;

/** A name in a folder that exists; the name itself may not. */
export interface Place {
  readonly folder: MemoryFolder;
  readonly name: string;
}

/** The absolute form of a path; the working folder is `/`. */
export function absolutePath(path: string): string {
  return `/${namesIn(path).join("/")}`;
}

/** What is at a path, or `null`. The last part is not followed when it is a link. */
export function nodeAt(root: MemoryFolder, path: string, operation: string): MemoryNode | null {
  const names = namesIn(path);
  const name = names.pop();
  if (name === undefined) return root;
  return folderBehind(root, names, { path, operation, links: 0 }).get(name) ?? null;
}

/** The path of what is at a path, when its last part is a link the path of what that leads to. */
export function pathBehindLinks(root: MemoryFolder, path: string, operation: string): string {
  let at = absolutePath(path);
  const search = { path, operation, links: 0 };
  for (;;) {
    const names = namesIn(at);
    const name = names.pop();
    if (name === undefined) return at;
    const node = folderBehind(root, names, search).get(name);
    if (node === undefined) throw failure("FILE_NOT_FOUND", { path });
    if (node.kind !== "link") return at;
    countLink(search);
    at = absolutePath(targetOf(node.target, names));
  }
}

/** Where a path's last name belongs. Throws when its folder is not there or is not one. */
export function placeOf(root: MemoryFolder, path: string, operation: string): Place {
  const names = namesIn(path);
  const name = names.pop() ?? "";
  return { folder: folderBehind(root, names, { path, operation, links: 0 }), name };
}

/** The folder at a path, through links. */
export function folderAt(root: MemoryFolder, path: string, operation: string): MemoryFolder {
  return folderBehind(root, namesIn(path), { path, operation, links: 0 });
}

/** What was asked for, to be named in errors, and how many links were followed for it so far. */
interface Search {
  readonly path: string;
  readonly operation: string;
  links: number;
}

function namesIn(path: string): string[] {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return names;
}

function folderBehind(root: MemoryFolder, names: readonly string[], search: Search): MemoryFolder {
  let folder = root;
  for (const [depth, name] of names.entries()) {
    const node = folder.get(name);
    if (node === undefined) throw failure("FILE_NOT_FOUND", { path: search.path });
    if (node.kind === "folder") folder = node;
    else if (node.kind === "link") folder = folderBehindLink(root, node.target, names.slice(0, depth), search);
    else throw refusal(search, "a part of the path is not a folder");
  }
  return folder;
}

function folderBehindLink(root: MemoryFolder, target: string, from: string[], search: Search): MemoryFolder {
  countLink(search);
  return folderBehind(root, namesIn(targetOf(target, from)), search);
}

function countLink(search: Search): void {
  search.links += 1;
  if (search.links > MAX_LINKS) throw refusal(search, "too many links lead to links");
}

// A link's target counts from the folder that the link is in.
function targetOf(target: string, folder: readonly string[]): string {
  return target.startsWith("/") ? target : `/${folder.join("/")}/${target}`;
}

function refusal({ path, operation }: Search, reason: string): Error {
  return failure("IO_FAILED", { path, operation, reason });
}
