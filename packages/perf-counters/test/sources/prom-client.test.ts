// Beside prom-client's own collection, in the same process: the same names, types, helps and labels, and the same figures.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as prom from 'prom-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Registry } from '../../src/index.ts';
import { collectDefaults, type Sources } from '../../src/sources/index.ts';
import { burn } from './burn.ts';
import { newRegistry } from './fake-host.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void;

const theirs = new prom.Registry();
let ours: Registry;
let sources: Sources;

/** Values by series: `name{label="value"}`. */
async function scrape(): Promise<{ ours: Map<string, number>; theirs: Map<string, number> }> {
  const [, text] = await Promise.all([sources.sample(), theirs.metrics()]);
  return { ours: parse(ours.prometheusText()), theirs: parse(text) };
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
  sources = collectDefaults(ours, { intervalMs: Infinity, labels: { app: 'a' } });
  prom.collectDefaultMetrics({ register: theirs, labels: { app: 'a' } });
  // Both monitors of the event loop have looked once this one has.
  const monitor = monitorEventLoopDelay({ resolution: 10 });
  monitor.enable();
  while (monitor.count < 2) await nextTurn();
  monitor.disable();
});

afterAll(() => sources[Symbol.dispose]());

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
    const before = await scrape();
    await nextTurn();
    // Long enough for both monitors to fire before and after.
    for (let i = 0; i < 3; i++) {
      burn(30);
      await new Promise((resolve) => setTimeout(resolve, 12));
    }
    const after = await scrape();
    const delta = (side: 'ours' | 'theirs', name: string): number =>
      (after[side].get(`${name}{app="a"}`) as number) - (before[side].get(`${name}{app="a"}`) as number);
    for (const name of ['process_cpu_user_seconds_total', 'process_cpu_seconds_total'])
      expect(Math.abs(delta('ours', name) - delta('theirs', name))).toBeLessThan(0.03);
    expect(delta('ours', 'nodejs_thread_cpu_seconds_total')).toBeGreaterThan(0.08);
    const lag = (side: 'ours' | 'theirs', figure: string): number =>
      after[side].get(`nodejs_eventloop_lag_${figure}_seconds{app="a"}`) as number;
    for (const side of ['ours', 'theirs'] as const) {
      expect(lag(side, 'max')).toBeGreaterThan(0.03);
      expect(lag(side, 'min')).toBeLessThanOrEqual(lag(side, 'p50'));
      expect(lag(side, 'p99')).toBeLessThanOrEqual(lag(side, 'max'));
    }
    expect(Math.abs(lag('ours', 'max') - lag('theirs', 'max'))).toBeLessThan(0.02);
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
