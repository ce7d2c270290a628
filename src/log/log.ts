/// <reference lib="esnext.disposable" preserve="true" />
// An open log: its identity, its streams, its lock.

import { failure } from "../errors.ts";
import type { LogIdentity } from "../format/log-identity.ts";
import { checkStreamName, isStreamName } from "../format/stream-name.ts";
import type { Runtime } from "../runtime.ts";
import type { WriteLock } from "./lock.ts";
import type { LogSettings } from "./options.ts";
import { isOfSegment } from "./segment-files.ts";
import { Stream } from "./stream.ts";

export class Log {
  /** The log's folder, absolute. */
  readonly directory: string;
  /** UUID that every segment of the log carries. */
  readonly id: string;
  /** When the log was made, µs since the Unix epoch. */
  readonly created: number;
  readonly readOnly: boolean;
  readonly #runtime: Runtime;
  readonly #settings: LogSettings;
  readonly #lock: WriteLock | null;
  readonly #streams = new Map<string, Stream>();
  #closing: Promise<void> | null = null;

  /** Made by `openLog`. */
  constructor(
    runtime: Runtime,
    directory: string,
    identity: LogIdentity,
    settings: LogSettings,
    lock: WriteLock | null,
  ) {
    this.directory = directory;
    this.id = identity.id;
    this.created = identity.created;
    this.readOnly = settings.readOnly;
    this.#runtime = runtime;
    this.#settings = settings;
    this.#lock = lock;
  }

  /**
   * A stream of the log. A writable log makes it when it is first appended to or read; the same name gives the same object.
   *
   * @throws {UsageError} `STREAM_NAME_INVALID`, `LOG_CLOSED`
   */
  stream(name: string): Stream {
    if (this.#closing !== null) throw failure("LOG_CLOSED", { directory: this.directory });
    checkStreamName(name);
    let stream = this.#streams.get(name);
    if (stream === undefined) {
      const folder = `${this.directory}/${name}`;
      const place = { runtime: this.#runtime, logId: this.id, stream: name, folder };
      stream = new Stream(place, this.#settings, this.directory);
      this.#streams.set(name, stream);
    }
    return stream;
  }

  /** The names of the streams that the folder holds, sorted. */
  async streams(): Promise<string[]> {
    const names: string[] = [];
    const { files } = this.#runtime;
    for (const { name, kind } of files.list(this.directory)) {
      if (kind !== "folder" || !isStreamName(name)) continue;
      // A folder of something else is no stream; one that has lost its first segment still is.
      if (files.list(`${this.directory}/${name}`).some((entry) => isOfSegment(entry.name))) names.push(name);
    }
    return names;
  }

  /** Makes durable what was appended to any stream before the call. */
  async flush(): Promise<void> {
    if (this.#settings.readOnly) return;
    await Promise.all([...this.#streams.values()].map((stream) => stream.flushIfOpen()));
  }

  /**
   * Waits for what is pending, makes all of it durable and lets the next writer in. Calling it again does nothing.
   *
   * @throws {StorageError} when something could not be made durable; the log is closed all the same
   */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #closeAll(): Promise<void> {
    const closed = await Promise.allSettled([...this.#streams.values()].map((stream) => stream.close()));
    this.#lock?.release();
    for (const result of closed) if (result.status === "rejected") throw result.reason;
  }
}
