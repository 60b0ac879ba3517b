import { channel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { expect, test, vi } from 'vitest';
import { ArgumentRangeError } from '../../src/index.ts';
import {
  CheckTimeoutError,
  HealthMonitor,
  loopDelayCheck,
  MonitorDisposedError,
  probeCheck,
  type HealthCheck,
  type HealthEpisode,
  type HealthTransition,
  type Measured,
  type Threshold,
} from '../../src/health/index.ts';
import { FakeClock, settle } from './fake-clock.ts';

interface Scene {
  readonly clock: FakeClock;
  readonly monitor: HealthMonitor;
  readonly told: string[];
}

function scene(
  checks: HealthCheck[],
  options: Omit<ConstructorParameters<typeof HealthMonitor>[0], 'checks'> = {},
): Scene {
  const clock = new FakeClock();
  const monitor = new HealthMonitor({ checks, clock, ...options });
  const told: string[] = [];
  monitor.on('warning', ({ check, level }) => told.push(`warning ${check} ${level}`));
  monitor.on('recovery', ({ check, level }) => told.push(`recovery ${check} ${level}`));
  monitor.on('state', ({ from, to }) => told.push(`${from} > ${to}`));
  return { clock, monitor, told };
}

/** A check of a value that the test sets. */
class Dial implements HealthCheck {
  readonly name: string = 'dial';
  readonly warn: number | Threshold | null = { at: 10, recoverAt: 8, after: 3, recoverAfter: 2 };
  readonly critical: number | Threshold | null = null;
  reading: () => Measured | Promise<Measured> = () => 0;
  measured = 0;
  isDisposed = false;

  constructor(options: Partial<HealthCheck> = {}) {
    Object.assign(this, options);
  }

  measure(): Measured | Promise<Measured> {
    this.measured++;
    return this.reading();
  }

  [Symbol.dispose](): void {
    this.isDisposed = true;
  }
}

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

test('a critical level makes it unready, with an episode of its own within that of the warning', async () => {
  const dial = new Dial({ warn: { at: 10, after: 1 }, critical: { at: 20, after: 1 } });
  const values = [1, 11, 25, 25, 15, 5];
  dial.reading = () => values.shift() as number;
  const { clock, monitor, told } = scene([dial]);
  await clock.pass(5000);
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

test('a check that throws, rejects or measures nonsense has failed, and says why', async () => {
  const dial = new Dial({ warn: { at: 10, after: 1, recoverAfter: 1 } });
  const { clock, monitor, told } = scene([dial]);
  const answers: [() => unknown, string][] = [
    [
      () => {
        throw new Error('no such file');
      },
      'no such file',
    ],
    [() => Promise.reject(new Error('refused')), 'refused'],
    [() => Promise.reject(404), 'threw 404'],
    [() => Number.NaN, 'check dial has measured NaN, expected a finite number'],
    [() => Promise.resolve(Infinity), 'check dial has measured Infinity, expected a finite number'],
    [() => undefined, 'check dial has measured undefined, expected a number'],
    [() => ({ value: '7' }), 'check dial has measured [object Object], expected a number'],
    [() => true, 'check dial has measured true, expected a number'],
    [() => Promise.reject({ message: 'of another realm' }), 'dial: of another realm'],
    [() => Promise.reject(new Error('')), 'dial: failed without a message'],
    [() => Promise.reject(new Error('x'.repeat(1000))), `dial: ${'x'.repeat(500)}…`],
    [
      () => ({
        get value() {
          throw new Error('of a getter');
        },
      }),
      'dial: of a getter',
    ],
  ];
  for (const [reading, why] of answers) {
    dial.reading = reading as Dial['reading'];
    await clock.pass(1000);
    expect(monitor.report().reasons.join()).toContain(why);
    expect(monitor.report()).toMatchObject({
      state: 'degraded',
      score: 0,
      checks: [{ standing: 'warning', value: null }],
    });
    dial.reading = () => 1;
    await clock.pass(1000);
    expect(monitor.state).toBe('ready');
  }
  expect(told.filter((each) => each.startsWith('warning'))).toHaveLength(answers.length);
  expect(told.filter((each) => each.startsWith('recovery'))).toHaveLength(answers.length);
  monitor[Symbol.dispose]();
});

test('a check that takes too long has failed; it is told, and not started again before it has ended', async () => {
  const signals: AbortSignal[] = [];
  let end: () => void = () => {};
  const probe = probeCheck({
    name: 'database',
    timeoutMs: 2500,
    after: 2,
    probe: (signal) => {
      signals.push(signal);
      return new Promise<void>((resolve) => (end = resolve));
    },
  });
  const { clock, monitor, told } = scene([probe]);
  await clock.pass(2400);
  expect(monitor.report().checks[0]).toMatchObject({ standing: 'unsettled', detail: null });
  await clock.pass(100);
  expect(signals).toHaveLength(1);
  expect(signals[0]?.reason).toBeInstanceOf(CheckTimeoutError);
  expect(monitor.report().reasons).toEqual(['database: check database has not answered in 2500 ms']);
  await clock.pass(500);
  expect(told).toEqual(['warning database critical', 'starting > unready']);
  expect(monitor.report().reasons).toEqual([
    'database: check database is still running after 3000 ms, expected an end within 2500 ms',
  ]);
  end();
  await settle();
  expect(monitor.state).toBe('unready');
  await clock.pass(1000);
  end();
  await settle();
  expect(signals).toHaveLength(2);
  expect(told.slice(2)).toEqual(['recovery database critical', 'unready > ready']);
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

test('a check whose beginning rejects has failed, each time; one that is still beginning is not measured, and is late', async () => {
  const unhandled = vi.fn<() => void>();
  process.on('unhandledRejection', unhandled);
  const { promise: begun, resolve } = Promise.withResolvers<void>();
  const broken = new Dial({ name: 'broken', begin: async () => Promise.reject(new Error('can not')) });
  const slow = new Dial({ name: 'slow', timeoutMs: 2500, begin: () => begun });
  const { clock, monitor, told } = scene([broken, slow]);
  const of = (name: string): unknown => monitor.report().checks.find((check) => check.name === name);
  await clock.pass(2000);
  expect(of('broken')).toMatchObject({ detail: 'can not', value: null });
  expect(told).toContain('warning broken warn');
  expect([broken.measured, slow.measured, unhandled.mock.calls.length]).toEqual([0, 0, 0]);
  await clock.pass(1000);
  expect(of('slow')).toMatchObject({ detail: expect.stringContaining('2500 ms') as string });
  resolve();
  await settle();
  await clock.pass(2000);
  expect(of('slow')).toMatchObject({ value: 0 });
  expect([broken.measured, slow.measured]).toEqual([0, 2]);
  process.off('unhandledRejection', unhandled);
  monitor[Symbol.dispose]();
});

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

test('by the clock of the system it measures by itself, and keeps no process alive', async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;
  const before = timers();
  const dial = new Dial();
  using monitor = new HealthMonitor({ checks: [dial, loopDelayCheck()], intervalMs: 10 });
  expect(timers()).toBe(before);
  await once(monitor, 'state');
  expect(dial.measured).toBeGreaterThan(1);
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

const ok = (): Measured => 0;
const REFUSED: [string, () => unknown, string][] = [
  ['no checks', () => new HealthMonitor({ checks: [] }), 'checks.length is 0, expected at least 1'],
  [
    'a name twice',
    () => new HealthMonitor({ checks: [new Dial(), new Dial()] }),
    'name of a check is "dial", expected each name once',
  ],
  [
    'an option that there is not',
    () => new HealthMonitor({ checks: [new Dial()], interval: 5 } as never),
    'option of HealthMonitor is "interval", expected one of checks',
  ],
  [
    'an interval of nothing',
    () => new HealthMonitor({ checks: [new Dial()], intervalMs: 0 }),
    'intervalMs is 0, expected a number from 10',
  ],
  [
    'staleness before the next turn',
    () => new HealthMonitor({ checks: [new Dial()], staleAfterMs: 10 }),
    'staleAfterMs is 10',
  ],
  [
    'a clock that is none',
    () => new HealthMonitor({ checks: [new Dial()], clock: performance as never }),
    'clock.after is undefined',
  ],
  [
    'a misspelt threshold',
    () => new HealthMonitor({ checks: [{ name: 'x', warn: { over: 3 } as never, measure: ok }] }),
    'option of warn of check x is "over", expected one of at, recoverAt, after, recoverAfter',
  ],
  [
    'a check without thresholds',
    () => new HealthMonitor({ checks: [{ name: 'x', measure: ok }] }),
    'warn of check x is undefined',
  ],
  [
    'recovery beyond the threshold',
    () => new HealthMonitor({ checks: [{ name: 'x', warn: { at: 5, recoverAt: 6 }, measure: ok }] }),
    'recoverAt, warn of check x is 6, expected a number not above 5',
  ],
  [
    'recovery beyond a threshold below',
    () =>
      new HealthMonitor({
        checks: [{ name: 'x', direction: 'below', warn: { at: 5, recoverAt: 4 }, measure: ok }],
      }),
    'recoverAt, warn of check x is 4, expected a number not below 5',
  ],
  [
    'critical before the warning',
    () => new HealthMonitor({ checks: [{ name: 'x', warn: 5, critical: 4, measure: ok }] }),
    'critical of check x is 4, expected at least 5',
  ],
  [
    'no value as threshold',
    () => new HealthMonitor({ checks: [{ name: 'x', warn: Number.NaN, measure: ok }] }),
    'at, warn of check x is NaN',
  ],
  [
    'zero in a row',
    () => new HealthMonitor({ checks: [{ name: 'x', warn: { at: 1, after: 0 }, measure: ok }] }),
    'after, warn of check x is 0',
  ],
  [
    'no measure',
    () => new HealthMonitor({ checks: [{ name: 'x', warn: 1 } as never] }),
    'check is [object Object], expected an object with a name and measure()',
  ],
  [
    'more often than the monitor',
    () => new HealthMonitor({ checks: [{ name: 'x', warn: 1, intervalMs: 10, measure: ok }] }),
    'intervalMs of check x is 10, expected a number from 1000',
  ],
];

test.each(REFUSED)('%s is refused, before anything is begun', (_, make, message) => {
  expect(make).toThrow(ArgumentRangeError);
  expect(make).toThrow(message);
});
