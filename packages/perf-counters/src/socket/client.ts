// Looks at the metrics of another process, through the socket that it serves them on.
import { connect, type Socket } from 'node:net';
import { ArgumentRangeError } from '../errors.ts';
import { checkOptionNames } from '../option-names.ts';
import type { ParsedSnapshot } from '../snapshot.ts';
import { SnapshotConnectionError, SnapshotProtocolError, SnapshotRefusedError } from './errors.ts';
import { LineSplitter } from './line-splitter.ts';
import {
  EVERY_MAX_MS,
  parseHello,
  parseMessage,
  PROTOCOL_NAME,
  PROTOCOL_VERSION,
  type Hello,
  type Message,
} from './protocol.ts';
import { checkedPath, directoryProblem, socketDirectory, socketPath } from './socket-path.ts';

export interface ConnectOptions {
  /** How long the other process may take to greet, in milliseconds; 5000 by default. A process that is busy answers late. */
  readonly timeoutMs?: number;
  /** Longest line that is taken in, in characters; 2^27 by default. */
  readonly maxSnapshotLength?: number;
  /** Gives up connecting; later it means nothing. */
  readonly signal?: AbortSignal;
}

/**
 * Why a connection has ended. `stopped`: the process stopped serving. `lost`: the process ended, or has dropped this client. `disposed`: on
 * this side. `foreign`: what came is not of the protocol.
 */
export type EndReason = 'stopped' | 'lost' | 'disposed' | 'foreign';

/**
 * Connects to a process that serves snapshots.
 * @param target its pid, where it serves at the default path, or the path
 * @throws SnapshotConnectionError, SnapshotProtocolError, SnapshotRefusedError, ArgumentRangeError, the reason of the signal
 */
export async function connectSnapshots(
  target: string | number,
  options: ConnectOptions = {},
): Promise<SnapshotClient> {
  checkOptionNames(options, ['timeoutMs', 'maxSnapshotLength', 'signal']);
  const { timeoutMs = 5000, maxSnapshotLength = 2 ** 27, signal } = options;
  checkTimeout(timeoutMs);
  if (!(maxSnapshotLength >= 1024 && maxSnapshotLength <= 2 ** 29))
    throw new ArgumentRangeError('maxSnapshotLength', maxSnapshotLength, '1024 to 2^29');
  const path = pathOf(target);
  signal?.throwIfAborted();

  const splitter = new LineSplitter(maxSnapshotLength);
  const socket = connect({ path });
  socket.setEncoding('utf8');
  const cleanUp = new AbortController();
  try {
    return await new Promise<SnapshotClient>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new SnapshotConnectionError(path, `no greeting within ${timeoutMs} ms`)),
        timeoutMs,
      );
      cleanUp.signal.addEventListener('abort', () => clearTimeout(timer));
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { signal: cleanUp.signal });
      socket.once('error', (error) =>
        reject(new SnapshotConnectionError(path, error.message, { cause: error })),
      );
      socket.once('close', () =>
        reject(new SnapshotConnectionError(path, 'the connection ended before a greeting')),
      );
      const greet = (text: string): void => {
        const lines = splitter.push(text);
        const first = lines?.shift();
        if (lines !== undefined && first === undefined) return;
        socket.off('data', greet);
        const hello = greeting(path, first);
        if (hello instanceof Error) reject(hello);
        else resolve(new SnapshotClient(path, hello, socket, splitter, lines ?? []));
      };
      socket.on('data', greet);
    });
  } catch (error) {
    socket.on('error', () => {}).destroy();
    throw error;
  } finally {
    cleanUp.abort();
  }
}

/** @throws ArgumentRangeError */
export function checkTimeout(timeoutMs: number): void {
  if (!(timeoutMs > 0 && timeoutMs <= EVERY_MAX_MS))
    throw new ArgumentRangeError('timeoutMs', timeoutMs, `more than 0, at most ${EVERY_MAX_MS}`);
}

function pathOf(target: string | number): string {
  if (typeof target === 'string') return checkedPath(target);
  if (!Number.isSafeInteger(target) || target < 1)
    throw new ArgumentRangeError('pid', target, 'a pid or a path');
  const directory = socketDirectory();
  const problem = directory === undefined ? undefined : directoryProblem(directory);
  if (problem !== undefined) throw new SnapshotConnectionError(socketPath(target), problem);
  return socketPath(target);
}

function greeting(path: string, line: string | undefined): Hello | Error {
  const hello = line === undefined ? undefined : parseHello(line);
  if (hello === undefined) {
    const message = line === undefined ? undefined : parseMessage(line);
    return message?.kind === 'error'
      ? new SnapshotRefusedError(path, message.code, message.message)
      : new SnapshotProtocolError(path, show(line), `a greeting of ${PROTOCOL_NAME}`);
  }
  if (hello.version === PROTOCOL_VERSION) return hello;
  return new SnapshotProtocolError(path, `version ${hello.version}`, `version ${PROTOCOL_VERSION}`);
}

function show(line: string | undefined): string {
  return line === undefined ? 'a line that is too long' : JSON.stringify(line.slice(0, 80));
}

interface Waiting {
  readonly resolve: (snapshot: ParsedSnapshot) => void;
  readonly reject: (error: unknown) => void;
}

interface Updates {
  readonly id: number;
  /** The newest that has come and was not taken yet. */
  latest: ParsedSnapshot | undefined;
  failure: Error | undefined;
  /** Tells whoever waits that something has changed. */
  wake: () => void;
}

/** What `connectSnapshots` returns. */
export class SnapshotClient {
  readonly path: string;
  /** Who serves. */
  readonly hello: Hello;
  /** Fulfilled when the connection has ended, with why. Never rejected. */
  readonly ended: Promise<EndReason>;
  readonly #socket: Socket;
  readonly #splitter: LineSplitter;
  readonly #waiting = new Map<number, Waiting>();
  #updates: Updates | undefined;
  #nextId = 1;
  #reason: EndReason | undefined;
  #failure: Error | undefined;

  /** @internal */
  constructor(path: string, hello: Hello, socket: Socket, splitter: LineSplitter, lines: readonly string[]) {
    this.path = path;
    this.hello = hello;
    this.#socket = socket;
    this.#splitter = splitter;
    socket.on('error', () => {}); // it closes next
    this.ended = new Promise((resolve) => {
      socket.once('close', () => {
        this.#end('lost', 'the connection ended: the process ended or dropped this client');
        resolve(this.#reason as EndReason);
      });
    });
    socket.on('data', (text: string) => {
      const more = this.#splitter.push(text);
      if (more === undefined) this.#foreign(undefined);
      else this.#takeAll(more);
    });
    this.#takeAll(lines);
  }

  /**
   * A snapshot that is taken after this call.
   * @throws SnapshotConnectionError, SnapshotRefusedError, SnapshotProtocolError, the reason of the signal
   */
  async snapshot({ signal }: { readonly signal?: AbortSignal } = {}): Promise<ParsedSnapshot> {
    signal?.throwIfAborted();
    this.#throwIfEnded();
    const id = this.#nextId++;
    const cleanUp = new AbortController();
    try {
      return await new Promise<ParsedSnapshot>((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject });
        signal?.addEventListener('abort', () => reject(signal.reason as Error), { signal: cleanUp.signal });
        this.#send({ get: 'snapshot', id });
      });
    } finally {
      this.#waiting.delete(id);
      cleanUp.abort();
    }
  }

  /**
   * A snapshot at once and then one each `everyMs`, until the loop is left or the process ends (`ended` tells why). Who is slower gets the
   * newest and misses those before. One loop at a time on a connection.
   * @param everyMs at least `hello.minIntervalMs`
   * @throws SnapshotConnectionError, SnapshotRefusedError, SnapshotProtocolError, ArgumentRangeError, the reason of the signal
   */
  async *updates(
    everyMs: number,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<ParsedSnapshot, void, undefined> {
    const { minIntervalMs } = this.hello;
    if (!(everyMs > 0 && everyMs >= minIntervalMs && everyMs <= EVERY_MAX_MS))
      throw new ArgumentRangeError('everyMs', everyMs, `${minIntervalMs} to ${EVERY_MAX_MS}`);
    signal?.throwIfAborted();
    this.#throwIfEnded();
    if (this.#updates !== undefined)
      throw new SnapshotConnectionError(this.path, 'updates are under way on this connection already');
    const updates: Updates = { id: this.#nextId++, latest: undefined, failure: undefined, wake: () => {} };
    this.#updates = updates;
    const wake = (): void => updates.wake();
    signal?.addEventListener('abort', wake);
    try {
      this.#send({ every: everyMs, id: updates.id });
      while (true) {
        signal?.throwIfAborted();
        if (updates.failure !== undefined) throw updates.failure;
        const { latest } = updates;
        updates.latest = undefined;
        if (latest !== undefined) yield latest;
        else if (this.#reason !== undefined) return;
        // oxlint-disable-next-line no-await-in-loop -- waits for what comes next
        else await new Promise<void>((resolve) => (updates.wake = resolve));
      }
    } finally {
      signal?.removeEventListener('abort', wake);
      this.#updates = undefined;
      if (this.#reason === undefined) this.#send({ every: 0, id: this.#nextId++ });
    }
  }

  /** Ends the connection: what waits fails, and loops over updates end. */
  [Symbol.dispose](): void {
    this.#end('disposed', 'the client is disposed');
  }

  #send(request: object): void {
    this.#socket.write(`${JSON.stringify(request)}\n`);
  }

  #takeAll(lines: readonly string[]): void {
    for (const line of lines) {
      if (this.#reason !== undefined) return;
      const message = parseMessage(line);
      if (message === undefined) this.#foreign(line);
      else this.#take(message);
    }
  }

  #take(message: Message): void {
    switch (message.kind) {
      case 'snapshot':
        this.#waiting.get(Number(message.id))?.resolve(message.snapshot);
        return;
      case 'update':
        if (this.#updates === undefined || message.snapshot === undefined) return; // of a loop that has been left
        this.#updates.latest = message.snapshot;
        this.#updates.wake();
        return;
      case 'error':
        this.#takeError(message.id, new SnapshotRefusedError(this.path, message.code, message.message));
        return;
      case 'bye':
        this.#end('stopped', 'the process has stopped serving');
    }
  }

  #takeError(id: string | number | undefined, error: SnapshotRefusedError): void {
    const waiting = this.#waiting.get(Number(id));
    if (waiting !== undefined) waiting.reject(error);
    else if (this.#updates !== undefined && (id === undefined || id === this.#updates.id)) {
      this.#updates.failure = error;
      this.#updates.wake();
    }
  }

  #foreign(line: string | undefined): void {
    const error = new SnapshotProtocolError(this.path, show(line), `a message of ${PROTOCOL_NAME}`);
    if (this.#updates !== undefined) this.#updates.failure = error;
    this.#end('foreign', error);
  }

  #end(reason: EndReason, why: string | Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#failure = typeof why === 'string' ? new SnapshotConnectionError(this.path, why) : why;
    this.#socket.destroy();
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#updates?.wake();
  }

  #throwIfEnded(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}
