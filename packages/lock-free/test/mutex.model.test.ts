// All interleavings of the mutex's kernel. What it guards is plain: two inside at once are a race.
import { explore, killsMutants, peek, poke, type Mutant, type Scenario } from '@corelane/interleave';
import { describe, expect, test } from 'vitest';
import { LOCK_RECOVERED, LOCK_RELOCK, LOCK_TAKEN, mutexState, mutexWords } from '../src/layout.ts';
import type * as User from './kernel/mutex-user.ts';
import * as user from './kernel/mutex-user.ts';

type Kernel = typeof User;

const STATE = mutexWords.offset.state;
const COUNTER = mutexWords.bytes;
const BYTES = COUNTER + 8;
const NAMES = {
  [STATE]: 'state',
  [mutexWords.offset.contended]: 'contended',
  [mutexWords.offset.turn]: 'turn',
  [COUNTER]: 'counter',
  [COUNTER + 4]: 'dead',
};
const POISONED = mutexState.field.poisoned.one;

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

const scenario = (
  name: string,
  threads: Scenario['threads'],
  check: NonNullable<Scenario['check']> = counted,
  more: Partial<Scenario> = {},
): Scenario => ({ name, bytes: BYTES, names: NAMES, threads, check, ...more });

/** Every thread returned how often it incremented; the mutex is free, without flags. */
function counted(results: readonly number[]): string | undefined {
  if (peek(COUNTER) !== sum(results)) return `counted ${peek(COUNTER)}, expected ${sum(results)}`;
  return peek(STATE) === 0 ? undefined : `state ${peek(STATE)} is left`;
}

const all = (results: readonly number[]): string | undefined =>
  results.every((result) => result === 1) ? counted(results) : `results ${results.join()}`;

const SCENARIOS = [
  (k: Kernel): Scenario =>
    scenario('tries never wait', [
      () => k.incrementIfFree(1),
      () => k.incrementIfFree(2) + k.incrementIfFree(2),
      () => k.lockAndIncrement(3, 0),
    ]),
  (k: Kernel): Scenario =>
    scenario(
      'a continuation whose event loop is busy keeps no wake-up from a parked thread',
      [() => k.lockAndIncrement(1, 0), () => k.deferBehind(2), () => k.incrementAndTell(3)],
      () => (peek(COUNTER) === 2 ? undefined : `counted ${peek(COUNTER)}`),
    ),
  (k: Kernel): Scenario =>
    scenario(
      'an owner dies; the one that is parked is told, and repairs',
      [() => k.lockAndDie(1), () => k.recoverDead(1), () => k.lockAndRepair(2)],
      ([, , outcome]: readonly number[]) => {
        // The second may be inside before the first, and then leaves without knowing.
        const expected = outcome === LOCK_RECOVERED ? 1 : 101;
        if (peek(COUNTER) !== expected) return `counter ${peek(COUNTER)} after outcome ${outcome}`;
        return peek(STATE) === (outcome === LOCK_RECOVERED ? 0 : POISONED)
          ? undefined
          : `state ${peek(STATE)}`;
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'a wake-up that went to one who died is made up for',
      [
        () => k.lockAndIncrement(1, 0),
        () => k.parkAndDie(),
        () => k.lockAndIncrement(3, 0),
        () => k.recoverDead(2),
      ],
      () => (peek(COUNTER) === 2 ? undefined : `counted ${peek(COUNTER)}`),
    ),
  (k: Kernel): Scenario =>
    scenario(
      'relock and unlock by another are refused, and change nothing',
      [() => k.misuse(1, 2), () => k.lockAndIncrement(3, 0)],
      ([refused, incremented]: readonly number[]) =>
        refused === LOCK_RELOCK && incremented === LOCK_TAKEN ? counted([1, 1]) : `outcomes ${refused}`,
    ),
  (k: Kernel): Scenario =>
    scenario(
      'waited time adds up beyond 32 bits',
      [() => k.addWaitedUs(0, 3), () => k.addWaitedUs(0, 4)],
      () => {
        const [low, high] = [peek(mutexWords.offset.waitedUs), peek(mutexWords.offset.waitedUs + 4)];
        return low === 2 && high === 8 ? undefined : `low ${low}, high ${high}`;
      },
      {
        setup: () => {
          poke(mutexWords.offset.waitedUs, -5);
          poke(mutexWords.offset.waitedUs + 4, 7);
        },
      },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'one that was woken gives up, overtaken, while another is parked',
      [
        () => k.unlockMutex(0, 1) - 1 + k.incrementIfFree(1),
        () => k.incrementInTime(2),
        () => k.lockAndIncrement(3, 0),
      ],
      counted,
      { setup: () => void k.tryLockMutex(0, 1), preemptions: 3 },
    ),
  (k: Kernel): Scenario =>
    scenario(
      'three threads park',
      [1, 2, 3].map((me) => () => k.lockAndIncrement(me, 0)),
      all,
    ),
  (k: Kernel): Scenario =>
    scenario('two threads, twice each, spin once', [
      () => k.lockAndIncrement(1, 1) + k.lockAndIncrement(1, 1),
      () => k.lockAndIncrement(2, 1) + k.lockAndIncrement(2, 1),
    ]),
  (k: Kernel): Scenario =>
    scenario('one gives up in time, while two park', [
      () => k.lockAndIncrement(1, 0),
      () => k.incrementInTime(2),
      () => k.lockAndIncrement(3, 0),
    ]),
  (k: Kernel): Scenario =>
    scenario(
      'continuations and a thread',
      [() => k.incrementDeferred(1), () => k.incrementDeferred(2), () => k.lockAndIncrement(3, 0)],
      all,
    ),
  (k: Kernel): Scenario =>
    scenario(
      'two wait for an owner that died: until the data is marked, each is told',
      [() => k.lockAndRepair(2), () => k.lockAndIncrement(3, 0), () => k.recoverDead(1)],
      ([outcome]: readonly number[]) =>
        outcome === LOCK_RECOVERED && peek(STATE) === 0
          ? undefined
          : `outcome ${outcome}, state ${peek(STATE)}`,
      {
        setup: () => {
          k.tryLockMutex(0, 1);
          poke(COUNTER, 100);
          poke(COUNTER + 4, 1);
        },
      },
    ),
];

const file = '/mutex.ts';
const MUTANTS: Mutant[] = [
  {
    name: 'the mutex is taken by a look and a store',
    find: 'const seen = compareExchange(mutex + MUTEX_WORDS_STATE, 0, me);',
    replace:
      'const seen = load(mutex + MUTEX_WORDS_STATE); if (seen == 0) store(mutex + MUTEX_WORDS_STATE, me);',
    expect: 'race',
  },
  {
    name: 'a woken thread takes it without the flag: state 2 is not kept',
    find: 'seen | me | (flag & MUTEX_STATE_PARKED_ONE)',
    replace: 'seen | me',
    expect: 'deadlock',
  },
  {
    name: 'a thread parks without putting the flag up',
    find: ': seen | flag;',
    replace: ': seen;',
    expect: 'deadlock',
  },
  {
    name: 'the release does not notify',
    find: 'if ((before & MUTEX_STATE_PARKED_ONE) != 0) notify(mutex + MUTEX_WORDS_STATE, 1);',
    replace: '',
    expect: 'deadlock',
  },
  {
    name: 'the release notifies before it releases',
    find: 'const before = and(mutex + MUTEX_WORDS_STATE, MUTEX_STATE_POISONED_ONE);',
    replace:
      'notify(mutex + MUTEX_WORDS_STATE, 1); const before = and(mutex + MUTEX_WORDS_STATE, MUTEX_STATE_POISONED_ONE) & ~MUTEX_STATE_PARKED_ONE;',
    expect: 'deadlock',
  },
  {
    name: 'the release does not wake continuations',
    find: 'if ((before & MUTEX_STATE_DEFERRED_ONE) != 0) wakeDeferred(mutex);',
    replace: '',
    expect: 'deadlock',
  },
  {
    name: 'continuations are woken without bumping the turn',
    find: 'add(mutex + MUTEX_WORDS_TURN, 1); // publish',
    replace: '// publish',
    expect: 'deadlock',
  },
  {
    name: 'a continuation is woken instead of a parked thread',
    find: 'if ((before & MUTEX_STATE_PARKED_ONE) != 0) notify(mutex + MUTEX_WORDS_STATE, 1);',
    replace:
      'if ((before & MUTEX_STATE_PARKED_ONE) != 0 && (before & MUTEX_STATE_DEFERRED_ONE) == 0) notify(mutex + MUTEX_WORDS_STATE, 1);',
    expect: 'deadlock',
  },
  {
    name: 'a woken thread gives up without looking',
    find: 'if (wait(mutex + MUTEX_WORDS_STATE, ~outcome, timeoutUs) == 2) return LOCK_TIMED_OUT;',
    replace:
      'if (wait(mutex + MUTEX_WORDS_STATE, ~outcome, timeoutUs) == 2 || timeoutUs >= 0) return LOCK_TIMED_OUT;',
    expect: 'deadlock',
  },
  {
    name: 'a woken thread gives up without putting the flag up',
    find: 'outcome = takeOrFlag(mutex, me, MUTEX_STATE_PARKED_ONE); if (outcome < 0) return LOCK_BUSY;',
    replace:
      'outcome = timeoutUs < 0 ? takeOrFlag(mutex, me, MUTEX_STATE_PARKED_ONE) : takeFree(mutex, me, load(mutex + MUTEX_WORDS_STATE)); if (outcome <= 0) return LOCK_BUSY;',
    expect: 'deadlock',
  },
  {
    name: 'a wait that timed out takes the mutex for taken',
    find: 'return LOCK_TIMED_OUT;',
    replace: 'return LOCK_TAKEN;',
  },
  {
    name: 'the release forgets the poison',
    find: 'and(mutex + MUTEX_WORDS_STATE, MUTEX_STATE_POISONED_ONE);',
    replace: 'and(mutex + MUTEX_WORDS_STATE, 0);',
    expect: 'check',
  },
  {
    name: 'recovery frees the mutex without poison',
    find: 'compareExchange(mutex + MUTEX_WORDS_STATE, seen, MUTEX_STATE_POISONED_ONE);',
    replace: 'compareExchange(mutex + MUTEX_WORDS_STATE, seen, 0);',
    expect: 'check',
  },
  {
    name: 'recovery wakes nobody where the dead one had it',
    find: 'wakeAll(mutex);\n      return 1;',
    replace: 'return 1;',
    expect: 'deadlock',
  },
  {
    name: 'recovery wakes nobody where the dead one only waited',
    find: 'wakeAll(mutex);\n  return 0;',
    replace: 'return 0;',
    expect: 'deadlock',
  },
  {
    name: 'a mutex that is free and poisoned is never taken',
    find: 'const isFree = (seen & MUTEX_STATE_OWNER_MASK) == 0;',
    replace: 'const isFree = seen == 0;',
  },
  {
    name: 'anybody may unlock',
    find: 'if ((seen & MUTEX_STATE_OWNER_MASK) != me) return NOT_OWNER;',
    replace: '',
  },
  {
    name: 'the owner waits for itself',
    find: 'if ((seen & MUTEX_STATE_OWNER_MASK) == me) return LOCK_RELOCK;',
    replace: '',
    expect: 'deadlock',
  },
  {
    name: 'the waited time loses its carry',
    find: '? 1 : 0;\n  const next',
    replace: '? 0 : 0;\n  const next',
    expect: 'check',
  },
].map((mutant) => ({ ...mutant, file })) as Mutant[];

describe('mutex, all interleavings', { timeout: 60_000 }, () => {
  test.each(SCENARIOS.map((make) => make(user)))('$name', (each) => {
    const found = explore(each);
    expect(found.complete).toBe(true);
    expect(found.accesses).toBeGreaterThan(0);
  });

  test('these scenarios kill every mutant', () => {
    const { kills } = killsMutants<Kernel>({
      kernel: new URL('./kernel/mutex-user.ts', import.meta.url),
      mutants: MUTANTS,
      scenarios: SCENARIOS,
    });
    expect(kills).toHaveLength(MUTANTS.length);
  });
});
