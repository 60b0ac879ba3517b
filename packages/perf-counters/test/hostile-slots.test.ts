// Addresses of slots are in shared memory, where anyone who has the handle may write: what no slot can have is none.
import { Arena } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import { Registry, RegistryReader } from '../src/index.ts';
import { openRegistry } from '../src/open-registry.ts';
import { entryAt } from '../src/writer.ts';

const BYTES = 1 << 20;
const DEFINED = 5;

function recorded(): { arena: Arena; registry: Registry; corrupt: (address: number) => void } {
  const arena = Arena.create({ bytes: BYTES });
  const registry = Registry.create(arena, { series: 16, writers: 2, metrics: 8 });
  for (const each of [registry, Registry.attach(registry.handle, arena)]) record(each);
  const { table } = openRegistry(registry.handle, arena);
  return {
    arena,
    registry,
    corrupt: (address) => {
      for (let series = 0; series < DEFINED; series++)
        Atomics.store(arena.i32, entryAt(table, 0, series) >> 2, address);
    },
  };
}

function record(registry: Registry): void {
  registry.counter({ name: 'a_total', help: '' }).inc(3);
  registry.upDownCounter({ name: 'b', help: '' }).inc(4);
  registry.gauge({ name: 'c', help: '' }).set(5);
  registry.histogram({ name: 'd', help: '', buckets: [1, 10] }).record(6);
  registry.timer({ name: 'e_seconds', help: '' }).record(7);
}

test.each([
  ['not aligned to a word', 4097],
  ['not aligned to eight bytes', 4100],
  ['below the arena', -8],
  ['far below the arena', -(2 ** 31)],
  ['at its end', BYTES],
  ['so near its end that no slot fits', BYTES - 8],
  ['beyond it', 2 ** 31 - 8],
])('a slot %s is passed over by readers: what the other writer has is read', async (_, address) => {
  const { arena, registry, corrupt } = recorded();
  corrupt(address);
  const reader = RegistryReader.attach(registry.handle, arena);
  for (const text of [await reader.metrics(), reader.openMetricsText({ perWriter: true })]) {
    expect(text).toMatch(/^a_total(\{worker="1"\})? 3$/m);
    expect(text).toMatch(/^c(\{worker="1"\})? 5$/m);
    expect(text).toMatch(/^d_count(\{worker="1"\})? 1$/m);
    expect(text).toMatch(/^e_seconds_sum(\{worker="1"\})? 0.007$/m);
  }
  const values = reader.read().metrics.map(({ series }) => series.map((each) => each.byWriter.length));
  expect(values).toEqual([[1], [1], [1], [1], [1]]);
  expect(await reader.getMetricsAsJSON()).toHaveLength(DEFINED);
});

test('the writer whose slot is such opens another one, and clears its gauges when it leaves', () => {
  const { arena, registry, corrupt } = recorded();
  corrupt(4097);
  registry[Symbol.dispose](); // looks at gauges
  const next = Registry.attach(registry.handle, arena);
  record(next);
  expect(next.counter({ name: 'a_total', help: '' }).total()).toBe(6);
  expect(next.gauge({ name: 'c', help: '' }).total()).toBe(10);
  expect(next.timer({ name: 'e_seconds', help: '' }).distribution().count).toBe(2);
});
