/** Worker threads that do as they are told. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { CrewAnswers, CrewOrder } from './crew-worker.ts';
import { Mismatch } from './suite.ts';

export class Crew {
  readonly #workers: readonly Worker[];

  constructor(size: number) {
    const program = join(import.meta.dirname, 'crew-worker.ts');
    this.#workers = Array.from({ length: size }, () => new Worker(program));
  }

  /** What a worker answers to an order. One order at a time for each. */
  async ask<K extends keyof CrewAnswers>(
    worker: number,
    order: Extract<CrewOrder, { do: K }>,
  ): Promise<CrewAnswers[K]> {
    const thread = this.#workers[worker];
    if (thread === undefined) throw new Mismatch(`no worker ${worker}`);
    const answer = once(thread, 'message') as Promise<[CrewAnswers[K]]>;
    thread.postMessage(order);
    return (await answer)[0];
  }

  /** The same order to all, at once. */
  askAll<K extends keyof CrewAnswers>(
    order: (worker: number) => Extract<CrewOrder, { do: K }>,
  ): Promise<CrewAnswers[K][]> {
    return Promise.all(this.#workers.map((_, worker) => this.ask<K>(worker, order(worker))));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

/** `Cpus_allowed_list` of a thread of this process, from its file. */
export function allowedCpus(tid: number): string {
  const status = readFileSync(`/proc/self/task/${tid}/status`, 'utf8');
  return /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '';
}
