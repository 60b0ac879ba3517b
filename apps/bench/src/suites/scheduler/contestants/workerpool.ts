import { fileURLToPath } from 'node:url';
import workerpool, { type WorkerPoolOptions } from 'workerpool';
import { entryUrl } from '../../../entry-url.ts';
import type { Contestant, ContestantOptions } from '../contestant.ts';
import { Fifo } from '../fifo.ts';
import { sharedBytes } from '../shared-bytes.ts';

type TaskQueue = Exclude<NonNullable<WorkerPoolOptions['queueStrategy']>, string>;
type Task = Parameters<TaskQueue['push']>[0];

/** Its own queue takes ten seconds to empty where 100 000 tasks wait. */
function queue(): TaskQueue {
  const tasks = new Fifo<Task>();
  return {
    push: (task) => tasks.push(task),
    pop: () => tasks.shift(),
    size: () => tasks.size,
    contains: (task) => tasks.includes(task),
    clear: () => tasks.clear(),
  };
}

export function startWorkerpool({ threads }: ContestantOptions): Contestant {
  const pool = workerpool.pool(fileURLToPath(entryUrl('suites/scheduler/workerpool-worker')), {
    minWorkers: threads,
    maxWorkers: threads,
    workerType: 'thread',
    queueStrategy: queue(),
  });
  // Its promises are its own: thenable, and enough for `await`.
  const exec = <Result>(method: string, argument: unknown): Promise<Result> => pool.exec(method, [argument]);
  return {
    double: (n) => exec('double', n),
    digest: (payload) => exec('digest', payload),
    whoRuns: (n) => exec('whoRuns', n),
    holdWhile: (path) => exec('holdWhile', path),
    allocate: sharedBytes,
    close: async () => {
      await pool.terminate(true);
    },
  };
}
