import { killsMutants, peek, poke, type Scenario } from '@corelane/interleave';
import { expect, test } from 'vitest';
import { parkerWords } from '../src/layout.ts';
import type * as semaphore from './kernel/semaphore.ts';

type Kernel = typeof semaphore;

const AT = 0;
const PARKER = 8;
const WAITERS = PARKER + parkerWords.offset.waiters;
const frame = {
  bytes: 16,
  names: { [AT]: 'permits', [PARKER + parkerWords.offset.sequence]: 'sequence', [WAITERS]: 'waiters' },
};

const nobodyWaits = (): string | undefined =>
  peek(WAITERS) === 0 ? undefined : `${peek(WAITERS)} waiters are left`;
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

function permits(name: string, threads: Scenario['threads'], left: number, start = 0): Scenario {
  return {
    ...frame,
    name,
    threads,
    setup: () => poke(PARKER + parkerWords.offset.sequence, start),
    check: () => (peek(AT) === left ? nobodyWaits() : `${peek(AT)} permits are left, expected ${left}`),
  };
}

const scenarios: ((k: Kernel) => Scenario)[] = [
  (k) => permits('one waits, one posts', [() => k.take(AT, -1), () => k.post(AT)], 0),
  (k) => permits('the sequence wraps', [() => k.take(AT, -1), () => k.post(AT)], 0, -1),
  (k) => {
    const taker = (): number => k.take(AT, -1);
    return permits('two wait, one posts twice', [taker, taker, () => k.post(AT) + k.post(AT)], 0);
  },
  (k) => {
    const taker = (): number => k.take(AT, -1);
    const poster = (): number => k.post(AT);
    return permits('two wait, two post', [taker, taker, poster, poster], 0);
  },
  (k) => {
    const passer = (): number => k.pass(AT);
    return {
      ...frame,
      name: 'a gate lets all pass',
      threads: [passer, passer, () => k.open(AT)],
      check: nobodyWaits,
    };
  },
  (k) => ({
    ...frame,
    name: 'a time-out takes a permit or nothing',
    threads: [() => k.take(AT, 1), () => k.take(AT, 1), () => k.post(AT)],
    check: (results: readonly number[]) =>
      sum(results.slice(0, 2)) + peek(AT) === 1
        ? nobodyWaits()
        : `took ${results.slice(0, 2).join()}, left ${peek(AT)}`,
  }),
  (k) => ({
    ...frame,
    name: 'one post wakes at most one',
    threads: [() => k.take(AT, 1), () => k.take(AT, 1), () => k.post(AT)],
    check: ([, , woken]: readonly number[]) => (woken! <= 1 ? undefined : `${woken} were woken`),
  }),
  (k) =>
    permits(
      'an aborted waiter swallows no wake-up',
      [() => k.take(AT, -1), () => k.takeAborted(AT), () => k.post(AT)],
      0,
    ),
];

test('no wake-up is lost, and wrong parkers lose one', () => {
  const file = '/kernel/parker.ts';
  const { kills, baseline } = killsMutants<Kernel>({
    kernel: new URL('./kernel/semaphore.ts', import.meta.url),
    scenarios,
    mutants: [
      {
        name: 'no second look: waits for whatever the sequence is now',
        file,
        find: 'wait(at + PARKER_WORDS_SEQUENCE, sequence, timeoutUs)',
        replace: 'wait(at + PARKER_WORDS_SEQUENCE, load(at + PARKER_WORDS_SEQUENCE), timeoutUs)',
        expect: 'deadlock',
      },
      {
        name: 'bumps the sequence after it looked for waiters',
        file,
        find: 'add(at + PARKER_WORDS_SEQUENCE, 1);',
        replace:
          'if (load(at + PARKER_WORDS_WAITERS) == 0) { add(at + PARKER_WORDS_SEQUENCE, 1); return 0; } add(at + PARKER_WORDS_SEQUENCE, 1);',
        expect: 'deadlock',
      },
      {
        name: 'bumps the sequence only for waiters it sees',
        file,
        find: 'add(at + PARKER_WORDS_SEQUENCE, 1);',
        replace: 'if (load(at + PARKER_WORDS_WAITERS) == 0) return 0; add(at + PARKER_WORDS_SEQUENCE, 1);',
        expect: 'deadlock',
      },
      {
        name: 'does not bump the sequence',
        file,
        find: 'add(at + PARKER_WORDS_SEQUENCE, 1);',
        replace: '',
        expect: 'deadlock',
      },
      {
        name: 'bumps the sequence after the notify',
        file,
        find: 'add(at + PARKER_WORDS_SEQUENCE, 1);',
        replace:
          'if (load(at + PARKER_WORDS_WAITERS) != 0) { const woken = notify(at + PARKER_WORDS_SEQUENCE, count); add(at + PARKER_WORDS_SEQUENCE, 1); return woken; } add(at + PARKER_WORDS_SEQUENCE, 1);',
        expect: 'deadlock',
      },
      {
        name: 'announces the waiter after the wait',
        file,
        find: 'add(at + PARKER_WORDS_WAITERS, 1); // publish: pairs with the load in unpark',
        replace:
          'const early = wait(at + PARKER_WORDS_SEQUENCE, sequence, timeoutUs); add(at + PARKER_WORDS_WAITERS, 1); sub(at + PARKER_WORDS_WAITERS, 1); return early;',
        expect: 'deadlock',
      },
      {
        name: 'takes one waiter for none',
        file,
        find: 'if (load(at + PARKER_WORDS_WAITERS) == 0) return 0;',
        replace: 'if (load(at + PARKER_WORDS_WAITERS) <= 1) return 0;',
        expect: 'deadlock',
      },
      {
        name: 'wakes one where all were asked for',
        file,
        find: 'return notify(at + PARKER_WORDS_SEQUENCE, count);',
        replace: 'return notify(at + PARKER_WORDS_SEQUENCE, 1);',
        expect: 'deadlock',
      },
      {
        name: 'wakes all where one was asked for',
        file,
        find: 'return notify(at + PARKER_WORDS_SEQUENCE, count);',
        replace: 'return notify(at + PARKER_WORDS_SEQUENCE, -1);',
        expect: 'check',
      },
      {
        name: 'never takes the announcement back',
        file,
        find: 'const outcome = wait(at + PARKER_WORDS_SEQUENCE, sequence, timeoutUs);\n  sub(at + PARKER_WORDS_WAITERS, 1);',
        replace: 'const outcome = wait(at + PARKER_WORDS_SEQUENCE, sequence, timeoutUs);',
        expect: 'check',
      },
      {
        name: 'an aborted waiter keeps its wake-up',
        file,
        find: 'notify(at + PARKER_WORDS_SEQUENCE, -1); // pairs with the wait of every other waiter',
        replace: '',
        expect: 'deadlock',
      },
      {
        name: 'used wrongly: looks at the condition before it prepares',
        file: '/semaphore.ts',
        find: 'const sequence = prepare(at + PARKER);\n    if (tryTake(at) != 0) return 1;\n',
        replace: 'if (tryTake(at) != 0) return 1;\n    const sequence = prepare(at + PARKER);\n',
        expect: 'deadlock',
      },
      {
        name: 'used wrongly: unparks before the condition holds',
        file: '/semaphore.ts',
        find: 'add(at, 1);\n  return unpark(at + PARKER, 1);',
        replace: 'const woken = unpark(at + PARKER, 1);\n  add(at, 1);\n  return woken;',
        expect: 'deadlock',
      },
    ],
  });
  expect(kills).toHaveLength(13);
  for (const { accesses, complete } of baseline) {
    expect(accesses).toBeGreaterThan(0);
    expect(complete).toBe(true);
  }
});
