// No two writers ever write to one line of 128 bytes.
import { amount, Arena, LINE_BYTES, tally } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import { Registry } from '../src/index.ts';
import { directoryEntry, gaugeSlot, histogramSlot, upDownSlot, writerRecord } from '../src/layout.ts';
import { openRegistry } from '../src/open-registry.ts';
import { LEAST_SLOT_BYTES, slotAt } from '../src/writer.ts';
import { defineAll } from './worker/metrics.ts';

test('sizes are what the documentation says', () => {
  expect(writerRecord.bytes).toBe(LINE_BYTES);
  expect(
    [tally, amount, upDownSlot, gaugeSlot, histogramSlot, directoryEntry].map(({ bytes }) => bytes),
  ).toEqual([8, 12, 24, 16, 32, 4]);
});

test('slots of different writers share no line, and no slot overlaps another', () => {
  const registry = Registry.create(Arena.create({ bytes: 4 << 20 }), { series: 200, writers: 4 });
  const registries = [registry, ...Array.from({ length: 3 }, () => Registry.attach(registry.handle))];
  for (const each of registries) {
    defineAll(each);
    const many = each.counter({ name: 'many_total', help: '', labels: ['i'] });
    for (let i = 0; i < 150; i++) many.labels(i).inc();
  }
  const { table } = openRegistry(registry.handle);
  const owners = new Map<number, number>();
  const starts = new Set<number>();
  for (let writer = 0; writer < 4; writer++) {
    for (let series = 0; series < 200; series++) {
      const at = slotAt(table, writer, series, LEAST_SLOT_BYTES);
      if (at === 0) continue;
      expect(starts.has(at)).toBe(false);
      starts.add(at);
      expect(at % 8).toBe(0);
      const line = Math.floor(at / LINE_BYTES);
      expect(owners.get(line) ?? writer).toBe(writer);
      owners.set(line, writer);
    }
  }
  expect(starts.size).toBe(4 * (150 + 5));
});

test('a histogram has its sum and its buckets where the short ways of histograms have them as numbers', () => {
  expect(histogramSlot.word.sum).toBe(4);
  expect(histogramSlot.bytes >> 2).toBe(8); // the bucket of 0
  expect((histogramSlot.bytes + tally.bytes) >> 2).toBe(10); // the bucket of 1
  expect(tally.bytes >> 2).toBe(1 << 1);
});

test('a counter has its low word where Counter.inc has it as a number', () => {
  expect(amount.word.low).toBe(0);
});
