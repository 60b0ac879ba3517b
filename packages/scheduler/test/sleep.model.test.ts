// All interleavings of parking and waking on both sides, and of closing: no wake-up is lost, nothing accepted is left behind.
// Longer than other files: a mutant names the scenario that has to kill it, and stands with all others of these protocols, which share their words.
import { peek, poke, repeat, type Scenario } from '@corelane/interleave';
import { describe } from 'vitest';
import {
  ENTERED,
  LIST_ASLEEP,
  NO_TASK,
  NOT_OPEN,
  PHASE_CLOSED,
  PHASE_CLOSING,
  TASK_LOST,
  WORK_WAITS,
} from '../src/layout.ts';
import { loadWord, napWord, storeWord, waitWord, wakeWord } from './kernel/words.ts';
import {
  allFree,
  BELL,
  BYTES,
  collect,
  execute,
  HOLD,
  type Kernel,
  listAt,
  NAMES,
  PARKED,
  PHASE,
  S,
  start,
  submit,
} from './model.ts';
import { type MutantOf, testModelsWithOwnMutants } from './model-suite.ts';

/** Runs what there is, parks, and again, until it has run `tasks` or the scheduler is closed. */
const worker = (k: Kernel, id: number, tasks: number) =>
  repeat(
    { ran: 0, closed: false },
    (state) => {
      const slot = k.claimTask(S, id, 0);
      if (slot !== NO_TASK) {
        execute(slot);
        k.finishSlot(S, slot, id, 0);
        return { ran: state.ran + 1, closed: false };
      }
      if (loadWord(PHASE) === PHASE_CLOSED) return { ...state, closed: true };
      if (k.parkWorker(S, id, -1) === WORK_WAITS) napWord(PHASE);
      return state;
    },
    (state) => state.ran === tasks || state.closed,
  );

/** Collects until it has `tasks` results, asleep in between. */
const collector = (k: Kernel, client: number, tasks: number) =>
  repeat(
    [] as number[],
    (results) => {
      results.push(...collect(k, client));
      if (results.length < tasks && k.fallAsleep(S, client) === 1) waitWord(listAt(client), LIST_ASLEEP);
      return results;
    },
    (results) => results.length === tasks,
  );

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
  maxSteps: 1000,
  ...(preemptions !== undefined && { preemptions }),
});

/** Worker 1 takes a batch of two and is held up by the first, until the second has run. */
const heldUp = (k: Kernel): Scenario =>
  scenario(
    'a worker that sleeps is woken for a batch that another one has taken, and helps it',
    () => {
      start(2, 2, 1);
      poke(HOLD, 0);
    },
    [
      () => {
        submit(k, 1, 7);
        submit(k, 1, 8);
        const slot = k.claimTask(S, 1, 0);
        while (loadWord(HOLD) === 0) waitWord(HOLD, 0);
        execute(slot);
        return k.finishSlot(S, slot, 1, 0);
      },
      repeat(
        { ran: 0 },
        (state) => {
          const slot = k.claimTask(S, 2, 0);
          if (slot === NO_TASK) {
            if (k.parkWorker(S, 2, -1) === WORK_WAITS) napWord(PHASE);
            return state;
          }
          execute(slot);
          k.finishSlot(S, slot, 2, 0);
          storeWord(HOLD, 1);
          wakeWord(HOLD);
          return { ran: state.ran + 1 };
        },
        ({ ran }) => ran === 1,
      ),
    ],
    () => {
      // Whatever is left is the first worker's.
      for (let slot = k.claimTask(S, 1, 0); slot !== NO_TASK; slot = k.claimTask(S, 1, 0)) {
        execute(slot);
        k.finishSlot(S, slot, 1, 0);
      }
      const results = collect(k, 1).toSorted((x, y) => x - y);
      return results.join() === '70,80' ? allFree(k) : `results ${results.join()}`;
    },
    3,
  );

const SCENARIOS = [
  // The cheap ones first: a mutant dies at the first that fails.
  (k: Kernel): Scenario =>
    scenario(
      'a parked worker finds the task that enters',
      () => start(1, 1),
      [worker(k, 1, 1), () => submit(k, 1, 7)],
      ([, entered]: [unknown, number]) => {
        const results = collect(k, 1).join();
        return entered === ENTERED && results === '70' ? allFree(k, 1) : `${entered}, results ${results}`;
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'closing waits for every task that was accepted',
      () => start(1, 1),
      [
        worker(k, 1, -1),
        () => submit(k, 1, 7),
        repeat(
          { done: false, first: true },
          ({ first }) => {
            if (first) storeWord(PHASE, PHASE_CLOSING);
            const seen = loadWord(BELL);
            if (k.busySlots(S) > 0) {
              waitWord(BELL, seen);
              return { done: false, first: false };
            }
            storeWord(PHASE, PHASE_CLOSED);
            k.wakeAll(S);
            return { done: true, first: false };
          },
          ({ done }) => done,
        ),
      ],
      ([ran, entered]: [{ ran: number }, number]) =>
        entered === ENTERED
          ? ran.ran === 1
            ? undefined
            : 'accepted, never run'
          : entered === NOT_OPEN
            ? undefined
            : `${entered}`,
    ),
  (k: Kernel): Scenario =>
    scenario(
      'after a destruction every task that was accepted is told',
      () => start(1, 1),
      [
        () => submit(k, 1, 7),
        () => {
          storeWord(PHASE, PHASE_CLOSED);
          if (k.abandonSlot(S, 0, 1) === TASK_LOST) k.deliverSlot(S, 0, 1, 1);
        },
      ],
      ([entered]: [number]) => {
        const told = collect(k, 1).length;
        return (entered === ENTERED) === (told === 1) ? undefined : `submit said ${entered}, told ${told}`;
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a worker that parks while the scheduler closes ends',
      () => start(1, 1),
      [
        worker(k, 1, -1),
        () => {
          storeWord(PHASE, PHASE_CLOSED);
          k.wakeAll(S);
        },
      ],
      () => (peek(PARKED) === 0 ? undefined : 'still marked as parked'),
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a worker that is gone while it was parked does not swallow the wake-up of another',
      () => start(1, 2),
      [
        worker(k, 2, 1),
        () => submit(k, 1, 7),
        () => {
          // Worker 1 parked, and its thread ended; this is what the owner does then.
          k.announceSleep(S, 1);
          k.endSleep(S, 1);
          if (k.hasWork(S, 0) === 1) k.wakeAll(S);
        },
      ],
      () => {
        const results = collect(k, 1).join();
        return results === '70' ? allFree(k, 1) : `results ${results}`;
      },
      3,
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a sleeping client is woken by the first result, and misses none',
      () => {
        start(2, 2);
        for (const id of [1, 2]) {
          submit(k, 1, 6 + id);
          execute(k.claimTask(S, id, 0));
        }
      },
      [() => k.finishSlot(S, 0, 1, 0), () => k.finishSlot(S, 1, 2, 0), collector(k, 1, 2)],
      ([, , results]: [unknown, unknown, number[]]) => {
        const sorted = results.toSorted((a, b) => a - b);
        return sorted.join() === '70,80' ? allFree(k) : `results ${results.join()}`;
      },
      3,
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a worker that was woken for a task that another one took is woken for the next',
      () => start(2, 2),
      [
        worker(k, 1, 1),
        worker(k, 2, 1),
        () => {
          submit(k, 1, 7);
          submit(k, 1, 8);
        },
      ],
      () => {
        const results = collect(k, 1).toSorted((a, b) => a - b);
        return results.join() === '70,80' ? allFree(k) : `results ${results.join()}`;
      },
      2,
    ),
  heldUp,
  (k: Kernel): Scenario =>
    scenario(
      'a worker that finds a lane empty while its client submits comes back for it',
      () => start(2, 1),
      [
        worker(k, 1, 2),
        () => {
          submit(k, 1, 7);
          submit(k, 1, 8);
        },
      ],
      () => {
        const results = collect(k, 1).join();
        return results === '70,80' ? allFree(k) : `results ${results}`;
      },
      3,
    ),
  (k: Kernel): Scenario =>
    scenario(
      'two workers take batches of one lane',
      () => {
        start(2, 2, 1);
        submit(k, 1, 7);
        submit(k, 1, 8);
      },
      [worker(k, 1, 1), worker(k, 2, 1)],
      () => {
        const results = collect(k, 1).toSorted((a, b) => a - b);
        return results.join() === '70,80' ? allFree(k) : `results ${results.join()}`;
      },
      3,
    ),
  (k: Kernel): Scenario =>
    scenario(
      'two parked workers each find one of two tasks that two clients enter',
      () => start(2, 2),
      [worker(k, 1, 1), worker(k, 2, 1), () => submit(k, 1, 7), () => submit(k, 2, 8)],
      () => {
        const results = [...collect(k, 1), ...collect(k, 2)].join();
        return results === '70,80' ? allFree(k) : `results ${results}`;
      },
      1,
    ),
];

/** Each with the scenario that kills it. */
const MUTANTS: readonly MutantOf[] = [
  {
    name: 'a worker parks without looking for work again',
    by: 'a parked worker finds the task that enters',
    file: 'sleep.ts',
    find: 'if (hasWork(scheduler, worker) == 0 && load(scheduler + SCHEDULER_ROOT_PHASE) != PHASE_CLOSED) return MAY_SLEEP;',
    replace: 'if (load(scheduler + SCHEDULER_ROOT_PHASE) != PHASE_CLOSED) return MAY_SLEEP;',
    expect: 'deadlock',
  },
  {
    name: 'a worker parks without looking whether the scheduler was closed',
    by: 'a worker that parks while the scheduler closes ends',
    file: 'sleep.ts',
    find: 'if (hasWork(scheduler, worker) == 0 && load(scheduler + SCHEDULER_ROOT_PHASE) != PHASE_CLOSED) return MAY_SLEEP;',
    replace: 'if (hasWork(scheduler, worker) == 0) return MAY_SLEEP;',
    expect: 'deadlock',
  },
  {
    name: 'a worker looks for work before it says that it parks',
    by: 'a parked worker finds the task that enters',
    file: 'sleep.ts',
    find: 'or(parkedWord(scheduler, worker), 1 << ((worker - 1) & 31)); // publish: pairs with the load in wakeOne\n  if (hasWork(scheduler, worker) == 0 &&',
    replace:
      'const work = hasWork(scheduler, worker); or(parkedWord(scheduler, worker), 1 << ((worker - 1) & 31));\n  if (work == 0 &&',
    expect: 'deadlock',
  },
  {
    name: 'a worker reads its wake word after it said that it parks',
    by: 'a parked worker finds the task that enters',
    file: 'sleep.ts',
    find: 'wait(word, seen, timeoutUs)',
    replace: 'wait(word, load(word), timeoutUs)',
    expect: 'deadlock',
  },
  {
    name: 'a wake-up does not move the wake word',
    by: 'a parked worker finds the task that enters',
    file: 'sleep.ts',
    find: "add(word, 1); // pairs with the worker's load before it set its bit: it does not wait if that has passed",
    replace: '',
    expect: 'deadlock',
  },
  {
    name: 'a wake-up does not notify',
    by: 'a parked worker finds the task that enters',
    file: 'sleep.ts',
    find: 'notify(word, 1);',
    replace: '',
    expect: 'deadlock',
  },
  {
    name: 'two clients wake the same worker',
    by: 'two parked workers each find one of two tasks that two clients enter',
    file: 'sleep.ts',
    find: 'parked = and(word, ~bit);\n      if ((parked & bit) != 0) {',
    replace: 'and(word, ~bit);\n      {',
    expect: 'deadlock',
  },
  {
    name: 'a client gives up when it lost the race for a parked worker',
    by: 'two parked workers each find one of two tasks that two clients enter',
    file: 'sleep.ts',
    find: 'parked = and(word, ~bit);\n      if ((parked & bit) != 0) {',
    replace: 'parked = and(word, ~bit);\n      if ((parked & bit) == 0) return 0; else {',
    expect: 'deadlock',
  },
  {
    name: 'a client looks for parked workers before its hint is in the lane',
    by: 'a parked worker finds the task that enters',
    file: 'kernel/client.ts',
    find: `  if (deadline != 0) enterDeadline(scheduler, slot, queued, deadline);
  else pushHintAt(scheduler, at, shift, client, lane, hint);
  if (lane < LEVELS) wakeOne(scheduler);`,
    replace: `  if (lane < LEVELS) wakeOne(scheduler);
  pushHintAt(scheduler, at, shift, client, lane, hint);
  if (lane < LEVELS) {}`,
    expect: 'deadlock',
  },
  {
    name: 'a client wakes nobody',
    by: 'a parked worker finds the task that enters',
    file: 'kernel/client.ts',
    find: 'if (lane < LEVELS) wakeOne(scheduler);',
    replace: 'if (lane < LEVELS) {}',
    expect: 'deadlock',
  },
  {
    name: 'a client falls asleep over a result',
    by: 'a sleeping client is woken by the first result, and misses none',
    file: 'finished-list.ts',
    find: 'return seen == LIST_EMPTY || seen == LIST_ASLEEP ? 1 : 0;',
    replace: 'store(clientAt(scheduler, client) + CLIENT_ENTRY_FINISHED, LIST_ASLEEP); return 1;',
  },
  {
    name: 'a result does not wake its client',
    by: 'a sleeping client is woken by the first result, and misses none',
    file: 'finished-list.ts',
    find: 'if (head == LIST_ASLEEP) notify(list, 1);',
    replace: '',
    expect: 'deadlock',
  },
  {
    name: 'a result is listed before the link to the one before',
    by: 'a sleeping client is woken by the first result, and misses none',
    file: 'finished-list.ts',
    find: `    set(at + SLOT_HEAD_NEXT, head < 0 ? 0 : head);
    // publish: hands over the slot with its result; pairs with the CAS in takeFinished.
    const seen = compareExchange(list, head, (slot + 1) | 0);
    if (seen == head) break;`,
    replace: `    const seen = compareExchange(list, head, (slot + 1) | 0);
    if (seen == head) { set(at + SLOT_HEAD_NEXT, head < 0 ? 0 : head); break; }`,
  },
  {
    name: 'the list is emptied over a result that came in between',
    by: 'a sleeping client is woken by the first result, and misses none',
    file: 'finished-list.ts',
    find: 'const seen = compareExchange(list, head, LIST_EMPTY);',
    replace: 'const seen = head; store(list, LIST_EMPTY);',
  },
  {
    name: 'a client does not look whether the scheduler closes while it submits',
    by: 'closing waits for every task that was accepted',
    file: 'kernel/client.ts',
    find: 'if (phase == PHASE_OPEN) return ENTERED;',
    replace: 'if (true) return ENTERED;',
  },
  {
    name: 'a client that takes its task back while the scheduler closes does not ring',
    by: 'closing waits for every task that was accepted',
    file: 'kernel/client.ts',
    find: '  ringUnlessOpen(scheduler);\n  return NOT_OPEN;',
    replace: '  return NOT_OPEN;',
    expect: 'deadlock',
  },
  {
    name: 'a task that ends while the scheduler closes does not ring',
    by: 'closing waits for every task that was accepted',
    file: 'finished-list.ts',
    find: '  ringUnlessOpen(scheduler);\n  return DELIVERED;',
    replace: '  return DELIVERED;',
    expect: 'deadlock',
  },
  {
    name: 'the bell does not move its word',
    by: 'closing waits for every task that was accepted',
    file: 'free-list.ts',
    find: "add(scheduler + SCHEDULER_ROOT_BELL, 1); // publish: pairs with the owner's load of the bell before it looks",
    replace: '',
    expect: 'deadlock',
  },
  {
    name: 'closing does not wait for what is queued',
    by: 'closing waits for every task that was accepted',
    file: 'owner.ts',
    find: 'if (state != SLOT_FREE && state != SLOT_HELD && state != SLOT_DONE)',
    replace: 'if (state != SLOT_FREE && state != SLOT_HELD && state != SLOT_DONE && state != SLOT_QUEUED)',
  },
  {
    name: 'a worker clears the bit of a lane without looking at it again',
    by: 'a worker that finds a lane empty while its client submits comes back for it',
    file: 'lanes.ts',
    find: `      if (isEmpty(scheduler, client, lane) == 0) {
        or(word, bit);
        return client;
      }`,
    replace: '',
    expect: 'deadlock',
  },
  {
    name: 'a worker clears the bit of a level without looking at its lanes again',
    by: 'a worker that finds a lane empty while its client submits comes back for it',
    file: 'lanes.ts',
    find: `    if (anyReady(scheduler, level) != 0) {
      or(levels, 1 << level);
      return level;
    }`,
    replace: '',
    expect: 'deadlock',
  },
  {
    name: 'a client looks at the bits before its hint is in the lane',
    by: 'a worker that finds a lane empty while its client submits comes back for it',
    file: 'lanes.ts',
    find: `  // publish: pairs with observe in takeHint and takeBatch.
  store(cellAt(at, head, shift), hint | (lapOf(head, shift) << SLOT_HINT_LAP_SHIFT));
  set(at + LANE_HEAD_HEAD, (head + 1) | 0);
  markReady(scheduler, client, lane);`,
    replace: `  markReady(scheduler, client, lane);
  store(cellAt(at, head, shift), hint | (lapOf(head, shift) << SLOT_HINT_LAP_SHIFT));
  set(at + LANE_HEAD_HEAD, (head + 1) | 0);`,
    expect: 'deadlock',
  },
  {
    name: 'a worker that took a batch tells nobody',
    by: 'a worker that sleeps is woken for a batch that another one has taken, and helps it',
    file: 'kernel/worker.ts',
    find: 'if (count > 1) wakeOne(scheduler);',
    replace: '',
    expect: 'deadlock',
  },
  {
    name: 'a worker sleeps over another one’s batch',
    by: 'a worker that sleeps is woken for a batch that another one has taken, and helps it',
    file: 'sleep.ts',
    find: 'if (dequeSize(dequeAt(scheduler, each)) > 0) return 1;',
    replace: '',
  },
];

describe('sleeping, waking and closing, all interleavings', () => {
  testModelsWithOwnMutants(SCENARIOS, MUTANTS);
});
