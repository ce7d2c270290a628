// Makes the checkpoints of the segment that is being written. They are written only for records that are synced, and
// synced themselves when somebody is to rely on them. Failing to write one costs an anchor, so only who asked is told.

import { checkpointMessage } from "../../crypto/checkpoint-note.ts";
import { KEY_NAME } from "../../crypto/public-key.ts";
import type { Signer, Verifier } from "../../crypto/signer.ts";
import { StorageError } from "../../errors.ts";
import {
  type CheckpointEntry,
  checkpointEntryAt,
  encodeCheckpointEntry,
  encodeCheckpointHeader,
} from "../../format/checkpoint-file.ts";
import type { Clock, RuntimeFile } from "../../runtime.ts";
import { crc32 } from "../../wasm/hashing-core.ts";
import { CheckpointEntries, claimOf } from "../segments/checkpoint-file.ts";
import type { Segment } from "../segments/segment.ts";
import { timeNotBefore } from "../segments/stored-time.ts";
import type { StreamEnd } from "../segments/stream-end.ts";
import type { SyncSteps } from "../segments/sync-steps.ts";
import { writeWhole } from "../segments/write-whole.ts";

/** What is decided about checkpoints when a log is opened. */
export interface CheckpointSettings {
  /** One is made when so many records have been synced since the last. */
  readonly every: number;
  /** `null`: they are not signed. */
  readonly signer: Signer | null;
  /** The keys that readers trust; without any, all checkpoints count. */
  readonly verifiers: readonly Verifier[];
}

/** The end of what is synced, and the time of its last record, µs. */
export interface SyncedEnd extends Pick<StreamEnd, "position" | "offset" | "head"> {
  readonly timestamp: number;
}

export class CheckpointWriter {
  readonly #settings: CheckpointSettings;
  readonly #segment: Segment;
  readonly #clock: Clock;
  readonly #file: RuntimeFile;
  // Where the next entry goes: behind the last good one.
  #count = 0;
  #last: CheckpointEntry | null = null;
  // Whether this process has written the header and the last entry. What others have left may never have been synced.
  #isOwn = false;
  // Whether the file holds what no sync has covered.
  #unsynced = false;
  #syncing: Promise<void> | null = null;
  // Calls of `sync` that have not ended: the file is theirs too.
  #waiting = 0;
  #closed = false;

  /** Takes over the checkpoint file of a segment, whose name must be durable. */
  constructor(settings: CheckpointSettings, segment: Segment, file: RuntimeFile, clock: Clock) {
    this.#settings = settings;
    this.#segment = segment;
    this.#clock = clock;
    this.#file = file;
    if (file.size() > 0) this.#takeStock();
  }

  // What a crash left behind the last good entry is written over.
  #takeStock(): void {
    const entries = new CheckpointEntries(this.#file, this.#segment.header);
    const last = entries.last();
    this.#count = last === null ? entries.count : last.index + 1;
    this.#last = last?.entry ?? null;
  }

  /** Whether so many records are synced since the last checkpoint that one is due. */
  isDue({ offset }: SyncedEnd): boolean {
    return offset - (this.#last?.nextOffset ?? this.#segment.header.firstOffset) >= this.#settings.every;
  }

  /**
   * The checkpoint of what is synced, written to the file unless this process has done so already.
   *
   * @throws {StorageError} when it cannot be written; the next one takes its place
   */
  make(end: SyncedEnd): CheckpointEntry {
    if (this.#last !== null && this.#isOwn && this.#isCheckpointOf(this.#last, end)) return this.#last;
    const timestamp = timeNotBefore(this.#clock, Math.max(end.timestamp, this.#last?.timestamp ?? 0));
    const unsigned = { nextOffset: end.offset, position: end.position, head: end.head, timestamp, signed: null };
    const entry = { ...unsigned, signed: this.#sign(unsigned) };
    const { header } = this.#segment;
    this.#unsynced = true;
    if (!this.#isOwn) writeWhole(this.#file, encodeCheckpointHeader(header, crc32), 0);
    writeWhole(this.#file, encodeCheckpointEntry(entry, header, crc32), checkpointEntryAt(this.#count));
    this.#isOwn = true;
    this.#count++;
    this.#last = entry;
    return entry;
  }

  /** The same where nobody asked for it: any that is there will do, and a failure of the disk is passed over. */
  makeQuietly(end: SyncedEnd): void {
    if (this.#last !== null && this.#isCheckpointOf(this.#last, end)) return;
    try {
      this.make(end);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
    }
  }

  /** Makes durable what was made before the call. */
  async sync(): Promise<void> {
    this.#waiting++;
    try {
      while (this.#syncing !== null) await this.#syncing;
      if (this.#unsynced) await this.#startSync();
    } finally {
      this.#waiting--;
      this.#closeIfFree();
    }
  }

  #startSync(): Promise<void> {
    this.#unsynced = false;
    this.#syncing = this.#file
      .sync()
      .catch((error: unknown) => {
        this.#forgetSync();
        throw error;
      })
      .finally(() => {
        this.#syncing = null;
      });
    return this.#syncing;
  }

  /** Ends the checkpoints of a segment that is synced and ends here. Does not fail: it would only cost anchors. */
  *seal(end: SyncedEnd): SyncSteps {
    if (end.offset > this.#segment.header.firstOffset) this.makeQuietly(end);
    if (!this.#unsynced || this.#syncing !== null) return;
    this.#unsynced = false;
    const tellEnd = this.#announceSync();
    try {
      yield this.#file;
      tellEnd(null);
    } catch (error) {
      this.#forgetSync();
      tellEnd({ error });
      if (!(error instanceof StorageError)) throw error;
    }
  }

  // Whoever wants the last checkpoint durable meanwhile waits for this sync, and fails with it.
  #announceSync(): (failed: { readonly error: unknown } | null) => void {
    let tell: (failed: { readonly error: unknown } | null) => void = () => undefined;
    const synced = new Promise<void>((resolve, reject) => {
      tell = (failed) => {
        this.#syncing = null;
        if (failed === null) resolve();
        else reject(failed.error);
      };
    });
    synced.catch(() => undefined);
    this.#syncing = synced;
    return tell;
  }

  /** Lets go of the file, once no sync of it is in flight. */
  close(): void {
    this.#closed = true;
    this.#closeIfFree();
  }

  #closeIfFree(): void {
    if (this.#closed && this.#waiting === 0) this.#file.close();
  }

  // Nobody knows what of the file is on the disk, and later syncs will not tell. What is made from now on is written
  // anew, with the header that it cannot be used without.
  #forgetSync(): void {
    this.#isOwn = false;
    this.#last = null;
  }

  #sign(entry: CheckpointEntry): CheckpointEntry["signed"] {
    const { signer } = this.#settings;
    if (signer === null) return null;
    const signature = signer.sign(checkpointMessage(claimOf(entry, this.#segment.header)));
    return { keyId: signer.publicKey.idUnder(KEY_NAME), signature };
  }

  // One that lay in the file may have been put there by anybody. For each text and key there is one signature that a
  // signer makes.
  #isCheckpointOf(entry: CheckpointEntry, end: SyncedEnd): boolean {
    if (entry.nextOffset !== end.offset || !isSame(entry.head, end.head)) return false;
    const { signer } = this.#settings;
    return signer === null || (entry.signed !== null && isSame(entry.signed.signature, this.#sign(entry)?.signature));
  }
}

function isSame(one: Uint8Array, other: Uint8Array | undefined): boolean {
  return one.every((byte, at) => byte === other?.[at]);
}
