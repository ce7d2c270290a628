// All suites. Each has a name, a title, what is synced in it, and `run(env)`, which promises the rows of its table:
//
//   env.libraries   builds of the package, `{ name, openLog, entry }`; ours first, then those to compare it with.
//                   `entry` is a URL that another process can import, or null
//   env.effort      "full", "quick" or "tiny"
//   env.rounds      `{ rounds }` to override how often, or `{}`
//   env.directory   a folder to work in
//   env.execute     `{ path, args }`: what runs a file on this runtime
//   env.progress    told what is done
import { appendSynced, appendUnsynced } from "./suites/append.mjs";
import { appendEncrypted, encrypt } from "./suites/encrypt.mjs";
import { eventLoop } from "./suites/event-loop.mjs";
import { footprint } from "./suites/footprint.mjs";
import { get } from "./suites/get.mjs";
import { groupCommit } from "./suites/group-commit.mjs";
import { open } from "./suites/open.mjs";
import { read } from "./suites/read.mjs";
import { verify } from "./suites/verify.mjs";

export const suites = [
  appendUnsynced,
  appendSynced,
  groupCommit,
  eventLoop,
  encrypt,
  appendEncrypted,
  read,
  verify,
  get,
  open,
  footprint,
];
