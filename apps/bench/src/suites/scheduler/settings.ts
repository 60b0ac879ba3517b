// Whether the libraries have their best settings in the other groups: each against the same with others.
import type { BatchGroup, Claim } from '../../suite.ts';
import { poolCase, SCHEDULER } from './pool-case.ts';
import { SETTINGS_MARGIN } from './targets.ts';

const SETTINGS = {
  piscina: ['piscina, default', 'piscina, 64 a worker', 'piscina, async atomics', 'piscina, no atomics'],
  tinypool: ['tinypool, default', 'tinypool, no atomics'],
  poolifier: ['poolifier, default', 'poolifier, in turn', 'poolifier, queues'],
  'jest-worker': ['jest-worker, in turn'],
} as const;

type Tuned = keyof typeof SETTINGS;

const LIBRARIES = Object.keys(SETTINGS) as Tuned[];

/** Enough for what a library holds back, and for what it takes at once. */
const IN_FLIGHT = 256;

function group(threads: number): BatchGroup {
  const names = [SCHEDULER, ...LIBRARIES.flatMap((best) => [best, ...SETTINGS[best]])] as const;
  return {
    kind: 'batch',
    name: `settings-${threads}`,
    title: `Other settings of the libraries, ${threads} ${threads === 1 ? 'worker' : 'workers'}, ${IN_FLIGHT} in flight`,
    note: 'workerpool and multithreading have none that matter: workers of threads, and as many as are wanted.',
    cases: names.map((name) => poolCase(name, 'doubles', { threads, inFlight: IN_FLIGHT, payloadBytes: 0 })),
    claims: LIBRARIES.flatMap((against) =>
      SETTINGS[against].map((of): Claim => ({ of, against, atLeast: SETTINGS_MARGIN })),
    ),
  };
}

export const settings: readonly BatchGroup[] = [1, 2].map(group);
