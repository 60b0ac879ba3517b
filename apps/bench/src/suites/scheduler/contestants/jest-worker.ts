import { Worker } from 'jest-worker';
import { entryUrl } from '../../../entry-url.ts';
import type { Contestant, ContestantOptions } from '../contestant.ts';
import { sharedBytes } from '../shared-bytes.ts';

type Methods = Pick<Contestant, 'digest' | 'double' | 'holdWhile' | 'whoRuns'>;

export function startJestWorker({ threads }: ContestantOptions): Contestant {
  const pool = new Worker(entryUrl('suites/scheduler/work'), {
    enableWorkerThreads: true,
    numWorkers: threads,
    exposedMethods: ['digest', 'double', 'holdWhile', 'whoRuns'],
    workerSchedulingPolicy: 'in-order',
  }) as unknown as Worker & Methods;
  return {
    double: (n) => pool.double(n),
    digest: (payload) => pool.digest(payload),
    whoRuns: (n) => pool.whoRuns(n),
    holdWhile: (path) => pool.holdWhile(path),
    allocate: sharedBytes,
    close: () => pool.end(),
  };
}
