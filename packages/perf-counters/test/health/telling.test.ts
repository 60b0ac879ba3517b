// What listeners, channels and the report are told.
import { channel } from 'node:diagnostics_channel';
import { expect, test, vi } from 'vitest';
import type { HealthCheck, HealthEpisode, HealthTransition } from '../../src/health/index.ts';
import { Dial, scene } from './scene.ts';

test('a listener that throws stops neither the monitor nor other listeners', async () => {
  const { clock, monitor, told } = scene([new Dial()]);
  const uncaught = vi.spyOn(process, 'nextTick').mockImplementation(() => {});
  monitor.prependListener('state', () => {
    throw new Error('of a listener');
  });
  const heard: string[] = [];
  monitor.once('state', ({ to }) => heard.push(to));
  await clock.pass(0);
  expect(uncaught.mock.calls.map(([thrower]) => thrower)).toHaveLength(1);
  expect(uncaught.mock.calls[0]?.[0]).toThrow('of a listener');
  uncaught.mockRestore();
  expect(told).toEqual(['starting > ready']);
  monitor.removeAllListeners();
  monitor.on('state', ({ to }) => heard.push(to));
  monitor.drain();
  expect(heard).toEqual(['ready', 'stopping']);
  monitor[Symbol.dispose]();
});

test('channels get what listeners get', async () => {
  const names = ['warning', 'recovery', 'state'] as const;
  const published: unknown[] = [];
  const channels = names.map((name) => channel(`corelane:perf-counters:health-${name}`));
  const take = (message: unknown): void => void published.push(message);
  for (const each of channels) each.subscribe(take);
  const dial = new Dial({ warn: { at: 10, after: 1 } });
  const { clock, monitor } = scene([dial]);
  const heard: (HealthEpisode | HealthTransition)[] = [];
  for (const name of names)
    monitor.on(name, (message: HealthEpisode | HealthTransition) => heard.push(message));
  const values = [1, 11, 1];
  dial.reading = () => values.shift() as number;
  await clock.pass(2000);
  for (const each of channels) each.unsubscribe(take);
  expect(published).toHaveLength(5);
  expect(published).toEqual(heard);
  monitor[Symbol.dispose]();
});

test('a score that is not known is no point of its trend', async () => {
  const blind = new Dial({ unknown: 'ignore' });
  blind.reading = () => null;
  const { clock, monitor } = scene([blind]);
  await clock.pass(20_000);
  expect(monitor.report()).toMatchObject({ score: null, trend: { samples: 0, course: 'unknown' } });
  monitor[Symbol.dispose]();
});

test('trends say whether a value and the score get better or worse, by the direction that is bad', async () => {
  let step = 0;
  const up: HealthCheck = { name: 'up', warn: { at: 100, recoverAt: 0 }, measure: () => step };
  const down: HealthCheck = { name: 'down', warn: 5, direction: 'below', measure: () => 10 + step / 10 };
  const flat: HealthCheck = { name: 'flat', warn: 50, measure: () => 1 };
  const { clock, monitor } = scene([up, down, flat]);
  await clock.pass(5000);
  expect(monitor.report().trend.course).toBe('unknown');
  for (; step < 60; step++) await clock.pass(1000);
  const { trend, checks } = monitor.report();
  expect(checks.map((check) => check.trend.course)).toEqual(['worsening', 'improving', 'steady']);
  expect(checks[0]?.trend.slopePerMinute).toBeCloseTo(60, 0);
  expect(trend.course).toBe('worsening');
  expect(JSON.parse(JSON.stringify(monitor.report()))).toEqual(monitor.report());
  monitor[Symbol.dispose]();
});
