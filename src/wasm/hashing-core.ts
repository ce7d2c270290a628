// An instance for hashing single messages from outside: its arena is free at all times.
import { Core } from "./core.ts";

let core: Core | undefined;

export function hashingCore(): Core {
  core ??= new Core();
  return core;
}
