// Workers to park, for the tests of interrupt: how they are started, and how to see whether they run, without looking at a clock.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { Worker } from 'node:worker_threads';
import type { Answer } from '../src/answer.ts';
import type { ParkTicket } from '../src/experimental.ts';
import type { ParkableData } from './worker/parkable.ts';

export const EXEC_ARGV = ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'];

/** As long as no test should take: a park that must be ended by something else than its time-out. */
export const LONG_MS = 60_000;

export class ParkedWorker implements AsyncDisposable {
  readonly words: Int32Array;
  readonly worker: Worker;
  readonly ticket: ParkTicket;

  private constructor(worker: Worker, words: Int32Array, ticket: ParkTicket) {
    this.worker = worker;
    this.words = words;
    this.ticket = ticket;
  }

  /** Started, registered, and at its work. */
  static async start(work: ParkableData['work'], pipe?: string): Promise<ParkedWorker> {
    const words = new Int32Array(new SharedArrayBuffer(8));
    const workerData: ParkableData = { work, words, ...(pipe !== undefined && { pipe }) };
    const worker = new Worker(new URL('worker/parkable.ts', import.meta.url), {
      workerData,
      execArgv: EXEC_ARGV,
    });
    const [ticket] = (await once(worker, 'message')) as [ParkTicket];
    const parked = new ParkedWorker(worker, words, ticket);
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

  /** Resolves once the worker sleeps in the kernel. Word 1 is its thread id. */
  async sleeps(): Promise<void> {
    const stat = `/proc/self/task/${Atomics.load(this.words, 1)}/stat`;
    while (!/\) S /.test(readFileSync(stat, 'utf8'))) await turn();
  }

  /** The next message. */
  next(): Promise<unknown> {
    return once(this.worker, 'message').then(([message]: unknown[]) => message);
  }

  say(message: unknown): void {
    this.worker.postMessage(message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.worker.terminate();
  }
}

/** One turn of this thread's event loop. */
export const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** The value of an answer, which must be `verified`. */
export function value<T>(answer: Answer<T>): T {
  expect(answer).toMatchObject({ status: 'verified' });
  return (answer as { value: T }).value;
}
