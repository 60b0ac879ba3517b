// Several real workers allocate and free under the same tags.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Arena } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import { MemoryReader, MemoryTracker, type MemoryTrackerHandle } from '../src/index.ts';
import { LARGE, SMALL, type ChurnData } from './worker/churn.ts';

const ROUNDS = 20_000;
const WORKERS = 3;

function start(
  handle: MemoryTrackerHandle,
  go: Int32Array,
  rounds: number,
  mode: Partial<ChurnData> = {},
): Worker {
  return new Worker(new URL('./worker/churn.ts', import.meta.url), {
    workerData: { handle, go, rounds, isEndless: false, ...mode } satisfies ChurnData,
    execArgv: ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'],
  });
}

function release(go: Int32Array): void {
  Atomics.store(go, 0, 1);
  Atomics.notify(go, 0);
}

function create(): { tracker: MemoryTracker; go: Int32Array } {
  const tracker = MemoryTracker.create(Arena.create({ bytes: 1 << 18 }), { tags: 4, workers: WORKERS + 1 });
  return { tracker, go: new Int32Array(new SharedArrayBuffer(8)) };
}

test('figures are exact, whoever allocated and freed', async () => {
  const { tracker, go } = create();
  const workers = Array.from({ length: WORKERS }, () => start(tracker.handle, go, ROUNDS));
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const exits = Promise.all(workers.map((worker) => once(worker, 'exit'))).then(() => true);
  const reader = MemoryReader.attach(tracker.handle);
  release(go);
  let lastPeak = 0;
  while (!(await Promise.race([exits, Promise.resolve(false)]))) {
    const [large] = reader.read().tags;
    expect(large!.peakBytes).toBeGreaterThanOrEqual(Math.max(lastPeak, large!.currentBytes));
    lastPeak = large!.peakBytes;
    await new Promise((resolve) => setImmediate(resolve));
  }

  const { tags, totals } = tracker.read();
  const all = WORKERS * ROUNDS;
  expect(tags).toMatchObject([
    {
      tag: 'large',
      currentBytes: all * LARGE,
      live: 0,
      allocatedBytes: all * 2 * LARGE,
      freedBytes: all * LARGE,
      allocations: all,
      deallocations: all,
      byWorker: Array.from({ length: WORKERS }, (_, i) => ({
        worker: i + 1,
        netBytes: ROUNDS * LARGE,
        peakBytes: (ROUNDS + 1) * LARGE,
      })),
    },
    { tag: 'small', currentBytes: 0, allocatedBytes: all * SMALL, freedBytes: all * SMALL, live: 0 },
  ]);
  // All but the last of each worker's rounds add LARGE, and at least one worker holds one more at some time.
  expect(tags[0]!.peakBytes).toBeGreaterThan(all * LARGE);
  expect(tags[0]!.peakBytes).toBeLessThanOrEqual((all + WORKERS) * LARGE);
  expect(tags[1]!.peakBytes).toBeGreaterThanOrEqual(SMALL);
  expect(tags[1]!.peakBytes).toBeLessThanOrEqual(WORKERS * SMALL);
  expect(totals.currentBytes).toBe(all * LARGE);
});

test('threads that free the same bytes are granted as many as there are, and no more', async () => {
  const { tracker, go } = create();
  const bytes = 20_000;
  tracker.alloc('shared', bytes);
  const workers = [1, 2].map(() => start(tracker.handle, go, bytes, { isDraining: true }));
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const granted = Promise.all(workers.map((worker) => once(worker, 'message') as Promise<[number]>));
  release(go);
  expect((await granted).reduce((sum, [each]) => sum + each, 0)).toBe(bytes);
  expect(tracker.currentBytes('shared')).toBe(0);
  expect(tracker.read().tags[0]).toMatchObject({ allocations: 1, deallocations: bytes, freedBytes: bytes });
});

test('a thread that is terminated leaves its figures, and a successor goes on in its worker', async () => {
  const { tracker, go } = create();
  const worker = start(tracker.handle, go, 0, { isEndless: true });
  const deadThreadId = worker.threadId;
  const [index] = (await once(worker, 'message')) as [number];
  release(go);
  while (Atomics.load(go, 1) < 500) await new Promise((resolve) => setImmediate(resolve));
  await worker.terminate();
  const rounds = Atomics.load(go, 1);
  const left = tracker.currentBytes('large');
  // It may have died anywhere in a round.
  expect([rounds * LARGE, (rounds + 2) * LARGE, (rounds + 1) * LARGE]).toContain(left);
  expect(tracker.reclaimThread(deadThreadId)).toBe(1);
  expect(tracker.reclaim(index)).toBe(false);

  const successor = start(tracker.handle, go, 200);
  const exit = once(successor, 'exit');
  expect((await once(successor, 'message'))[0]).toBe(index);
  await exit;
  expect(tracker.currentBytes('large')).toBe(left + 200 * LARGE);
  expect(tracker.workers()[index]).toMatchObject({ claimed: false, claims: 2 });
});
