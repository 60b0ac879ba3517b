// The threads of workers. Those that are wanted from the start begin before there is anything for them to do: they boot while their owner sets up what they will share.
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { workerUrl } from './boot.ts';
import type { SchedulerOptions } from './options.ts';
import { crewSize, workerOptions } from './worker-settings.ts';

export class Threads {
  readonly #name: string;
  readonly #options: WorkerOptions;
  /** By index. */
  readonly #early: (Worker | undefined)[];

  /** @throws ArgumentRangeError */
  constructor(options: SchedulerOptions) {
    this.#name = options.name ?? 'scheduler';
    this.#options = workerOptions(options);
    const count = options.growth === 'manual' ? 0 : crewSize(options).minThreads;
    this.#early = Array.from({ length: count }, (_, index) => this.#begin(index));
  }

  /** The thread of a worker: one that has begun already, once, or another. It waits for its first message. */
  start(index: number): Worker {
    const early = this.#early[index];
    this.#early[index] = undefined;
    return early ?? this.#begin(index);
  }

  /** Ends those that have begun and were not asked for. */
  dismiss(): void {
    for (const worker of this.#early) void worker?.terminate();
  }

  #begin(index: number): Worker {
    // What is inherited from a prototype that somebody has written to is no option.
    const own = Object.create(null) as WorkerOptions;
    return new Worker(workerUrl(), Object.assign(own, this.#options, { name: `${this.#name} ${index}` }));
  }
}
