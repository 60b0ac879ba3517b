import { fileURLToPath } from 'node:url';
import { FixedThreadPool, WorkerChoiceStrategies } from 'poolifier';
import { entryUrl } from '../../../entry-url.ts';
import type { Contestant, ContestantOptions, StartContestant } from '../contestant.ts';
import { sharedBytes } from '../shared-bytes.ts';

type Settings = Pick<
  NonNullable<ConstructorParameters<typeof FixedThreadPool>[2]>,
  'enableEvents' | 'enableTasksQueue' | 'tasksQueueOptions' | 'workerChoiceStrategy'
>;

const BEST: Settings = {
  enableEvents: false,
  enableTasksQueue: false,
  workerChoiceStrategy: WorkerChoiceStrategies.LEAST_USED,
};

function start({ threads }: ContestantOptions, settings: Settings): Contestant {
  const pool = new FixedThreadPool(
    threads,
    fileURLToPath(entryUrl('suites/scheduler/poolifier-worker')),
    settings,
  );
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

export const startPoolifier: StartContestant = (options) => start(options, BEST);

/** What it does by default. */
export const startDefaultPoolifier: StartContestant = (options) => start(options, {});

export const startPoolifierInTurn: StartContestant = (options) =>
  start(options, { ...BEST, workerChoiceStrategy: WorkerChoiceStrategies.ROUND_ROBIN });

/** Tasks wait on its side, and workers without any take them from others. */
export const startPoolifierWithQueues: StartContestant = (options) =>
  start(options, { ...BEST, enableTasksQueue: true, tasksQueueOptions: { concurrency: 1024 } });
