// The serving side of one client: answers its requests one after the other, and no faster than it reads the answers.
import type { Socket } from 'node:net';
import { LineSplitter } from './line-splitter.ts';
import {
  parseRequest,
  REQUEST_MAX_LENGTH,
  type Hello,
  type ParsedRequest,
  type RequestId,
} from './protocol.ts';
import type { SnapshotFeed } from './snapshot-feed.ts';

export type DropReason =
  /** What it sent is not of this protocol. */
  | 'foreign'
  /** It has not read what it was sent in time. */
  | 'slow';

export interface ConnectionOptions {
  readonly hello: Hello;
  readonly feed: SnapshotFeed;
  /** How long a client may leave unread what it was sent. */
  readonly drainTimeoutMs: number;
  readonly onDrop: (reason: DropReason) => void;
}

interface Subscription {
  readonly everyMs: number;
  readonly timer: NodeJS.Timeout;
  /** A snapshot is under way: ticks pass it by. */
  isUpdating: boolean;
}

export class Connection {
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #splitter = new LineSplitter(REQUEST_MAX_LENGTH);
  readonly #lines: string[] = [];
  #isAnswering = false;
  #subscription: Subscription | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #farewell: NodeJS.Timeout | undefined;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.#receive(text));
    socket.on('drain', () => this.#drained());
    socket.on('close', () => this.#closed());
    this.#send(JSON.stringify(options.hello));
  }

  /** Says goodbye. What was sent before is still delivered to a client that reads. */
  bye(): void {
    this.#unsubscribe();
    this.#lines.length = 0;
    this.#socket.ref(); // who waits for the end of serving has it, also where nothing else keeps the process running
    this.#drained();
    if (!this.#socket.writable) return;
    this.#socket.end('{"bye":"stopped"}\n');
    // Whether it has not read, or has, and does not end its side.
    this.#farewell = setTimeout(() => this.#dropSlow(), this.#options.drainTimeoutMs);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #receive(text: string): void {
    const lines = this.#splitter.push(text);
    if (lines === undefined) {
      this.#refuse(
        undefined,
        'ERR_SNAPSHOT_PROTOCOL',
        `a line of more than ${REQUEST_MAX_LENGTH} characters`,
      );
      this.#drop('foreign');
      return;
    }
    this.#lines.push(...lines);
    if (!this.#isAnswering) void this.#answerAll();
  }

  async #answerAll(): Promise<void> {
    this.#isAnswering = true;
    this.#socket.pause(); // what it asks meanwhile waits in its own process
    while (this.#socket.writable) {
      const line = this.#lines.shift();
      if (line === undefined) break;
      // oxlint-disable-next-line no-await-in-loop -- one answer at a time is what bounds the memory of a client
      await this.#answer(parseRequest(line));
      // oxlint-disable-next-line no-await-in-loop
      if (this.#socket.writableNeedDrain) await this.#drain();
    }
    this.#isAnswering = false;
    if (this.#socket.writable) this.#socket.resume();
  }

  async #answer(request: ParsedRequest): Promise<void> {
    switch (request.kind) {
      case 'get': {
        const json = await this.#snapshot(request.id);
        if (json !== undefined) this.#send(`{${idField(request.id)}"snapshot":${json}}`);
        return;
      }
      case 'every':
        this.#subscribe(request.everyMs, request.id);
        return;
      case 'refused':
        this.#refuse(request.id, 'ERR_SNAPSHOT_REQUEST', request.why);
        return;
      case 'foreign':
        this.#refuse(undefined, 'ERR_SNAPSHOT_PROTOCOL', request.why);
        this.#drop('foreign');
    }
  }

  #subscribe(everyMs: number, id: RequestId | undefined): void {
    const { minIntervalMs } = this.#options.hello;
    if (everyMs !== 0 && everyMs < minIntervalMs) {
      this.#refuse(id, 'ERR_ARGUMENT_RANGE', `every is ${everyMs}, expected 0 or at least ${minIntervalMs}`);
      return;
    }
    this.#unsubscribe();
    if (everyMs === 0) {
      this.#send(`{${idField(id)}"every":0}`);
      return;
    }
    const timer = setInterval(() => void this.#update(subscription), everyMs).unref();
    const subscription: Subscription = { everyMs, timer, isUpdating: false };
    this.#subscription = subscription;
    void this.#update(subscription);
  }

  #unsubscribe(): void {
    clearInterval(this.#subscription?.timer);
    this.#subscription = undefined;
  }

  async #update(subscription: Subscription): Promise<void> {
    // Who has not read the last one gets no further one on top: it would be old when it is read.
    if (subscription.isUpdating || this.#socket.writableNeedDrain) return;
    subscription.isUpdating = true;
    const json = await this.#snapshot(undefined);
    subscription.isUpdating = false;
    if (json !== undefined && subscription === this.#subscription)
      this.#send(`{"every":${subscription.everyMs},"snapshot":${json}}`);
  }

  async #snapshot(id: RequestId | undefined): Promise<string | undefined> {
    try {
      return await this.#options.feed.next();
    } catch (error) {
      this.#refuse(id, 'ERR_SNAPSHOT_READ', error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  #refuse(id: RequestId | undefined, code: string, message: string): void {
    this.#send(`{${idField(id)}"error":${JSON.stringify({ code, message })}}`);
  }

  #send(line: string): void {
    if (this.#socket.writable && !this.#socket.write(`${line}\n`)) this.#expectDrain();
  }

  #expectDrain(): void {
    this.#deadline ??= setTimeout(() => this.#dropSlow(), this.#options.drainTimeoutMs).unref();
  }

  #dropSlow(): void {
    this.#options.onDrop('slow');
    this.#socket.destroy();
  }

  #drain(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#socket.off('drain', done).off('close', done);
        resolve();
      };
      this.#socket.on('drain', done).on('close', done);
    });
  }

  #drained(): void {
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
  }

  /** After an answer that says why, where it reads it. */
  #drop(reason: DropReason): void {
    this.#options.onDrop(reason);
    this.#unsubscribe();
    this.#lines.length = 0;
    this.#socket.destroySoon();
    this.#expectDrain();
  }

  #closed(): void {
    this.#unsubscribe();
    this.#drained();
    clearTimeout(this.#farewell);
    this.#lines.length = 0;
  }
}

function idField(id: RequestId | undefined): string {
  return id === undefined ? '' : `"id":${JSON.stringify(id)},`;
}
