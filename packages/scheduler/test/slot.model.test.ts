// All interleavings of a slot's life: claims, cancellations, completions, crashes and reclaims against each other.
// Longer than other files: a mutant is run against every scenario until one kills it, so that scenarios and mutants stand in one list each.
import { peek, poke, type Mutant, type Scenario } from '@corelane/interleave';
import { describe } from 'vitest';
import {
  CLIENT_RECLAIMED,
  CONDEMNED,
  DELIVERED,
  DISOWNED,
  DOOMED,
  DROPPED,
  ENTERED,
  GIVEN_UP,
  LIST_CLOSED,
  MENDED,
  NO_TASK,
  NOT_YOURS,
  RELEASED,
  SLOT_CONDEMNED,
  SLOT_DOOMED,
  SLOT_FINISHED,
  SLOT_HELD,
  SLOT_ORPHANED,
  SLOT_RUNNING,
  SLOT_STUCK,
  TASK_LOST,
  TASK_STUCK,
  TOO_LATE,
  UNTOUCHED,
  WITHDRAWN,
} from '../src/layout.ts';
import { storeWord, writeWord } from './kernel/words.ts';
import {
  allFree,
  BYTES,
  collect,
  execute,
  type Kernel,
  listAt,
  NAMES,
  ownerAt,
  generationIn,
  payloadAt,
  slotAt,
  pokeState,
  S,
  start,
  stateIn,
  resubmit,
  submit,
} from './model.ts';
import { testModels } from './model-suite.ts';

/** Claims and runs what is there. @returns what became of the task: an outcome of finishSlot, NO_TASK where there was none */
const work = (k: Kernel, worker: number) => (): number => {
  const slot = k.claimTask(S, worker, 0);
  if (slot === NO_TASK) return NO_TASK;
  execute(slot);
  return k.finishSlot(S, slot, worker, 0);
};

const LOST = -77;
const STUCK = -88;
/** Generation of the first task in a slot. */
const FIRST = 1;

/** What the owner does with one slot of a worker that is gone. */
const recover = (k: Kernel, slot: number, worker: number) => (): number => {
  const outcome = k.recoverSlot(S, slot, worker);
  if (outcome === TASK_LOST) {
    writeWord(payloadAt(slot), LOST);
    return k.deliverSlot(S, slot, 1, worker);
  }
  if (outcome === TASK_STUCK) {
    writeWord(payloadAt(slot), STUCK);
    k.deliverSlot(S, slot, 1, worker);
  }
  return outcome;
};

const scenario = (
  name: string,
  setup: () => void,
  threads: Scenario['threads'],
  check: (results: any) => string | undefined,
): Scenario => ({ name, bytes: BYTES, names: NAMES, setup, threads, check, maxSteps: 400 });

/** One slot, in the queue, of client 1. */
const queued = (k: Kernel) => (): void => {
  start(1);
  submit(k, 1, 7);
};

/** Takes the hint out of the lane, and loses it. */
const loseHint = (k: Kernel): void => {
  const state = peek(slotAt(0));
  pokeState(0, SLOT_HELD, 1, 0);
  k.claimTask(S, 1, 0);
  poke(slotAt(0), state);
};

/** One slot that worker 1 runs for client 1; out of the queue and the free list. */
const inState =
  (k: Kernel, state: number, client: number, worker: number, listed = false) =>
  (): void => {
    queued(k)();
    k.claimTask(S, 1, 0);
    if (listed) k.finishSlot(S, 0, 1, 0);
    pokeState(0, state, client, worker);
  };

const generationIsFirst = (): string | undefined =>
  generationIn(peek(slotAt(0))) === FIRST ? undefined : 'another task is given up';

const isNotStuck = (): string | undefined =>
  stateIn(0) === SLOT_STUCK ? 'a task is stuck that nobody gave up' : undefined;

const SCENARIOS = [
  (k: Kernel): Scenario =>
    scenario(
      'a queued task is either cancelled or run to its end, and its slot freed once',
      queued(k),
      [work(k, 1), () => [k.cancelSlot(S, 0, 1), collect(k, 1)]],
      ([done, [outcome, early]]: [number, [number, number[]]]) => {
        const results = [...early, ...collect(k, 1)].join();
        const expected: Record<number, [number, string]> = {
          [WITHDRAWN]: [NO_TASK, ''],
          [DISOWNED]: [DROPPED, ''],
          [TOO_LATE]: [DELIVERED, '70'],
        };
        const [finish, results_] = expected[outcome] ?? [NaN, ''];
        if (done !== finish || results !== results_)
          return `cancel said ${outcome}, finish ${done}, results ${results}`;
        return allFree(k, 1);
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'of two workers one runs a task; its client reads the result that was written',
      queued(k),
      [work(k, 1), work(k, 2), () => collect(k, 1)],
      ([a, b, early]: [number, number, number[]]) => {
        if ([a, b].filter((outcome) => outcome === DELIVERED).length !== 1) return `workers said ${a}, ${b}`;
        const results = [...early, ...collect(k, 1)];
        return results.join() === '70' ? allFree(k, 1) : `results ${results.join()}`;
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a task is claimed while its client is still entering it, and cancelled afterwards or not',
      () => start(1),
      [
        work(k, 1),
        () => {
          submit(k, 1, 7);
          return k.cancelSlot(S, 0, 1);
        },
      ],
      ([done, outcome]: [number, number]) => {
        const results = collect(k, 1).join();
        if (outcome === WITHDRAWN ? done !== NO_TASK || results !== '' : outcome === NOT_YOURS)
          return `cancel said ${outcome}, finish ${done}`;
        if (outcome === TOO_LATE && results !== '70') return `too late, results ${results}`;
        return allFree(k, 1);
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a condemned worker is doomed only while it runs that task, and then claims no other',
      inState(k, SLOT_RUNNING, 1, 1),
      [
        () => {
          execute(0);
          return k.finishSlot(S, 0, 1, 0);
        },
        () => {
          return [k.cancelSlot(S, 0, 1), k.condemnSlot(S, 0, 1, FIRST), k.doomSlot(S, 0)];
        },
      ],
      ([finish, [cancelled, condemned, doomed]]: [number, [number, number, number]]) => {
        const results = collect(k, 1).join();
        if (doomed === 1 && condemned !== CONDEMNED) return `condemned ${condemned}, doomed ${doomed}`;
        if (cancelled === TOO_LATE) {
          if (doomed !== 0 || finish !== DELIVERED || results !== '70')
            return `too late, doomed ${doomed}, finish ${finish}, results ${results}`;
        } else if (results !== '') return `a result came after the time-out`;
        else if (doomed === 1 ? finish !== DOOMED : finish !== DROPPED)
          return `doomed ${doomed}, finish ${finish}`;
        if (doomed === 1) {
          if (stateIn(0) !== SLOT_DOOMED) return `state ${stateIn(0)}`;
          k.recoverSlot(S, 0, 1);
        }
        return allFree(k, 1);
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a client condemns the task that it disowned, not the next one in its slot, though it disowned that, too',
      inState(k, SLOT_RUNNING, 1, 1),
      [
        () => k.finishSlot(S, 0, 1, 0),
        () => k.claimTask(S, 2, 0),
        () => {
          const first = k.cancelSlot(S, 0, 1);
          const again = submit(k, 1, 8);
          const second = again === ENTERED ? k.cancelSlot(S, 0, 1) : again;
          return [first, second, k.condemnSlot(S, 0, 1, FIRST)];
        },
      ],
      ([, , [first, second, condemned]]: [number, number, number[]]) => {
        const isCondemned = stateIn(0) === SLOT_CONDEMNED;
        if (condemned === CONDEMNED && (first !== DISOWNED || second === DISOWNED || second === WITHDRAWN))
          return `cancelled ${first}, then ${second}, and condemned`;
        return isCondemned && generationIn(peek(slotAt(0))) !== FIRST
          ? 'another task is condemned'
          : undefined;
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a client condemns no task of another client',
      inState(k, SLOT_ORPHANED, 2, 1),
      [() => k.finishSlot(S, 0, 1, 0), () => k.condemnSlot(S, 0, 1, FIRST)],
      ([finish, condemned]: [number, number]) =>
        finish === DROPPED && condemned === UNTOUCHED ? allFree(k, 1) : `finish ${finish}, ${condemned}`,
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a worker is given up only while it runs that task: then it takes no more, and the task is stuck, else it has its result',
      inState(k, SLOT_RUNNING, 1, 1),
      [
        () => {
          execute(0);
          return k.finishSlot(S, 0, 1, 0);
        },
        () => k.giveUpSlot(S, 0, 1, FIRST),
      ],
      ([finish, given]: [number, number]) => {
        if (given === GIVEN_UP) {
          if (finish !== DOOMED || stateIn(0) !== SLOT_STUCK)
            return `given up, finish ${finish}, state ${stateIn(0)}`;
          if (recover(k, 0, 1)() !== TASK_STUCK) return 'nobody is told that it was stuck';
        } else if (finish !== DELIVERED) return `untouched, finish ${finish}`;
        const results = collect(k, 1).join();
        return results === String(given === GIVEN_UP ? STUCK : 70) ? allFree(k, 1) : `results ${results}`;
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a worker is given up for the task that was seen, not for the next one in its slot',
      inState(k, SLOT_RUNNING, 1, 1),
      [
        () => [k.finishSlot(S, 0, 1, 0), k.claimTask(S, 1, 0)],
        () => {
          const link = k.takeFinished(S, 1);
          return link > 0 ? resubmit(k, 1, 0, 8) : 0;
        },
        () => k.giveUpSlot(S, 0, 1, FIRST),
      ],
      ([, , given]: [number[], number, number]) => (given === GIVEN_UP ? generationIsFirst() : isNotStuck()),
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a worker that is given up while its client cancels takes no more tasks, and the slot is freed once',
      inState(k, SLOT_RUNNING, 1, 1),
      [
        () => {
          execute(0);
          return k.finishSlot(S, 0, 1, 0);
        },
        () => k.giveUpSlot(S, 0, 1, FIRST),
        () => k.cancelSlot(S, 0, 1),
      ],
      ([finish, given, cancelled]: [number, number, number]) => {
        if ((given === GIVEN_UP) !== (finish === DOOMED)) return `given up ${given}, finish ${finish}`;
        const ended = given === GIVEN_UP ? recover(k, 0, 1)() : finish;
        const results = collect(k, 1).join();
        if (cancelled === DISOWNED) {
          if (results !== '' || ended !== DROPPED) return `disowned, ended ${ended}, results ${results}`;
        } else if (cancelled !== TOO_LATE || results !== '70')
          return `cancel said ${cancelled}, results ${results}`;
        return allFree(k, 1);
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a worker that is given up while its client is reclaimed takes no more tasks, and the slot is freed once',
      inState(k, SLOT_RUNNING, 1, 1),
      [
        () => k.finishSlot(S, 0, 1, 0),
        () => k.giveUpSlot(S, 0, 1, FIRST),
        () => {
          k.closeList(S, 1);
          return k.reclaimSlot(S, 0, 1);
        },
      ],
      ([finish, given]: [number, number]) => {
        if ((given === GIVEN_UP) !== (finish === DOOMED)) return `given up ${given}, finish ${finish}`;
        if (given === GIVEN_UP) k.recoverSlot(S, 0, 1);
        return allFree(k, 1);
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'of a task that nobody wants its worker is given up, too, whoever else condemns it',
      inState(k, SLOT_ORPHANED, 1, 1),
      [
        () => k.finishSlot(S, 0, 1, 0),
        () => [k.condemnSlot(S, 0, 1, FIRST), k.doomSlot(S, 0)],
        () => k.giveUpSlot(S, 0, 1, FIRST),
      ],
      ([finish, [, doomed], given]: [number, number[], number]) => {
        const isEnded = given === GIVEN_UP || doomed === 1;
        if (isEnded !== (finish === DOOMED)) return `given up ${given}, doomed ${doomed}, finish ${finish}`;
        if (isEnded) k.recoverSlot(S, 0, 1);
        return allFree(k, 1);
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a client that is gone after it disowned a task: the slot is freed once',
      inState(k, SLOT_ORPHANED, 1, 1),
      [
        () => k.finishSlot(S, 0, 1, 0),
        () => {
          k.closeList(S, 1);
          return k.reclaimSlot(S, 0, 1);
        },
      ],
      ([finish, reclaimed]: [number, number]) =>
        finish === DROPPED && reclaimed === UNTOUCHED ? allFree(k, 1) : `finish ${finish}, ${reclaimed}`,
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a task whose worker is gone ends once: lost, or not wanted',
      inState(k, SLOT_RUNNING, 1, 1),
      [recover(k, 0, 1), () => [k.cancelSlot(S, 0, 1), collect(k, 1)]],
      ([owner, [outcome, early]]: [number, [number, number[]]]) => {
        const results = [...early, ...collect(k, 1)].join();
        if (outcome === DISOWNED ? owner !== DROPPED || results !== '' : results !== String(LOST))
          return `cancel said ${outcome}, the owner ${owner}, results ${results}`;
        return allFree(k, 1);
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a result that a worker left unlisted is delivered',
      inState(k, SLOT_FINISHED, 1, 1),
      [recover(k, 0, 1), () => [k.cancelSlot(S, 0, 1), collect(k, 1)]],
      ([owner, [outcome, early]]: [number, [number, number[]]]) => {
        const results = [...early, ...collect(k, 1)].join();
        if (owner !== DELIVERED || outcome !== TOO_LATE || results !== '7')
          return `cancel said ${outcome}, the owner ${owner}, results ${results}`;
        return allFree(k, 1);
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a slot that a worker was freeing when it went is freed once, beside one who acquires',
      () => {
        start(2);
        submit(k, 1, 7);
        k.claimTask(S, 1, 0);
        pokeState(0, SLOT_HELD, 0, 1);
      },
      [recover(k, 0, 1), () => submit(k, 2, 8), work(k, 2)],
      () => {
        work(k, 2)();
        collect(k, 2);
        return allFree(k, 2);
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a client that is gone while its task runs or finishes: the slot is freed once',
      inState(k, SLOT_RUNNING, 1, 1),
      [
        () => {
          execute(0);
          return k.finishSlot(S, 0, 1, 0);
        },
        () => {
          k.closeList(S, 1);
          return k.reclaimSlot(S, 0, 1);
        },
      ],
      () => (peek(listAt(1)) === LIST_CLOSED ? allFree(k, 1) : `list ${peek(listAt(1))}`),
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a client that is gone after it took a slot off its list: the slot is freed once',
      inState(k, SLOT_RUNNING, 1, 1),
      [
        () => k.finishSlot(S, 0, 1, 0),
        () => {
          k.takeFinished(S, 1); // and ends here
          k.closeList(S, 1);
          return k.reclaimSlot(S, 0, 1);
        },
      ],
      () => allFree(k, 1),
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a client and a worker that are both gone: the slot is freed once',
      inState(k, SLOT_RUNNING, 1, 1),
      [
        recover(k, 0, 1),
        () => {
          k.closeList(S, 1);
          return k.reclaimSlot(S, 0, 1);
        },
      ],
      () => allFree(k, 1),
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a queued task of a client that is gone runs to its end or never',
      queued(k),
      [
        work(k, 1),
        () => {
          k.closeList(S, 1);
          return k.reclaimSlot(S, 0, 1);
        },
      ],
      ([done, outcome]: [number, number]) =>
        outcome === WITHDRAWN && done !== NO_TASK ? `withdrawn and run: ${done}` : allFree(k, 1),
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a slot is used again while a worker has a hint to its last task: the new task runs once, the old one at most once',
      queued(k),
      [
        work(k, 1),
        () => {
          const outcome = k.cancelSlot(S, 0, 1);
          return [outcome, outcome === WITHDRAWN ? resubmit(k, 1, 0, 8) : NO_TASK];
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
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a slot that is used again waits for its turn anew',
      () => {
        start(2);
        submit(k, 1, 7);
        submit(k, 1, 8);
      },
      [() => [k.cancelSlot(S, 0, 1), resubmit(k, 1, 0, 9)]],
      () => {
        work(k, 1)();
        const first = collect(k, 1).join();
        work(k, 1)();
        return first === '80' && collect(k, 1).join() === '90' ? allFree(k, 2) : `first ${first}`;
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a slot is used again before its worker has made its last step: the step changes nothing',
      inState(k, SLOT_RUNNING, 1, 1),
      [
        () => k.finishSlot(S, 0, 1, 0),
        () => {
          const link = k.takeFinished(S, 1);
          return link > 0 ? resubmit(k, 1, 0, 8) : NO_TASK;
        },
      ],
      ([, again]: [number, number]) => {
        if (again === NO_TASK) return collect(k, 1).join() === '7' ? allFree(k, 1) : 'the result is lost';
        const next = work(k, 2)();
        const results = collect(k, 1).join();
        return again === ENTERED && next === DELIVERED && results === '80'
          ? allFree(k, 1)
          : `submitted ${again}, run ${next}, results ${results}`;
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a slot with two hints runs once, whatever becomes of the first',
      queued(k),
      [work(k, 1), () => k.mendSlot(S, 0), () => k.cancelSlot(S, 0, 1)],
      ([done, mended, outcome]: [number, number, number]) => {
        const next = work(k, 2)();
        const results = collect(k, 1).join();
        const ran = [done, next].filter((each) => each !== NO_TASK);
        if (mended !== MENDED && mended !== UNTOUCHED) return `mended ${mended}`;
        if (outcome === WITHDRAWN)
          return ran.length === 0 && results === '' ? allFree(k, 1) : `withdrawn, ran ${ran.join()}`;
        if (ran.length !== 1) return `cancel said ${outcome}, ran ${ran.join()}`;
        return results === (outcome === TOO_LATE ? '70' : '')
          ? allFree(k, 1)
          : `cancel said ${outcome}, results ${results}`;
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a task whose hint went with a worker runs after it is mended',
      () => {
        queued(k)();
        loseHint(k);
      },
      [() => k.mendSlot(S, 0), work(k, 1)],
      ([mended, done]: [number, number]) => {
        const next = work(k, 2)();
        const results = collect(k, 1).join();
        if (mended !== MENDED || results !== '70') return `mended ${mended}, results ${results}`;
        return [done, next].filter((each) => each === DELIVERED).length === 1
          ? allFree(k, 1)
          : `ran ${done}, ${next}`;
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a client that is gone before it submitted: the slot is freed, and never run',
      () => {
        start(1);
        k.acquireSlot(S, 1);
      },
      [
        work(k, 1),
        () => {
          k.closeList(S, 1);
          return k.reclaimSlot(S, 0, 1);
        },
      ],
      ([done, outcome]: [number, number]) =>
        done === NO_TASK && outcome === DROPPED ? allFree(k, 1) : `ran: ${done}, reclaim said ${outcome}`,
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a reclaimed client submits nothing that runs after its slots were looked at',
      () => {
        start(1);
        k.acquireSlot(S, 1);
      },
      [
        () => resubmit(k, 1, 0, 7),
        () => {
          storeWord(ownerAt(1), CLIENT_RECLAIMED);
          k.closeList(S, 1);
          return k.reclaimSlot(S, 0, 1);
        },
      ],
      ([outcome, reclaimed]: [number, number]) => {
        const done = work(k, 1)();
        if (reclaimed === DROPPED && done !== NO_TASK) return `submit said ${outcome}, and it ran: ${done}`;
        return reclaimed === UNTOUCHED ? `reclaim said ${reclaimed}` : allFree(k, 1);
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a reclaimed client acquires nothing that stays with it',
      () => start(1),
      [
        () => k.acquireSlot(S, 1),
        () => {
          storeWord(ownerAt(1), CLIENT_RECLAIMED);
          k.closeList(S, 1);
          return k.reclaimSlot(S, 0, 1);
        },
      ],
      ([slot, outcome]: [number, number]) =>
        slot >= 0 && outcome !== DROPPED ? `it has slot ${slot}, the reclaim said ${outcome}` : undefined,
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a result is released once, while its worker makes its last step',
      inState(k, SLOT_RUNNING, 1, 1),
      [
        () => k.finishSlot(S, 0, 1, 0),
        () => {
          const link = k.takeFinished(S, 1);
          return link > 0 ? [k.releaseSlot(S, 0, 1), k.releaseSlot(S, 0, 1)] : [];
        },
      ],
      ([, released]: [number, number[]]) => {
        if (released.length > 0 && released.join() !== `${RELEASED},${NOT_YOURS}`)
          return `released ${released.join()}`;
        if (released.length === 0) collect(k, 1);
        return allFree(k, 1);
      },
    ),
];

const CLAIM =
  'return compareExchange(word, seen, become(seen, SLOT_RUNNING, clientOf(seen), worker)) == seen ? slot : NO_TASK;';

const MUTANTS: Mutant[] = [
  {
    name: 'the slot is published in the list before its state says that it is finished',
    file: 'worker.ts',
    find: `      if (compareExchange(word, seen, become(seen, SLOT_FINISHED, client, worker)) == seen)
        return deliverSlot(scheduler, slot, client, worker);`,
    replace: `      const outcome = deliverSlot(scheduler, slot, client, worker);
      compareExchange(word, seen, become(seen, SLOT_FINISHED, client, worker)); return outcome;`,
  },
  {
    name: 'a worker claims a task without the CAS',
    file: 'hints.ts',
    find: CLAIM,
    replace: 'store(word, become(seen, SLOT_RUNNING, clientOf(seen), worker)); return slot;',
  },
  {
    name: 'a hint leads to whatever task the slot holds now, over a claim that lies between',
    file: 'hints.ts',
    find: 'if (stateOf(seen) != SLOT_QUEUED || generationOf(seen) != generation) return NO_TASK;',
    replace: 'if (generationOf(seen) != generation) return NO_TASK;',
  },
  {
    name: 'a worker finishes a task without looking whether it was cancelled',
    file: 'worker.ts',
    find: 'if (compareExchange(word, seen, become(seen, SLOT_FINISHED, client, worker)) == seen)',
    replace: 'store(word, become(seen, SLOT_FINISHED, client, worker)); if (true)',
  },
  {
    name: 'a condemned task is dropped without looking whether its worker is doomed',
    file: 'worker.ts',
    find: `      if (compareExchange(word, seen, held) == seen) {
        giveBack`,
    replace: `      store(word, held); if (true) {
        giveBack`,
  },
  {
    name: 'a client condemns whatever task the slot holds now',
    file: 'kernel/client.ts',
    find: ' || generationOf(seen) != generation)\n    return UNTOUCHED;',
    replace: ') return UNTOUCHED;',
  },
  {
    name: 'a client condemns whosever task it is',
    file: 'kernel/client.ts',
    find: ' || clientOf(seen) != client || generationOf(seen) != generation)',
    replace: ' || generationOf(seen) != generation)',
  },
  {
    name: 'a client condemns a task over its end',
    file: 'kernel/client.ts',
    find: 'if (compareExchange(word, seen, become(seen, SLOT_CONDEMNED, 0, workerOf(seen))) != seen) return UNTOUCHED;',
    replace: 'store(word, become(seen, SLOT_CONDEMNED, 0, workerOf(seen)));',
  },
  {
    name: 'a worker is given up over the end of its task',
    file: 'owner.ts',
    find: 'if (compareExchange(word, seen, next) != seen) continue;\n    notify(word, 1); // as in cancelSlot: the task is told',
    replace: 'store(word, next);\n    notify(word, 1);',
  },
  {
    name: 'a worker is given up for whatever task the slot holds now',
    file: 'owner.ts',
    find: 'if (workerOf(seen) != worker || generationOf(seen) != generation) return UNTOUCHED;',
    replace: 'if (workerOf(seen) != worker) return UNTOUCHED;',
  },
  {
    name: 'a worker that was given up goes on',
    file: 'worker.ts',
    find: 'if (state == SLOT_DOOMED || state == SLOT_STUCK) return DOOMED;',
    replace: 'if (state == SLOT_DOOMED) return DOOMED;',
  },
  {
    name: 'a client can not cancel what is stuck',
    file: 'kernel/client.ts',
    find: 'if (!waits && state != SLOT_RUNNING && state != SLOT_STUCK) return NOT_YOURS;',
    replace: 'if (!waits && state != SLOT_RUNNING) return NOT_YOURS;',
  },
  {
    name: 'who cancels what is stuck lets its worker go on',
    file: 'kernel/client.ts',
    find: ': state == SLOT_STUCK\n        ? become(seen, SLOT_DOOMED, 0, workerOf(seen))',
    replace: '',
  },
  {
    name: 'a reclaim lets a worker go on that was given up',
    file: 'owner.ts',
    find: 'become(seen, state == SLOT_STUCK ? SLOT_DOOMED : SLOT_ORPHANED, 0, workerOf(seen))',
    replace: 'become(seen, SLOT_ORPHANED, 0, workerOf(seen))',
  },
  {
    name: 'a reclaim takes a slot whose task is stuck for one that nobody runs',
    file: 'owner.ts',
    find: 'const runs = state == SLOT_RUNNING || state == SLOT_STUCK;',
    replace: 'const runs = state == SLOT_RUNNING;',
  },
  {
    name: 'what is stuck is freed, and nobody is told',
    file: 'owner.ts',
    find: 'const isLost = state == SLOT_RUNNING || state == SLOT_STUCK;',
    replace: 'const isLost = state == SLOT_RUNNING;',
  },
  {
    name: 'a task that nobody wants any more is given up as if somebody did',
    file: 'owner.ts',
    find: 'state == SLOT_RUNNING\n        ? become(seen, SLOT_STUCK, clientOf(seen), worker)\n        : become(seen, SLOT_DOOMED, 0, worker);',
    replace: 'become(seen, SLOT_STUCK, clientOf(seen), worker);',
  },
  {
    name: 'a reclaim frees a slot whose task its client had disowned',
    file: 'owner.ts',
    find: 'if (state == SLOT_ORPHANED) return UNTOUCHED;',
    replace: '',
  },
  {
    name: 'a cancellation does not look whether the task was claimed',
    file: 'kernel/client.ts',
    find: 'if (compareExchange(word, seen, next) == seen) {',
    replace: 'store(word, next); if (true) {',
  },
  {
    name: 'a client submits a slot whatever its state is',
    file: 'kernel/client.ts',
    find: 'if (compareExchange(word, seen, queued) == seen) break;',
    replace: 'store(word, queued); break;',
  },
  {
    name: 'the generation stays',
    file: 'kernel/client.ts',
    find: 'const generation = (generationOf(seen) + 1) & SLOT_STATE_GENERATION_MASK;',
    replace: 'const generation = generationOf(seen);',
  },
  {
    name: 'the hint is written before the slot says that it is queued',
    file: 'kernel/client.ts',
    find: '    if (compareExchange(word, seen, queued) == seen) break;\n  }\n  const hint = slot | (generationOf(queued) << SLOT_HINT_GENERATION_SHIFT);\n  if (deadline != 0) enterDeadline(scheduler, slot, queued, deadline);\n  else pushHintAt(scheduler, at, shift, client, lane, hint);',
    replace:
      '    pushHintAt(scheduler, at, shift, client, lane, slot | (generationOf(queued) << SLOT_HINT_GENERATION_SHIFT));\n    if (compareExchange(word, seen, queued) == seen) break;\n  }',
  },
  {
    name: 'the list is overwritten by a push',
    file: 'finished-list.ts',
    find: 'const seen = compareExchange(list, head, (slot + 1) | 0);',
    replace: 'const seen = head; store(list, (slot + 1) | 0);',
  },
  {
    name: 'a worker lists a slot of a client that is gone',
    file: 'finished-list.ts',
    find: 'if (head == LIST_CLOSED) return drop(scheduler, slot, finished, worker);',
    replace: '',
  },
  {
    name: 'a worker does not look whether the client went while it listed the slot',
    file: 'finished-list.ts',
    find: 'if (load(list) == LIST_CLOSED) return drop(scheduler, slot, done, worker);',
    replace: '',
  },
  {
    name: 'a drop does not look whether the reclaim was faster',
    file: 'finished-list.ts',
    find: 'if (compareExchange(slotAt(scheduler, slot) + SLOT_HEAD_STATE, seen, held) == seen)',
    replace: 'store(slotAt(scheduler, slot) + SLOT_HEAD_STATE, held); if (true)',
  },
  {
    name: 'a worker says DONE over whatever the client has done with the slot',
    file: 'finished-list.ts',
    find: 'compareExchange(at + SLOT_HEAD_STATE, finished, done);',
    replace: 'store(at + SLOT_HEAD_STATE, done);',
  },
  {
    name: 'a slot is released whatever its state is',
    file: 'free-list.ts',
    find: 'if (clientOf(seen) != client || (state != SLOT_HELD && isEnded(state) == 0)) return NOT_YOURS;',
    replace: '',
  },
  {
    name: 'a freed slot is marked FREE over the mark of who acquired it',
    file: 'free-list.ts',
    find: 'compareExchange(slotAt(scheduler, slot) + SLOT_HEAD_STATE, held, become(held, SLOT_FREE, 0, 0));',
    replace: 'store(slotAt(scheduler, slot) + SLOT_HEAD_STATE, become(held, SLOT_FREE, 0, 0));',
  },
  {
    name: 'a client looks whether it was reclaimed before it marks its slot',
    file: 'free-list.ts',
    find: '  store(word, held);\n  // Pairs with the reclaim of this client, which says so before it looks at the slots.\n  if (load(clientAt(scheduler, client) + CLIENT_ENTRY_OWNER) > 0) return slot;',
    replace:
      '  const looked = load(clientAt(scheduler, client) + CLIENT_ENTRY_OWNER);\n  store(word, held);\n  if (looked > 0) return slot;',
  },
  {
    name: 'the owner dooms a worker without looking whether it has finished',
    file: 'owner.ts',
    find: 'return compareExchange(word, seen, become(seen, SLOT_DOOMED, 0, worker)) == seen ? worker : 0;',
    replace: 'store(word, become(seen, SLOT_DOOMED, 0, worker)); return worker;',
  },
  {
    name: 'the owner mends a slot over a claim',
    file: 'owner.ts',
    find: 'if (compareExchange(word, seen, mending) != seen) return UNTOUCHED;',
    replace: 'store(word, mending);',
  },
  {
    name: 'the owner gives a mended slot back over a cancellation',
    file: 'owner.ts',
    find: 'if (compareExchange(word, mending, seen) != mending) return UNTOUCHED;',
    replace: 'store(word, seen);',
  },
  {
    name: 'the owner mends without a hint',
    file: 'owner.ts',
    find: 'pushHint(scheduler, 0, lane, slot | (generationOf(seen) << SLOT_HINT_GENERATION_SHIFT));',
    replace: '',
  },
  {
    name: 'the owner recovers a slot without looking whether its client cancelled it',
    file: 'owner.ts',
    find: 'if (compareExchange(word, seen, isLost ? become(seen, SLOT_FINISHED, client, worker) : held) != seen) continue;',
    replace: 'store(word, isLost ? become(seen, SLOT_FINISHED, client, worker) : held);',
  },
  {
    name: 'a result that was not listed is forgotten',
    file: 'owner.ts',
    find: 'if (state == SLOT_FINISHED) return deliverSlot(scheduler, slot, client, worker);',
    replace: 'if (state == SLOT_FINISHED) return UNTOUCHED;',
  },
  {
    name: 'a reclaim frees a finished slot that its worker frees, too',
    file: 'owner.ts',
    find: 'if (state == SLOT_FINISHED) return UNTOUCHED;',
    replace: 'if (state == SLOT_FINISHED) { giveBack(scheduler, slot, seen); return DROPPED; }',
  },
  {
    name: 'a reclaim does not close the list',
    file: 'owner.ts',
    find: 'const link = exchange(list, LIST_CLOSED);',
    replace: 'const link = load(list);',
  },
  {
    name: 'a reclaim does not look whether the worker was faster',
    file: 'owner.ts',
    find: 'if (compareExchange(word, seen, next) != seen) continue;\n    if (runs) {',
    replace: 'store(word, next);\n    if (runs) {',
  },
];

describe('the life of a slot, all interleavings', () => {
  testModels(SCENARIOS, MUTANTS);
});
