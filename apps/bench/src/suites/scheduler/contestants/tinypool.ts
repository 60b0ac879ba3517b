import { Tinypool } from 'tinypool';
import { entryUrl } from '../../../entry-url.ts';
import type { Contestant, ContestantOptions, StartContestant } from '../contestant.ts';
import { sharedBytes } from '../shared-bytes.ts';

const DOUBLE = { name: 'double' };
const DIGEST = { name: 'digest' };
const WHO_RUNS = { name: 'whoRuns' };
const HOLD_WHILE = { name: 'holdWhile' };

type Settings = Pick<
  NonNullable<ConstructorParameters<typeof Tinypool>[0]>,
  'concurrentTasksPerWorker' | 'useAtomics'
>;

const BEST: Settings = { useAtomics: true, concurrentTasksPerWorker: 1024 };

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

export const startTinypool: StartContestant = (options) => start(options, BEST);

/** What it does by default. */
export const startDefaultTinypool: StartContestant = (options) => start(options, {});

export const startTinypoolWithoutAtomics: StartContestant = (options) =>
  start(options, { ...BEST, useAtomics: false });
