// All interleavings of the tree of deadlines: each task that is in it runs once, the earliest first, whoever else changes it.
import { poke, repeat, type Scenario } from '@corelane/interleave';
import { describe, expect, test } from 'vitest';
import {
  DELIVERED,
  ENTERED,
  LEVELS,
  NO_TASK,
  POLICY_DEADLINE,
  schedulerRoot,
  SLOT_HELD,
  slotHead,
  TOO_LATE,
  WITHDRAWN,
  WORK_WAITS,
} from '../src/layout.ts';
import { napWord } from './kernel/words.ts';
import {
  allFree,
  BYTES,
  collect,
  execute,
  type Kernel,
  leafAt,
  LEVEL,
  NAMES,
  pack,
  PHASE,
  pokeState,
  resubmit,
  S,
  slotAt,
  start,
  submitDeadline,
  usePolicy,
} from './model.ts';
import { type MutantOf, testModelsWithOwnMutants } from './model-suite.ts';

const begin = (slots: number, workers = 1): void => {
  start(slots, workers);
  usePolicy(POLICY_DEADLINE);
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
const work = (k: Kernel, worker: number) => (): number => {
  const slot = k.claimTask(S, worker, 0);
  if (slot === NO_TASK) return NO_TASK;
  execute(slot);
  return k.finishSlot(S, slot, worker, 0);
};

const worker = (k: Kernel, id: number, tasks: number) =>
  repeat(
    0,
    (ran) => {
      const slot = k.claimTask(S, id, 0);
      if (slot !== NO_TASK) {
        execute(slot);
        k.finishSlot(S, slot, id, 0);
        return ran + 1;
      }
      if (k.parkWorker(S, id, -1) === WORK_WAITS) napWord(PHASE);
      return ran;
    },
    (ran) => ran === tasks,
  );

/** Runs what is left, one after the other. @returns the results in the order in which they ran */
const rest = (k: Kernel): number[] => {
  const results: number[] = [];
  for (let left = 4; left > 0 && work(k, 1)() !== NO_TASK; left--)
    results.push(...collect(k, 1), ...collect(k, 2));
  return results;
};

const allRan = (k: Kernel, expected: string, slots: number): string | undefined => {
  const results = [...collect(k, 1), ...collect(k, 2), ...rest(k)].toSorted((a, b) => a - b).join();
  return results === expected ? allFree(k, slots) : `results ${results}`;
};

/** Nothing is left at the root either. */
const isEmpty = (k: Kernel): boolean => k.hasWork(S, 0) === 0;

const TWICE = 'two clients submit at once: afterwards the earliest comes first';
const EACH_ONCE = 'two workers claim what two tasks in one half of the tree are, while another one enters';
const BESIDE = 'a task enters beside one that is claimed: it is found';
const HIDDEN = 'what a worker took away and did not play for is found, and what it hides';
const AGAIN =
  'a slot is queued again with the same deadline while a worker has its last task: each runs once';
const ELSEWHERE = 'a slot whose leaf has stayed is queued for another worker: nobody else runs it';
const ASLEEP = 'a parked worker finds the task that enters';
const MENDING = 'a task that the owner looks at stays in the tree';
const CANCEL = 'a task is either cancelled or run, and nothing stays at the root';

const SCENARIOS = [
  (k: Kernel): Scenario =>
    scenario(
      ASLEEP,
      () => begin(1),
      [worker(k, 1, 1), () => submitDeadline(k, 1, 7, 5)],
      () => (isEmpty(k) ? allRan(k, '70', 1) : 'the tree is not empty'),
    ),
  (k: Kernel): Scenario =>
    scenario(
      CANCEL,
      () => {
        begin(1, 2);
        submitDeadline(k, 1, 7, 5);
      },
      [work(k, 1), work(k, 2), () => k.cancelSlot(S, 0, 1)],
      ([one, two, outcome]: [number, number, number]) => {
        const ran = [one, two].filter((each) => each !== NO_TASK).length;
        const results = collect(k, 1).join();
        if (ran !== (outcome === WITHDRAWN ? 0 : 1) || results !== (outcome === TOO_LATE ? '70' : ''))
          return `cancel said ${outcome}, ran ${one}, ${two}, results ${results}`;
        const free = allFree(k, 1);
        return free ?? (isEmpty(k) ? undefined : 'the tree is not empty');
      },
      3,
    ),
  (k: Kernel): Scenario =>
    scenario(
      MENDING,
      () => {
        begin(1);
        submitDeadline(k, 1, 7, 5);
      },
      [worker(k, 1, 1), () => k.mendSlot(S, 0)],
      () => allRan(k, '70', 1),
    ),
  (k: Kernel): Scenario =>
    scenario(
      ELSEWHERE,
      () => {
        begin(1, 2);
        submitDeadline(k, 1, 7, 5);
        k.cancelSlot(S, 0, 1);
        // As if 255 other tasks had been in it since: the next one has the generation of the leaf.
        const word = slotAt(0) + slotHead.offset.state;
        poke(word, pack(SLOT_HELD, 1, 0));
      },
      [
        () => {
          const entered = resubmit(k, 1, 0, 7, LEVELS + 1);
          return [entered, work(k, 1)()];
        },
      ],
      ([[entered, one]]: [[number, number]]) => {
        if (one !== NO_TASK || entered !== ENTERED) return `worker 1 said ${one}, entered ${entered}`;
        return work(k, 2)() === DELIVERED && collect(k, 1).join() === '70' ? undefined : 'nobody ran it';
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      AGAIN,
      () => {
        begin(1, 2);
        submitDeadline(k, 1, 7, 5);
      },
      [
        work(k, 1),
        () => {
          const outcome = k.cancelSlot(S, 0, 1);
          return [outcome, outcome === WITHDRAWN ? resubmit(k, 1, 0, 8, LEVEL, 5) : NO_TASK];
        },
      ],
      ([done, [outcome, again]]: [number, [number, number]]) => {
        const next = work(k, 2)();
        const results = collect(k, 1).join();
        if (outcome === WITHDRAWN) {
          if (again !== ENTERED || results !== '80') return `submitted again ${again}, results ${results}`;
          return [done, next].toSorted((x, y) => x - y).join() === `${NO_TASK},${DELIVERED}`
            ? allFree(k, 1)
            : `workers said ${done}, ${next}`;
        }
        return next === NO_TASK ? allFree(k, 1) : `a second worker said ${next}`;
      },
      3,
    ),
  (k: Kernel): Scenario =>
    scenario(
      TWICE,
      () => begin(2),
      [() => submitDeadline(k, 1, 7, 5), () => submitDeadline(k, 2, 8, 3)],
      () => {
        const order = rest(k).join();
        return order === '80,70' ? (isEmpty(k) ? undefined : 'the tree is not empty') : `order ${order}`;
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      BESIDE,
      () => {
        begin(2);
        submitDeadline(k, 1, 7, 5);
      },
      [work(k, 1), () => submitDeadline(k, 2, 8, 9)],
      ([done]: [number]) => (done === DELIVERED ? allRan(k, '70,80', 2) : `ran ${done}`),
    ),
  (k: Kernel): Scenario =>
    scenario(
      HIDDEN,
      () => {
        begin(3);
        submitDeadline(k, 1, 6, 5);
        submitDeadline(k, 1, 7, 7);
        submitDeadline(k, 1, 8, 3);
        // A worker claimed the first, took its leaf away, and ended before it played.
        poke(leafAt(0), 0);
        pokeState(0, SLOT_HELD, 1, 0);
      },
      [
        () => {
          work(k, 1)();
          const results = collect(k, 1);
          submitDeadline(k, 1, 9, 8);
          return results;
        },
      ],
      ([first]: [number[]]) => {
        const order = [...first, ...rest(k)].join();
        return order === '80,70,90' && isEmpty(k) ? undefined : `order ${order}`;
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      EACH_ONCE,
      () => {
        begin(3, 2);
        submitDeadline(k, 1, 6, 5);
        submitDeadline(k, 1, 7, 9);
      },
      [work(k, 1), work(k, 2), () => submitDeadline(k, 2, 8, 7)],
      () => allRan(k, '60,70,80', 3),
      2,
    ),
];

const LEAF_FIRST = `    load64(leaf);
    const deadline = low();
    const key = high();
    if (deadline != 0) {
      const word = slotAt(scheduler, slot) + SLOT_HEAD_STATE;
      // After the leaf, which is written when the slot is queued: another state is a later one, and the leaf has had its time.
      const seen = load(word);`;

/** Each with the scenario that kills it. */
const MUTANTS: readonly MutantOf[] = [
  {
    name: 'who loses a match does not play again',
    by: TWICE,
    find: 'if (play(scheduler, node) == 0) play(scheduler, node);',
    replace: 'play(scheduler, node);',
  },
  {
    name: 'a match with the same winner is not written down',
    by: AGAIN,
    find: '  // publish: also where the winner is the same',
    replace: '  if (winner == before) return 1;\n  // publish: also where the winner is the same',
  },
  {
    name: 'a winner without a deadline loses',
    by: HIDDEN,
    find: 'if (deadlineA == 0) return a;',
    replace: 'if (deadlineA == 0) return b;',
  },
  {
    name: 'a winner without a deadline counts as none',
    by: HIDDEN,
    find: 'if (a == 0) return b;',
    replace: 'if (a == 0) return b; load64(leafAt(scheduler, (a - 1) | 0)); if (low() == 0) return b;',
  },
  {
    name: 'who finds a leaf without a deadline does not play',
    by: HIDDEN,
    find: '    // Whoever took it away may have ended before it had played.\n    climb(scheduler, slot);',
    replace: '    if (deadline == 0) return NO_TASK;\n    climb(scheduler, slot);',
  },
  {
    name: 'the state is looked at before the leaf',
    by: AGAIN,
    find: LEAF_FIRST,
    replace: `    const word = slotAt(scheduler, slot) + SLOT_HEAD_STATE;
    const seen = load(word);
    load64(leaf);
    const deadline = low();
    const key = high();
    if (deadline != 0) {`,
  },
  {
    name: 'a leaf is taken away whatever is in it by now',
    by: AGAIN,
    find: 'compareExchange64(leaf, deadline, key, 0, key); // fails where the slot is in the tree again',
    replace: 'load64(leaf); compareExchange64(leaf, low(), high(), 0, key);',
  },
  {
    name: 'a task is claimed without the exchange',
    by: CANCEL,
    find: 'if (compareExchange(word, seen, become(seen, SLOT_RUNNING, clientOf(seen), worker)) != seen) continue;',
    replace: 'store(word, become(seen, SLOT_RUNNING, clientOf(seen), worker));',
  },
  {
    name: 'a client leaves the leaf of another task behind',
    by: ELSEWHERE,
    file: 'kernel/client.ts',
    find: 'else if (deadline == 0) leaveDeadlines(scheduler, slot, client);',
    replace: '',
  },
  {
    name: 'a task that the owner looks at is taken away',
    by: MENDING,
    find: 'if (stateOf(seen) == SLOT_MENDING) return NO_TASK; // the owner is looking at it: it will be queued again',
    replace: '',
  },
  {
    name: 'a worker sleeps over the tree',
    by: ASLEEP,
    file: 'sleep.ts',
    find: 'if (get(scheduler + SCHEDULER_ROOT_POLICY) == POLICY_DEADLINE && earliest(scheduler) >= 0) return 1;\n  let level =',
    replace: 'let level =',
    expect: 'deadlock',
  },
  {
    name: 'a client looks for parked workers before its task is in the tree',
    by: ASLEEP,
    file: 'kernel/client.ts',
    find: '  if (deadline != 0) enterDeadline(scheduler, slot, queued, deadline);\n  else',
    replace:
      '  if (deadline != 0) { wakeOne(scheduler); enterDeadline(scheduler, slot, queued, deadline); return ENTERED; }\n  else',
    expect: 'deadlock',
  },
];

describe('deadlines, all interleavings', () => {
  testModelsWithOwnMutants(SCENARIOS, MUTANTS);

  test('the order has a place', () => expect(schedulerRoot.offset.orderAt).toBeGreaterThan(0));
});
