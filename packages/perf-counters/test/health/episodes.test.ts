// When a monitor warns and recovers, and what state that makes of the whole.
import { expect, test } from 'vitest';
import type { HealthEpisode } from '../../src/health/index.ts';
import { settle } from './fake-clock.ts';
import { Dial, scene } from './scene.ts';

test('an episode has one warning and one recovery, whatever the value does in between', async () => {
  const dial = new Dial();
  const { clock, monitor, told } = scene([dial]);
  const values = [1, 11, 1, 12, 13, 14, 99, 9, 20, 7, 11, 7, 9, 7, 7, 7, 9.5, 7];
  dial.reading = () => values.shift() as number;
  await clock.pass(17_000);
  expect(values).toEqual([]);
  expect(told).toEqual([
    'starting > ready',
    'warning dial warn',
    'ready > degraded',
    'recovery dial warn',
    'degraded > ready',
  ]);
  monitor[Symbol.dispose]();
});

test('warning and recovery say value, threshold, the worst, and how long it lasted', async () => {
  const dial = new Dial();
  const values = [1, 11, 12, 13, 42, 9, 7, 7];
  dial.reading = () => values.shift() as number;
  const { clock, monitor } = scene([dial], { name: 'gateway' });
  const episodes: HealthEpisode[] = [];
  monitor
    .on('warning', (episode) => episodes.push(episode))
    .on('recovery', (episode) => episodes.push(episode));
  await clock.pass(7000);
  expect(episodes).toEqual([
    {
      monitor: 'gateway',
      check: 'dial',
      level: 'warn',
      value: 13,
      unit: '',
      threshold: 10,
      worst: 13,
      detail: 'dial: 13, warns above 10',
      episodeMs: 0,
      atMs: 4000,
    },
    expect.objectContaining({ value: 7, threshold: 8, worst: 42, episodeMs: 4000, atMs: 8000 }),
  ]);
  monitor[Symbol.dispose]();
});

test('a reason says what ends an episode whose value would begin none', async () => {
  const dial = new Dial({ warn: { at: 10, recoverAt: 8, after: 1, recoverAfter: 3 } });
  const values = [11, 9];
  dial.reading = () => values.shift() as number;
  const { clock, monitor } = scene([dial]);
  await clock.pass(1000);
  expect(monitor.report()).toMatchObject({
    state: 'degraded',
    reasons: ['dial: 9, warns above 10, recovers after 3 in a row of 8 or less'],
  });
  monitor[Symbol.dispose]();
});

test('a critical level makes it unready, with an episode of its own within that of the warning', async () => {
  const dial = new Dial({ warn: { at: 10, after: 1 }, critical: { at: 20, after: 1 } });
  const values = [1, 11, 25, 25, 15, 5];
  dial.reading = () => values.shift() as number;
  const { clock, monitor, told } = scene([dial]);
  await clock.pass(3500);
  // Of the graver one, which has begun a second after the other.
  expect(monitor.report().checks[0]).toMatchObject({ standing: 'critical', episodeMs: 1500, ageMs: 500 });
  await clock.pass(1000);
  expect(monitor.report().checks[0]).toMatchObject({ standing: 'warning', episodeMs: 3500, ageMs: 500 });
  await clock.pass(500);
  expect(told).toEqual([
    'starting > ready',
    'warning dial warn',
    'ready > degraded',
    'warning dial critical',
    'degraded > unready',
    'recovery dial critical',
    'unready > degraded',
    'recovery dial warn',
    'degraded > ready',
  ]);
  monitor[Symbol.dispose]();
});

test('it is starting until every check has settled: breaches from the first on are not taken for health', async () => {
  const dial = new Dial();
  dial.reading = () => 50;
  const slow = new Dial({ name: 'slow' });
  let answer: (value: number) => void = () => {};
  slow.reading = () => new Promise((resolve) => (answer = resolve));
  const { clock, monitor, told } = scene([dial, slow]);
  expect(monitor.ready()).toBe(false);
  await clock.pass(1000);
  expect(monitor.report()).toMatchObject({
    state: 'starting',
    score: 0,
    reasons: ['dial: 50, warns above 10', 'slow: not measured yet'],
  });
  await clock.pass(1000);
  expect(told).toEqual(['warning dial warn']);
  answer(1);
  await settle();
  expect(told).toEqual(['warning dial warn', 'starting > degraded']);
  expect(monitor.ready()).toBe(true);
  monitor[Symbol.dispose]();
});

test('what can not be measured is unknown: degraded by default, unready or nothing where so said', async () => {
  const states = [];
  for (const unknown of [undefined, 'unready', 'ignore'] as const) {
    const blind = new Dial({ name: 'blind', ...(unknown && { unknown }) });
    blind.reading = () => (unknown === undefined ? null : { unknown: 'no cgroup' });
    const { clock, monitor } = scene([blind, new Dial()]);
    await clock.pass(0);
    states.push(monitor.state);
    expect(monitor.report().checks[0]).toMatchObject({
      standing: 'unknown',
      value: null,
      detail: unknown === undefined ? 'not measurable here' : 'no cgroup',
    });
    expect(monitor.report().reasons).toEqual(
      unknown === 'ignore' ? [] : [`blind: ${unknown === undefined ? 'not measurable here' : 'no cgroup'}`],
    );
    monitor[Symbol.dispose]();
  }
  expect(states).toEqual(['degraded', 'unready', 'ready']);
});

test('a check that is blind for a moment is what it was, and its open episode stays open for as long as it is blind', async () => {
  const dial = new Dial({ unknownAfter: 3 });
  const other = new Dial({ name: 'other' });
  const { clock, monitor, told } = scene([dial, other]);
  await clock.pass(0);
  dial.reading = () => null;
  await clock.pass(2000);
  expect(monitor.report()).toMatchObject({ state: 'ready', score: 100 });
  await clock.pass(1000);
  expect(monitor.report()).toMatchObject({ state: 'degraded', score: 62 });
  dial.reading = () => 11;
  await clock.pass(3000);
  dial.reading = () => null;
  await clock.pass(30_000);
  expect(monitor.report().checks[0]).toMatchObject({ standing: 'warning', episodes: 1 });
  expect(told.filter((each) => each.includes('dial'))).toEqual(['warning dial warn']);
  monitor[Symbol.dispose]();
});
