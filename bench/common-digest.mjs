// Holds what contenders have stored against each other.
import { digestOf } from "./workload.mjs";

/** The digest of what contenders, `{ name, contender, folder }` each, have stored; it must be the same for all. */
export async function commonDigest(entered) {
  let common = null;
  for (const { name, contender, folder } of entered) {
    const digest = await digestOf(contender.payloads(folder));
    common ??= digest;
    if (digest !== common) throw new Error(`${name} has stored ${digest}, ${entered[0].name} ${common}`);
  }
  return common;
}
