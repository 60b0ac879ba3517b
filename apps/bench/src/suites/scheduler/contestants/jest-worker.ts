import { Worker } from 'jest-worker';
import { entryUrl } from '../../../entry-url.ts';
import type { Contestant, ContestantOptions, StartContestant } from '../contestant.ts';
import { sharedBytes } from '../shared-bytes.ts';

type Methods = Pick<Contestant, 'digest' | 'double' | 'holdWhile' | 'whoRuns'>;

type Policy = 'in-order' | 'round-robin';

function start({ threads }: ContestantOptions, workerSchedulingPolicy: Policy): Contestant {
  const pool = new Worker(entryUrl('suites/scheduler/work'), {
    enableWorkerThreads: true,
    numWorkers: threads,
    exposedMethods: ['digest', 'double', 'holdWhile', 'whoRuns'],
    workerSchedulingPolicy,
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

export const startJestWorker: StartContestant = (options) => start(options, 'in-order');

/** What it does by default. */
export const startJestWorkerInTurn: StartContestant = (options) => start(options, 'round-robin');
