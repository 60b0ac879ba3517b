// All interleavings of the slow lane: each task runs once, nobody is counted wrongly, nothing is slept through, caps hold.
// Longer than other files: a mutant is run against every scenario until one kills it, so that scenarios and mutants stand in one list each.
import { type Mutant, peek, poke, repeat, type Scenario } from '@corelane/interleave';
import { describe } from 'vitest';
import {
  DELIVERED,
  ENDED_MOVED,
  ENTERED,
  MOVED_STAYS,
  MOVED_UNBEGUN,
  NO_TASK,
  PHASE_CLOSING,
  schedulerRoot,
  SLOW_FULL,
  SOURCE_THROTTLED,
  TASK_LOST,
  TOO_LATE,
  WITHDRAWN,
  WORK_WAITS,
} from '../src/layout.ts';
import { napWord, storeWord, writeWord } from './kernel/words.ts';
import {
  ageBy,
  allFree,
  collect,
  type Kernel,
  LEVEL,
  payloadAt,
  PHASE,
  resubmit,
  S,
  SLOTS,
  slotAt,
  submit,
} from './model.ts';
import { testModels } from './model-suite.ts';
import {
  BYTES,
  LANE,
  markMoved,
  miscounted,
  NAMES,
  resubmitSlow,
  startSlow,
  submitSlow,
  undoTake,
  waitingSlow,
  workSlow,
} from './slow-model.ts';

const scenario = (
  name: string,
  setup: () => void,
  threads: Scenario['threads'],
  check: (results: any) => string | undefined,
  preemptions?: number,
  invariant?: () => string | undefined,
): Scenario => ({
  name,
  bytes: BYTES,
  names: NAMES,
  setup,
  threads,
  check,
  maxSteps: 1000,
  ...(preemptions !== undefined && { preemptions }),
  ...(invariant !== undefined && { invariant }),
});

/** Runs what there is, parks, and again, until it has run `tasks`. */
const slowWorker = (k: Kernel, id: number, tasks: number) =>
  repeat(
    0,
    (ran) => {
      if (workSlow(k, id)() !== NO_TASK) return ran + 1;
      if (k.parkWorker(S, id, -1) === WORK_WAITS) napWord(PHASE);
      return ran;
    },
    (ran) => ran === tasks,
  );

/** Everything has ended: these results, the slots free, the counts right. */
const ended = (k: Kernel, expected: string, slots: number): string | undefined => {
  for (const worker of [2, 3]) workSlow(k, worker)();
  const results = [...collect(k, 1), ...collect(k, 2)].toSorted((a, b) => a - b).join();
  if (results !== expected) return `results ${results}`;
  return miscounted(slots) ?? allFree(k, slots);
};

const reclaim = (k: Kernel, client: number, slots: number) => (): number[] => {
  k.closeList(S, client);
  return Array.from({ length: slots }, (_, slot) => k.reclaimSlot(S, slot, client));
};

const GROWTH_ARMED = 1;

const SCENARIOS = [
  (k: Kernel): Scenario =>
    scenario(
      'a task is run once, by a worker of the slow lane, and by no other one',
      () => {
        startSlow(1, 3);
        submitSlow(k, 1, 7);
      },
      [workSlow(k, 2), workSlow(k, 3), () => k.claimTask(S, 1, 0)],
      ([a, b, common]: [number, number, number]) => {
        if (common !== NO_TASK) return `a common worker claimed ${common}`;
        if ([a, b].filter((each) => each === DELIVERED).length !== 1) return `workers said ${a}, ${b}`;
        return ended(k, '70', 1);
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'of two tasks that wait, two workers run each once',
      () => {
        startSlow(2, 3);
        submitSlow(k, 1, 7);
        submitSlow(k, 1, 8);
      },
      [workSlow(k, 2), workSlow(k, 3)],
      () => ended(k, '70,80', 2),
      3,
    ),
  (k: Kernel): Scenario =>
    scenario(
      'two clients enter the same lane at once while a worker takes: each task runs once',
      () => startSlow(2, 2),
      [() => submitSlow(k, 1, 7), () => submitSlow(k, 2, 8), workSlow(k, 2)],
      ([a, b]: [number, number]) => {
        if (a !== ENTERED || b !== ENTERED) return `entered ${a}, ${b}`;
        workSlow(k, 2)();
        return ended(k, '70,80', 2);
      },
      2,
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a parked worker is woken by a task that enters, and a parked worker of common lanes is not',
      () => {
        startSlow(1, 2);
        k.announceSleep(S, 1);
      },
      [slowWorker(k, 2, 1), () => submitSlow(k, 1, 7)],
      () => (peek(S + schedulerRoot.offset.parked) === 1 ? ended(k, '70', 1) : 'worker 1 was woken'),
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a worker of the slow lane is not woken by a task of a common one',
      () => {
        startSlow(2, 2);
        k.announceSleep(S, 2);
      },
      [() => submit(k, 1, 7)],
      () => {
        if (k.endSleep(S, 2) !== 1) return 'worker 2 was woken';
        return k.claimSlow(S, 2, 0, 0) === NO_TASK ? undefined : 'worker 2 claimed it';
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'who finds no worker parked asks for one, or is seen by the owner that arms',
      () => startSlow(1, 2),
      [() => submitSlow(k, 1, 7), () => [k.armSlowGrowth(S, GROWTH_ARMED), peekBell(k)]],
      ([, [counted]]: [number, [number]]) =>
        counted === 1 || peek(S + schedulerRoot.offset.bell) > 0 ? undefined : 'nobody was asked',
    ),
  (k: Kernel): Scenario =>
    scenario(
      'no more tasks wait than capacity says, and who is refused has changed nothing',
      () => startSlow(2, 2, { capacity: 1 }),
      [() => submitSlow(k, 1, 7), () => submitSlow(k, 2, 8), workSlow(k, 2)],
      ([a, b, done]: [number, number, number]) => {
        const outcomes = [a, b];
        if (outcomes.some((each) => each !== ENTERED && each !== SLOW_FULL))
          return `entered ${outcomes.join()}`;
        if (!outcomes.includes(ENTERED)) return 'none entered';
        const ran = workSlow(k, 2)() === DELIVERED ? 1 : 0;
        const entered = outcomes.filter((each) => each === ENTERED).length;
        if (ran + (done === DELIVERED ? 1 : 0) !== entered)
          return `${entered} entered, ${done} and ${ran} ran`;
        collect(k, 1);
        collect(k, 2);
        return miscounted(2) ?? allFree(k, 2);
      },
      2,
      () => (waitingSlow(SLOTS) <= 1 ? undefined : `${waitingSlow(SLOTS)} wait`),
    ),
  (k: Kernel): Scenario =>
    scenario(
      'no more tasks of a source wait than perSource says',
      () => startSlow(2, 2, { perSource: 1 }),
      [() => submitSlow(k, 1, 7, 0), () => submitSlow(k, 2, 8, 3)],
      ([a, b]: [number, number]) => {
        const outcomes = [a, b].toSorted((x, y) => x - y).join();
        if (outcomes !== `${SOURCE_THROTTLED},${ENTERED}`) return `entered ${outcomes}`;
        workSlow(k, 2)();
        collect(k, 1);
        collect(k, 2);
        return miscounted(2) ?? allFree(k, 2);
      },
      undefined,
      () => (waitingSlow(SLOTS) <= 1 ? undefined : `${waitingSlow(SLOTS)} wait`),
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a task is either cancelled or run, and counted right',
      () => {
        startSlow(1, 2);
        submitSlow(k, 1, 7);
      },
      [workSlow(k, 2), () => k.cancelSlot(S, 0, 1)],
      ([done, outcome]: [number, number]) => {
        if ((outcome === WITHDRAWN) !== (done === NO_TASK)) return `cancel said ${outcome}, ran ${done}`;
        return ended(k, outcome === TOO_LATE ? '70' : '', 1);
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a slot enters again while a worker has a hint to its last task: the new one runs once, the stale hint makes room',
      () => {
        startSlow(1, 2);
        submitSlow(k, 1, 7);
        k.cancelSlot(S, 0, 1);
        resubmitSlow(k, 1, 0, 7);
        k.cancelSlot(S, 0, 1);
      },
      [workSlow(k, 2), () => resubmitSlow(k, 1, 0, 8)],
      ([done, again]: [number, number]) => {
        if (again !== ENTERED) return `submitted again ${again}`;
        const next = workSlow(k, 2)();
        if ([done, next].filter((each) => each === DELIVERED).length !== 1) return `ran ${done}, ${next}`;
        return ended(k, '80', 1);
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'the client of a waiting task is gone: it runs or never does, and the counts are right',
      () => {
        startSlow(1, 2);
        submitSlow(k, 1, 7);
      },
      [workSlow(k, 2), reclaim(k, 1, 1)],
      () => {
        workSlow(k, 2)();
        return miscounted(1) ?? allFree(k, 1);
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'what waits is left alone by the owner that mends after a worker, and is run once',
      () => {
        startSlow(1, 3);
        submitSlow(k, 1, 7);
      },
      [workSlow(k, 2), () => k.mendSlot(S, 0)],
      ([done]: [number, number]) => (done === DELIVERED ? ended(k, '70', 1) : `the worker said ${done}`),
    ),
  (k: Kernel): Scenario =>
    scenario(
      'after a worker that ended between its claim and the hint: its task is lost once, the next one runs',
      () => {
        startSlow(2, 3);
        submitSlow(k, 1, 7);
        submitSlow(k, 1, 8);
        k.claimSlow(S, 2, 0, 0);
        undoTake();
      },
      [
        () => {
          const lost = k.recoverSlot(S, 0, 2) === TASK_LOST ? 1 : 0;
          if (lost === 1) {
            writeWord(payloadAt(0), 5);
            k.deliverSlot(S, 0, 1, 2);
          }
          return lost;
        },
        workSlow(k, 3),
      ],
      ([lost, done]: [number, number]) => {
        if (done !== DELIVERED) return `the other worker said ${done}`;
        return lost === 1 ? ended(k, '5,80', 2) : 'not lost';
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a hint of a common lane that is 256 tasks old leads to no task of the slow lane, and the other way round',
      () => {
        startSlow(1, 2);
        submit(k, 1, 7);
        k.cancelSlot(S, 0, 1);
        ageBy(0, 255);
        resubmitSlow(k, 1, 0, 8);
      },
      [() => k.claimTask(S, 1, 0)],
      ([claimed]: [number]) => {
        if (claimed !== NO_TASK) return 'a common worker claimed a task of the slow lane';
        k.cancelSlot(S, 0, 1);
        ageBy(0, 255);
        resubmit(k, 1, 0, 9);
        return k.claimSlow(S, 2, 0, 0) === NO_TASK ? undefined : 'the slow lane claimed a common task';
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'whoever closes waits for a task that is on its way to the slow lane, and it is accepted there',
      () => {
        startSlow(1, 2);
        submit(k, 1, 7);
        k.claimTask(S, 1, 0);
        markMoved(0, MOVED_UNBEGUN);
      },
      [
        () => k.finishSlot(S, 0, 1, ENDED_MOVED),
        () => {
          const link = k.takeFinished(S, 1);
          return link > 0 ? k.submitSlow(S, 0, 1, 2, 0, 1) : NO_TASK;
        },
        () => {
          storeWord(PHASE, PHASE_CLOSING);
          return k.busySlots(S);
        },
      ],
      ([finished, entered, busy]: [number, number, number]) => {
        if (finished !== DELIVERED || busy !== 1) return `finished ${finished}, ${busy} busy`;
        const again =
          entered === NO_TASK && k.takeFinished(S, 1) > 0 ? k.submitSlow(S, 0, 1, 2, 0, 1) : entered;
        return again === ENTERED && workSlow(k, 2)() === DELIVERED
          ? ended(k, '70', 1)
          : `entered ${entered}, then ${again}`;
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'so is one that goes back to where it came from',
      () => {
        startSlow(1, 2, { capacity: 0 });
        submit(k, 1, 7);
        k.claimTask(S, 1, 0);
        markMoved(0, MOVED_UNBEGUN);
        k.finishSlot(S, 0, 1, ENDED_MOVED);
      },
      [
        () => {
          k.takeFinished(S, 1);
          const refusal = k.submitSlow(S, 0, 1, LANE, 0, 1);
          markMoved(0, MOVED_STAYS);
          return [refusal, k.submitSlot(S, 0, 1, LEVEL)];
        },
        () => {
          storeWord(PHASE, PHASE_CLOSING);
          return k.busySlots(S);
        },
      ],
      ([[refusal, entered], busy]: [[number, number], number]) =>
        refusal === SLOW_FULL && entered === ENTERED && busy === 1
          ? undefined
          : `refused ${refusal}, entered ${entered}, ${busy} busy`,
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a new task is refused while the scheduler closes, or seen',
      () => startSlow(1, 2),
      [
        () => submitSlow(k, 1, 7),
        () => {
          storeWord(PHASE, PHASE_CLOSING);
          return k.busySlots(S);
        },
      ],
      ([entered, busy]: [number, number]) => {
        if (entered === ENTERED && busy === 0) return 'entered, and not seen';
        if (entered === ENTERED) workSlow(k, 2)();
        collect(k, 1);
        return miscounted(1) ?? allFree(k, 1);
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a client that was reclaimed enters nothing that it does not hold',
      () => {
        startSlow(1, 2);
        k.acquireSlot(S, 1);
        poke(slotAt(0) + 8, 0);
      },
      [() => resubmitSlow(k, 1, 0, 7), reclaim(k, 1, 1)],
      () => {
        workSlow(k, 2)();
        return miscounted(1) ?? allFree(k, 1);
      },
    ),
];

/** The bell does not matter to what is counted: a step, so that the owner may be late. */
function peekBell(k: Kernel): number {
  return k.queuedSlots(S);
}

const MUTANTS: readonly Mutant[] = [
  {
    name: 'a task that goes back is refused by a scheduler that closes',
    file: 'client.ts',
    find: 'if (phase == PHASE_CLOSING && moved != 0) return ENTERED;',
    replace: '',
  },
  {
    name: 'a slot is claimed without the exchange',
    file: 'slow-lane.ts',
    find: 'if (compareExchange(word, seen, become(seen, SLOT_RUNNING, clientOf(seen), worker)) != seen) return NO_TASK;',
    replace: 'store(word, become(seen, SLOT_RUNNING, clientOf(seen), worker));',
  },
  {
    name: 'what is claimed is counted still',
    file: 'slow-lane.ts',
    find: '  uncount(scheduler, slot);\n  // After the claim',
    replace: '  // After the claim',
  },
  {
    name: 'what is cancelled is counted still',
    file: 'client.ts',
    find: 'if (isSlow(seen) != 0) uncount(scheduler, slot);',
    replace: '',
  },
  {
    name: 'what is reclaimed is counted still',
    file: 'owner.ts',
    find: '    if (isSlow(seen) != 0) uncount(scheduler, slot);\n    giveBack',
    replace: '    giveBack',
  },
  {
    name: 'a hint is left where it was, its slot being claimed',
    file: 'slow-lane.ts',
    find: '  compareExchange(at + SLOW_LANE_HEAD_TAIL, tail, (tail + 1) | 0);\n  return slot;',
    replace: '  store(at + SLOW_LANE_HEAD_TAIL, (load(at + SLOW_LANE_HEAD_TAIL) + 1) | 0);\n  return slot;',
  },
  {
    name: 'a stale hint is thrown away without the exchange',
    file: 'slow-lane.ts',
    find: '    compareExchange(at + SLOW_LANE_HEAD_TAIL, tail, (tail + 1) | 0);\n  }',
    replace: '    store(at + SLOW_LANE_HEAD_TAIL, (load(at + SLOW_LANE_HEAD_TAIL) + 1) | 0);\n  }',
  },
  {
    name: 'a position is taken without the exchange',
    file: 'slow-entry.ts',
    find: 'compareExchange(at + SLOW_LANE_HEAD_HEAD, head, (head + 1) | 0) != head',
    replace: '(store(at + SLOW_LANE_HEAD_HEAD, (head + 1) | 0), false)',
  },
  {
    name: 'a hint is there before its slot is queued',
    file: 'slow-entry.ts',
    find: '    store(entered, nowMs);',
    replace:
      '    store(entered, nowMs); store(slowCellAt(at, head, shift), hint | (slowLapOf(head, shift) << SLOT_HINT_LAP_SHIFT));',
  },
  {
    name: 'who is full is let in',
    file: 'slow-entry.ts',
    find: 'if (add(slow + SLOW_LANE_ROOT_QUEUED, 1) >= capacity) {',
    replace: 'if (add(slow + SLOW_LANE_ROOT_QUEUED, 1) > capacity) {',
  },
  {
    name: 'the count is looked at before it is raised',
    file: 'slow-entry.ts',
    find: 'if (add(slow + SLOW_LANE_ROOT_QUEUED, 1) >= capacity) {',
    replace:
      'const before = load(slow + SLOW_LANE_ROOT_QUEUED); add(slow + SLOW_LANE_ROOT_QUEUED, 1); if (before >= capacity) {',
  },
  {
    name: 'a source may have one more',
    file: 'slow-entry.ts',
    find: 'if (add(source, 1) >= perSource) {',
    replace: 'if (add(source, 1) > perSource) {',
  },
  {
    name: 'who is throttled is counted',
    file: 'slow-entry.ts',
    find: `      sub(source, 1);
      sub(slow + SLOW_LANE_ROOT_QUEUED, 1);
      add(slow + SLOW_LANE_ROOT_THROTTLED, 1);`,
    replace: '      add(slow + SLOW_LANE_ROOT_THROTTLED, 1);',
  },
  {
    name: 'nobody makes room',
    file: 'slow-entry.ts',
    find: 'if (((head - dropStale(scheduler, lane)) | 0) < 1 << shift) continue;',
    replace: '',
  },
  {
    name: 'nobody is woken',
    file: 'slow-entry.ts',
    find: '  wakeSlow(scheduler);',
    replace: '',
    expect: 'deadlock',
  },
  {
    name: 'a common worker is woken',
    file: 'sleep.ts',
    find: 'return wakeAmong(scheduler, slow + SLOW_LANE_ROOT_PARKED,',
    replace: 'wakeOne(scheduler); return wakeAmong(scheduler, slow + SLOW_LANE_ROOT_PARKED,',
  },
  {
    name: 'any worker is woken for a common task',
    file: 'sleep.ts',
    find: 'return wakeAmong(scheduler, scheduler + SCHEDULER_ROOT_PARKED,',
    replace: 'wakeSlow(scheduler); return wakeAmong(scheduler, scheduler + SCHEDULER_ROOT_PARKED,',
  },
  {
    name: 'a worker of the slow lane parks without looking',
    file: 'sleep.ts',
    find: '    if (worker > get(scheduler + SCHEDULER_ROOT_COMMON)) return hasSlow(scheduler);\n  } else',
    replace: '    if (worker > get(scheduler + SCHEDULER_ROOT_COMMON)) return 0;\n  } else',
    expect: 'deadlock',
  },
  {
    name: 'a hint of any lane is one to a task of the slow lane',
    file: 'hints.ts',
    find: 'if (workerOf(seen) != 0) return NO_TASK;',
    replace: '',
  },
  {
    name: 'a hint of the slow lane is one to any task',
    file: 'slow-lane.ts',
    find: 'generationOf(seen) == generation ? isSlow(seen) : 0;',
    replace: 'generationOf(seen) == generation ? 1 : 0;',
  },
  {
    name: 'a task that was moved has ended, for whoever closes',
    file: 'finished-list.ts',
    find: 'moved == 0 ? SLOT_DONE : SLOT_MOVED',
    replace: 'SLOT_DONE',
  },
  {
    name: 'a task that was moved is refused by a scheduler that closes',
    file: 'slow-entry.ts',
    find: 'if (phase == PHASE_OPEN || (phase == PHASE_CLOSING && isAccepted != 0)) return ENTERED;',
    replace: 'if (phase == PHASE_OPEN) return ENTERED;',
  },
  {
    name: 'a new task is accepted by a scheduler that closes',
    file: 'slow-entry.ts',
    find: 'if (phase == PHASE_OPEN || (phase == PHASE_CLOSING && isAccepted != 0)) return ENTERED;',
    replace: 'if (phase == PHASE_OPEN || phase == PHASE_CLOSING) return ENTERED;',
  },
  {
    name: 'what is taken back from a closing scheduler is counted still',
    file: 'slow-entry.ts',
    find: '  uncount(scheduler, slot);\n  ringUnlessOpen',
    replace: '  ringUnlessOpen',
  },
  {
    name: 'the owner counts before it arms',
    file: 'crew.ts',
    find: `  store(slow + SLOW_LANE_ROOT_GROWTH, isArmed != 0 ? GROWTH_ARMED : GROWTH_NONE);
  return load(slow + SLOW_LANE_ROOT_QUEUED);`,
    replace: `  const counted = load(slow + SLOW_LANE_ROOT_QUEUED);
  store(slow + SLOW_LANE_ROOT_GROWTH, isArmed != 0 ? GROWTH_ARMED : GROWTH_NONE);
  return counted;`,
  },
];

describe('the slow lane, all interleavings', () => {
  testModels(SCENARIOS, MUTANTS);
});
