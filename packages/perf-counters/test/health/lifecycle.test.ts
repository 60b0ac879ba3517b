// When a monitor measures, what it is where it could not, and how it ends.
import { once } from 'node:events';
import { expect, test, vi } from 'vitest';
import {
  HealthMonitor,
  loopDelayCheck,
  MonitorDisposedError,
  probeCheck,
  type HealthCheck,
} from '../../src/health/index.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { Dial, scene } from './scene.ts';

test('it measures at its interval without drift, a check of its own interval less often; missed turns are not made up for', async () => {
  const lates: number[] = [];
  const often: HealthCheck = {
    name: 'often',
    warn: 1,
    measure: ({ lateMs }) => ({ value: 0, detail: `${lates.push(lateMs)}` }),
  };
  const seldom = new Dial({ intervalMs: 2500 });
  const { clock, monitor } = scene([often, seldom]);
  await clock.pass(10_000);
  expect(lates).toHaveLength(11);
  expect(seldom.measured).toBe(4);
  lates.length = 0;
  await clock.block(4300);
  expect(lates).toEqual([3300]);
  await clock.pass(700);
  expect(lates).toEqual([3300, 0]);
  monitor[Symbol.dispose]();
});

test('a monitor that could not measure for too long is neither ready nor live, until it can again', async () => {
  const { clock, monitor } = scene([new Dial()], { staleAfterMs: 4000 });
  await clock.pass(500);
  expect([monitor.ready(), monitor.live()]).toEqual([true, true]);
  // A handler that runs before the timers of a loop that was held up.
  const now = vi.spyOn(clock, 'now').mockReturnValue(clock.now() + 4000);
  expect([monitor.state, monitor.ready(), monitor.live()]).toEqual(['unready', false, false]);
  expect(monitor.report().reasons).toEqual(['nothing was measured for 4500 ms, expected every 1000 ms']);
  now.mockRestore();
  await clock.block(4000);
  expect([monitor.state, monitor.live()]).toEqual(['ready', true]);
  monitor.drain();
  monitor[Symbol.dispose]();
  await clock.pass(60_000);
  expect(monitor.report()).toMatchObject({ state: 'stopping', reasons: ['the monitor is disposed'] });
});

test('one that has never been ready and could not measure is still starting, and one that drains is stopping', async () => {
  const dial = new Dial();
  dial.reading = () => new Promise(() => {});
  const { clock, monitor } = scene([dial], { staleAfterMs: 4000 });
  await clock.pass(500);
  const now = vi.spyOn(clock, 'now').mockReturnValue(clock.now() + 9000);
  expect([monitor.state, monitor.live()]).toEqual(['starting', false]);
  monitor.drain();
  expect([monitor.state, monitor.live()]).toEqual(['stopping', false]);
  now.mockRestore();
  monitor[Symbol.dispose]();
});

test('a check whose interval is a multiple of that of the monitor keeps to it, though sums of fractions are not exact', async () => {
  const third = new Dial({ intervalMs: 99.9 });
  const { clock, monitor } = scene([third, new Dial({ name: 'each' })], { intervalMs: 33.3 });
  await clock.pass(33.3 * 300 + 1);
  expect(third.measured).toBe(101);
  monitor[Symbol.dispose]();
});

test('by the clock of the system it measures by itself, and keeps no process alive', async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;
  const before = timers();
  const dial = new Dial();
  const { promise: thrice, resolve } = Promise.withResolvers<void>();
  dial.reading = () => {
    if (dial.measured === 3) resolve();
    return 0;
  };
  // However late a busy machine is.
  const loopDelay = loopDelayCheck({ warn: 1e9 });
  using monitor = new HealthMonitor({ checks: [dial, loopDelay], intervalMs: 10 });
  expect(timers()).toBe(before);
  await Promise.all([once(monitor, 'state'), thrice]);
  expect(monitor.state).toBe('ready');
});

test('sample measures at once and waits for what it has begun', async () => {
  const dial = new Dial();
  dial.reading = async () => 3;
  const { monitor } = scene([dial]);
  const report = await monitor.sample();
  expect(report).toMatchObject({ state: 'ready', score: 100, checks: [{ value: 3, ageMs: 0 }] });
  monitor[Symbol.dispose]();
});

test('draining is stopping for ever: not ready, but live, and measured on', async () => {
  const dial = new Dial();
  const { clock, monitor, told } = scene([dial]);
  await clock.pass(0);
  monitor.drain();
  monitor.drain();
  const { measured } = dial;
  await clock.pass(3000);
  expect(dial.measured).toBe(measured + 3);
  expect(told).toEqual(['starting > ready', 'ready > stopping']);
  expect([monitor.ready(), monitor.live()]).toEqual([false, true]);
  expect(monitor.report().reasons).toEqual(['told to drain']);
  monitor[Symbol.dispose]();
});

test('disposing leaves no timer, aborts what runs, lets go of the checks, and the last report stays', async () => {
  const dial = new Dial();
  const seen: AbortSignal[] = [];
  const stuck = probeCheck({ name: 'stuck', probe: (signal) => new Promise(() => seen.push(signal)) });
  const abort = new AbortController();
  const { clock, monitor, told } = scene([dial, stuck], { signal: abort.signal });
  await clock.pass(0);
  abort.abort();
  await settle();
  expect(clock.timers).toBe(0);
  expect(dial.isDisposed).toBe(true);
  expect(seen[0]?.reason).toBeInstanceOf(MonitorDisposedError);
  expect([monitor.ready(), monitor.live()]).toEqual([false, false]);
  expect(monitor.report()).toMatchObject({
    state: 'stopping',
    reasons: ['the monitor is disposed', 'stuck: not measured yet'],
  });
  expect(told).toEqual(['starting > stopping']);
  await expect(monitor.sample()).rejects.toBeInstanceOf(MonitorDisposedError);
  monitor[Symbol.dispose]();
  await clock.pass(5000);
  expect(dial.measured).toBe(1);
});

test('a check that disposes its monitor is the last that is told of', async () => {
  const dial = new Dial({ warn: { at: 10, after: 1 } });
  const other = new Dial({ name: 'other' });
  const { clock, monitor, told } = scene([dial, other]);
  await clock.pass(0);
  dial.reading = () => {
    monitor[Symbol.dispose]();
    return 50;
  };
  await clock.pass(1000);
  expect(told).toEqual(['starting > ready', 'ready > stopping']);
  expect([dial.measured, other.measured, clock.timers]).toEqual([2, 1, 0]);
});

test('an aborted signal begins nothing; a check that can not begin ends those that have', () => {
  const dial = new Dial();
  const clock = new FakeClock();
  const signal = AbortSignal.abort(new Error('too late'));
  expect(() => new HealthMonitor({ checks: [dial], clock, signal })).toThrow('too late');
  const broken = new Dial({
    name: 'broken',
    begin: () => {
      throw new Error('can not');
    },
  });
  expect(() => new HealthMonitor({ checks: [dial, broken], clock })).toThrow('can not');
  expect([dial.isDisposed, broken.isDisposed, clock.timers]).toEqual([true, false, 0]);
});
