import { Arena } from '@corelane/shared-memory';
import { expect, test, vi } from 'vitest';
import { DEQUE_EMPTY, DEQUE_FULL, DEQUE_PUSHED, WorkStealingDeque, type DequeOrder } from '../src/index.ts';
import { kernelBase64, type KernelExports } from '../src/kernel.generated.ts';
import { Crew } from '../../../tools/testing/crew.ts';
import type { DequeReport, DequeStation } from './worker/deque-worker.ts';

vi.setConfig({ testTimeout: 60_000 });

const WORKER = new URL('./worker/deque-worker.ts', import.meta.url);

function stations(
  capacity: number,
  order: DequeOrder,
  counts: readonly number[],
): { deques: WorkStealingDeque[]; all: DequeStation[] } {
  const arena = Arena.create({ bytes: 1 << 20 });
  const kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });
  const deques = counts.map(() => WorkStealingDeque.create(arena, { capacity, order }));
  for (const deque of deques)
    // positions wrap while the workers run
    kernel.initializeDeque(deque.handle.at, deque.capacity, order === 'lifo' ? 0 : 1, 0x7fffffff - 500);
  const handles = deques.map(({ handle }) => handle);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const seen = new Int32Array(new SharedArrayBuffer(4 * total));
  const taken = new Int32Array(new SharedArrayBuffer(4));
  let first = 0;
  const all = counts.map((count) => {
    const station = { handles, count, first, seen, taken };
    first += count;
    return station;
  });
  return { deques, all };
}

test.each([
  ['lifo', 2, [20_000, 0]],
  ['fifo', 2, [20_000, 0]],
  ['lifo', 64, [50_000, 50_000]],
  ['fifo', 64, [50_000, 50_000]],
  ['lifo', 256, [60_000, 0, 20_000]],
  ['fifo', 256, [60_000, 0, 20_000]],
] as const)(
  'order %s, capacity %i, workers that push %o: every value comes out once',
  async (order, capacity, counts) => {
    const { deques, all } = stations(capacity, order, counts);
    await using crew = new Crew(WORKER, all);
    await crew.go();
    const reports = await crew.reports<DequeReport>();
    const seen = all[0]?.seen ?? new Int32Array();
    expect(seen.every((times) => times === 1)).toBe(true);
    expect(reports.reduce((sum, { popped, stolen }) => sum + popped + stolen, 0)).toBe(seen.length);
    expect(deques.map(({ size }) => size)).toEqual(counts.map(() => 0));
  },
);

test('workers terminated at any point leave deques that serve the next owners, and no value twice', async () => {
  for (let round = 0; round < 6; round++) {
    const { deques, all } = stations(64, round % 2 === 0 ? 'lifo' : 'fifo', [400_000, 400_000]);
    await using crew = new Crew(WORKER, all);
    const ids = crew.workers.map(({ threadId }) => threadId);
    await crew.go();
    const { taken, seen } = all[0] as DequeStation;
    while (Atomics.load(taken, 0) < 1000) await new Promise(setImmediate);
    await Promise.all(crew.workers.map((worker) => worker.terminate()));
    for (const [i, deque] of deques.entries()) {
      deque.reclaim(ids[i] as number);
      using owner = deque.owner();
      for (let value = owner.tryPop(); value !== DEQUE_EMPTY; value = owner.tryPop())
        Atomics.add(seen, value, 1);
      for (let value = 0; value < deque.capacity; value++) expect(owner.tryPush(value)).toBe(DEQUE_PUSHED);
      expect(owner.tryPush(0)).toBe(DEQUE_FULL);
    }
    expect(seen.some((times) => times > 1)).toBe(false);
  }
});
