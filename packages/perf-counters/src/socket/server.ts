// Shows a registry to other processes of the same user, through a Unix socket (a named pipe on Windows).
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { threadId } from 'node:worker_threads';
import { ArgumentRangeError } from '../errors.ts';
import { checkMethod, checkOptionNames, checkSignal } from '../option-names.ts';
import type { Clock } from '../ports.ts';
import { Connection, type DropReason } from './connection.ts';
import { SnapshotServerError } from './errors.ts';
import { EVERY_MAX_MS, PROTOCOL_NAME, PROTOCOL_VERSION, type Hello } from './protocol.ts';
import { removeLeftovers } from './leftovers.ts';
import { birthplace, checkPlace, privateFolder, takePlace } from './place.ts';
import { SnapshotFeed, type SnapshotSource } from './snapshot-feed.ts';
import { checkedPath, fileIdentity, prepareDirectory, socketDirectory, socketPath } from './socket-path.ts';
import { processTitle } from './process-title.ts';

export interface ServeOptions {
  /** `corelane-<uid>/<pid>.sock` in the system's folder for temporary files by default, where `listProcesses` finds it. */
  readonly path?: string;
  /** Snapshots are not taken more often than this, however many ask; 50 by default, 0 to 3,600,000. */
  readonly minIntervalMs?: number;
  /** Clients at most at a time, 8 by default; further ones get an error. */
  readonly maxClients?: number;
  /** A client that has left unread what it was sent for so long is dropped; 10,000 by default. */
  readonly drainTimeoutMs?: number;
  /** Whether serving keeps the process running; false by default. */
  readonly keepAlive?: boolean;
  /** `performance` by default. */
  readonly clock?: Clock;
  /** Ends serving, as disposal does. */
  readonly signal?: AbortSignal;
}

export interface ServeCounts {
  /** Connected now. */
  readonly clients: number;
  readonly accepted: number;
  /** Refused as there were `maxClients`. */
  readonly refused: number;
  /** Dropped as they did not read in time. */
  readonly slow: number;
  /** Dropped as they sent what is not of the protocol. */
  readonly foreign: number;
}

const OPTIONS = ['path', 'minIntervalMs', 'maxClients', 'drainTimeoutMs', 'keepAlive', 'clock', 'signal'];

/**
 * Serves snapshots until it is disposed, or the signal aborts. Nothing is read while nobody asks.
 * @param source a `RegistryReader` (`registry.reader`)
 * @throws SnapshotServerError, ArgumentRangeError, the reason of the signal
 */
export async function serveSnapshots(
  source: SnapshotSource,
  options: ServeOptions = {},
): Promise<SnapshotServer> {
  checkOptionNames(options, OPTIONS);
  const { minIntervalMs = 50, maxClients = 8, drainTimeoutMs = 10_000, keepAlive = false } = options;
  const { clock = performance, signal } = options;
  if (typeof source?.read !== 'function')
    throw new ArgumentRangeError('source', source, 'a RegistryReader, or what has its read()');
  const path = checkedPath(options.path ?? socketPath(process.pid));
  checkRange('minIntervalMs', minIntervalMs, 0, EVERY_MAX_MS);
  checkRange('maxClients', maxClients, 1, 1024);
  if (!Number.isInteger(maxClients)) throw new ArgumentRangeError('maxClients', maxClients, 'an integer');
  if (typeof keepAlive !== 'boolean') throw new ArgumentRangeError('keepAlive', keepAlive, 'true or false');
  checkMethod('clock', clock, 'now');
  checkSignal(signal);
  checkRange('drainTimeoutMs', drainTimeoutMs, 1, EVERY_MAX_MS);
  signal?.throwIfAborted();

  const hello: Hello = {
    protocol: PROTOCOL_NAME,
    version: PROTOCOL_VERSION,
    pid: process.pid,
    threadId,
    title: processTitle(process),
    node: process.version,
    startedAtMs: Math.round(Date.now() - process.uptime() * 1000),
    minIntervalMs,
  };
  const feed = new SnapshotFeed(source, minIntervalMs, clock);
  await prepare(path);
  const server = new SnapshotServer(path, { hello, feed, maxClients, drainTimeoutMs, keepAlive });
  await server.listen();
  if (signal?.aborted === true) {
    await server.close();
    signal.throwIfAborted();
  }
  signal?.addEventListener('abort', () => void server.close(), { signal: server.ended });
  return server;
}

/** Makes the default folder what it must be. */
async function prepare(path: string): Promise<void> {
  const directory = socketDirectory();
  if (directory === undefined) return;
  checkPlace(path);
  if (dirname(path) !== directory) return;
  prepareDirectory(directory);
  await removeLeftovers(directory);
}

function checkRange(name: string, found: number, from: number, to: number): void {
  if (!(typeof found === 'number' && found >= from && found <= to))
    throw new ArgumentRangeError(name, found, `a number from ${from} to ${to}`);
}

interface ServerSettings {
  readonly hello: Hello;
  readonly feed: SnapshotFeed;
  readonly maxClients: number;
  readonly drainTimeoutMs: number;
  readonly keepAlive: boolean;
}

/** What `serveSnapshots` returns. */
export class SnapshotServer {
  /** Of the socket. */
  readonly path: string;
  readonly #server: Server;
  readonly #settings: ServerSettings;
  readonly #connections = new Set<Connection>();
  readonly #ended = new AbortController();
  readonly #dropped: Record<DropReason, number> = { foreign: 0, slow: 0 };
  #accepted = 0;
  #refused = 0;
  #closing: Promise<void> | undefined;
  /** Of the socket's file: another one may have its name by now. */
  #file: string | undefined;
  readonly #onExit = (): void => {
    this.#leave();
  };

  /** @internal */
  constructor(path: string, settings: ServerSettings) {
    this.path = path;
    this.#settings = settings;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Aborts when serving has ended. @internal */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** Who was served. */
  counts(): ServeCounts {
    return {
      clients: this.#connections.size,
      accepted: this.#accepted,
      refused: this.#refused,
      ...this.#dropped,
    };
  }

  /** @internal @throws SnapshotServerError */
  async listen(): Promise<void> {
    try {
      // A pipe of Windows is gone with its process, and cannot be there twice.
      if (socketDirectory() === undefined) await this.#listenAt(this.path);
      else await this.#listenAside();
    } catch (error) {
      this.#server.close();
      if (error instanceof SnapshotServerError) throw error;
      throw new SnapshotServerError(this.path, 'the system refuses', { cause: error });
    }
    this.#server.on('error', () => {}); // of accepting one client, such as too many open files: the others go on
    if (!this.#settings.keepAlive) this.#server.unref();
  }

  #listenAt(path: string): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      // Exclusive: each worker of a cluster has its own metrics.
      this.#server.listen({ path, exclusive: true }, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  /** Has its name only when it listens, and nobody else can connect before. */
  async #listenAside(): Promise<void> {
    const folder = privateFolder(dirname(this.path));
    try {
      const own = birthplace(folder);
      await this.#listenAt(own);
      chmodSync(own, 0o600);
      const file = fileIdentity(own);
      await takePlace(own, this.path);
      this.#file = file;
      process.on('exit', this.#onExit); // a process that exits closes nothing
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** Takes the name away. While somebody listens here, nobody else takes it; somebody may have removed it. */
  #leave(): void {
    if (this.#file !== undefined && fileIdentity(this.path) === this.#file)
      rmSync(this.path, { force: true });
  }

  /** Says goodbye to clients, closes their connections and removes the socket, unless another one has its place. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    process.off('exit', this.#onExit);
    this.#leave();
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const connection of this.#connections) connection.bye();
    await closed;
    this.#ended.abort();
  }

  #accept(socket: Socket): void {
    socket.on('error', () => {}); // it closes next, and that is all there is to do about it
    if (!this.#settings.keepAlive) socket.unref();
    if (this.#connections.size >= this.#settings.maxClients) {
      this.#refused++;
      const message = `${this.#settings.maxClients} clients are connected`;
      socket.write(`${JSON.stringify({ error: { code: 'ERR_SNAPSHOT_CLIENTS', message } })}\n`);
      socket.destroySoon();
      return;
    }
    this.#accepted++;
    const { hello, feed, drainTimeoutMs } = this.#settings;
    const connection = new Connection(socket, {
      hello,
      feed,
      drainTimeoutMs,
      onDrop: (reason) => this.#dropped[reason]++,
    });
    this.#connections.add(connection);
    socket.once('close', () => this.#connections.delete(connection));
  }
}
