// A program that publishes many names and prints which of them it won: for publish-race.test.ts.

import { currentRuntime } from "./current-runtime.ts";

const folder = process.argv[2] ?? "";
const count = Number(process.argv[3]);
const { files } = currentRuntime();
const mine = new TextEncoder().encode(String(process.pid).padEnd(5_000));

// All start together, when the last of them is there.
files.publish(`${folder}/ready-${process.pid}`, new Uint8Array(0), "synced");
while (files.list(folder).filter(({ name }) => name.startsWith("ready-")).length < 4)
  await currentRuntime().clock.pause();

const won: string[] = [];
for (let index = 0; index < count; index += 1) {
  if (files.publish(`${folder}/name-${index}`, mine, "synced")) won.push(`name-${index}`);
}
console.log(JSON.stringify({ pid: process.pid, won }));
