// Tasks of one multiplication: what is measured is what running a task costs.
import type { BatchGroup, Claim } from '../../suite.ts';
import { type ContestantName, LIBRARIES } from './contestants.ts';
import { CPU, poolCase, SCHEDULER } from './pool-case.ts';
import { LEAST_RATIO, LEAST_RATIO_BATCHED_PORT, LEAST_RATIO_CPU, LEAST_RATIO_SINGLE } from './targets.ts';

/** Ways to run tasks that are compared with the libraries, by how many are in flight. */
const OURS: Readonly<Record<number, readonly ContestantName[]>> = {
  1: [SCHEDULER, 'scheduler, lowLatency'],
  64: [SCHEDULER, 'scheduler, lowLatency'],
  1024: [SCHEDULER, 'scheduler, lowLatency', 'scheduler, callbacks', 'scheduler, runMany'],
};

function claimsOf(inFlight: number): readonly Claim[] {
  const atLeast = LEAST_RATIO[inFlight];
  return (OURS[inFlight] ?? []).flatMap((against) => [
    ...LIBRARIES.map((of): Claim =>
      atLeast === undefined
        ? { of, against, metric: 'p50', atLeast: LEAST_RATIO_SINGLE }
        : { of, against, atLeast },
    ),
    ...LIBRARIES.map((of): Claim => ({ of, against, metric: CPU, atLeast: LEAST_RATIO_CPU })),
    ...(inFlight === 1024 ? [{ of: 'port, batched', against, atLeast: LEAST_RATIO_BATCHED_PORT }] : []),
  ]);
}

function group(threads: number, inFlight: number): BatchGroup {
  const names: readonly ContestantName[] = [
    ...(OURS[inFlight] ?? []),
    ...LIBRARIES,
    'port',
    'port, batched',
    'call, no thread',
  ];
  const clocked = inFlight === 1 ? ' Each task is timed: a clock is read once a task.' : '';
  return {
    kind: 'batch',
    name: `tiny-${threads}-${inFlight === 1 ? 'single' : inFlight}`,
    title: `A task of one multiplication, ${threads} ${threads === 1 ? 'worker' : 'workers'}, ${inFlight} in flight`,
    note: `Every case in a process of its own; each result is looked at. cpu: of that process with all its threads, for each task.${clocked}`,
    cases: names.map((name) => poolCase(name, 'doubles', { threads, inFlight, payloadBytes: 0 })),
    claims: claimsOf(inFlight),
  };
}

export const tiny: readonly BatchGroup[] = [1, 2].flatMap((threads) =>
  [1, 64, 1024].map((inFlight) => group(threads, inFlight)),
);
