// Several real workers record into the same metrics.
import { once } from 'node:events';
import { Arena } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import { Registry, RegistryReader } from '../src/index.ts';
import { message, startHammer } from './worker/crew.ts';
import { defineAll } from './worker/metrics.ts';

const ROUNDS = 60_000;

function newRegistry(): { registry: Registry; go: Int32Array } {
  const arena = Arena.create({ bytes: 4 << 20 });
  return {
    registry: Registry.create(arena, { series: 16, writers: 5, metrics: 8 }),
    go: new Int32Array(new SharedArrayBuffer(8)),
  };
}

function release(go: Int32Array): void {
  Atomics.store(go, 0, 1);
  Atomics.notify(go, 0);
}

test('totals are exact, whoever recorded, and survive the threads', async () => {
  const { registry, go } = newRegistry();
  const workers = Array.from({ length: 4 }, () => startHammer(registry.handle, go, ROUNDS));
  const ready = await Promise.all(workers.map(message));
  expect(new Set(ready.map(({ writer }) => writer))).toEqual(new Set([1, 2, 3, 4]));
  const { plain, byCode, size, duration, inFlight, temperature } = defineAll(registry);
  expect(temperature.total()).toBe(1.5 + 2.5 + 3.5 + 4.5);
  const exits = workers.map((worker) => once(worker, 'exit'));
  release(go);
  // Reads while they write: totals only grow.
  const reader = RegistryReader.attach(registry.handle);
  let before = 0;
  const done = Promise.all(exits).then(() => true);
  while (!(await Promise.race([done, Promise.resolve(false)]))) {
    const now = plain.total();
    expect(now).toBeGreaterThanOrEqual(before);
    expect(reader.prometheusText()).toContain('plain_total ');
    before = now;
    await new Promise((resolve) => setImmediate(resolve));
  }

  expect(plain.total()).toBe(4 * ROUNDS);
  expect(byCode.labels('429').total()).toBe((4 * ROUNDS * 2) / 3);
  expect(byCode.labels('202').total()).toBe((4 * ROUNDS * 4) / 3);
  let sum = 0;
  for (let round = 0; round < ROUNDS; round++) sum += (round * 37) % 5000;
  const sizes = size.distribution();
  expect([sizes.count, sizes.sum, sizes.min, sizes.max]).toEqual([4 * ROUNDS, 4 * sum, 0, 4999]);
  expect(duration.distribution().count).toBe(4 * ROUNDS);
  expect(duration.distribution().sum).toBe((4 * ROUNDS * 0.25) / 1000);
  expect(inFlight.total()).toBe(4 * ROUNDS);
  expect(temperature.total()).toBe(0); // gauges end with their threads
  expect(registry.writers().filter(({ claimed }) => claimed)).toHaveLength(1);
});

test('a thread that is terminated leaves its counts, and a successor goes on in its writer', async () => {
  const { registry, go } = newRegistry();
  const { plain, inFlight, duration, temperature } = defineAll(registry);
  const worker = startHammer(registry.handle, go, 0, true);
  const deadThreadId = worker.threadId;
  const { writer } = await message(worker);
  release(go);
  while (Atomics.load(go, 1) < 1000) await new Promise((resolve) => setImmediate(resolve));
  await worker.terminate();
  const rounds = Atomics.load(go, 1);
  const left = plain.total();
  expect([rounds, rounds + 1]).toContain(left);
  expect([rounds, rounds + 1]).toContain(duration.distribution().count);
  expect(temperature.total()).toBe(writer + 0.5);

  expect(registry.reclaimThread(deadThreadId)).toBe(1);
  expect(registry.reclaim(writer)).toBe(false);
  expect(plain.total()).toBe(left);
  expect(temperature.total()).toBe(0);
  const kept = inFlight.total();
  const successor = startHammer(registry.handle, go, 500);
  const exit = once(successor, 'exit');
  expect((await message(successor)).writer).toBe(writer);
  await exit;
  expect(plain.total()).toBe(left + 500);
  expect(inFlight.total()).toBe(kept + 500);
  expect(registry.writers()[writer]).toMatchObject({ claimed: false, claims: 2 });
});
