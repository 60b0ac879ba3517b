// What others store and send: a change here is another version.
import { Arena } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import { Registry } from '../src/index.ts';

test('a snapshot of version 1 is exactly this', () => {
  const start = Date.now();
  const registry = Registry.create(Arena.create({ bytes: 1 << 20 }), { series: 8, writers: 2, metrics: 8 });
  const counter = registry.counter({
    name: 'busy_seconds_total',
    help: 'Busy',
    unit: 'seconds',
    perUnit: 10,
    labels: ['l'],
  });
  counter.labels('x').inc(25);
  registry.gauge({ name: 'unset', help: 'No value' });
  const size = registry.histogram({ name: 'size', help: 'Sizes', buckets: [1, 10] });
  for (const value of [1, 4, 100]) size.record(value);
  registry.timer({ name: 'wait_seconds', help: 'Waits', buckets: [1] });
  const { createdAtMs, takenAtMs, monotonicMs, ...snapshot } = registry.read();
  const [seconds] = process.hrtime();
  expect([createdAtMs >= start, takenAtMs >= createdAtMs, Date.now() >= takenAtMs]).toEqual([
    true,
    true,
    true,
  ]);
  expect(Math.abs(monotonicMs / 1000 - seconds)).toBeLessThan(60);
  expect(snapshot).toEqual({
    version: 1,
    writers: [
      { writer: 0, claimed: true, threadId: expect.any(Number) as number, claims: 1 },
      { writer: 1, claimed: false, threadId: -1, claims: 0 },
    ],
    metrics: [
      {
        name: 'busy_seconds_total',
        help: 'Busy',
        unit: 'seconds',
        labels: ['l'],
        type: 'counter',
        series: [{ labels: { l: 'x' }, value: 2.5, byWriter: [{ writer: 0, value: 2.5 }] }],
      },
      { name: 'unset', help: 'No value', unit: '', labels: [], type: 'gauge', series: [] },
      {
        name: 'size',
        help: 'Sizes',
        unit: '',
        labels: [],
        type: 'histogram',
        series: [
          {
            labels: {},
            count: 3,
            sum: 105,
            min: 1,
            max: 100,
            mean: 35,
            quantiles: { p50: 6, p90: 100, p99: 100, p999: 100 },
            buckets: [
              { le: 1, count: 1 },
              { le: 10, count: 2 },
              { le: null, count: 3 },
            ],
            byWriter: [{ writer: 0, count: 3, sum: 105, min: 1, max: 100 }],
          },
        ],
      },
      {
        name: 'wait_seconds',
        help: 'Waits',
        unit: 'seconds',
        labels: [],
        type: 'timer',
        series: [
          {
            labels: {},
            count: 0,
            sum: 0,
            min: null,
            max: null,
            mean: null,
            quantiles: { p50: null, p90: null, p99: null, p999: null },
            buckets: [
              { le: 1, count: 0 },
              { le: null, count: 0 },
            ],
            byWriter: [{ writer: 0, count: 0, sum: 0, min: null, max: null }],
          },
        ],
      },
    ],
  });
  const read = registry.read();
  expect(JSON.parse(JSON.stringify(read))).toEqual(read);
});
