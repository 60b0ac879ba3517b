import { type Task, type TaskQueue, Tinypool } from 'tinypool';
import { entryUrl } from '../../../entry-url.ts';
import type { Contestant, ContestantOptions, StartContestant } from '../contestant.ts';
import { Fifo } from '../fifo.ts';
import { sharedBytes } from '../shared-bytes.ts';

const DOUBLE = { name: 'double' };
const DIGEST = { name: 'digest' };
const WHO_RUNS = { name: 'whoRuns' };
const HOLD_WHILE = { name: 'holdWhile' };

/** Its own queue takes ten seconds to empty where 100 000 tasks wait. */
class Queue implements TaskQueue {
  readonly #tasks = new Fifo<Task>();

  get size(): number {
    return this.#tasks.size;
  }

  push(task: Task): void {
    this.#tasks.push(task);
  }

  shift(): Task | null {
    return this.#tasks.shift() ?? null;
  }

  remove(task: Task): void {
    this.#tasks.remove(task);
  }

  cancel(): void {
    for (let task = this.shift(); task !== null; task = this.shift()) task.cancel();
  }
}

type Settings = Pick<
  NonNullable<ConstructorParameters<typeof Tinypool>[0]>,
  'concurrentTasksPerWorker' | 'taskQueue' | 'useAtomics'
>;

function start({ threads }: ContestantOptions, settings: Settings): Contestant {
  const pool = new Tinypool({
    ...settings,
    filename: entryUrl('suites/scheduler/work').href,
    name: 'double',
    minThreads: threads,
    maxThreads: threads,
    runtime: 'worker_threads',
  });
  return {
    double: (n) => pool.run(n, DOUBLE),
    digest: (payload) => pool.run(payload, DIGEST),
    whoRuns: (n) => pool.run(n, WHO_RUNS),
    holdWhile: (path) => pool.run(path, HOLD_WHILE),
    allocate: sharedBytes,
    close: () => pool.destroy(),
  };
}

export const startTinypool: StartContestant = (options) =>
  start(options, { useAtomics: true, concurrentTasksPerWorker: 1024, taskQueue: new Queue() });

/** What it does by default. */
export const startDefaultTinypool: StartContestant = (options) => start(options, {});

export const startTinypoolWithoutAtomics: StartContestant = (options) =>
  start(options, { useAtomics: false, concurrentTasksPerWorker: 1024, taskQueue: new Queue() });
