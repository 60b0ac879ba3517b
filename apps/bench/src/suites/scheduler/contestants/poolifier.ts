import { fileURLToPath } from 'node:url';
import { FixedThreadPool, WorkerChoiceStrategies } from 'poolifier';
import { entryUrl } from '../../../entry-url.ts';
import type { Contestant, ContestantOptions } from '../contestant.ts';
import { sharedBytes } from '../shared-bytes.ts';

export function startPoolifier({ threads }: ContestantOptions): Contestant {
  const pool = new FixedThreadPool(threads, fileURLToPath(entryUrl('suites/scheduler/poolifier-worker')), {
    enableEvents: false,
    enableTasksQueue: false,
    workerChoiceStrategy: WorkerChoiceStrategies.LEAST_USED,
  });
  return {
    double: (n) => pool.execute(n, 'double') as Promise<number>,
    digest: (payload) => pool.execute(payload, 'digest') as Promise<string>,
    whoRuns: (n) => pool.execute(n, 'whoRuns') as Promise<number>,
    holdWhile: (path) => pool.execute(path, 'holdWhile') as Promise<number>,
    allocate: sharedBytes,
    // Not awaited: now and then it never resolves, for a worker closes its port right after it has said that it ends.
    close: () => void pool.destroy(),
  };
}
