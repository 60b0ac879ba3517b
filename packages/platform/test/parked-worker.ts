// Workers to park, for the tests of interrupt: how they are started, and how to see whether they run, without looking at a clock.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Answer } from '../src/answer.ts';
import type { Parked, ParkTicket } from '../src/experimental.ts';
import type { ParkableData } from './worker/parkable.ts';
import type { ParkerData } from './worker/parker.ts';

export const EXEC_ARGV: readonly string[] = [
  '--conditions=@corelane/source',
  '--disable-warning=ExperimentalWarning',
];

/** As long as no test should take: a park that must be ended by something else than its time-out. */
export const LONG_MS = 60_000;

export class ParkedWorker implements AsyncDisposable {
  readonly words: Int32Array;
  readonly worker: Worker;
  readonly ticket: ParkTicket;
  readonly #messages: unknown[] = [];
  readonly #pipe: Pipe | undefined;

  private constructor(worker: Worker, words: Int32Array, ticket: ParkTicket, pipe: Pipe | undefined) {
    this.worker = worker;
    this.words = words;
    this.ticket = ticket;
    this.#pipe = pipe;
    worker.on('message', (message) => this.#messages.push(message));
  }

  /** Started, registered, and at its work. */
  static async start(work: ParkableData['work'], symbol = true): Promise<ParkedWorker> {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const words = new Int32Array(memory.buffer);
    const pipe = work === 'read' ? new Pipe() : undefined;
    const workerData: ParkableData = { work, words, memory, symbol, pipe: pipe?.path ?? '' };
    const worker = new Worker(new URL('worker/parkable.ts', import.meta.url), {
      workerData,
      execArgv: [...EXEC_ARGV],
    });
    const [ticket] = (await once(worker, 'message')) as [ParkTicket];
    const parked = new ParkedWorker(worker, words, ticket, pipe);
    while (parked.steps === 0) await turn();
    return parked;
  }

  get steps(): number {
    return Atomics.load(this.words, 0);
  }

  /** Resolves once the work has gone on by some steps from now. The test's own time-out ends it otherwise. */
  async moves(steps = 1): Promise<void> {
    const from = this.steps;
    // The difference is of 32 bits: the counter may wrap.
    while (((this.steps - from) | 0) < steps) await turn();
  }

  /** Resolves once the worker sleeps in the kernel. Word 1 is its thread id. Of a worker that reads. */
  async sleeps(): Promise<void> {
    const stat = `/proc/self/task/${Atomics.load(this.words, 1)}/stat`;
    while (!/\) S /.test(readFileSync(stat, 'utf8'))) await turn();
  }

  /** Gives the worker that reads what it waits for. */
  release(): void {
    this.#pipe?.write();
  }

  /** The first message that was not seen yet. */
  async next(): Promise<unknown> {
    while (this.#messages.length === 0) await turn();
    return this.#messages.shift();
  }

  say(message: unknown): void {
    this.worker.postMessage(message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release(); // terminate() waits for what is in the kernel
    await this.worker.terminate();
    this.#pipe?.[Symbol.dispose]();
  }
}

/** A worker that parks another, once each time that it is told to. */
export class Parker implements AsyncDisposable {
  readonly worker: Worker;
  readonly #words: Int32Array;
  readonly #answers: Answer<Parked>[] = [];

  private constructor(worker: Worker, words: Int32Array) {
    this.worker = worker;
    this.#words = words;
    worker.on('message', (answer: Answer<Parked>) => this.#answers.push(answer));
  }

  static async start(ticket: ParkTicket, options: ParkerData['options']): Promise<Parker> {
    const words = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(new URL('worker/parker.ts', import.meta.url), {
      workerData: { ticket, options, words } satisfies ParkerData,
      execArgv: [...EXEC_ARGV],
    });
    await once(worker, 'message'); // it says that it is ready
    return new Parker(worker, words);
  }

  go(): void {
    Atomics.add(this.#words, 0, 1);
    Atomics.notify(this.#words, 0);
  }

  async answer(): Promise<Answer<Parked>> {
    while (this.#answers.length === 0) await turn();
    return this.#answers.shift()!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.worker.terminate();
  }
}

/** A named pipe: reading from it lasts until `write`. */
class Pipe implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'corelane-park-'));
  readonly path: string = join(this.#folder, 'pipe');

  constructor() {
    const made = spawnSync('sh', ['-c', 'mkfifo "$0"', this.path], { encoding: 'utf8' });
    if (made.status !== 0) throw new Error(`mkfifo: ${made.stderr}`);
  }

  write(): void {
    writeSync(openSync(this.path, 'r+'), 'x');
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }
}

/** One turn of this thread's event loop. */
export const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** The value of an answer, which must be `verified`. */
export function value<T>(answer: Answer<T>): T {
  if (answer.status === 'verified') return answer.value;
  throw new Error(`expected an answer that is verified, found: ${JSON.stringify(answer)}`);
}
