// Writers: handed on from thread to thread, released, reclaimed.
import { tally } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import { ArgumentRangeError, Registry, RegistryDisposedError } from '../src/index.ts';
import { histogramSlot, upDownSlot, WRITER_CLAIMED, WRITER_FREE, writerRecord } from '../src/layout.ts';
import { openRegistry } from '../src/open-registry.ts';
import { recordAt, slotAt, takeName, Writer } from '../src/writer.ts';
import { create } from './new-registry.ts';
import { defineAll } from './worker/metrics.ts';

describe('a writer', () => {
  test('goes on where the one before it stopped', () => {
    const { registry } = create();
    const first = Registry.attach(registry.handle);
    const metrics = defineAll(first);
    for (let i = 1; i <= 100; i++) metrics.size.record(i);
    metrics.plain.inc(0x7fffffff);
    metrics.temperature.set(7);
    first[Symbol.dispose]();
    const second = Registry.attach(registry.handle);
    expect(second.writer).toBe(first.writer);
    const { size, plain, temperature } = defineAll(second);
    plain.inc();
    size.record(50);
    size.record(200);
    const sizes = size.distribution();
    expect([sizes.count, sizes.sum, sizes.min, sizes.max]).toEqual([102, 5300, 1, 200]);
    expect(plain.total()).toBe(2 ** 31);
    expect(temperature.total()).toBe(0);
    temperature.inc();
    expect(temperature.total()).toBe(1);
  });

  test('throws from every handle once it is released, and releasing twice is harmless', () => {
    const { registry } = create();
    const other = Registry.attach(registry.handle);
    const m = defineAll(other);
    const bound = m.byCode.labels('1');
    m.size.record(5);
    m.duration.record(5);
    other[Symbol.dispose]();
    other[Symbol.dispose]();
    const uses = [
      () => m.plain.inc(),
      () => bound.inc(5),
      () => m.byCode.labels('2'),
      () => m.size.record(5),
      () => m.size.record(2 ** 40),
      () => m.duration.record(5),
      () => m.duration.start().stop(),
      () => m.inFlight.inc(),
      () => m.inFlight.dec(2 ** 33),
      () => m.temperature.set(1),
      () => m.plain.total(),
      () => other.read(),
      () => other.prometheusText(),
      () => other.counter({ name: 'n', help: '' }),
      () => other.reclaim(0),
    ];
    for (const use of uses) expect(use).toThrow(RegistryDisposedError);
    expect(defineAll(registry).size.distribution().count).toBe(1);
    expect(defineAll(registry).plain.total()).toBe(0);
  });

  test.each(['reclaimed by its thread', 'reclaimed by its number', 'released'])(
    'that was %s is nobody’s when another thread has just claimed it',
    (how) => {
      const { arena, registry } = create();
      const { table } = openRegistry(registry.handle, arena);
      const writer = Writer.claim(table, 77);
      if (how === 'released') writer.release();
      else if (how === 'reclaimed by its number') expect(registry.reclaim(writer.index)).toBe(true);
      else expect(registry.reclaimThread(77)).toBe(1);
      expect(registry.writers()[writer.index]).toMatchObject({ claimed: false, threadId: 77 });
      // Claimed, by one that has not said who it is.
      arena.i32[(recordAt(table, writer.index) >> 2) + writerRecord.word.state] = WRITER_CLAIMED;
      expect(registry.reclaimThread(77)).toBe(0);
      expect(registry.writers()[writer.index]).toMatchObject({ claimed: true, threadId: -1 });
    },
  );

  test('of a dead thread is taken by one of those who reclaim it', () => {
    const { arena, registry } = create();
    const { table } = openRegistry(registry.handle, arena);
    const { index } = Writer.claim(table, 77);
    expect([takeName(table, index, 77), takeName(table, index, 77)]).toEqual([true, false]);
    expect(registry.reclaimThread(77)).toBe(0);
  });

  test('of this thread is not reclaimed', () => {
    const { registry } = create();
    expect(() => registry.reclaim(registry.writer)).toThrow(ArgumentRangeError);
    expect(() => registry.reclaim(9)).toThrow('writer is 9, expected 0 to 2');
    expect(() => registry.reclaimThread(0)).toThrow(ArgumentRangeError);
    // What the threadId of a Worker is after its end.
    expect(() => registry.reclaimThread(-1)).toThrow(
      'threadId is -1, expected that of the Worker before its end',
    );
    expect(registry.reclaim(2)).toBe(false);
  });

  test('repairs what the one before it left in the middle of a carry, before it counts', () => {
    const { arena, registry } = create();
    const { table } = openRegistry(registry.handle, arena);
    const first = Registry.attach(registry.handle, arena);
    const define = (of: Registry) =>
      ({
        counter: of.counter({ name: 'a_total', help: '' }),
        upDown: of.upDownCounter({ name: 'b', help: '' }),
        histogram: of.histogram({ name: 'c', help: '', buckets: [10] }),
        gauge: of.gauge({ name: 'd', help: '' }),
      }) as const;
    const dead = define(first);
    dead.counter.inc(5);
    dead.upDown.inc(5);
    dead.upDown.dec(3);
    for (const value of [4, 6]) dead.histogram.record(value);
    dead.gauge.set(7);
    const tallies = [
      [0, 0],
      [1, upDownSlot.word.up],
      [1, upDownSlot.word.down],
      [2, histogramSlot.word.sum],
      [2, histogramSlot.bytes >> 2],
    ] as const;
    // As a thread leaves them that ends between the two stores of a carry: the high word is one ahead. Twice, as once would read right for ever.
    for (let death = 0; death < 2; death++) {
      for (const [series, word] of tallies) {
        const slot = slotAt(table, first.writer, series, 8) >> 2;
        Atomics.add(arena.i32, slot + word + tally.word.high, 1);
      }
      Atomics.store(arena.i32, (recordAt(table, first.writer) >> 2) + writerRecord.word.state, WRITER_FREE);
      define(Registry.attach(registry.handle, arena));
    }
    Atomics.store(arena.i32, (recordAt(table, first.writer) >> 2) + writerRecord.word.state, WRITER_FREE);
    const { counter, upDown, histogram, gauge } = define(Registry.attach(registry.handle, arena));
    counter.inc(0x7fffffff);
    upDown.inc(0x7fffffff);
    upDown.dec(0x7fffffff);
    histogram.record(0x7fffffff);
    histogram.recordMany(0, 0x7fffffff);
    expect(counter.total()).toBe(5 + 0x7fffffff);
    expect(upDown.total()).toBe(2);
    const { counts, sum } = histogram.distribution();
    expect([...counts, sum]).toEqual([2 + 0x7fffffff, 1, 10 + 0x7fffffff]);
    expect(gauge.total()).toBe(0); // a value of the dead is nobody's
  });
});
