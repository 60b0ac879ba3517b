import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { Arena } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import {
  ArgumentRangeError,
  MetricNameError,
  RedefinitionError,
  Registry,
  RegistryReader,
} from '../src/index.ts';
import { collectDefaults } from '../src/sources/index.ts';
import { defineAll } from './worker/metrics.ts';

function useAll(registry: Registry): void {
  const { plain, byCode, size, inFlight, temperature, duration } = defineAll(registry);
  const sampled = registry.timer({ name: 'sampled_seconds', help: '', sampleEvery: 8 });
  const rate = registry.rate({ name: 'rate_total', help: '' });
  plain.inc();
  byCode.labels('202').inc(5);
  size.record(7);
  size.recordMany(7, 3);
  size.recordCorrected(70, 10);
  inFlight.inc();
  inFlight.dec(4);
  temperature.set(20);
  temperature.inc();
  temperature.dec();
  temperature.clear();
  for (const timer of [duration, sampled]) {
    timer.record(1);
    timer.recordSince(timer.now());
    timer.recordBatch(1, 3);
    timer.recordCorrected(10, 1);
    timer.batch(5).stop();
    using running = timer.start();
    expect(timer.time(() => running.stop() === 0)).toBe(false);
  }
  rate.inc();
}

test('records nothing and reads as empty, in every format', async () => {
  const registry = Registry.disabled();
  useAll(registry);
  const { plain, byCode, size, inFlight, temperature, duration } = defineAll(registry);
  expect(await duration.timeAsync(async () => 5)).toBe(5);
  await expect(duration.timeAsync(async () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  const totals = [plain.total(), byCode.labels('1').total(), inFlight.total(), temperature.total()];
  expect(totals).toEqual([0, 0, 0, 0]);
  expect([size.distribution().count, size.distribution().quantile(0.5), duration.calls()]).toEqual([
    0,
    null,
    0,
  ]);
  expect(registry.rate({ name: 'rate_total', help: '' }).rates()).toMatchObject({ total: 0 });
  expect(await registry.metrics()).toBe('');
  expect(registry.read().metrics).toEqual([]);
  expect(RegistryReader.attach(registry.handle).prometheusText()).toBe('');
  expect(registry.writers().filter(({ claimed }) => claimed)).toEqual([]);
  expect(registry.writer).toBe(-1);
});

test('is one on each thread that attaches it', async () => {
  const registry = Registry.create(Arena.create({ bytes: 1 << 17 }), { enabled: false, writers: 1 });
  expect(
    [Registry.attach(registry.handle), Registry.attach(registry.handle)].map(({ writer }) => writer),
  ).toEqual([-1, -1]);
  const worker = new Worker(new URL('./worker/hammer.ts', import.meta.url), {
    workerData: { handle: registry.handle, go: new Int32Array(new SharedArrayBuffer(8)).fill(1), rounds: 9 },
    execArgv: ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'],
  });
  const [[answer]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
  expect(answer).toMatchObject({ writer: -1 });
  expect(registry.read().metrics).toEqual([]);
});

test('gives the same handle for the same metric, and refuses what the other would', () => {
  const registry = Registry.disabled();
  const options = { name: 'a_total', help: '', labels: ['l'] } as const;
  expect(registry.counter(options)).toBe(registry.counter(options));
  expect(registry.counter(options).labels('1')).toBe(registry.counter(options).labels('2'));
  expect(() => registry.gauge({ name: 'a_total', help: '' })).toThrow(RedefinitionError);
  expect(() => registry.counter({ name: '1', help: '' })).toThrow(MetricNameError);
  const enabled = 'no' as unknown as boolean;
  expect(() => Registry.create(Arena.create({ bytes: 1 << 17 }), { enabled })).toThrow(ArgumentRangeError);
});

test('disposed refuses definitions, as the other does, and its handles go on doing nothing', () => {
  const registry = Registry.disabled();
  const counter = registry.counter({ name: 'a_total', help: '' });
  registry[Symbol.dispose]();
  registry[Symbol.dispose]();
  counter.inc();
  expect(() => registry.counter({ name: 'b_total', help: '' })).toThrow('the registry is disposed');
});

test('has no source read anything', async () => {
  const registry = Registry.disabled();
  const never = (): never => {
    throw new Error('a timer was started');
  };
  using sources = collectDefaults(registry, { processWide: true, timers: { every: never } });
  using again = collectDefaults(Registry.attach(registry.handle), { processWide: true });
  await Promise.all([sources.sample(), again.sample()]);
  expect(sources.costs()).toEqual([]);
  expect(registry.read().metrics).toEqual([]);
});
