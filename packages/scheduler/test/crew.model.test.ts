// All interleavings of asking for a worker and of ending one that is idle: no task is left that nobody takes.
import { repeat, type Mutant, type Scenario } from '@corelane/interleave';
import { describe } from 'vitest';
import { NO_TASK, RETIRED, WORK_WAITS, WORKER_LEAVES } from '../src/layout.ts';
import { loadWord, napWord, storeWord, waitWord, wakeWord } from './kernel/words.ts';
import {
  allFree,
  BELL,
  BYTES,
  collect,
  execute,
  HOLD,
  type Kernel,
  leavesOf,
  listAt,
  NAMES,
  PHASE,
  S,
  start,
  submit,
} from './model.ts';
import { testModels } from './model-suite.ts';

/** What the owner says to worker 2, and worker 1 to the owner. */
const STARTED = 1;
const NOT_NEEDED = 2;
const HAS_LEFT = HOLD + 4;

function tell(word: number, what: number): void {
  storeWord(word, what);
  wakeWord(word);
}

/** Claims a task and runs it, or parks. @returns how many it ran */
function workOnce(k: Kernel, id: number): number {
  const slot = k.claimTask(S, id, 0);
  if (slot !== NO_TASK) {
    execute(slot);
    k.finishSlot(S, slot, id, 0);
    return 1;
  }
  if (k.parkWorker(S, id, -1) === WORK_WAITS) napWord(PHASE);
  return 0;
}

/** Has no thread before the owner starts it. */
const second = (k: Kernel, tasks: number) =>
  repeat(
    { said: 0, ran: 0 },
    ({ said, ran }) => {
      if (said === STARTED) return { said, ran: ran + workOnce(k, 2) };
      waitWord(HOLD, 0);
      return { said: loadWord(HOLD), ran };
    },
    ({ said, ran }) => said === NOT_NEEDED || ran === tasks,
  );

/** Looks whenever its bell has rung, until a worker was needed. */
function lookOnce(k: Kernel): boolean {
  const seen = loadWord(BELL);
  if (k.armGrowth(S, 1) > 0) {
    tell(HOLD, STARTED);
    return true;
  }
  waitWord(BELL, seen);
  return false;
}

const owner = (k: Kernel) =>
  repeat(
    { done: false },
    () => ({ done: lookOnce(k) }),
    ({ done }) => done,
  );

function resultsOf(k: Kernel, clients: readonly number[], expected: string): string | undefined {
  const results = clients.flatMap((client) => collect(k, client)).toSorted((x, y) => x - y);
  return results.join() === expected ? allFree(k) : `results ${results.join()}`;
}

const SCENARIOS = [
  // The cheap ones first: a mutant dies at the first that fails.
  (k: Kernel): Scenario => ({
    name: 'an idle worker that is told to leave does so',
    bytes: BYTES,
    names: NAMES,
    setup: () => start(2, 2, 1),
    threads: [
      repeat(
        false,
        () => {
          if (loadWord(leavesOf(1)) !== WORKER_LEAVES) {
            workOnce(k, 1);
            return false;
          }
          tell(HAS_LEFT, 1);
          return true;
        },
        (left) => left,
      ),
      repeat(
        0,
        (outcome) => {
          if (outcome === RETIRED) waitWord(HAS_LEFT, 0);
          return outcome === RETIRED ? NOT_NEEDED : k.retireWorker(S, 1);
        },
        (outcome) => outcome === NOT_NEEDED,
      ),
    ],
    check: () => allFree(k),
    maxSteps: 1000,
  }),
  (k: Kernel): Scenario => ({
    name: 'a task that comes while an idle worker is told to leave is run by that one, or by another',
    bytes: BYTES,
    names: NAMES,
    setup: () => start(2, 2, 1),
    threads: [
      repeat(
        { ran: 0, done: false },
        ({ ran }) => {
          if (loadWord(leavesOf(1)) === WORKER_LEAVES) {
            tell(HAS_LEFT, 1);
            return { ran, done: true };
          }
          if (ran === 0) return { ran: workOnce(k, 1), done: false };
          // That was all.
          if (loadWord(HOLD) === NOT_NEEDED) return { ran, done: true };
          napWord(HOLD);
          return { ran, done: false };
        },
        ({ done }) => done,
      ),
      () => submit(k, 1, 7),
      repeat(
        { retired: 0, done: false },
        ({ retired }) => {
          if (retired === 0) {
            k.armGrowth(S, 1);
            const outcome = k.retireWorker(S, 1);
            if (outcome === RETIRED) return { retired: 1, done: false };
            tell(HOLD, NOT_NEEDED);
            return { retired, done: true };
          }
          waitWord(HAS_LEFT, 0);
          if (loadWord(listAt(1)) === 0) return { retired, done: lookOnce(k) };
          tell(HOLD, NOT_NEEDED); // it had found the task already
          return { retired, done: true };
        },
        ({ done }) => done,
      ),
      second(k, 1),
    ],
    check: () => resultsOf(k, [1], '70'),
    maxSteps: 1000,
    preemptions: 2,
  }),
  (k: Kernel): Scenario => ({
    name: 'a task that finds nobody parked gets a worker, whoever submits it',
    bytes: BYTES,
    names: NAMES,
    setup: () => start(2, 2, 2),
    threads: [() => submit(k, 1, 7), () => submit(k, 2, 8), owner(k), second(k, 2)],
    check: () => resultsOf(k, [1, 2], '70,80'),
    maxSteps: 1000,
    preemptions: 2,
  }),
  (k: Kernel): Scenario => ({
    name: 'so does the next one, where the owner found nothing the first time',
    bytes: BYTES,
    names: NAMES,
    setup: () => start(2, 2, 1),
    threads: [
      () => {
        submit(k, 1, 7);
        submit(k, 1, 8);
      },
      // The only worker: one task is all that it ever runs.
      repeat(
        0,
        () => workOnce(k, 1),
        (ran) => ran > 0,
      ),
      owner(k),
      second(k, 1),
    ],
    check: () => resultsOf(k, [1], '70,80'),
    maxSteps: 1000,
    preemptions: 1,
  }),
];

const MUTANTS: readonly Mutant[] = [
  {
    name: 'a client that finds nobody parked asks for nobody',
    file: 'sleep.ts',
    find: '  askForWorker(scheduler, growth);\n  return 0;',
    replace: '  return 0;',
    expect: 'deadlock',
  },
  {
    name: 'a client asks without ringing',
    file: 'sleep.ts',
    find: 'if (compareExchange(word, GROWTH_ARMED, GROWTH_ASKED) == GROWTH_ARMED) ring(scheduler);',
    replace: 'compareExchange(word, GROWTH_ARMED, GROWTH_ASKED);',
    expect: 'deadlock',
  },
  {
    name: 'the owner counts before it lets others ask',
    file: 'crew.ts',
    find: `  store(scheduler + SCHEDULER_ROOT_GROWTH, isArmed != 0 ? GROWTH_ARMED : GROWTH_NONE);
  return queuedSlots(scheduler);`,
    replace: `  const waiting = queuedSlots(scheduler);
  store(scheduler + SCHEDULER_ROOT_GROWTH, isArmed != 0 ? GROWTH_ARMED : GROWTH_NONE);
  return waiting;`,
    expect: 'deadlock',
  },
  {
    name: 'the owner leaves it asked',
    file: 'crew.ts',
    find: 'store(scheduler + SCHEDULER_ROOT_GROWTH, isArmed != 0 ? GROWTH_ARMED : GROWTH_NONE);',
    replace:
      'if (load(scheduler + SCHEDULER_ROOT_GROWTH) == GROWTH_NONE) store(scheduler + SCHEDULER_ROOT_GROWTH, GROWTH_ARMED);',
    expect: 'deadlock',
  },
  {
    name: 'a worker is woken before it is told to leave',
    file: 'crew.ts',
    find: `  if (keep == 0) store(word, WORKER_LEAVES);
  wake(scheduler, worker);`,
    replace: `  wake(scheduler, worker);
  if (keep == 0) store(word, WORKER_LEAVES);`,
    expect: 'deadlock',
  },
  {
    name: 'a worker that is told to leave is not woken',
    file: 'crew.ts',
    find: '  wake(scheduler, worker);\n  return',
    replace: '  return',
    expect: 'deadlock',
  },
];

describe('more workers and fewer, all interleavings', () => {
  testModels(SCENARIOS, MUTANTS);
});
