import { expect, test } from 'vitest';
import { explore, type Scenario } from '../src/index.ts';
import { load, notify, store, wait } from '../src/twin.ts';
import { caught } from './caught.ts';

/** All results that the ends of a scenario have, as JSON. */
function ends(scenario: Scenario): string[] {
  const seen = new Set<string>();
  explore({
    ...scenario,
    check: (results) => {
      seen.add(JSON.stringify(results));
      return undefined;
    },
  });
  return [...seen].toSorted();
}

test('wait returns 0 woken, 1 not equal, 2 timed out, and each is explored', () => {
  const sleeper = () => wait(0, 0, 1000);
  const waker = () => {
    store(0, 1);
    return notify(0, 1);
  };
  expect(ends({ bytes: 8, threads: [sleeper, waker] })).toEqual(['[0,1]', '[1,0]', '[2,0]']);
});

test('without a time-out there is no time-out', () => {
  const sleeper = () => wait(0, 0, -1);
  const waker = () => {
    store(0, 1);
    return notify(0, 1);
  };
  expect(ends({ bytes: 8, threads: [sleeper, waker] })).toEqual(['[0,1]', '[1,0]']);
});

test('a lonely sleeper with a time-out is no deadlock', () => {
  expect(ends({ bytes: 8, threads: [() => wait(0, 0, 0)] })).toEqual(['[2]']);
});

test('notify wakes at most as many as it says, and any of them', () => {
  const one = () => wait(0, 0, 1);
  const other = () => wait(0, 0, 2);
  expect(ends({ bytes: 8, threads: [one, other, () => notify(0, 1)] })).toEqual([
    '[0,2,1]',
    '[2,0,1]',
    '[2,2,0]',
  ]);
  expect(ends({ bytes: 8, threads: [one, other, () => notify(0, -1)] })).toContain('[0,0,2]');
  expect(ends({ bytes: 8, threads: [one, other, () => notify(0, 0)] })).toEqual(['[2,2,0]']);
});

test('notify on another word wakes nobody', () => {
  expect(ends({ bytes: 8, threads: [() => wait(0, 0, 1), () => notify(4, -1)] })).toEqual(['[2,0]']);
});

test('which of two interchangeable sleepers is woken is judged both ways', () => {
  const sleeper = () => wait(0, 0, 1);
  expect(ends({ bytes: 8, threads: [sleeper, sleeper, () => notify(0, 1)] })).toEqual([
    '[0,2,1]',
    '[2,0,1]',
    '[2,2,0]',
  ]);
});

test('a deadlock names who is parked where', () => {
  const sleeper = () => {
    if (load(4) === 0) wait(4, 0, -1);
  };
  const setter = () => {
    store(4, 1);
    notify(4, 1);
  };
  expect(explore({ bytes: 8, threads: [sleeper, setter] }).complete).toBe(true);
  const forgetful = () => store(4, 1);
  const { kind, why, trace, code } = caught({
    bytes: 8,
    names: { 4: 'ready' },
    threads: [sleeper, forgetful],
  });
  expect({ kind, why, code }).toEqual({
    kind: 'deadlock',
    code: 'ERR_INTERLEAVE_DEADLOCK',
    why: 't0 sleeper is parked on ready@4, and nobody is left to wake them',
  });
  expect(trace).toEqual([
    '   1  t0 sleeper    load               ready@4  0',
    '   2  t0 sleeper    wait               ready@4  0: parks, no time-out',
    '   3  t1 forgetful  store              ready@4  0 -> 1',
  ]);
});
