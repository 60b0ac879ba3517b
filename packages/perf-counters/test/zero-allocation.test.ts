import { expectZeroAllocation } from '@corelane/memory-tracker';
import { Arena } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import { Registry } from '../src/index.ts';
import { defineAll } from './worker/metrics.ts';

const registry = Registry.create(Arena.create({ bytes: 4 << 20 }));
const { plain, byCode, size, inFlight, temperature, duration } = defineAll(registry);
/** Not `performance`: on Node 22 reading it makes a boxed float. */
const clock = { now: () => Math.fround(0.1) };
const timed = registry.timer({ name: 'timed_seconds', help: 'Own clock', clock });
const rate = registry.rate({ name: 'rate_total', help: 'With a rate' });
/** One object in 2^20 calls. */
const seldom = registry.timer({ name: 'seldom_seconds', help: 'Samples', sampleEvery: 2 ** 20 });
const off = defineAll(Registry.disabled());
const bound = byCode.labels('202');
const bounds = registry.histogram({ name: 'bounds', help: 'Own buckets', buckets: [1, 10, 100, 1000] });
const large = registry.counter({ name: 'large_total', help: 'More than 32 bits a time' });

const operations: Record<string, (i: number) => unknown> = {
  'counter.inc': () => plain.inc(),
  'counter.inc of a number': (i) => plain.inc(i & 1023),
  'counter.inc of more than 2^31': () => large.inc(2 ** 33 + 5),
  'a bound counter': () => bound.inc(),
  'labels of one value, and inc': () => byCode.labels('202').inc(),
  'upDownCounter inc and dec': () => {
    inFlight.inc();
    inFlight.dec();
  },
  'gauge.set': (i) => temperature.set(i / 2),
  'histogram.record': (i) => size.record(i & 4095),
  'histogram.record with bounds': (i) => bounds.record(i & 2047),
  // Whole milliseconds: V8 boxes a float that it hands to a function which it does not inline, and here that may be this one.
  'timer.record': (i) => duration.record(i & 3),
  'histogram.recordMany': (i) => size.recordMany(i & 4095, 3),
  'histogram.recordCorrected': (i) => size.recordCorrected(i & 4095, 512),
  'rate.inc': () => rate.inc(),
  'a timer of samples, where it does not time': () => void seldom.start().stop(),
  'counter.inc of a disabled registry': () => off.plain.inc(),
  'labels and inc of a disabled registry': () => off.byCode.labels('202').inc(),
  'histogram.record of a disabled registry': (i) => off.size.record(i),
  'timer.start of a disabled registry': () => void off.duration.start().stop(),
  'timer.now and recordSince': () => void timed.recordSince(timed.now()),
};

test.each(Object.entries(operations))('%s allocates nothing', (_, operation) => {
  expect(expectZeroAllocation(operation)).toBeLessThan(0.1);
});

test('timer.start makes one small object, and nothing else', () => {
  expect(expectZeroAllocation(() => void duration.start().stop(), { maxBytes: 128 })).toBeLessThanOrEqual(
    128,
  );
});
