// What Diatreme needs of the program that hosts it, and nothing else. A runtime is a value that is passed in:
// two of them can work side by side in one process. Whoever implements one is held to test/contract/.

/** A runtime: the powers that the log cannot have from the language alone. */
export interface Runtime {
  /** Name, version and platform, for reports only: `"node 24.21.0 linux x64"`. Code never decides by it. */
  readonly description: string;
  readonly files: Files;
  /** SHA-256 by the runtime; `null` where it has none. */
  readonly nativeHashing: NativeHashing | null;
  /** AES-256-GCM; `null` where there is none: then nothing can be encrypted, and nothing that is encrypted be read. */
  readonly aead: Aead | null;
  /** Keys out of passphrases; `null` where there is no such thing. */
  readonly passphrases: Passphrases | null;
  /** Ed25519; `null` where there is none: then nothing can be signed, and no signature be checked. */
  readonly signatures: Signatures | null;
  readonly clock: Clock;
  /** Fills `target` with cryptographically secure random bytes. */
  readonly random: (target: Uint8Array) => void;
  readonly processes: Processes;
  /** Threads; `null` where there are none. */
  readonly workers: Workers | null;
}

/**
 * A file system. Paths use `/`; a folder's path has no slash at its end.
 *
 * Every failure is thrown as a `StorageError` whose code is one of `FILE_NOT_FOUND`, `FILE_EXISTS`,
 * `FILE_NOT_REGULAR`, `FILE_TOO_LARGE`, `ACCESS_DENIED`, `NO_SPACE`, `TOO_MANY_OPEN_FILES`, `SYNC_FAILED`, `IO_FAILED`, with
 * the native error as `cause`.
 */
export interface Files {
  /** The absolute form of a path, so that a later change of the working folder changes nothing. */
  resolve(path: string): string;
  /** Where a path leads whose last part may be a link, to a link maybe; without one the same place. */
  followLinks(path: string): string;
  /** Makes a folder whose parent exists. `false` when a folder is there already (one behind a link counts). */
  makeFolder(path: string): boolean;
  /** What a folder holds, sorted by name in code unit order. Links are named as links, never followed. */
  list(path: string): FolderEntry[];
  /** What is at a path, or `null`. The last part of the path is not followed when it is a link. */
  kind(path: string): EntryKind | null;
  /**
   * Opens a regular file. A link or a special file at `path` is refused with `FILE_NOT_REGULAR` and never touched:
   * the call does not wait for a pipe's other end.
   *
   * `"read"` and `"write"` (which also reads) want the file to exist; `"create"` wants it not to and makes it empty,
   * for reading and writing.
   */
  open(path: string, access: FileAccess): RuntimeFile;
  /**
   * Opens a file like `open(path, "read")`, for reading past the system's cache: what is read neither comes from there
   * nor pushes anything out. `null` where the system or the file system cannot do that.
   *
   * @param staging - whole pages of memory that each read may use; nothing is kept there between reads
   */
  openDirect(path: string, staging: Uint8Array): RuntimeFile | null;
  /**
   * Makes a file with these bytes, whole or not at all, even if the process dies in between. `"synced"` bytes survive
   * power loss, `"cached"` ones need not, and the name does only when its folder is synced. `false`, and nothing
   * changed, when something is at `path` already. Of several processes that try at once exactly one gets `true`.
   */
  publish(path: string, bytes: Uint8Array, durability: "synced" | "cached"): boolean;
  /** The bytes of a small regular file; `FILE_TOO_LARGE` is thrown when it has more than `limit`. */
  readSmall(path: string, limit: number): Uint8Array;
  /** Renames a file; what was at `to` is replaced in one step. */
  rename(from: string, to: string): void;
  /** Removes a file. `false` when there was none. */
  remove(path: string): boolean;
  /** What makes a folder's names durable: files created, renamed or removed in it. */
  folder(path: string): Syncable;
  /**
   * Calls back after something in a folder has changed: a file in it was written to, cut, made, renamed or removed. May
   * call back without cause, once for several changes, and on some file systems not at all: whoever must know looks now
   * and then. The program stays alive while it watches. `null` where folders cannot be watched.
   */
  watch(path: string, onChange: () => void): Watch | null;
}

export interface Watch {
  /** Ends the watching. Calling it again does nothing. */
  close(): void;
}

export type FileAccess = "read" | "write" | "create";
export type EntryKind = "file" | "folder" | "link" | "other";

export interface FolderEntry {
  readonly name: string;
  readonly kind: EntryKind;
}

/** Something that can be made durable: when it has returned, what was written before it began survives power loss. */
export interface Syncable {
  /** Waits away from the calling thread. One at a time for one file: the log never starts a second. */
  sync(): Promise<void>;
  /** The same, while the caller stands still. */
  syncNow(): void;
}

/** An open regular file. Positions and lengths are bytes. */
export interface RuntimeFile extends Syncable {
  /** Length in bytes, as the system knows it now. */
  size(): number;
  /** Fills `target` from `position`. Returns fewer bytes than `target` has only where the file ends. */
  read(target: Uint8Array, position: number): number;
  /** Writes at `position`, beyond the end too. May write fewer bytes than given, at least one: the caller goes on. */
  write(source: Uint8Array, position: number): number;
  /** Cuts the file to `bytes`. Not durable before a sync. */
  truncate(bytes: number): void;
  /** Lets go of the file. Calling it again does nothing. */
  close(): void;
}

/** SHA-256 by the runtime. */
export interface NativeHashing {
  /** Writes the 32-byte digest of `source` into `target`. Either may be a view on WebAssembly memory. */
  sha256(source: Uint8Array, target: Uint8Array): void;
  /** Message length in bytes from which `sha256` beats the core's four lanes; measured by bench/kernels.bench.mjs. */
  readonly beatsLanesFrom: number;
  /** Message length in bytes from which `sha256` beats the core on one message; measured likewise. */
  readonly beatsSingleFrom: number;
}

/**
 * Ed25519 over raw keys (RFC 8032 §5.1). Only the arithmetic: which keys and signatures count is decided above, in one
 * place for all runtimes (src/crypto/ed25519.ts).
 */
export interface Signatures {
  /** For a private key, 32 bytes, which are not kept. */
  signer(privateKey: Uint8Array): RuntimeSigner;
  /** For a public key, 32 bytes. One that is no point gets a verifier that says no to everything. */
  verifier(publicKey: Uint8Array): RuntimeVerifier;
}

export interface RuntimeSigner {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The one signature of these bytes, 64 bytes long. */
  sign(message: Uint8Array): Uint8Array;
}

export interface RuntimeVerifier {
  /**
   * Whether [S]B − [k]A has exactly the encoding R, where R and S are the halves of the 64 bytes of `signature` and k
   * is the hash reduced modulo L: the equation without cofactor. The caller has made sure that S < L.
   */
  verify(message: Uint8Array, signature: Uint8Array): boolean;
}

/** AES-256-GCM (NIST SP 800-38D) with nonces of 12 bytes and tags of 16. */
export interface Aead {
  /** Makes a key of 32 bytes ready for use. They are copied: the caller may wipe its own. */
  prepareKey(key: Uint8Array): AeadKey;
}

/** A key that is ready for use. No nonce may ever be given to `seal` twice: that is the caller's to see to. */
export interface AeadKey {
  /**
   * Encrypts where the plaintext lies, in `bytes` from `start` to 16 bytes before `end`; the tag goes into those. `bytes`
   * may be a view on WebAssembly memory. `nonce` and `aad` are not kept.
   */
  seal(nonce: Uint8Array, aad: Uint8Array, bytes: Uint8Array, start: number, end: number): void;
  /**
   * Decrypts `source`, ciphertext and tag, into `target`, which has 16 bytes less. `false`, and `target` as it was, when
   * key, nonce, `aad`, ciphertext and tag do not belong together.
   */
  open(nonce: Uint8Array, aad: Uint8Array, source: Uint8Array, target: Uint8Array): boolean;
  /** Lets go of the key, and wipes it where the runtime has it in memory that can be written. It is not used any more. */
  drop(): void;
}

/** Argon2id (RFC 9106), version 1.3. */
export interface Passphrases {
  /** 32 bytes of key. Takes long on purpose, and `memoryKib` KiB of memory for as long. */
  stretch(passphrase: Uint8Array, salt: Uint8Array, cost: StretchCost): Promise<Uint8Array>;
}

export interface StretchCost {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}

export interface Clock {
  /** Wall clock, whole microseconds since the Unix epoch. May jump, also backwards. */
  nowMicros(): number;
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonicMs(): number;
  /** Resolves after timers and I/O have had a turn, so that long work does not starve the program. */
  pause(): Promise<void>;
  /** Resolves soon, at a turn of the event loop: when all that is due in this one is done. */
  nextTurn(): Promise<void>;
  /**
   * Calls back once, not before `delayMs` have passed, from the event loop. The program stays alive until then. The
   * returned function calls it off; after the call it does nothing.
   */
  after(delayMs: number, callback: () => void): () => void;
}

/** Who holds a lock, and whether they are still there. */
export interface Processes {
  /** This process. */
  self(): ProcessIdentity;
  /** Whether the process that `identity` names still runs; `null` when that cannot be told from here. */
  isAlive(identity: ProcessIdentity): boolean | null;
}

/** Enough to tell a process from another that got the same number later, or after a reboot. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the system's own count; empty when not known. */
  readonly started: string;
  /** Which boot of the machine it ran in; empty when not known. */
  readonly boot: string;
  /** The machine's (or container's) name. */
  readonly host: string;
}

export interface Workers {
  /** How many threads can run at once here. */
  readonly cores: number;
  /** URL of the program that this package runs in its threads. After bundling it may lead nowhere. */
  readonly program: string;
  /** Starts a thread on the module at an absolute URL. */
  start(moduleUrl: string): RuntimeWorker;
}

export interface RuntimeWorker {
  /** Sends a structured-cloneable message; the buffers in `transfer` move and are empty here afterwards. */
  post(message: unknown, transfer: ArrayBuffer[]): void;
  /** The next message from the thread, in order; rejects when the thread failed or ended. */
  receive(): Promise<unknown>;
  /** Ends the thread. Resolves when it is gone. */
  stop(): Promise<void>;
}

/** What a thread's program has of the one who started it. */
export interface ThreadPort {
  post(message: unknown): void;
  /** The next message, in order. */
  receive(): Promise<unknown>;
}
