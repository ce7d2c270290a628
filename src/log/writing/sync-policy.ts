// When appends are made durable: what a caller chooses, and the properties that the writer goes by.

/**
 * When an append resolves, and how many appends one sync may pay for.
 *
 * - `"everyRecord"`: when it is synced, alone: the next append is written only after that. At most one append can ever be
 *   lost, and it was not acknowledged. The slowest.
 * - `"everyBatch"`: when it is synced. A sync begins at once; what is appended while it runs shares the next.
 * - `{ groupCommit }`: when it is synced. The sync waits for company, up to a bound: fewer syncs, later answers.
 * - `"onFlush"`: at once. Its records are written at the latest in the program's next turn of its event loop and durable
 *   when a later `flush()` or `close()` has resolved.
 */
export type SyncPolicy = "everyRecord" | "everyBatch" | "onFlush" | { readonly groupCommit: GroupCommit };

export interface GroupCommit {
  /** How long the first append of a group waits for others before its sync begins, ms. */
  readonly maxDelayMs: number;
  /** The sync begins earlier when this many appends wait for it. Default 64. */
  readonly maxAppends?: number;
}

/** What a policy means to the writer. */
export interface SyncRule {
  /** Whether an append resolves only when it is durable. */
  readonly resolvesDurable: boolean;
  /** Whether several appends may become durable by one sync. */
  readonly sharesSyncs: boolean;
  /** How long and for how many appends a sync is put off. */
  readonly gather: GatherLimits;
}

export interface GatherLimits {
  readonly delayMs: number;
  readonly appends: number;
}

const AT_ONCE: GatherLimits = { delayMs: 0, appends: 1 };
const DEFAULT_GROUP_APPENDS = 64;

export const SYNC_RULES: { readonly [P in Extract<SyncPolicy, string>]: SyncRule } = {
  everyBatch: { resolvesDurable: true, sharesSyncs: true, gather: AT_ONCE },
  everyRecord: { resolvesDurable: true, sharesSyncs: false, gather: AT_ONCE },
  onFlush: { resolvesDurable: false, sharesSyncs: true, gather: AT_ONCE },
};

export function groupCommitRule({ maxDelayMs, maxAppends = DEFAULT_GROUP_APPENDS }: GroupCommit): SyncRule {
  return { resolvesDurable: true, sharesSyncs: true, gather: { delayMs: maxDelayMs, appends: maxAppends } };
}
