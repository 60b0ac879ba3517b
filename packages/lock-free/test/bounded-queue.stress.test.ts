import { Arena } from '@corelane/shared-memory';
import { expect, test, vi } from 'vitest';
import { BoundedQueue, QUEUE_EMPTY, QUEUE_FULL, QUEUE_PUSHED } from '../src/index.ts';
import { kernelBase64, type KernelExports } from '../src/kernel.generated.ts';
import { Crew } from '../../../tools/testing/crew.ts';
import type { QueueReport, QueueStation } from './worker/queue-worker.ts';

vi.setConfig({ testTimeout: 60_000 });

const WORKER = new URL('./worker/queue-worker.ts', import.meta.url);

function stations(
  capacity: number,
  producers: number,
  consumers: number,
  count: number,
): { queue: BoundedQueue; all: QueueStation[] } {
  const arena = Arena.create({ bytes: 1 << 20 });
  const queue = BoundedQueue.create(arena, { capacity });
  const start = (0x7fffffff - 1000) | 0; // positions wrap while the workers run
  arena
    .kernel<KernelExports>({ base64: kernelBase64 })
    .initializeQueue(queue.handle.at, queue.capacity, start);
  const seen = new Int32Array(new SharedArrayBuffer(4 * producers * count));
  const taken = new Int32Array(new SharedArrayBuffer(4));
  const roles = [
    ...Array<'producer'>(producers).fill('producer'),
    ...Array<'consumer'>(consumers).fill('consumer'),
  ];
  return { queue, all: roles.map((role) => ({ handle: queue.handle, role, producers, count, seen, taken })) };
}

test.each([
  [2, 1, 1, 10_000],
  [8, 2, 2, 20_000],
  [1024, 3, 2, 60_000],
])(
  'capacity %i, %i producers, %i consumers: every value comes out once, each producer’s in order',
  async (capacity, producers, consumers, count) => {
    const { queue, all } = stations(capacity, producers, consumers, count);
    await using crew = new Crew(WORKER, all);
    await crew.go();
    const reports = await crew.reports<QueueReport>();
    expect(reports.flatMap((report) => report.wrong)).toEqual([]);
    expect(all[0]?.seen.every((times) => times === 1)).toBe(true);
    expect(queue.size).toBe(0);
    expect(queue.tryPop()).toBe(QUEUE_EMPTY);
  },
);

test('workers terminated at any point leave a queue that takes `capacity` values and gives them back', async () => {
  for (let round = 0; round < 6; round++) {
    const { queue, all } = stations(64, 1, 1, 1_000_000);
    await using crew = new Crew(WORKER, all);
    await crew.go();
    await Promise.all(crew.workers.map((worker) => worker.terminate()));
    while (queue.tryPop() !== QUEUE_EMPTY);
    expect(queue.size).toBe(0);
    for (let i = 0; i < queue.capacity; i++) expect(queue.tryPush(i)).toBe(QUEUE_PUSHED);
    expect(queue.tryPush(0)).toBe(QUEUE_FULL);
    for (let i = 0; i < queue.capacity; i++) expect(queue.tryPop()).toBe(i);
  }
});
