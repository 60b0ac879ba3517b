// What budgets, hooks and the watchdog add to a task, beside the same scheduler without them.
import type { BatchGroup } from '../../suite.ts';
import type { ContestantName } from '../scheduler/contestants.ts';
import { CPU, poolCase, SCHEDULER } from '../scheduler/pool-case.ts';

const WATCHED: readonly ContestantName[] = [
  'scheduler, budgets',
  'scheduler, budgets and hooks',
  'scheduler, budgets, hooks, watchdog',
];

/** All hooks on. */
const MOST = 1.1;

function group(
  name: string,
  title: string,
  load: 'doubles' | 'digests',
  payloadBytes: number,
  inFlight: number,
): BatchGroup {
  return {
    kind: 'batch',
    name,
    title,
    note: 'Every case in a process of its own, 1 worker; each result is looked at. cpu: of that process with all its threads, for each task.',
    cases: [SCHEDULER, ...WATCHED].map((each) =>
      poolCase(each as ContestantName, load, { threads: 1, inFlight, payloadBytes }),
    ),
    claims: WATCHED.flatMap((of) => [
      { of, against: SCHEDULER, atMost: MOST },
      { of, against: SCHEDULER, metric: CPU, atMost: MOST },
    ]),
  };
}

const KIB = 1024;

export const overhead: readonly BatchGroup[] = [
  group(
    'task-tiny',
    'A task of one multiplication, 1024 in flight: there is no smaller one',
    'doubles',
    0,
    1024,
  ),
  group('task-4k', 'Digest of 4 KiB: a task of some 10 µs', 'digests', 4 * KIB, 64),
];
