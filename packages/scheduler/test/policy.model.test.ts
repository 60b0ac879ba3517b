// All interleavings of policies that have lanes: fifo takes the oldest task of all clients, workStealing loses no hint and no wake-up.
import { poke, repeat, type Scenario } from '@corelane/interleave';
import { describe } from 'vitest';
import { takeBatch } from '../kernel/lanes.ts';
import { NO_TASK, POLICY_FIFO, POLICY_WORK_STEALING, WORK_WAITS } from '../src/layout.ts';
import { loadWord, napWord, storeWord, waitWord, wakeWord } from './kernel/words.ts';
import {
  allFree,
  BYTES,
  collect,
  execute,
  HOLD,
  type Kernel,
  LEVEL,
  NAMES,
  PHASE,
  resubmit,
  S,
  start,
  submit,
  usePolicy,
} from './model.ts';
import { type MutantOf, testModelsWithOwnMutants } from './model-suite.ts';

const begin = (policy: number, slots: number, workers: number, share = 0): void => {
  start(slots, workers, share);
  usePolicy(policy);
  poke(HOLD, 0);
};

const scenario = (
  name: string,
  setup: () => void,
  threads: Scenario['threads'],
  check: (results: any) => string | undefined,
  preemptions?: number,
): Scenario => ({
  name,
  bytes: BYTES,
  names: NAMES,
  setup,
  threads,
  check,
  maxSteps: 1500,
  ...(preemptions !== undefined && { preemptions }),
});

/** Claims and runs what is there. @returns what became of the task, NO_TASK where there was none */
const work =
  (k: Kernel, worker: number, inTurn = 0) =>
  (): number => {
    const slot = k.claimTask(S, worker, inTurn);
    if (slot === NO_TASK) return NO_TASK;
    execute(slot);
    return k.finishSlot(S, slot, worker, 0);
  };

/** Runs until it has run `tasks`, parked in between; then lets another one go on that waits for it. */
const worker = (k: Kernel, id: number, tasks: number) =>
  repeat(
    0,
    (ran) => {
      const slot = k.claimTask(S, id, 0);
      if (slot === NO_TASK) {
        if (k.parkWorker(S, id, -1) === WORK_WAITS) napWord(PHASE);
        return ran;
      }
      execute(slot);
      k.finishSlot(S, slot, id, 0);
      if (ran + 1 === tasks) {
        storeWord(HOLD, 1);
        wakeWord(HOLD);
      }
      return ran + 1;
    },
    (ran) => ran === tasks,
  );

/** Takes one task, and is held up by it until another worker has said that it is done. */
const heldUp = (k: Kernel, id: number) => (): number => {
  const slot = k.claimTask(S, id, 0);
  while (loadWord(HOLD) === 0) waitWord(HOLD, 0);
  if (slot === NO_TASK) return NO_TASK;
  execute(slot);
  return k.finishSlot(S, slot, id, 0);
};

const results = (k: Kernel): number[] => [...collect(k, 1), ...collect(k, 2)];
const rest = (k: Kernel): number[] => {
  const found = results(k);
  for (let left = 4; left > 0 && work(k, 1)() !== NO_TASK; left--) found.push(...results(k));
  return found;
};
const allRan = (k: Kernel, expected: string, slots: number): string | undefined => {
  const ran = rest(k)
    .toSorted((a, b) => a - b)
    .join();
  return ran === expected ? allFree(k, slots) : `results ${ran}`;
};

const OLDEST = 'fifo: two workers take the two oldest tasks, of whichever client';
const STALE = 'fifo: a hint that is stale hides nothing behind it';
const BOTH = 'fifo: two clients submit while a worker claims: all run';
const BATCH =
  'workStealing: a worker that sleeps is woken for what another one took for itself, and steals it';
const SHARED = 'workStealing: two workers and a task in turn: each runs once';
const THIEF = 'workStealing: a worker that sleeps is woken for what a thief has taken too much of';

const SCENARIOS = [
  (k: Kernel): Scenario =>
    scenario(
      OLDEST,
      () => {
        begin(POLICY_FIFO, 3, 2);
        submit(k, 1, 6);
        submit(k, 2, 7);
        submit(k, 1, 8);
      },
      [work(k, 1), work(k, 2)],
      () => {
        const first = results(k).toSorted((a, b) => a - b);
        return first.join() === '60,70' && rest(k).join() === '80' ? allFree(k, 3) : `first ${first.join()}`;
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      STALE,
      () => {
        begin(POLICY_FIFO, 3, 1);
        submit(k, 1, 5);
        submit(k, 1, 6);
        submit(k, 2, 7);
      },
      [
        () => {
          k.cancelSlot(S, 0, 1);
          return resubmit(k, 1, 0, 8);
        },
      ],
      () => {
        const order = rest(k).join();
        return order === '60,70,80' ? allFree(k, 3) : `order ${order}`;
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      BOTH,
      () => begin(POLICY_FIFO, 2, 1),
      [worker(k, 1, 2), () => submit(k, 1, 7), () => submit(k, 2, 8)],
      () => allRan(k, '70,80', 2),
      2,
    ),
  (k: Kernel): Scenario =>
    scenario(
      BATCH,
      () => begin(POLICY_WORK_STEALING, 2, 2, 1),
      [
        () => {
          submit(k, 1, 7);
          submit(k, 1, 8);
          return heldUp(k, 1)();
        },
        worker(k, 2, 1),
      ],
      () => allRan(k, '70,80', 2),
      2,
    ),
  (k: Kernel): Scenario =>
    scenario(
      SHARED,
      () => {
        begin(POLICY_WORK_STEALING, 3, 2, 1);
        submit(k, 1, 6);
        submit(k, 1, 7);
        work(k, 1)(); // the other one is in its deque
        submit(k, 2, 8);
      },
      [work(k, 1, 1), work(k, 2)],
      ([one, two]: [number, number]) =>
        one === NO_TASK || two === NO_TASK ? `ran ${one}, ${two}` : allRan(k, '60,70,80', 3),
    ),
  (k: Kernel): Scenario =>
    scenario(
      THIEF,
      () => {
        begin(POLICY_WORK_STEALING, 3, 3, 1);
        for (const value of [6, 7, 8]) submit(k, 1, value);
        takeBatch(S, 1, LEVEL, 1); // worker 1 has them all, and is held up
      },
      [heldUp(k, 2), worker(k, 3, 2)],
      () => allRan(k, '60,70,80', 3),
      3,
    ),
];

/** Each with the scenario that kills it. */
const MUTANTS: readonly MutantOf[] = [
  {
    name: 'a worker takes what is behind the oldest',
    by: OLDEST,
    file: 'lanes.ts',
    find: 'if (lapIn(cell) != lapOf(tail, shift) || (cell & HINT) != hint) return NO_HINT;',
    replace: 'if (lapIn(cell) != lapOf(tail, shift)) return NO_HINT; hint = cell & HINT;',
  },
  {
    name: 'tickets are not compared',
    by: OLDEST,
    file: 'fifo.ts',
    find: 'if (from < 0 || ((ticket - oldest) | 0) < 0) {',
    replace: 'if (from < 0) {',
  },
  {
    name: 'the ticket of a stale hint counts',
    by: STALE,
    file: 'fifo.ts',
    find: 'if (isStale(scheduler, hint) != 0) return takeThis(scheduler, client, level, hint);',
    replace: '',
  },
  {
    name: 'one client hides the others',
    by: OLDEST,
    file: 'fifo.ts',
    find: 'while (client > last) {',
    replace: 'if (client > last) {',
  },
  {
    name: 'a worker that moved several tells nobody',
    by: BATCH,
    file: 'stealing.ts',
    find: 'if (client >= 0 && takeBatch(scheduler, client, level, worker) > 1) wakeOne(scheduler);',
    replace: 'if (client >= 0) takeBatch(scheduler, client, level, worker);',
    expect: 'deadlock',
  },
  {
    name: 'nobody steals',
    by: SHARED,
    file: 'stealing.ts',
    find: 'if (count > 0) return 1;',
    replace: 'if (count > 0) return 0;',
  },
  {
    name: 'a thief that took several tells nobody',
    by: THIEF,
    file: 'stealing.ts',
    find: 'if (count > 1) wakeOne(scheduler); // as above',
    replace: '',
    expect: 'deadlock',
  },
];

describe('policies with lanes, all interleavings', () => {
  testModelsWithOwnMutants(SCENARIOS, MUTANTS);
});
