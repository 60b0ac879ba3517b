// Writers: handed on from thread to thread, released, reclaimed.
import { describe, expect, test } from 'vitest';
import { ArgumentRangeError, Registry, RegistryDisposedError } from '../src/index.ts';
import { WRITER_CLAIMED, writerRecord } from '../src/layout.ts';
import { openRegistry } from '../src/open-registry.ts';
import { recordAt, takeName, Writer } from '../src/writer.ts';
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

  test.each(['reclaimed', 'released'])(
    'that was %s is nobody’s when another thread has just claimed it',
    (how) => {
      const { arena, registry } = create();
      const { table } = openRegistry(registry.handle, arena);
      const writer = Writer.claim(table, 77);
      if (how === 'released') writer.release();
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
});
