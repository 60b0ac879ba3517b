import { describe, expect, test } from 'vitest';
import { Arena } from '@corelane/shared-memory';
import {
  cpuCheck,
  HealthMonitor,
  loopDelayCheck,
  memoryCheck,
  queueWaitCheck,
  recordedCheck,
  switchTimeCheck,
  type HealthCheck,
  type Measured,
  type MemoryFigures,
} from '../../src/health/index.ts';
import { Registry } from '../../src/index.ts';
import { cpusHere } from '../../src/health/checks/cpu.ts';
import { FakeClock } from './fake-clock.ts';

const { signal } = new AbortController();

function measure(check: HealthCheck, nowMs: number, lateMs = 0): Measured | Promise<Measured> {
  return check.measure({ signal, nowMs, lateMs });
}

describe('cpu', () => {
  test('is the share of the CPUs in use since the last look', () => {
    const used = { user: 5_000_000, system: 1_000_000 };
    const check = cpuCheck({ usage: () => used, cpus: 2 });
    check.begin?.(1000);
    expect(measure(check, 1002)).toEqual({ pending: 'only 2.0 ms have passed' });
    used.user += 700_000;
    used.system += 200_000;
    expect(measure(check, 2000)).toEqual({ value: 0.45, detail: 'of 2 CPUs, in 1000 ms' });
    used.user += 1_000_000;
    expect(measure(check, 2500)).toMatchObject({ value: 1 });
  });

  test('is of the CPUs that there are, or of the quota of the cgroup where that is less', () => {
    const quota = (max: string): number =>
      cpusHere(
        (path) =>
          new Map([
            ['/proc/self/mountinfo', '25 1 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n'],
            ['/proc/self/cgroup', '0::/a\n'],
            ['/sys/fs/cgroup/a/cgroup.procs', ''],
            ['/sys/fs/cgroup/a/cpu.max', max],
          ]).get(path),
        4,
      );
    expect([quota('150000 100000\n'), quota('900000 100000\n'), quota('max 100000\n')]).toEqual([1.5, 4, 4]);
    expect(cpusHere(() => undefined, 8)).toBe(8);
  });

  test('of a thread that has ended fails and says so, from the first measurement on', async () => {
    const gone = new Error('Worker instance not running');
    const throwing = (): never => {
      throw gone;
    };
    for (const usage of [() => Promise.reject(gone), throwing]) {
      const clock = new FakeClock();
      using monitor = new HealthMonitor({
        clock,
        checks: [cpuCheck({ usage, cpus: 1, warn: { at: 1, after: 1 } })],
      });
      await clock.pass(0);
      expect(monitor.report()).toMatchObject({
        state: 'degraded',
        reasons: ['cpu: Worker instance not running'],
      });
    }
  });

  test('may be that of another thread, which answers later', async () => {
    const used = { user: 0, system: 0 };
    const check = cpuCheck({ usage: async () => ({ ...used }), cpus: 1 });
    check.begin?.(0);
    used.user = 1000;
    expect(await measure(check, 100)).toMatchObject({ value: 0.01 });
    used.user = 51_000;
    expect(await measure(check, 200)).toMatchObject({ value: 0.5 });
  });

  test('of this process is what it has used, whoever else has the processor', () => {
    const check = cpuCheck({ cpus: 1 });
    const startMs = performance.now();
    check.begin?.(startMs);
    const start = process.cpuUsage();
    const usedMs = (): number => {
      const { user, system } = process.cpuUsage(start);
      return (user + system) / 1000;
    };
    while (usedMs() < 20);
    const endMs = performance.now();
    const busy = measure(check, endMs) as { value: number };
    expect(busy.value).toBeGreaterThanOrEqual(20 / (endMs - startMs));
    expect(busy.value).toBeLessThan(64);
  });
});

describe('memory', () => {
  const figure = <T>(value: T | null): { value: T | null; source: string; reason: string | null } => ({
    value,
    source: 'a file',
    reason: value === null ? 'not there' : null,
  });
  const figures = (
    limit: number | 'unlimited' | null,
    usage: number | null,
    reclaimable?: number,
  ): MemoryFigures => ({
    memoryLimitBytes: figure(limit),
    memoryUsageBytes: figure(usage),
    ...(reclaimable !== undefined && { memoryReclaimableBytes: figure(reclaimable) }),
  });
  const machine = (): { totalBytes: number; availableBytes: number } => ({
    totalBytes: 2 ** 32,
    availableBytes: 2 ** 30,
  });

  test('is what is in use of the limit, without what would be given back', () => {
    const check = memoryCheck({ source: () => figures(2 ** 30, 2 ** 29, 2 ** 28), machine });
    expect(measure(check, 0)).toEqual({ value: 0.25, detail: '256 of 1024 MiB, a file' });
    expect(measure(memoryCheck({ source: () => figures(1000, 900), machine }), 0)).toMatchObject({
      value: 0.9,
    });
  });

  test('without a limit is that of the machine, and says so; or unknown, where that is asked for', () => {
    for (const limit of ['unlimited', null] as const) {
      expect(measure(memoryCheck({ source: () => figures(limit, 5), machine }), 0)).toMatchObject({
        value: 0.75,
        detail: expect.stringContaining('of the machine'),
      });
      expect(
        measure(memoryCheck({ source: () => figures(limit, 5), machine, withoutLimit: 'unknown' }), 0),
      ).toEqual({
        unknown: limit === null ? 'not there' : 'a file sets no limit',
      });
    }
  });

  test('with a limit that the machine does not have is that of the machine', () => {
    expect(measure(memoryCheck({ source: () => figures(2 ** 33, 5), machine }), 0)).toMatchObject({
      value: 0.75,
      detail: '3072 of 4096 MiB, of the machine: a file is above it',
    });
    expect(measure(memoryCheck({ source: () => figures(1000, 900), machine: () => null }), 0)).toMatchObject({
      value: 0.9,
    });
    expect(measure(memoryCheck({ source: () => figures(null, 5), machine: () => null }), 0)).toEqual({
      unknown: 'not there, and what the machine could give is not known',
    });
  });

  test('with a limit but without its usage is unknown, and never 0', () => {
    expect(measure(memoryCheck({ source: () => figures(1000, null), machine }), 0)).toEqual({
      unknown: 'not there',
    });
  });

  test('of this process is some of it', () => {
    const { value } = measure(memoryCheck(), 0) as { value: number };
    expect(value).toBeGreaterThan(0);
    expect(value).toBeLessThan(1.5);
  });
});

describe('loop delay', () => {
  const turnOfTimers = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  const hold = (ms: number): void => {
    const untilMs = performance.now() + ms;
    while (performance.now() < untilMs);
  };
  const until = async (check: HealthCheck): Promise<number> => {
    for (;;) {
      await turnOfTimers(5);
      const found = measure(check, performance.now()) as { value?: number };
      if (found.value !== undefined) return found.value;
    }
  };

  test('is a hold-up of the loop, also one that begins with the look that resets the window', async () => {
    const check = loopDelayCheck({ resolutionMs: 5 });
    check.begin?.(0);
    try {
      await until(check);
      await turnOfTimers(20);
      void measure(check, 0);
      hold(150);
      const values: number[] = [];
      for (let look = 0; look < 2; look++) values.push(await until(check));
      expect(Math.max(...values)).toBeGreaterThan(120);
    } finally {
      check[Symbol.dispose]?.();
    }
  });

  test('is at least how late the monitor itself came', async () => {
    const check = loopDelayCheck({ resolutionMs: 5 });
    check.begin?.(0);
    expect(measure(check, 0, 0)).toEqual({ pending: 'the loop has not turned yet' });
    expect(measure(check, 0, 400)).toMatchObject({ value: 400 });
    // Also where the window has seen turns of its own.
    let found = { detail: 'of 0 turns' };
    for (; found.detail.endsWith('of 0 turns'); await turnOfTimers(5))
      found = measure(check, 0, 1e6) as { value: number; detail: string };
    expect(found).toMatchObject({ value: 1e6 });
    expect(() => check.begin?.(0)).toThrow('expected a loopDelayCheck of its own');
    check[Symbol.dispose]?.();
  });

  test('may come from elsewhere', () => {
    expect(measure(loopDelayCheck({ source: () => 17 }), 0)).toBe(17);
    expect(measure(loopDelayCheck({ source: () => null }), 0)).toBeNull();
  });
});

describe('what was recorded', () => {
  test('since the last look counts, not what was before: mean and quantile', () => {
    using registry = Registry.create(Arena.create({ bytes: 1 << 22 }));
    const waits = registry.timer({ name: 'wait_seconds', help: 'Waits' });
    for (let i = 0; i < 1000; i++) waits.record(900);
    const source = (): ReturnType<typeof waits.distribution> => waits.distribution();
    const p99 = queueWaitCheck({ source });
    const mean = recordedCheck({ name: 'mean', warn: 1, source, statistic: 'mean' });
    p99.begin?.(0);
    mean.begin?.(0);
    for (let i = 1; i <= 100; i++) waits.record(i);
    const found = measure(p99, 1000) as { value: number };
    // Of the bucket of 67 to 134 ms.
    expect(found.value).toBeGreaterThan(0.067);
    expect(found.value).toBeLessThan(0.135);
    const { value: meanSeconds } = measure(mean, 1000) as { value: number };
    expect(meanSeconds).toBeCloseTo(0.0505, 6);
    expect(measure(p99, 2000)).toEqual({ idle: 'nothing was recorded' });
    for (let i = 0; i < 50; i++) waits.record(500);
    expect((measure(p99, 3000) as { value: number }).value).toBeGreaterThan(0.268);
    expect(p99).toMatchObject({ name: 'queue-wait', unit: 'seconds', warn: 0.1 });
  });

  test('is waiting since the last record, where something waits and nothing goes on', () => {
    let waiting = 0;
    const figures = { count: 5, sum: 1, max: 1, buckets: () => [{ le: 1, count: 5 }] };
    const check = queueWaitCheck({ source: () => figures, waiting: () => waiting });
    check.begin?.(0);
    expect(measure(check, 1000)).toEqual({ idle: 'nothing was recorded' });
    waiting = 3;
    expect(measure(check, 5000)).toEqual({ value: 4, detail: '3 waiting, and none has gone on' });
    expect(() =>
      recordedCheck({ name: 'x', source: () => figures, waiting: () => 1, unit: 'bytes' }),
    ).toThrow('unit is "bytes", expected one of seconds, ms, us, ns');
    expect(() =>
      recordedCheck({ name: 'x', source: () => figures, waiting: () => 1, unit: 'toString' }),
    ).toThrow('unit is "toString"');
  });

  test('of a registry that was made anew counts from there', () => {
    let count = 10;
    const source = () => ({ count, sum: count * 2, max: 2, buckets: () => [] });
    const check = recordedCheck({ name: 'x', warn: 1, source, statistic: 'mean' });
    check.begin?.(0);
    count = 3;
    expect(measure(check, 1000)).toEqual({ idle: 'nothing was recorded' });
    count = 5;
    expect(measure(check, 2000)).toEqual({ value: 2, detail: 'of 2 values' });
  });

  test('quantiles lie in the bucket that holds their rank', () => {
    const buckets = [0, 0, 0];
    const source = () => ({
      count: buckets[2] as number,
      sum: 0,
      max: 8,
      buckets: () => [10, 20, Infinity].map((le, i) => ({ le, count: buckets[i] as number })),
    });
    const median = recordedCheck({ name: 'm', warn: 1, source, statistic: 0.5 });
    median.begin?.(0);
    buckets.splice(0, 3, 100, 100, 100);
    expect(measure(median, 1)).toMatchObject({ value: 4 });
    const last = recordedCheck({
      name: 'l',
      warn: 1,
      source: () => ({ ...source(), max: 35 }),
      statistic: 1,
    });
    last.begin?.(0);
    buckets[2] = 110;
    expect(measure(last, 1)).toMatchObject({ value: 35 });
  });
});

test('switch time is the mean of the switches since the last look, and idle without one', () => {
  let figures: { samples: number; averageNs: number | undefined } = { samples: 100, averageNs: 5000 };
  const check = switchTimeCheck({ source: () => figures });
  check.begin?.(0);
  expect(measure(check, 0)).toEqual({ idle: 'no switch was timed' });
  figures = { samples: 200, averageNs: 2600 };
  expect(measure(check, 0)).toEqual({ value: 200, detail: 'of 100 switches' });
  figures = { samples: 0, averageNs: undefined };
  expect(measure(check, 0)).toEqual({ idle: 'no switch was timed' });
});

test.each([
  ['cpuCheck', () => cpuCheck({ cpu: 1 } as never), 'option of cpuCheck is "cpu"'],
  ['cpus', () => cpuCheck({ cpus: 0 }), 'cpus is 0, expected a positive number'],
  [
    'memoryCheck',
    () => memoryCheck({ withoutLimit: 'rss' as never }),
    'withoutLimit is "rss", expected one of machine, unknown',
  ],
  [
    'loopDelayCheck',
    () => loopDelayCheck({ statistic: 99 }),
    'statistic is 99, expected a number from 0 to 1',
  ],
  [
    'a source',
    () => loopDelayCheck({ source: () => 1, statistic: 'mean' }),
    'statistic is "mean", expected nothing, where source measures',
  ],
  ['resolution', () => loopDelayCheck({ resolutionMs: 0.5 }), 'resolutionMs is 0.5'],
  ['queueWaitCheck', () => queueWaitCheck({} as never), 'source is undefined, expected a function'],
  ['switchTimeCheck', () => switchTimeCheck({ source: 5 as never }), 'source is 5, expected a function'],
])('options of %s are looked at', (_, make, message) => {
  expect(make).toThrow(message);
});

test('all of them under one monitor settle and are well on a machine that is not loaded, or say what is not', async () => {
  const clock = new FakeClock();
  const monitor = new HealthMonitor({
    clock,
    checks: [
      cpuCheck({ usage: () => ({ user: 0, system: 0 }) }),
      memoryCheck({
        source: () => ({
          memoryLimitBytes: { value: 10, source: 'test', reason: null },
          memoryUsageBytes: { value: 1, source: 'test', reason: null },
        }),
      }),
      loopDelayCheck({ source: () => 0 }),
      switchTimeCheck({ source: () => ({ samples: 0, averageNs: undefined }) }),
    ],
  });
  await clock.pass(0);
  expect(monitor.state).toBe('starting');
  expect(monitor.report().reasons).toEqual(['cpu: only 0.0 ms have passed']);
  await clock.pass(1000);
  expect(monitor.report()).toMatchObject({ state: 'ready', score: 100, reasons: [] });
  expect(monitor.report().checks.map(({ standing }) => standing)).toEqual(['ok', 'ok', 'ok', 'idle']);
  monitor[Symbol.dispose]();
});
