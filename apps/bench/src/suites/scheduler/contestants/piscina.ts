import { Piscina } from 'piscina';
import { entryUrl } from '../../../entry-url.ts';
import type { Contestant, ContestantOptions, StartContestant } from '../contestant.ts';
import { sharedBytes } from '../shared-bytes.ts';

const DOUBLE = { name: 'double' };
const DIGEST = { name: 'digest' };
const WHO_RUNS = { name: 'whoRuns' };
const HOLD_WHILE = { name: 'holdWhile' };

type Settings = Pick<
  NonNullable<ConstructorParameters<typeof Piscina>[0]>,
  'atomics' | 'concurrentTasksPerWorker' | 'recordTiming'
>;

const BEST: Settings = { atomics: 'sync', concurrentTasksPerWorker: 1024, recordTiming: false };

function start({ threads }: ContestantOptions, settings: Settings): Contestant {
  const pool = new Piscina({
    ...settings,
    filename: entryUrl('suites/scheduler/work').href,
    name: 'double',
    minThreads: threads,
    maxThreads: threads,
    idleTimeout: Infinity,
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

export const startPiscina: StartContestant = (options) => start(options, BEST);

/** What it does by default. */
export const startDefaultPiscina: StartContestant = (options) => start(options, {});

export const startPiscinaBy64: StartContestant = (options) =>
  start(options, { ...BEST, concurrentTasksPerWorker: 64 });

export const startPiscinaAsync: StartContestant = (options) => start(options, { ...BEST, atomics: 'async' });

export const startPiscinaWithoutAtomics: StartContestant = (options) =>
  start(options, { ...BEST, atomics: 'disabled' });
