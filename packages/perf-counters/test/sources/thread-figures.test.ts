// What each source of a thread records of what it reads, on machines of a test's making.
import { getHeapStatistics } from 'node:v8';
import { describe, expect, test } from 'vitest';
import type { Host } from '../../src/sources/host.ts';
import { statusValue } from '../../src/sources/proc-files.ts';
import { fakeHost, valuesOf } from './fake-host.ts';
import { capability, start } from './started.ts';

describe('event loop', () => {
  test('utilization is of the time since the last sample, the times are of all of it', async () => {
    const told = [
      { active: 60, idle: 1000, utilization: 0 },
      { active: 100, idle: 1000, utilization: 0 },
      { active: 130, idle: 1090, utilization: 0 },
      { active: 190, idle: 1100, utilization: 0 },
    ];
    const host = fakeHost({
      eventLoopUtilization: () => told.shift() ?? { active: 0, idle: 0, utilization: 0 },
    });
    const { registry, sources, value } = start(['eventLoopUtilization'], host);
    // Nothing is told of the start, in which no loop turns.
    expect(value('nodejs_eventloop_utilization_ratio')).toBeUndefined();
    await sources.sample();
    expect(value('nodejs_eventloop_utilization_ratio')).toBe(0.25);
    await sources.sample();
    expect(value('nodejs_eventloop_utilization_ratio')).toBeCloseTo(60 / 70, 12);
    expect(valuesOf(registry.read(), 'nodejs_eventloop_seconds_total')).toEqual({
      'state=active': 0.13,
      'state=idle': 0.1,
    });
  });

  test('delays: gauges are of the looks since the last sample, the histogram is of all, beyond the 10 ms between looks', async () => {
    const { host, registry, sources, value } = start(['eventLoopDelay']);
    await sources.sample(); // the first one is done
    for (const ms of [10, 12, 14]) host.delays.record(ms * 1e6);
    await sources.sample();
    for (const ms of [20, 110]) host.delays.record(ms * 1e6);
    await sources.sample();
    const gauge = (figure: string): number => value(`nodejs_eventloop_lag_${figure}_seconds`) as number;
    expect(gauge('min')).toBeCloseTo(0.02, 3);
    expect(gauge('max')).toBeCloseTo(0.11, 3);
    expect(gauge('mean')).toBeCloseTo(0.065, 3);
    expect(gauge('p50')).toBeCloseTo(0.02, 3);
    const [delays] =
      registry.read().metrics.find(({ name }) => name === 'nodejs_eventloop_delay_seconds')?.series ?? [];
    expect(delays).toMatchObject({ count: 5, sum: expect.closeTo(0.002 + 0.004 + 0.01 + 0.1, 3) });
    await sources.sample();
    expect(value('nodejs_eventloop_delay_seconds')).toBe(5);
    expect(value('nodejs_eventloop_lag_max_seconds')).toBeUndefined();
  });

  test('delays of no look are no delays: gauges are absent, not NaN or what an empty histogram holds', async () => {
    const { registry, sources, value } = start(['eventLoopDelay']);
    expect(registry.prometheusText()).not.toMatch(/^nodejs_eventloop_lag/m);
    expect(value('nodejs_eventloop_delay_seconds')).toBe(0);
    await sources.sample();
    expect(value('nodejs_eventloop_lag_seconds')).toBeGreaterThan(0);
  });
});

test('a lag that is measured when the sources are disposed is not told after that', async () => {
  const { sources, value } = start(['eventLoopDelay']);
  await sources.sample();
  const sampled = sources.sample();
  sources[Symbol.dispose]();
  await sampled;
  await new Promise((resolve) => setImmediate(resolve));
  expect(value('nodejs_eventloop_lag_seconds')).toBeUndefined();
});

test('a figure of a status file is found by its whole name', () => {
  const text = 'nonvoluntary_ctxt_switches:\t4\nvoluntary_ctxt_switches:\t20\n';
  expect(statusValue(text, 'voluntary_ctxt_switches')).toBe(20);
  expect(statusValue(text, 'nonvoluntary_ctxt_switches')).toBe(4);
  expect(statusValue(text, 'ctxt_switches')).toBeNaN();
});

describe('garbage collection', () => {
  test('every pause is recorded under its kind', () => {
    const { host, registry } = start(['gc']);
    for (const kind of [1, 1, 2, 4, 8, 16, 99]) host.collect({ kind, durationMs: 2 });
    expect(valuesOf(registry.read(), 'nodejs_gc_duration_seconds')).toEqual({
      'kind=minor': 3,
      'kind=major': 1,
      'kind=incremental': 1,
      'kind=weakcb': 1,
      'kind=unknown': 1,
    });
    expect(registry.prometheusText()).toContain('nodejs_gc_duration_seconds_sum{kind="minor"} 0.006\n');
  });

  test('pauses that Node has not told yet are in the sample that comes after them', async () => {
    const { host, sources, value } = start(['gc']);
    host.untold.push({ kind: 1, durationMs: 2 });
    await sources.sample();
    expect(value('nodejs_gc_duration_seconds')).toBe(1);
  });

  test('has the buckets that were asked for', () => {
    const { host, registry } = start(['gc'], undefined, { gcDurationBuckets: [0.001, 0.003] });
    host.collect({ kind: 4, durationMs: 2 });
    expect(registry.prometheusText().match(/_bucket\S+ \d/g)).toEqual([
      '_bucket{kind="major",le="0.001"} 0',
      '_bucket{kind="major",le="0.003"} 1',
      '_bucket{kind="major",le="+Inf"} 1',
    ]);
  });
});

describe('heap', () => {
  test('what is allocated is counted since the start, where Node tells it', async () => {
    let total = 5000;
    const host = fakeHost({
      heapStatistics: () => ({ ...getHeapStatistics(), total_allocated_bytes: total }),
    });
    const { sources, value } = start(['heap'], host);
    total = 7500;
    await sources.sample();
    expect(value('nodejs_heap_allocated_bytes_total')).toBe(2500);
    expect(capability(sources).missing).toEqual([]);
  });

  test('what is allocated is told as missing, where Node does not tell it', () => {
    const statistics = { ...getHeapStatistics(), total_allocated_bytes: undefined };
    const { sources, value } = start(
      ['heap'],
      fakeHost({ nodeVersion: 'v24.11.0', heapStatistics: () => statistics }),
    );
    expect(value('nodejs_heap_allocated_bytes_total')).toBeUndefined();
    expect(capability(sources)).toMatchObject({
      status: 'active',
      missing: [
        {
          metric: 'nodejs_heap_allocated_bytes_total',
          reason: 'Node v24.11.0 does not tell it, Node 26 does',
        },
      ],
    });
  });
});

describe('CPU time of a thread', () => {
  const names = ['user_', 'system_', ''].map((which) => `nodejs_thread_cpu_${which}seconds_total`);

  test('is counted since the start, by Node', async () => {
    const told = { user: 5000, system: 100 };
    const { sources, value } = start(['threadCpu'], fakeHost({ threadCpuUsage: () => told }));
    expect(names.map(value)).toEqual([0, 0, 0]);
    Object.assign(told, { user: 7500, system: 200 });
    await sources.sample();
    expect(names.map(value)).toEqual([0.0025, 0.0001, 0.0026]);
  });

  test('comes from /proc where Node does not tell it, in steps of 10 ms', async () => {
    const { host, sources, value } = start(['threadCpu'], fakeHost({ threadCpuUsage: undefined }));
    host.now.files['/proc/thread-self/stat'] = host.now.files['/proc/thread-self/stat']!.replace(
      ' 5 7 ',
      ' 7 8 ',
    );
    await sources.sample();
    expect(names.map(value)).toEqual([0.02, 0.01, 0.03]);
  });

  test('in all comes from the port where there is one, and else there is none', async () => {
    const host = fakeHost({ threadCpuUsage: undefined, platform: 'darwin', nodeVersion: 'v22.18.0' });
    let ns = 1e9;
    const { sources, value } = start(['threadCpu'], host, { threadCpu: { readNs: () => ns } });
    ns += 250_000;
    await sources.sample();
    expect(names.map(value)).toEqual([undefined, undefined, 0.00025]);
    const reason =
      "Node v22.18.0 has no process.threadCpuUsage (23.9 has), and /proc/thread-self/stat is Linux's, and this is darwin";
    expect(capability(sources).missing).toEqual(names.slice(0, 2).map((metric) => ({ metric, reason })));
    expect(capability(start(['threadCpu'], host).sources)).toMatchObject({
      status: 'absent',
      reason: `${reason}; no threadCpu was given either`,
    });
  });

  test('that is not known at the start is counted from when it is', async () => {
    let ns = NaN;
    const { sources, value } = start(['threadCpu'], fakeHost(), { threadCpu: { readNs: () => ns } });
    const total = names[2] as string;
    ns = 5e9;
    await sources.sample();
    expect(value(total)).toBe(0);
    ns = NaN;
    await sources.sample();
    ns = 6e9;
    await sources.sample();
    expect(value(total)).toBe(1);
  });
});

describe('resources of a thread', () => {
  test('are counted since the start', async () => {
    const { host, registry, sources, value } = start(['threadResources']);
    expect(value('nodejs_thread_run_queue_seconds_total')).toBe(0);
    Object.assign(host.now.files, {
      '/proc/thread-self/stat': '7 (a) b (c)) S 1 7 7 0 -1 4194304 13 0 4 0 5 7 0 0 20',
      '/proc/thread-self/status': 'voluntary_ctxt_switches:\t27\nnonvoluntary_ctxt_switches:\t5\n',
      '/proc/thread-self/schedstat': '1000000000 5000700 7\n',
    });
    await sources.sample();
    expect(valuesOf(registry.read(), 'nodejs_thread_page_faults_total')).toEqual({
      'kind=minor': 2,
      'kind=major': 1,
    });
    expect(valuesOf(registry.read(), 'nodejs_thread_context_switches_total')).toEqual({
      'kind=voluntary': 7,
      'kind=involuntary': 1,
    });
    expect(value('nodejs_thread_run_queue_seconds_total')).toBe(7e-7);
  });

  test('that the kernel does not keep are missing, not 0', () => {
    const host = fakeHost();
    host.now.files['/proc/thread-self/schedstat'] = '0 0 0\n';
    const { sources, value } = start(['threadResources'], host);
    expect(value('nodejs_thread_run_queue_seconds_total')).toBeUndefined();
    expect(capability(sources).missing).toMatchObject([
      {
        metric: 'nodejs_thread_run_queue_seconds_total',
        reason: expect.stringContaining('the kernel keeps none'),
      },
    ]);
  });

  test.each<[string, Partial<Host>, Record<string, string>]>([
    ["/proc/thread-self/stat is Linux's, and this is win32", { platform: 'win32' }, {}],
    [
      '/proc/thread-self/stat holds "1 (node) S rubbish", expected numbers',
      {},
      { stat: '1 (node) S rubbish' },
    ],
    ['/proc/thread-self/stat holds "", expected numbers', {}, { stat: '' }],
  ])('are absent, with the reason: %s', (reason, overrides, { stat }) => {
    const host = fakeHost(overrides);
    if (stat !== undefined) host.now.files['/proc/thread-self/stat'] = stat;
    expect(capability(start(['threadResources'], host).sources)).toMatchObject({ status: 'absent', reason });
  });
});

describe('hardware events', () => {
  const events = ['cycles', 'cacheMisses', 'taskClock'];

  test('are counted where they are known, and have no series where they are not', async () => {
    const counts = [10, NaN, 777];
    const port = {
      events,
      readInto: (values: Float64Array) => values.set(counts),
      read: () => ({ cacheMisses: { value: null, reason: 'this processor has none' } }),
    };
    const { registry, sources } = start(['hardwareEvents'], undefined, { hardwareEvents: port });
    counts[0] = 12.9;
    await sources.sample();
    expect(valuesOf(registry.read(), 'nodejs_thread_hardware_events_total')).toEqual({ 'event=cycles': 2 });
    expect(capability(sources).missing.map(({ reason }) => reason)).toEqual([
      'this processor has none',
      'a time: nodejs_thread_cpu_seconds_total has it',
    ]);
  });

  test('that their counter leaves out are not known', async () => {
    const port = { events, readInto: (values: Float64Array) => values.set([5]) };
    const { registry, sources } = start(['hardwareEvents'], undefined, { hardwareEvents: port });
    await sources.sample();
    expect(valuesOf(registry.read(), 'nodejs_thread_hardware_events_total')).toEqual({ 'event=cycles': 0 });
    expect(capability(sources).missing[0]).toEqual({
      metric: 'nodejs_thread_hardware_events_total{event="cacheMisses"}',
      reason: 'it is not counted',
    });
  });

  test('without somebody who counts them are absent', () => {
    expect(capability(start(['hardwareEvents']).sources)).toMatchObject({
      status: 'absent',
      reason: expect.stringContaining('no hardwareEvents were given'),
    });
  });
});

test('active handles and resources are counted by type, and a type of which none is left has no line', async () => {
  const { host, registry, sources, value } = start(['activeHandles', 'activeResources']);
  const handle = (name: string): unknown => ({ constructor: { name } });
  host.now.handles = [handle('Socket'), handle('Socket'), handle('Server'), Object.create(null)];
  host.now.resources = ['Timeout', 'TCPSocketWrap'];
  await sources.sample();
  expect(valuesOf(registry.read(), 'nodejs_active_handles')).toEqual({
    'type=Socket': 2,
    'type=Server': 1,
    'type=unknown': 1,
  });
  expect(value('nodejs_active_handles_total')).toBe(4);
  host.now.handles = [handle('Server')];
  host.now.resources = [];
  await sources.sample();
  expect(valuesOf(registry.read(), 'nodejs_active_handles')).toEqual({ 'type=Server': 1 });
  expect(valuesOf(registry.read(), 'nodejs_active_resources')).toEqual({});
  expect(value('nodejs_active_resources_total')).toBe(0);
});

test('active handles and requests are absent where Node has them no more', () => {
  const host = fakeHost({ activeHandles: undefined, activeRequests: undefined });
  const { sources } = start(['activeHandles', 'activeRequests'], host);
  expect(sources.capabilities().map(({ reason }) => reason)).toEqual([
    'Node v26.1.2 has no process._getActiveHandles',
    'Node v26.1.2 has no process._getActiveRequests',
  ]);
});
