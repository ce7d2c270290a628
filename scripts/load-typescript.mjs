// Loads TypeScript on a Node that cannot by itself: node --import ./scripts/load-typescript.mjs FILE.ts
import { register } from "node:module";

register("./typescript-hooks.mjs", import.meta.url);
