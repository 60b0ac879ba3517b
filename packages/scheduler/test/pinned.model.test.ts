// All interleavings of tasks that are pinned to a worker: it runs each once, nobody else does, and no wake-up is lost over them.
import { type Mutant, peek, poke, repeat, type Scenario } from '@corelane/interleave';
import { describe } from 'vitest';
import {
  DELIVERED,
  ENTERED,
  LANE_FULL,
  LEVELS,
  NO_TASK,
  TASK_LOST,
  TOO_LATE,
  WITHDRAWN,
  WORK_WAITS,
} from '../src/layout.ts';
import { loadWord, napWord, storeWord, waitWord, wakeWord } from './kernel/words.ts';
import {
  ageBy,
  allFree,
  BELL,
  BYTES,
  collect,
  execute,
  HOLD,
  type Kernel,
  NAMES,
  PARKED,
  PHASE,
  resubmit,
  S,
  start,
  submit,
  submitPinned,
} from './model.ts';
import { testModels } from './model-suite.ts';

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

/** Claims and runs what is there. @returns what became of the task, NO_TASK where there was none */
const work = (k: Kernel, worker: number) => (): number => {
  const slot = k.claimTask(S, worker, 0);
  if (slot === NO_TASK) return NO_TASK;
  execute(slot);
  return k.finishSlot(S, slot, worker, 0);
};

/** Runs what there is, parks, and again, until it has run `tasks`. */
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

const allRan = (k: Kernel, expected: string, slots: number): string | undefined => {
  const results = [...collect(k, 1), ...collect(k, 2)].toSorted((a, b) => a - b).join();
  return results === expected ? allFree(k, slots) : `results ${results}`;
};

const SCENARIOS = [
  (k: Kernel): Scenario =>
    scenario(
      'a task is run by the worker that it is pinned to, and never by another one',
      () => start(1, 2),
      [work(k, 1), work(k, 2), () => submitPinned(k, 1, 7, 2)],
      ([one, two]: [number, number]) => {
        if (one !== NO_TASK) return `worker 1 said ${one}`;
        if (two === NO_TASK) work(k, 2)();
        return allRan(k, '70', 1);
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a parked worker is woken for the task that is pinned to it, others being parked, too',
      () => {
        start(1, 2);
        k.announceSleep(S, 1);
      },
      [worker(k, 2, 1), () => submitPinned(k, 1, 7, 2)],
      () => allRan(k, '70', 1),
    ),
  (k: Kernel): Scenario =>
    scenario(
      'who was woken for any task and takes a pinned one wakes another worker',
      () => {
        start(2, 2);
        poke(HOLD, 0);
        submitPinned(k, 1, 7, 1);
        poke(PARKED, 1); // worker 1 is about to find the task
      },
      [
        () => {
          k.endSleep(S, 1);
          const slot = k.claimTask(S, 1, 0);
          while (loadWord(HOLD) === 0) waitWord(HOLD, 0);
          execute(slot);
          return k.finishSlot(S, slot, 1, 0);
        },
        repeat(
          0,
          (ran) => {
            const slot = k.claimTask(S, 2, 0);
            if (slot === NO_TASK) {
              if (k.parkWorker(S, 2, -1) === WORK_WAITS) napWord(PHASE);
              return ran;
            }
            execute(slot);
            k.finishSlot(S, slot, 2, 0);
            storeWord(HOLD, 1);
            wakeWord(HOLD);
            return ran + 1;
          },
          (ran) => ran === 1,
        ),
        () => submit(k, 2, 8),
      ],
      () => allRan(k, '70,80', 2),
      2,
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a pinned task is either cancelled or run, while the owner looks whether it has lost its hint',
      () => {
        start(1, 1);
        submitPinned(k, 1, 7, 1);
      },
      [work(k, 1), () => k.mendSlot(S, 0), () => k.cancelSlot(S, 0, 1)],
      ([done, , outcome]: [number, number, number]) => {
        const next = work(k, 1)();
        const ran = [done, next].filter((each) => each !== NO_TASK).length;
        const results = collect(k, 1).join();
        if (ran !== (outcome === WITHDRAWN ? 0 : 1) || results !== (outcome === TOO_LATE ? '70' : ''))
          return `cancel said ${outcome}, ran ${done}, ${next}, results ${results}`;
        return allFree(k, 1);
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a pinned task that the owner looks at keeps its hint',
      () => {
        start(1, 1);
        submitPinned(k, 1, 7, 1);
      },
      [worker(k, 1, 1), () => k.mendSlot(S, 0)],
      () => allRan(k, '70', 1),
    ),
  (k: Kernel): Scenario =>
    scenario(
      'where the seat of the worker becomes empty, the owner sees the task or is told of it',
      () => start(1, 1),
      [
        () => submitPinned(k, 1, 7, 1),
        () => {
          k.setLive(S, 1, 0);
          return k.hasPinned(S, 1);
        },
      ],
      ([entered, seen]: [number, number]) =>
        entered === ENTERED && (seen === 1 || peek(BELL) > 0)
          ? undefined
          : `seen ${seen}, bell ${peek(BELL)}`,
    ),
  (k: Kernel): Scenario =>
    scenario(
      'what a worker left in its lanes is its successor’s, wherever it ended',
      () => {
        start(1, 1);
        submitPinned(k, 1, 7, 1);
        // It ended after it had cleared these, and before it looked again.
        for (const [at, name] of Object.entries(NAMES))
          if (name === 'pinned1' || name === 'pinned-ready1') poke(Number(at), 0);
      },
      [
        () => {
          k.beginWork(S, 1);
          return work(k, 1)();
        },
      ],
      ([done]: [number]) => (done === DELIVERED ? allRan(k, '70', 1) : `ran ${done}`),
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a full lane takes no more until its worker has claimed one',
      () => {
        start(2, 1, 0, 0);
        submitPinned(k, 1, 7, 1);
      },
      [work(k, 1), () => submitPinned(k, 1, 8, 1)],
      ([done, last]: [number, number]) => {
        if (done !== DELIVERED || (last !== ENTERED && last !== LANE_FULL))
          return `ran ${done}, last ${last}`;
        work(k, 1)();
        return allRan(k, last === ENTERED ? '70,80' : '70', 2);
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a worker that finds its lanes empty while two clients submit comes back for them',
      () => {
        start(2, 1);
        submitPinned(k, 1, 6, 1);
        work(k, 1)();
        collect(k, 1);
      },
      [worker(k, 1, 2), () => submitPinned(k, 1, 7, 1), () => submitPinned(k, 2, 8, 1)],
      () => allRan(k, '70,80', 2),
      2,
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a hint that is 256 tasks old leads nobody to what is pinned to another worker',
      () => {
        start(1, 2);
        const slot = k.acquireSlot(S, 1);
        // One in the common lane and one in that of worker 1, both of the generation that the slot has again.
        resubmit(k, 1, slot, 5);
        k.cancelSlot(S, slot, 1);
        ageBy(slot, -1);
        resubmit(k, 1, slot, 6, LEVELS);
        k.cancelSlot(S, slot, 1);
        ageBy(slot, -1);
      },
      [work(k, 1), work(k, 2), () => resubmit(k, 1, 0, 7, LEVELS + 1)],
      ([one, two]: [number, number]) => {
        if (one !== NO_TASK) return `worker 1 said ${one}`;
        if (two === NO_TASK) work(k, 2)();
        return allRan(k, '70', 1);
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'what is pinned to a worker that is gone is not taken for what it had in its hands',
      () => {
        start(2, 1);
        submitPinned(k, 1, 7, 1);
        submitPinned(k, 1, 8, 1);
        k.claimTask(S, 1, 0);
      },
      [
        () => {
          for (const slot of [0, 1])
            if (k.recoverSlot(S, slot, 1) === TASK_LOST) {
              execute(slot);
              k.deliverSlot(S, slot, 1, 1);
            }
          k.beginWork(S, 1);
          return work(k, 1)();
        },
        () => k.mendSlot(S, 1),
      ],
      ([done]: [number]) => {
        if (done !== DELIVERED && work(k, 1)() !== DELIVERED) return `ran ${done}`;
        return allRan(k, '70,80', 2);
      },
    ),
];

const MUTANTS: Mutant[] = [
  {
    name: 'the owner begins without the bits of a worker that is gone',
    file: 'worker.ts',
    find: '  markPinned(scheduler, worker);\n}',
    replace: '}',
  },
  {
    name: 'a worker that finds nothing does not look again',
    file: 'pinned.ts',
    find: 'if (anyReady(scheduler, lane) == 0) return NO_TASK;',
    replace: 'return NO_TASK;',
    expect: 'deadlock',
  },
  {
    name: 'a client looks at the worker’s word before it sets its bit',
    file: 'lanes.ts',
    find: `  if ((load(word) & bit) == 0) or(word, bit); // pairs with the clearing in seekLane
  if (lane >= LEVELS) {
    const pinned = workerAt(scheduler, (lane - LEVELS + 1) | 0) + WORKER_ENTRY_PINNED;
    if (load(pinned) == 0) store(pinned, 1); // pairs with the clearing in claimPinned
  }`,
    replace: `  if (lane >= LEVELS) {
    const pinned = workerAt(scheduler, (lane - LEVELS + 1) | 0) + WORKER_ENTRY_PINNED;
    if (load(pinned) == 0) store(pinned, 1);
  }
  if ((load(word) & bit) == 0) or(word, bit);
  if (lane >= LEVELS) {}`,
    expect: 'deadlock',
  },
  {
    name: 'a worker takes a pinned task without the exchange',
    file: 'pinned.ts',
    find: 'if (waits && compareExchange(word, seen, become(seen, SLOT_RUNNING, clientOf(seen), worker)) != seen)\n      continue;',
    replace: 'if (waits) store(word, become(seen, SLOT_RUNNING, clientOf(seen), worker));',
  },
  {
    name: 'a worker throws a hint away that the owner was looking at',
    file: 'pinned.ts',
    find: 'if (isIts && stateOf(seen) == SLOT_MENDING) return NO_TASK;',
    replace: '',
  },
  {
    name: 'a worker throws a hint away after it lost the exchange',
    file: 'pinned.ts',
    find: `if (waits && compareExchange(word, seen, become(seen, SLOT_RUNNING, clientOf(seen), worker)) != seen)
      continue;`,
    replace: `const lost = waits && compareExchange(word, seen, become(seen, SLOT_RUNNING, clientOf(seen), worker)) != seen;
    if (lost) { const tail = laneAt(scheduler, client, lane) + LANE_HEAD_TAIL; store(tail, (load(tail) + 1) | 0); continue; }`,
  },
  {
    name: 'a client wakes any worker for a pinned task',
    file: 'kernel/client.ts',
    find: '  wakeWorker(scheduler, worker);',
    replace: '  wakeOne(scheduler);',
    expect: 'deadlock',
  },
  {
    name: 'a worker parks without looking for pinned tasks',
    file: 'sleep.ts',
    find: 'if (worker > 0) {\n    if (mayBePinned(scheduler, worker) != 0) return 1;',
    replace: 'if (worker > 0) {',
    expect: 'deadlock',
  },
  {
    name: 'whoever takes a pinned task wakes nobody',
    file: 'worker.ts',
    find: 'if (hasCommonWork(scheduler) != 0) wakeOne(scheduler);',
    replace: '',
    expect: 'deadlock',
  },
  {
    name: 'a worker takes what is pinned to others',
    file: 'kernel/worker.ts',
    find: 'if (mayBePinned(scheduler, worker) != 0) {\n    const slot = claimPinned(scheduler, worker);',
    replace: '{\n    const slot = claimPinned(scheduler, 2);',
  },
  {
    name: 'a hint leaves the lane while its slot is still to be claimed',
    file: 'pinned.ts',
    find: 'const hint = hintAt(scheduler, client, lane);',
    replace:
      'const at = laneAt(scheduler, client, lane) + LANE_HEAD_TAIL; store(at, (load(at) + 1) | 0); const hint = hintAt(scheduler, client, lane);',
  },
  {
    name: 'a hint of any lane is one to a pinned task',
    file: 'hints.ts',
    find: '  if (workerOf(seen) != 0) return NO_TASK;',
    replace: '',
  },
  {
    name: 'a pinned hint is one to what is pinned to another worker',
    file: 'pinned.ts',
    find: ' && workerOf(seen) == worker;',
    replace: ';',
  },
  {
    name: 'what waits for a worker that is gone is freed',
    file: 'owner.ts',
    find: 'if (isQueued(state) != 0) return UNTOUCHED;',
    replace: '',
  },
  {
    name: 'the owner forgets for whom a task waits',
    file: 'owner.ts',
    find: 'become(seen, SLOT_MENDING, client, workerOf(seen))',
    replace: 'become(seen, SLOT_MENDING, client, 0)',
  },
  {
    name: 'a client does not look whether the seat is empty',
    file: 'kernel/client.ts',
    find: 'if (isLive(scheduler, worker) == 0) ring(scheduler);',
    replace: '',
  },
];

describe('pinned tasks, all interleavings', () => {
  testModels(SCENARIOS, MUTANTS);
});
