// Beside prom-client's own collection, in the same process: the same names, types, helps and labels, and the same figures.
import perfHooks from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as prom from 'prom-client';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Registry } from '../../src/index.ts';
import { collectDefaults, type Sources } from '../../src/sources/index.ts';
import { burn } from './burn.ts';
import { newRegistry } from './fake-host.ts';
import { thisHost, type DelayHistogram } from '../../src/sources/host.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void;

const theirs = new prom.Registry();
let ours: Registry;
let sources: Sources;

interface Scrape {
  readonly ours: Map<string, number>;
  readonly theirs: Map<string, number>;
  /** CPU time of the process, in microseconds: before both read theirs, and after it. */
  readonly cpu: readonly [from: NodeJS.CpuUsage, to: NodeJS.CpuUsage];
}

/** Values by series: `name{label="value"}`. Both are read within one turn of the event loop: what changes by turns is the same for both. */
async function scrape(): Promise<Scrape> {
  const from = process.cpuUsage();
  const sampled = sources.sample();
  const metrics = theirs.metrics();
  const to = process.cpuUsage();
  loop.reset();
  const [, text] = await Promise.all([sampled, metrics]);
  return { ours: parse(ours.prometheusText()), theirs: parse(text), cpu: [from, to] };
}

/** Two monitors see two lengths of the same hold-up, so both are given this one, which neither can reset under the other. */
const loop = perfHooks.monitorEventLoopDelay({ resolution: 10 });
const asked: unknown[] = [];
let resets = 0;

function sharedMonitor(options: unknown): DelayHistogram & { enable(): void } {
  asked.push(options);
  return {
    get count() {
      return loop.count;
    },
    get min() {
      return loop.min;
    },
    get max() {
      return loop.max;
    },
    get mean() {
      return loop.mean;
    },
    get stddev() {
      return loop.stddev;
    },
    percentile: (percentile) => loop.percentile(percentile),
    reset: () => resets++,
    enable: () => {},
    disable: () => true,
  };
}

/** The monitor has looked so often from now on, however long that takes. */
async function looks(times: number): Promise<void> {
  const until = loop.count + times;
  while (loop.count < until) await nextTurn();
}

function parse(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [sortLabels(line.slice(0, at)), Number(line.slice(at + 1).replace('+Inf', 'Infinity'))];
    }),
  );
}

function sortLabels(series: string): string {
  const [, name = '', labels = ''] = /^(\w+)(?:\{(.*)\})?$/.exec(series) ?? [];
  return `${name}{${labels.split(',').toSorted().join()}}`;
}

beforeAll(async () => {
  ours = newRegistry();
  loop.enable();
  const monitorEventLoopDelay = vi
    .spyOn(perfHooks, 'monitorEventLoopDelay')
    .mockImplementation(sharedMonitor as never);
  const host = {
    ...thisHost(),
    monitorEventLoopDelay: (resolution: number) => sharedMonitor({ resolution }),
  };
  sources = collectDefaults(ours, { intervalMs: Infinity, labels: { app: 'a' } }, host);
  prom.collectDefaultMetrics({ register: theirs, labels: { app: 'a' } });
  monitorEventLoopDelay.mockRestore();
  await looks(2);
});

afterAll(() => {
  sources[Symbol.dispose]();
  loop.disable();
});

test('every metric of prom-client is there, with its type, help and series', async () => {
  const head = (text: string): string[] => text.split('\n').filter((line) => line.startsWith('#'));
  const [, text] = await Promise.all([sources.sample(), theirs.metrics()]);
  const own = ours.prometheusText();
  expect(head(text).length).toBeGreaterThan(60);
  expect(new Set(head(own))).toEqual(new Set([...head(own), ...head(text)]));
  const isSteady = (series: string): boolean => !/^nodejs_(gc_|active_)/.test(series);
  const names = [...parse(own).keys()];
  expect([...parse(text).keys()].filter((each) => isSteady(each) && !names.includes(each))).toEqual([]);
});

test('what does not change is the same', async () => {
  const all = await scrape();
  const same = ['nodejs_version_info', 'process_start_time_seconds', 'process_max_fds'];
  for (const name of same) {
    const [series, value] = [...all.theirs].find(([each]) => each.startsWith(`${name}{`)) ?? [];
    expect(all.ours.get(series as string)).toBeCloseTo(value as number, -0.5);
  }
  const handles = [...all.theirs].filter(([each]) => /^nodejs_active_(handles|requests)/.test(each));
  for (const [series, value] of handles) expect(all.ours.get(series)).toBe(value);
});

test.each([
  ['process_resident_memory_bytes', 0.1],
  ['process_virtual_memory_bytes', 0.1],
  ['process_heap_bytes', 0.1],
  ['nodejs_heap_size_total_bytes', 0.3],
  ['nodejs_heap_size_used_bytes', 0.3],
  ['nodejs_external_memory_bytes', 0.3],
  ['nodejs_heap_space_size_used_bytes{app="a",space="old"}', 0.3],
  ['process_open_fds', 0.3],
  ['nodejs_active_resources_total', 1],
])('%s is as large, within a share of %d', async (name, tolerance) => {
  const all = await scrape();
  const series = name.includes('{') ? name : `${name}{app="a"}`;
  const [own, their] = [all.ours.get(series) as number, all.theirs.get(series) as number];
  expect(their).toBeGreaterThan(0);
  expect(Math.abs(own - their) / their).toBeLessThanOrEqual(tolerance);
});

describe('while the thread is busy', () => {
  test('CPU time goes up by as much, and the loop is as late', async () => {
    const start = performance.now();
    await looks(1);
    const before = await scrape();
    resets = 0;
    await looks(1);
    for (let i = 0; i < 3; i++) {
      burn(30);
      await looks(1);
    }
    const maxSeconds = loop.max / 1e9;
    const longestSeconds = (performance.now() - start) / 1000;
    const after = await scrape();
    const value = (of: Scrape, side: 'ours' | 'theirs', name: string): number =>
      of[side].get(`${name}{app="a"}`) as number;
    const delta = (side: 'ours' | 'theirs', name: string): number =>
      value(after, side, name) - value(before, side, name);
    // Each has read its figure between two readings of ours.
    for (const kind of ['user', 'system'] as const)
      for (const side of ['ours', 'theirs'] as const) {
        const steps = Math.round(delta(side, `process_cpu_${kind}_seconds_total`) * 1e6);
        expect(steps).toBeGreaterThanOrEqual(after.cpu[0][kind] - before.cpu[1][kind]);
        expect(steps).toBeLessThanOrEqual(after.cpu[1][kind] - before.cpu[0][kind]);
      }
    for (const side of ['ours', 'theirs'] as const)
      expect(delta(side, 'process_cpu_seconds_total')).toBeCloseTo(
        delta(side, 'process_cpu_user_seconds_total') + delta(side, 'process_cpu_system_seconds_total'),
        9,
      );
    expect(delta('ours', 'nodejs_thread_cpu_seconds_total')).toBeGreaterThan(0.08);
    for (const figure of ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'])
      expect([figure, value(after, 'ours', `nodejs_eventloop_lag_${figure}_seconds`)]).toEqual([
        figure,
        value(after, 'theirs', `nodejs_eventloop_lag_${figure}_seconds`),
      ]);
    expect(value(after, 'ours', 'nodejs_eventloop_lag_max_seconds')).toBe(maxSeconds);
    expect(maxSeconds).toBeGreaterThan(0.03);
    expect(maxSeconds).toBeLessThanOrEqual(longestSeconds);
    expect(value(after, 'ours', 'nodejs_eventloop_lag_min_seconds')).toBeLessThanOrEqual(
      value(after, 'ours', 'nodejs_eventloop_lag_p50_seconds'),
    );
    expect(value(after, 'ours', 'nodejs_eventloop_lag_p99_seconds')).toBeLessThanOrEqual(maxSeconds);
    expect([asked, resets]).toEqual([[{ resolution: 10 }, { resolution: 10 }], 2]);
  });

  test('no pause of the collector is missed, and prom-client counts no more', async () => {
    const minor = 'nodejs_gc_duration_seconds_count{app="a",kind="minor"}';
    const before = (await scrape()).ours.get(minor) ?? 0;
    for (let i = 0; i < 3; i++) collect({ type: 'minor' });
    await nextTurn();
    await nextTurn();
    const after = await scrape();
    expect(after.ours.get(minor)).toBeGreaterThanOrEqual(before + 3);
    for (const kind of ['minor', 'major', 'incremental', 'weakcb']) {
      const series = `nodejs_gc_duration_seconds_count{app="a",kind="${kind}"}`;
      expect(after.ours.get(series) ?? 0).toBeGreaterThanOrEqual(after.theirs.get(series) ?? 0);
    }
  });
});
